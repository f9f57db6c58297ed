// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/headrace/headrace/episode"
	capture "github.com/headrace/headrace/internal/capture/jules"
	"github.com/headrace/headrace/internal/capture/lax"
)

// jules asks for the sessions of one user of Google Jules and what happened in them: GET /v1alpha/sessions, and of those
// that changed /v1alpha/sessions/ID/activities.
type jules struct{ since int64 }

func julesServer() server {
	return server{title: "Jules", address: "https://jules.googleapis.com",
		key:  "it takes an API key, which a user of Jules makes in its settings",
		sign: func(r *http.Request, key string) { r.Header.Set("X-Goog-Api-Key", key) }}
}

// julesPosition is where a pass over the sessions is. They come in no order that is documented: a pass reads the list from
// end to end. An episode that is told twice is the same.
type julesPosition struct {
	Since  time.Time `json:"since"`           // what changed before was read by the passes before
	Began  time.Time `json:"began"`           // what changed after this pass began, it may have missed
	Newest time.Time `json:"newest"`          // the last change that this pass has seen
	Token  string    `json:"token,omitempty"` // names the next page; empty at the beginning of a pass
	// Waited are sessions of which a plan was seen to wait for a person, the latest last. Nothing else tells later that its
	// approval was one.
	Waited []string `json:"waited,omitempty"`
}

const (
	maxWaited = 2000
	// overlap makes up for clocks, and for a change between two pages of a pass.
	overlap = 10 * time.Minute
)

func (a *jules) start(position string, now time.Time) string {
	var p julesPosition
	if json.Unmarshal([]byte(position), &p) != nil || p.Since.IsZero() {
		from := a.since
		if from == 0 {
			from = dayOf(now) - firstLook
		}
		p = julesPosition{Since: time.Unix(max(from, dayOf(now)-maxBack)*86400, 0).UTC()}
	}
	if p.Token == "" {
		p.Began, p.Newest = now.UTC(), p.Since
	}
	return p.String()
}

func (p *julesPosition) String() string {
	b, _ := json.Marshal(p) // of times, and strings that were read from JSON
	return string(b)
}

func (a *jules) fetch(ctx context.Context, c *client, at string, _ time.Time, _ *Teams) (Page, error) {
	var p julesPosition
	if err := json.Unmarshal([]byte(at), &p); err != nil {
		return Page{}, err // our own word
	}
	q := url.Values{"pageSize": {"50"}}
	if p.Token != "" {
		q.Set("pageToken", p.Token)
	}
	var list struct {
		Sessions lax.List[capture.Session] `json:"sessions"`
		Next     lax.String                `json:"nextPageToken"`
	}
	_, err := c.getJSON(ctx, "/v1alpha/sessions", q, &list)
	if errors.Is(err, &episode.Problem{Code: "poll/answer"}) && p.Token != "" {
		p.Token = "" // the server does not know its own word any more: the pass begins again
		return Page{Next: p.String()}, nil
	}
	if err != nil {
		return Page{}, err
	}
	var page Page
	for i := range list.Sessions.V {
		s := &list.Sessions.V[i]
		changed := s.Updated.Time
		if changed.IsZero() {
			changed = s.Created.Time
		}
		if changed.Before(p.Since.Add(-overlap)) && !changed.IsZero() {
			continue
		}
		key := s.Key()
		if key == "" {
			page.SetAside++
			continue
		}
		if s.WaitsForApproval() && !slices.Contains(p.Waited, key) {
			p.Waited = append(p.Waited, key)
			p.Waited = p.Waited[max(0, len(p.Waited)-maxWaited):]
		}
		episodes, err := a.session(ctx, c, s, slices.Contains(p.Waited, key))
		if errors.Is(err, &episode.Problem{Code: "poll/not-found"}) || errors.Is(err, &episode.Problem{Code: "poll/answer"}) {
			page.SetAside++ // it was deleted meanwhile, or is not like the others: the rest goes on
			continue
		}
		if err != nil {
			return Page{}, err
		}
		page.Episodes = append(page.Episodes, episodes...)
		if changed.After(p.Newest) {
			p.Newest = changed
		}
	}
	if next := string(list.Next); next == "" || next == p.Token {
		page.Last = true
		p.Token = ""
		if p.Since = p.Newest; p.Began.Before(p.Since) {
			p.Since = p.Began
		}
	} else {
		p.Token = next
	}
	page.Next = p.String()
	return page, nil
}

// session asks for the activities of a session.
func (a *jules) session(ctx context.Context, c *client, s *capture.Session, waited bool) ([]*episode.Episode, error) {
	var all []capture.Activity
	err := c.pages(func(token string) (string, error) {
		q := url.Values{"pageSize": {"50"}}
		if token != "" {
			q.Set("pageToken", token)
		}
		var r struct {
			Activities lax.List[capture.Activity] `json:"activities"`
			Next       lax.String                 `json:"nextPageToken"`
		}
		if _, err := c.getJSON(ctx, "/v1alpha/sessions/"+s.Key()+"/activities", q, &r); err != nil {
			return "", err
		}
		if all = append(all, r.Activities.V...); len(all) > maxActivities {
			return "", c.unexpected("a session has more than %d activities", maxActivities)
		}
		return string(r.Next), nil
	})
	if err != nil {
		return nil, err
	}
	return capture.Episodes(s, all, waited), nil
}

// maxActivities of a session: a long one has some hundreds.
const maxActivities = 50000
