// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/headrace/headrace/episode"
)

const (
	// BaselineRelease names the logging policy in every decision.
	BaselineRelease = "baseline"

	days     = 28
	timedOut = 0.01 // share of shown suggestions that nobody saw to the end: they have no reward
	modified = 0.15 // share of the taken ones that were changed at once
	ignored  = 0.6  // share of the ones not taken that were passed over, not rejected
)

// event is one decision with all that is known of it: the same for Episodes and Late.
type event struct {
	n          int
	draw       draw
	good       bool
	shown      bool
	verdict    episode.Verdict
	by         episode.By
	at         time.Time
	kept       bool // ten minutes later
	merged     bool
	reverted   bool // within 30 days
	mergedIn   time.Duration
	propensity float64
	files      uint16 // planted instruction files in force, a bit for each
	fate       *fate  // nil where Config.Delays is not set, or it was not taken
}

func (ev *event) taken() bool {
	return ev.verdict == episode.Accepted || ev.verdict == episode.Modified
}

// Episodes streams the episodes of a contributor as its tools recorded them, developer after developer, each day by
// day, until emit returns an error. An outcome that took longer than a day is not in them: see Late.
func (w *World) Episodes(contributor string, emit func(*episode.Episode) error) error {
	c, err := w.index(contributor)
	if err != nil {
		return err
	}
	words, vocabulary := w.writer(w.source(c)), newVocabulary(nil)
	for i := range w.developers[c] {
		d := &w.developers[c][i]
		err := w.events(c, i, func(ev *event, rng *rand.Rand) error {
			e := w.episode(c, d, ev)
			s := &e.Suggestions[0]
			s.Features = make(map[string]any, 8)
			vocabulary.features(&ev.draw, s.Features)
			e.Outcomes = ev.early(e.Outcomes)
			words.write(e, s, d, int(ev.draw.language), int(lineCounts[ev.draw.lines].(float64)), rng)
			again := rng.Float64() < w.enterprises[c].twice
			if err := emit(e); err != nil || !again {
				return err
			}
			copied := *e
			copied.ID = episode.NewID(e.Tool.Name, e.ID+"#again") // a client that tried twice
			return emit(&copied)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Late streams what became of a contributor's accepted suggestions days later: a second version of each episode, under
// the same id, that holds the new outcomes and nothing else but whose it is.
func (w *World) Late(contributor string, emit func(*episode.Episode) error) error {
	c, err := w.index(contributor)
	if err != nil {
		return err
	}
	for i := range w.developers[c] {
		d := &w.developers[c][i]
		err := w.events(c, i, func(ev *event, _ *rand.Rand) error {
			if !ev.taken() {
				return nil
			}
			e := w.episode(c, d, ev)
			e.Suggestions, e.Decisions, e.Languages, e.Artifacts = nil, nil, nil, nil
			if e.Outcomes = ev.late(nil); len(e.Outcomes) == 0 {
				return nil
			}
			return emit(e)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// isEarly reports whether an outcome was known within a day.
func (ev *event) isEarly(o episode.Outcome) bool { return o.ObservedAt.Sub(ev.at) <= 24*time.Hour }

// early appends what was known within a day of the decision.
func (ev *event) early(to []episode.Outcome) []episode.Outcome {
	switch {
	case !ev.taken():
		return to
	case ev.fate != nil:
		return slices.DeleteFunc(ev.fate.outcomes(ev, to), func(o episode.Outcome) bool { return !ev.isEarly(o) })
	}
	return append(to, episode.Outcome{Suggestion: "s1", Kind: episode.OutcomeKept, Value: float64(index(ev.kept)), ObservedAt: ev.at.Add(10 * time.Minute), Window: "10m"})
}

// late appends what became known more than a day after the decision.
func (ev *event) late(to []episode.Outcome) []episode.Outcome {
	if ev.fate != nil {
		return slices.DeleteFunc(ev.fate.outcomes(ev, to), ev.isEarly)
	}
	return append(to,
		episode.Outcome{Suggestion: "s1", Kind: episode.OutcomeMerged, Value: float64(index(ev.merged)), ObservedAt: ev.at.Add(ev.mergedIn), Window: "10d"},
		episode.Outcome{Suggestion: "s1", Kind: episode.OutcomeReverted, Value: float64(index(ev.reverted)), ObservedAt: ev.at.Add(30 * 24 * time.Hour), Window: "30d"})
}

// Settled streams a contributor's episodes as they are known at a moment, or at the end of all where it is zero: early and
// late outcomes together, but only those observed by then, without text, and none twice. It is what a snapshot holds.
func (w *World) Settled(contributor string, until time.Time, emit func(*episode.Episode) error) error {
	c, err := w.index(contributor)
	if err != nil {
		return err
	}
	vocabulary := newVocabulary(nil)
	for i := range w.developers[c] {
		d := &w.developers[c][i]
		err := w.events(c, i, func(ev *event, _ *rand.Rand) error {
			if !until.IsZero() && ev.at.After(until) {
				return nil
			}
			e := w.episode(c, d, ev)
			e.Suggestions[0].Features = make(map[string]any, 8)
			vocabulary.features(&ev.draw, e.Suggestions[0].Features)
			if e.Outcomes = ev.early(e.Outcomes); ev.taken() {
				e.Outcomes = append(e.Outcomes, ev.late(nil)...)
			}
			if !until.IsZero() {
				e.Outcomes = slices.DeleteFunc(e.Outcomes, func(o episode.Outcome) bool { return o.ObservedAt.After(until) })
			}
			return emit(e)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// source is whose records a contributor sends: its own, or its victim's.
func (w *World) source(c int) int {
	if e := &w.enterprises[c]; e.role == copycat {
		return e.of
	}
	return c
}

// events draws what one developer did. The text is drawn from a stream of its own, so that what is recorded of a
// decision does not depend on how it is written down.
func (w *World) events(c, i int, do func(*event, *rand.Rand) error) error {
	role := w.enterprises[c].role
	c = w.source(c)
	d, e := &w.developers[c][i], &w.enterprises[c]
	stream := uint64(c)<<32 | uint64(i)<<2
	facts := rand.New(rand.NewPCG(uint64(w.cfg.Seed), stream|2))
	text := rand.New(rand.NewPCG(uint64(w.cfg.Seed), stream|3))
	if w.cfg.Period > 0 {
		facts = rand.New(rand.NewPCG(uint64(w.cfg.Seed), stream|2|uint64(w.cfg.Period)<<56))
	}
	later := rand.New(rand.NewPCG(uint64(w.cfg.Seed), stream|uint64(w.cfg.Period+1)<<56))
	start := time.Date(2026, 9, 7, 8, 0, 0, 0, time.UTC).AddDate(0, 0, w.cfg.Period*days)
	for n := range d.decisions {
		ev := event{n: n, draw: e.draw(facts), good: facts.Float64() < goodText}
		day, season := n*days/d.decisions, 0.0
		if w.cfg.Seasons {
			day, season = seasonal(day, w.cfg.Period, later)
		}
		ev.at = start.AddDate(0, 0, day).Add(time.Duration(facts.Int64N(int64(9 * time.Hour)))).Truncate(time.Millisecond)
		ev.propensity = ev.draw.propensity(ev.good)
		ev.shown = facts.Float64() < ev.propensity
		p := e.accept(w.strength*ev.draw.signal(), d.intercept+season, ev.good, logistic)
		verdict, which, chance := facts.Float64(), facts.Float64(), facts.Float64()
		switch {
		case !ev.shown:
			ev.verdict, ev.by = episode.Ignored, episode.ByRule
		case facts.Float64() < timedOut:
			ev.verdict, ev.by = episode.TimedOut, episode.ByUnknown
		case verdict < p && which < modified:
			ev.verdict, ev.by = episode.Modified, episode.ByPerson
		case verdict < p:
			ev.verdict, ev.by = episode.Accepted, episode.ByPerson
		case which < ignored:
			ev.verdict, ev.by = episode.Ignored, episode.ByUnknown
		default:
			ev.verdict, ev.by = episode.Rejected, episode.ByPerson
		}
		if role == flips && ev.shown && ev.verdict != episode.TimedOut {
			if ev.taken() {
				ev.verdict, ev.by = episode.Rejected, episode.ByPerson
			} else {
				ev.verdict, ev.by = episode.Accepted, episode.ByPerson
			}
		}
		// Whether it lasts depends on the text more than on whether it was taken.
		lasts := 0.55 + 0.35*float64(index(ev.good))
		if w.rules != nil {
			ev.files = w.inForce(c, d, &ev, day)
			lasts = w.rules.lasts(lasts, d, &ev)
		}
		ev.kept, ev.merged, ev.reverted = chance < lasts, chance < 0.9*lasts, chance > 0.6+0.4*lasts
		ev.mergedIn = 24*time.Hour + time.Duration(which*float64(9*24*time.Hour))
		if w.cfg.Delays && ev.taken() {
			ev.fate = new(fate)
			ev.fate.draw(&ev, lasts, later)
		}
		if err := do(&ev, text); err != nil {
			return err
		}
	}
	return nil
}

// seasonal moves most of what falls on a weekend to the Friday before or the Monday after, and returns how much likelier a
// suggestion is taken on that day, in logits. Day 0 is a Monday.
func seasonal(day, period int, rng *rand.Rand) (moved int, shift float64) {
	if weekday := day % 7; weekday >= 5 && rng.Float64() < 0.9 {
		if day += 4 - weekday; weekday == 6 && day+3 < days {
			day += 3
		}
	}
	const weekly, monthly = 0.1, 0.3
	return day, weekly*(float64(min(day%7, 4))-2) + monthly*(float64(day+period*days)/days-0.5)
}

// episode is the record of one event but for its text and features.
func (w *World) episode(c int, d *developer, ev *event) *episode.Episode {
	native := d.email + "#" + strconv.Itoa(ev.n) + "#" + strconv.FormatInt(w.cfg.Seed, 10)
	if w.cfg.Period > 0 {
		native += "#" + strconv.Itoa(w.cfg.Period)
	}
	shown, chosen, hide := ev.shown, "show", math.Round(1e6*(1-ev.propensity))/1e6
	if !shown {
		chosen = "hide"
	}
	e := &episode.Episode{
		SchemaVersion: episode.SchemaVersion,
		ID:            episode.NewID("demo", native),
		StartedAt:     ev.at,
		EndedAt:       ev.at.Add(4 * time.Second),
		Tool:          episode.Tool{Name: "demo", Version: "1.0", Surface: episode.SurfaceCompletion},
		Model:         episode.Model{Provider: "demo", Name: "demo-complete-1"},
		Developer:     d.email,
		Session:       d.user + "/" + ev.at.Format(time.DateOnly),
		Repository:    w.enterprises[c].name + "/" + repositories[ev.draw.language],
		Languages:     []string{languages[ev.draw.language]},
		Suggestions: []episode.Suggestion{{ID: "s1", Step: -1, Kind: episode.KindCompletion, Language: languages[ev.draw.language],
			Policy: BaselineRelease, Propensity: ev.propensity}},
		Decisions: []episode.Decision{{Suggestion: "s1", Verdict: ev.verdict, By: ev.by, At: ev.at.Add(2 * time.Second),
			DecisionID: "d_" + episode.NewID("decision", native)[3:], Release: BaselineRelease, Chosen: chosen, Explore: true, Shown: &shown,
			Actions: []episode.Action{{ID: "show", Propensity: ev.propensity}, {ID: "hide", Propensity: hide}}}},
		Origin: &episode.Origin{Provider: "demo", ContractClass: "business", License: "proprietary"},
	}
	for i := range w.RuleFiles() {
		if ev.files>>i&1 != 0 {
			e.Artifacts = append(e.Artifacts, w.rules.artifacts[i])
		}
	}
	if s := &e.Suggestions[0]; shown {
		s.ShownAt, s.DwellMS = ev.at, 400+int64(ev.draw.chars)*350
	} else {
		s.Propensity = hide
	}
	if ev.fate != nil {
		e.Decisions[0].EditDistance = &ev.fate.distance
	}
	return e
}

// Planted lists every string in the episodes that must never leave: developers' addresses and
// home folders, and the secrets in the code. It does not depend on how many episodes there are.
func (w *World) Planted() []string {
	var all []string
	for c := range w.developers {
		for i := range w.developers[c] {
			all = append(all, w.developers[c][i].email, "/home/"+w.developers[c][i].user)
		}
		for _, s := range w.writer(c).secrets {
			all = append(all, s.value)
		}
	}
	return all
}
