// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/headrace/headrace/internal/capture/lax"
)

// copilot asks for GitHub's usage metrics of Copilot: GET /orgs/{org}/copilot/metrics/reports/…-1-day?day=…, which answers
// with signed links to files of JSON Lines. Without teams the report of the whole organisation is enough, which names
// nobody; with teams it takes the one by user.
type copilot struct {
	daily
	organisation, enterprise string
}

func copilotServer() server {
	return server{title: "GitHub", address: "https://api.github.com",
		key: "it takes a token that may view the organisation's or enterprise's Copilot metrics (read:org; for an enterprise manage_billing:copilot or read:enterprise), " +
			"and the policy “Copilot usage metrics” must be on for the enterprise",
		sign: func(r *http.Request, key string) {
			r.Header.Set("Authorization", "Bearer "+key)
			r.Header.Set("Accept", "application/vnd.github+json")
			r.Header.Set("X-GitHub-Api-Version", "2022-11-28")
		}}
}

// copilotRow is a line of a report: of a user on a day, of all users on a day, or of all users on several.
type copilotRow struct {
	copilotDay
	Days lax.List[copilotDay] `json:"day_totals"`
}

type copilotDay struct {
	Day       lax.String `json:"day"`
	User      lax.String `json:"user_login"`
	Active    lax.Number `json:"daily_active_users"`
	Suggested lax.Number `json:"code_generation_activity_count"`
	Accepted  lax.Number `json:"code_acceptance_activity_count"`
	Added     lax.Number `json:"loc_added_sum"`
	Removed   lax.Number `json:"loc_deleted_sum"`
}

func (a *copilot) path(byUser bool) string {
	of, report := "/orgs/"+url.PathEscape(a.organisation), "organization-1-day"
	if a.enterprise != "" {
		of, report = "/enterprises/"+url.PathEscape(a.enterprise), "enterprise-1-day"
	}
	if byUser {
		report = "users-1-day"
	}
	return of + "/copilot/metrics/reports/" + report
}

func (a *copilot) fetch(ctx context.Context, c *client, at string, now time.Time, teams *Teams) (Page, error) {
	from, to, last := a.span(at, now)
	page := a.page(from, to, last)
	page.Days = nil
	for day := from; day <= to; day++ {
		var links struct {
			Day   lax.String   `json:"report_day"`
			Links []lax.String `json:"download_links"`
		}
		ok, err := c.getJSON(ctx, a.path(teams != nil), url.Values{"day": {formatDay(day)}}, &links)
		if err != nil {
			return Page{}, err
		}
		if !ok || len(links.Links) == 0 {
			continue // no report yet, or none any more: what is known of that day stays
		}
		if of, ok := firstDay(links.Day, lax.String(formatDay(day))); !ok || of != day {
			return Page{}, c.unexpected("asked for the report of %s it gives that of %.20q", formatDay(day), string(links.Day))
		}
		read := map[int]*copilotFile{}
		for i, link := range links.Links {
			begin := func() { read[i] = &copilotFile{Tally: NewTally(teams), day: day} }
			if err := c.lines(ctx, string(link), begin, func(line []byte) { read[i].line(line) }); err != nil {
				return Page{}, err
			}
		}
		t := NewTally(teams)
		for i := range links.Links {
			t.join(read[i].Tally)
			page.SetAside += read[i].aside
		}
		page.Days = append(page.Days, day)
		page.Figures = append(page.Figures, t.Figures()...)
	}
	return page, nil
}

// copilotFile is what one file of a day's report tells.
type copilotFile struct {
	*Tally
	day   int64
	aside int
}

func (f *copilotFile) line(line []byte) {
	var r copilotRow
	if !lax.Decode(line, &r) {
		f.aside++
		return
	}
	days := r.Days.V
	if !r.Days.OK {
		days = []copilotDay{r.copilotDay}
	}
	for i := range days {
		d := &days[i]
		if of, ok := firstDay(d.Day); !ok || of != f.day {
			f.aside++
			continue
		}
		counts := map[string]float64{"suggested": count(d.Suggested), "accepted": count(d.Accepted), "lines_added": count(d.Added), "lines_removed": count(d.Removed)}
		if d.User != "" {
			f.Person(f.day, "copilot", string(d.User), counts)
		} else {
			f.all(f.day, "copilot", d.Active.Int(), counts)
		}
	}
}

// join adds what another tally holds.
func (t *Tally) join(other *Tally) {
	for k, v := range other.at {
		of := t.of(k.day, k.tool, k.team)
		of.add(v.counts)
		of.told = max(of.told, v.told)
		for u := range v.users {
			of.users[u] = true
		}
	}
}
