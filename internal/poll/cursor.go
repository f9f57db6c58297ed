// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/headrace/headrace/internal/capture/lax"
)

// cursor asks Cursor's Analytics API what became of the agent's edits and of Tab's suggestions, and its AI Code Tracking API
// how much of what was committed is from either. Without teams it asks for the team's own totals, which name nobody.
type cursor struct{ daily }

func cursorServer() server {
	return server{title: "Cursor", address: "https://api.cursor.com",
		key:  "it takes an API key of an Enterprise team with the scope admin:*, which a team admin makes in the Cursor dashboard under API Keys",
		sign: func(r *http.Request, key string) { r.SetBasicAuth(key, "") }}
}

// cursorDay is a row of any of the reports by day.
type cursorDay struct {
	Date  lax.String `json:"date"`
	Event lax.String `json:"event_date"`

	Diffs         lax.Number `json:"total_suggested_diffs"`
	AcceptedDiffs lax.Number `json:"total_accepted_diffs"`
	RejectedDiffs lax.Number `json:"total_rejected_diffs"`
	Green         lax.Number `json:"total_green_lines_accepted"`
	Red           lax.Number `json:"total_red_lines_accepted"`

	Suggestions lax.Number `json:"total_suggestions"`
	Accepts     lax.Number `json:"total_accepts"`
	Rejects     lax.Number `json:"total_rejects"`

	Active lax.Number `json:"dau"`
}

// agentEdits are the counts of a row of agent-edits.
func (d *cursorDay) agentEdits() map[string]float64 {
	return map[string]float64{"suggested": count(d.Diffs), "accepted": count(d.AcceptedDiffs), "rejected": count(d.RejectedDiffs),
		"lines_added": count(d.Green), "lines_removed": count(d.Red)}
}

// tabs are the counts of a row of tabs. A suggestion that was not taken is what Cursor calls rejected: mostly it was ignored.
func (d *cursorDay) tabs() map[string]float64 {
	return map[string]float64{"completions_suggested": count(d.Suggestions), "completions_accepted": count(d.Accepts), "completions_ignored": count(d.Rejects)}
}

// cursorReport are the three reports, and what their rows count.
func cursorReport(name string) func(*cursorDay) map[string]float64 {
	switch name {
	case "agent-edits":
		return (*cursorDay).agentEdits
	case "tabs":
		return (*cursorDay).tabs
	}
	return func(*cursorDay) map[string]float64 { return nil } // dau tells only how many there are
}

// cursorSpan is what is told of some days.
type cursorSpan struct {
	*Tally
	from, to int64
	aside    int
}

func (s *cursorSpan) row(d *cursorDay, user string, counts map[string]float64) {
	day, ok := firstDay(d.Event, d.Date)
	if !ok || day < s.from || day > s.to {
		s.aside++
		return
	}
	if user != "" {
		s.Person(day, "cursor", user, counts)
	} else {
		s.all(day, "cursor", d.Active.Int(), counts)
	}
}

func (a *cursor) fetch(ctx context.Context, c *client, at string, now time.Time, teams *Teams) (Page, error) {
	from, to, last := a.span(at, now)
	page := a.page(from, to, last)
	if to < from {
		return page, nil
	}
	s := &cursorSpan{Tally: NewTally(teams), from: from, to: to}
	reports := []string{"agent-edits", "tabs", "dau"}
	ask := s.team
	if teams != nil {
		reports, ask = reports[:2], s.byUser
	}
	for _, name := range reports {
		if err := ask(ctx, c, name); err != nil {
			return Page{}, err
		}
	}
	if err := s.commits(ctx, c); err != nil {
		return Page{}, err
	}
	page.Figures, page.SetAside = s.Figures(), s.aside
	return page, nil
}

// days are the parameters that name the days to the reports by day: both included.
func (s *cursorSpan) days() url.Values {
	return url.Values{"startDate": {formatDay(s.from)}, "endDate": {formatDay(s.to)}}
}

// team asks for a report of the whole team.
func (s *cursorSpan) team(ctx context.Context, c *client, name string) error {
	var r struct {
		Data lax.List[cursorDay] `json:"data"`
	}
	if ok, err := c.getJSON(ctx, "/analytics/team/"+name, s.days(), &r); err != nil || !ok {
		return err
	}
	if !r.Data.OK {
		return c.unexpected("its report %s has no data", name)
	}
	counts := cursorReport(name)
	for i := range r.Data.V {
		s.row(&r.Data.V[i], "", counts(&r.Data.V[i]))
	}
	return nil
}

// byUser asks for a report by user, page by page.
func (s *cursorSpan) byUser(ctx context.Context, c *client, name string) error {
	counts := cursorReport(name)
	return c.pages(func(token string) (string, error) {
		q := s.days()
		q.Set("pageSize", "500")
		q.Set("page", numbered(token))
		var r struct {
			Data       lax.Object[map[string]lax.List[cursorDay]] `json:"data"`
			Pagination lax.Object[struct {
				Next lax.Bool `json:"hasNextPage"`
			}] `json:"pagination"`
		}
		if ok, err := c.getJSON(ctx, "/analytics/by-user/"+name, q, &r); err != nil || !ok {
			return "", err
		}
		if !r.Data.OK {
			return "", c.unexpected("its report %s has no data", name)
		}
		for user, days := range r.Data.V {
			for i := range days.V {
				s.row(&days.V[i], user, counts(&days.V[i]))
			}
		}
		if !r.Pagination.V.Next {
			return "", nil
		}
		return following(token), nil
	})
}

// cursorCommit is a row of ai-code/commits.
type cursorCommit struct {
	Email    lax.String `json:"userEmail"`
	At       lax.String `json:"commitTs"`
	Taken    lax.String `json:"createdAt"`
	Lines    lax.Number `json:"totalLinesAdded"`
	Tab      lax.Number `json:"tabLinesAdded"`
	Composer lax.Number `json:"composerLinesAdded"`
}

// commits asks how much of what was committed is the tool's. Its days are moments: the last one ends where the next begins.
func (s *cursorSpan) commits(ctx context.Context, c *client) error {
	const size = 1000
	read := 0
	return c.pages(func(token string) (string, error) {
		q := url.Values{"startDate": {formatDay(s.from) + "T00:00:00Z"}, "endDate": {formatDay(s.to+1) + "T00:00:00Z"}, "page": {numbered(token)}, "pageSize": {strconv.Itoa(size)}}
		var r struct {
			Items lax.List[cursorCommit] `json:"items"`
			Total lax.Number             `json:"totalCount"`
		}
		if ok, err := c.getJSON(ctx, "/analytics/ai-code/commits", q, &r); err != nil || !ok {
			return "", err
		}
		if !r.Items.OK {
			return "", c.unexpected("its list of commits has no items")
		}
		for i := range r.Items.V {
			s.commit(&r.Items.V[i])
		}
		read += len(r.Items.V)
		if len(r.Items.V) == 0 || int64(read) >= r.Total.Int() {
			return "", nil
		}
		return following(token), nil
	})
}

func (s *cursorSpan) commit(r *cursorCommit) {
	day, ok := firstDay(r.At, r.Taken)
	if !ok {
		s.aside++
		return
	}
	if day < s.from || day > s.to {
		return // of a day that this page is not about
	}
	s.Person(day, "cursor", string(r.Email), map[string]float64{"commits": 1, "committed_lines": count(r.Lines), "committed_ai_lines": count(r.Tab) + count(r.Composer)})
}

// numbered is the number of a page that following named.
func numbered(token string) string {
	if token == "" {
		return "1"
	}
	return token
}

// following is the number of the page after that.
func following(token string) string {
	n, _ := strconv.Atoi(numbered(token)) // our own words
	return strconv.Itoa(n + 1)
}
