// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/access"
)

// Release is what came through a gate, who gets it when, and how it fares.
type Release struct {
	ID       string
	MadeAt   time.Time
	Gate     string // id of its report
	Kind     string // "filter", "route", "instructions"
	Lever    string // what it moves: "show/hide", …
	Digest   string
	Snapshot string // what it was learned from
	Reward   string // spec
	Replaces string
	Signer   string // key id
	State    string // "active", "superseded", "retired", "rolled back"
	InUse    bool   // by this machine's edge
	Channels []Channel
	Hub      string // whose, where the edge knows several hubs
	// Rule says by which rule of the edge's policy it was taken, or why it was not; empty at a hub.
	Rule string
	// Asks says that a person must approve it before it decides anything here.
	Asks bool
	// Would is what it would choose here, where a person is asked; nil where that is not known.
	Would *Would
	// Steps are how its share of developers changed, oldest first; none: it reaches whom its channels say.
	Steps []Step
	// Looks are what watching it found, oldest first.
	Looks []Look
	// Held says why it goes no further for now; empty where nothing holds it.
	Held string
	// RolledBack says why it was taken back; nil where it was not.
	RolledBack *RolledBack
	// Returned is how many contributors' edges have taken it back by themselves; 0 at an edge.
	Returned int
}

// Would is what a release would have chosen in decisions that were logged, beside what was. Choices is empty where fewer than
// [FewDevelopers] are behind them.
type Would struct {
	Decisions, Developers int
	Choices               []ActionShare
}

// Channel says who gets a release from when on.
type Channel struct {
	Name string // "canary", "early", "stable"
	Who  string
	From time.Time
}

// Step is a change of the share of developers that a release reaches.
type Step struct {
	At    time.Time
	Share float64 // from then on; 0: taken back
	Why   string  // one sentence
}

// Look is what was found when a release was compared with what it replaces.
type Look struct {
	At    time.Time
	Share float64 // of developers whom it reached then
	// Difference is V(new) − V(old), reward per decision. Its bounds hold at all looks together; Developers and Decisions are
	// those of the side that has fewer.
	Difference Estimate
	Crossed    string // the guardrail that it surely broke, or empty
}

// RolledBack is why a release was taken back.
type RolledBack struct {
	At     time.Time
	Why    string // one sentence
	Served int    // decisions it had made by then
	By     string // who did: "the edge", "the hub", or empty
}

// Share is how many developers the release reaches now.
func (r *Release) Share() float64 {
	if r.RolledBack != nil || len(r.Steps) == 0 {
		return 0
	}
	return r.Steps[len(r.Steps)-1].Share
}

// Standing says what the edge does with releases for now, whatever hubs offer.
type Standing struct {
	Stopped bool   // no release is in force: the tools work as if Headrace were not there
	Pinned  string // the release that stays in force, or empty
	Failed  bool   // its model failed: nothing decides in its place
	By      string // who said so
	At      time.Time
}

// ReleaseController is a source at which a person pins releases, or stops them all.
type ReleaseController interface {
	Standing(ctx context.Context) (Standing, error)
	// Pin keeps a release in force; an empty id lets go again.
	Pin(ctx context.Context, who, id string) error
	// Approve lets a release decide that waits for a person.
	Approve(ctx context.Context, who, id string) error
	// Stop takes all releases out of force at once; with false they may come back.
	Stop(ctx context.Context, who string, stop bool) error
}

type releaseData struct {
	*Release
	Stages  []stageAt
	Watch   *chart
	Last    *Look
	Control *Standing // nil where nobody can say anything
	Report  *Gate     // nil where its report is not here
}

// stageAt is one of the stages of a roll-out, and whether it is reached.
type stageAt struct {
	Share float64
	State string // "reached", "now", "next", "back"
	At    time.Time
}

type releasesData struct {
	List    []Release
	Control *Standing
}

func (s *Site) releasePages(m *access.Mux, p Published) {
	c, controlled := s.cfg.Edge.(ReleaseController)
	standing := func(ctx context.Context) (*Standing, error) {
		if !controlled {
			return nil, nil
		}
		st, err := c.Standing(ctx)
		return &st, err
	}
	m.Handle("GET /releases", s.page("releases", func(r *http.Request) (view, error) {
		l, err := p.Releases(r.Context())
		if err != nil {
			return view{}, err
		}
		st, err := standing(r.Context())
		return view{Title: "Releases", Data: releasesData{l, st}}, err
	}))
	m.Handle("GET /releases/{id}", s.page("release", func(r *http.Request) (view, error) {
		rel, err := p.Release(r.Context(), r.PathValue("id"))
		if err != nil {
			return view{}, err
		}
		if s.cfg.Hub != nil && s.cfg.Edge != nil { // the hub tells of it, and this edge what it does with it
			if here, err := s.cfg.Edge.Release(r.Context(), rel.ID); err == nil {
				rel.InUse, rel.Rule, rel.Asks, rel.Would = here.InUse, here.Rule, here.Asks, here.Would
			}
		}
		d := releaseData{Release: rel, Stages: stagesOf(rel), Watch: watchChart(rel)}
		if n := len(rel.Looks); n > 0 {
			d.Last = &rel.Looks[n-1]
		}
		if d.Control, err = standing(r.Context()); err != nil {
			return view{}, err
		}
		if who, _ := access.Of(r.Context()); s.mux.May(who, "/gates") {
			d.Report, _ = p.Gate(r.Context(), rel.Gate) // an edge may not have it
		}
		return view{Title: "Release " + short(rel.ID), Data: d}, nil
	}))
	if !controlled {
		return
	}
	m.Handle("POST /releases", s.act(func(r *http.Request) (string, error) {
		if err := r.ParseForm(); err != nil {
			return "", badForm(err)
		}
		ctx, id := r.Context(), r.PostForm.Get("release")
		switch r.PostForm.Get("choice") {
		case "pin":
			if id != "" {
				return to("releases", id), c.Pin(ctx, who(r), id)
			}
		case "approve":
			if id != "" {
				return to("releases", id), c.Approve(ctx, who(r), id)
			}
		case "unpin":
			return "/releases", c.Pin(ctx, who(r), "")
		case "stop":
			return "/releases", c.Stop(ctx, who(r), true)
		case "start":
			return "/releases", c.Stop(ctx, who(r), false)
		}
		return "", &episode.Problem{Code: "page/choice", Message: "releases can be pinned, let go, stopped and started", Hint: "open the page again and use its buttons"}
	}))
}

// shares are the stages of a roll-out.
func shares() []float64 { return []float64{0.01, 0.05, 0.25, 1} }

// stagesOf says where on its way a release is; none for one without a roll-out.
func stagesOf(r *Release) (out []stageAt) {
	if len(r.Steps) == 0 {
		return nil
	}
	for _, share := range shares() {
		st := stageAt{Share: share, State: "next"}
		for _, step := range r.Steps {
			if step.Share >= share && st.At.IsZero() {
				st.At, st.State = step.At, "reached"
			}
		}
		out = append(out, st)
	}
	last := -1
	for i := range out {
		if out[i].State == "reached" {
			last = i
		}
	}
	if last >= 0 && r.RolledBack != nil {
		out[last].State = "back"
	} else if last >= 0 && out[last].Share < 1 {
		out[last].State = "now"
	}
	return out
}

// watchChart draws what watching found, with the stages as marks.
func watchChart(r *Release) *chart {
	c := chartOf{ID: "watch", Title: "Difference in reward per decision over time, new release less what it replaces", Height: 190, Zero: true, Say: signed, At: xDay, Ticks: 4,
		Note: "Reward per decision, the release less what it replaces. The band holds at all looks together: of 100 roll-outs it leaves out the truth in at most 5, however often anybody looks. A band wholly below the line at 0 takes the release back."}
	for _, l := range r.Looks {
		c.Points = append(c.Points, charted{X: xOf(l.At), E: l.Difference})
	}
	for _, st := range r.Steps {
		label := share(st.Share)
		if st.Share == 0 {
			label = "back"
		}
		c.Marks = append(c.Marks, mark{X: xOf(st.At), Label: label})
	}
	return newChart(c)
}

func xOf(t time.Time) float64 { return float64(t.Unix()) }

func xDay(x float64) string { return time.Unix(int64(x), 0).UTC().Format("2 Jan") }

// fares says in one sentence what watching has found so far.
func fares(l *Look) string {
	if l == nil || !l.Difference.Shown() {
		return "Too little has been seen to say how it fares."
	}
	e := l.Difference
	d := digits(e)
	between := fmt.Sprintf("it changes the reward per decision by between %s and %s", signed(e.Lower, d), signed(e.Upper, d))
	switch {
	case l.Crossed != "":
		return "It surely breaks the guardrail " + l.Crossed + ": " + between + "."
	case e.Upper < 0:
		return "It is surely worse than what it replaces: " + between + "."
	case e.Lower > 0:
		return "It is surely better than what it replaces: " + between + "."
	}
	return "Not yet told apart from what it replaces: " + between + "."
}
