// SPDX-License-Identifier: Apache-2.0

// Package parts makes one episode of what several sources tell of it: the tool's own history, a proxy before it, the gateway behind it, its
// telemetry, its hooks, git.
//
// A history has the whole trajectory and the code; a proxy sees who decided; telemetry, too, and what it cost; a hook comes first. Each
// says some of what the others say. [Parts] keeps what each kind of source told apart from the others, so that a source
// that tells more later replaces only its own word, and [Parts.Episode] works out the one episode anew. The result
// depends neither on the order in which the kinds came nor on how often they did.
//
// Which parts belong together is told by [Keys]: ids of the tool's own that its sources share, such as the id of a tool
// call. Nothing here looks at text to guess.
package parts

import (
	"bytes"
	"slices"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/claudecode"
	"github.com/headrace/headrace/internal/capture/copilotchat"
	"github.com/headrace/headrace/internal/capture/gateway"
	"github.com/headrace/headrace/internal/capture/hook"
	"github.com/headrace/headrace/internal/capture/otlp"
)

// Kind is a kind of source.
type Kind int

// The kinds of source, best first: where two differ on a thing that is not decided by who knows it better, the first wins.
const (
	History Kind = iota // a history file, a tool's maker: the whole of it
	Proxy               // what passed between an editor and an agent: nearly the whole, and who decided
	Gateway             // what passed between a tool and its models: the whole of it, and nothing of who decided
	Events              // telemetry, event by event
	Hooks               // the tool's hooks, event by event
	Git                 // what became of it in git, all that is known by now
	kinds
)

// lines are the kinds in the order of their lines in the stored form: one that is added goes last.
func lines() [kinds]Kind { return [...]Kind{History, Proxy, Events, Hooks, Git, Gateway} }

// Parts is one episode as each kind of source tells of it. The zero Parts tells nothing.
type Parts [kinds]*episode.Episode

// Of is the parts of an episode of which one source tells.
func Of(k Kind, e *episode.Episode) Parts {
	var p Parts
	p[k] = e
	return p
}

// Add adds what a source of that kind tells. It may keep e.
func (p *Parts) Add(k Kind, e *episode.Episode) {
	switch {
	case p[k] == nil:
		p[k] = e
	case k == Git:
		p[k] = followed(p[k], e)
	case k == History, k == Proxy:
		p[k].Merge(e)
	case k == Gateway:
		gateway.Merge(p[k], e)
	case k == Hooks:
		hook.Merge(p[k], e)
	default:
		otlp.Merge(p[k], e)
	}
}

// Join adds all that q tells of the same episode.
func (p *Parts) Join(q Parts) {
	for k, e := range q {
		if e != nil {
			p.Add(Kind(k), e)
		}
	}
}

// Single reports whether only one kind of source tells of the episode.
func (p *Parts) Single() bool {
	n := 0
	for _, e := range p {
		if e != nil {
			n++
		}
	}
	return n <= 1
}

// Episode is the one episode that the parts make. It may share memory with the parts; where there are several, it shares
// none that it changes.
func (p *Parts) Episode() *episode.Episode {
	var e *episode.Episode
	for k, part := range p {
		switch {
		case part == nil:
		case e == nil:
			if Kind(k) == Events {
				part = otlp.Named(part)
			}
			if e = part; !p.Single() {
				e = part.Clone()
			}
		case Kind(k) == Git:
			became(e, part)
		case Kind(k) == Events:
			overlay(e, otlp.Named(part))
		default:
			overlay(e, part)
		}
	}
	return e
}

// followed is what git tells now, with the texts that it told before: once they are gone from the vault's other parts, they
// cannot be told again.
func followed(before, now *episode.Episode) *episode.Episode {
	for i := range now.Decisions {
		d := &now.Decisions[i]
		for _, b := range before.Decisions {
			if b.Suggestion == d.Suggestion && d.Final == "" && sameDistance(b, *d) {
				d.Final = b.Final
			}
		}
	}
	return now
}

func sameDistance(a, b episode.Decision) bool {
	return a.EditDistance != nil && b.EditDistance != nil && *a.EditDistance == *b.EditDistance
}

// became adds to e what git tells. That what was accepted was edited before it was committed makes it modified, by whom it
// was accepted.
func became(e, git *episode.Episode) {
	decisions := git.Decisions
	later := *git
	later.Decisions = nil
	overlay(e, &later)
	for _, d := range decisions {
		told := false
		for i := range e.Decisions {
			h := &e.Decisions[i]
			if h.Suggestion != d.Suggestion {
				continue
			}
			told = true
			if h.Verdict == episode.Accepted || h.Verdict == episode.Modified && h.Final == "" {
				h.Verdict = episode.Modified
				if h.Final = d.Final; h.EditDistance == nil || d.Final != "" {
					h.EditDistance, h.FinalAt = d.EditDistance, d.FinalAt
				}
			}
		}
		if !told {
			e.Decisions = append(e.Decisions, d)
		}
	}
}

// overlay adds to e what a worse source tells: what e does not have, and who decided where e does not know.
func overlay(e, other *episode.Episode) {
	unproven := e.Local != nil && e.Local.Unauthenticated || other.Local != nil && other.Local.Unauthenticated
	have := e.Clone()
	merged := other.Clone() // merging the better over the worse gives each field of the better that it has
	merged.ID, merged.SchemaVersion = have.ID, have.SchemaVersion
	steps, decisions := have.Steps, slices.Clone(merged.Decisions)
	if len(steps) == 0 {
		steps = merged.Steps
	} else {
		for i := range merged.Suggestions { // its steps are gone
			merged.Suggestions[i].Step = -1
		}
	}
	merged.Steps = nil
	have.Steps = nil
	merged.Merge(have)
	merged.Steps, merged.Unknown = steps, have.Unknown
	merged.Suggestions = inOrder(merged.Suggestions, have.Suggestions)
	merged.Decisions = episode.MergeDecisions(have.Decisions, decisions, better)
	if unproven {
		if merged.Local == nil {
			merged.Local = &episode.Local{}
		}
		merged.Local.Unauthenticated = true
	}
	*e = *merged
}

// inOrder puts the suggestions that first names first, in its order.
func inOrder(all, first []episode.Suggestion) []episode.Suggestion {
	sorted := make([]episode.Suggestion, 0, len(all))
	for _, f := range first {
		if i := slices.IndexFunc(all, func(s episode.Suggestion) bool { return s.ID == f.ID }); i >= 0 {
			sorted = append(sorted, all[i])
		}
	}
	for _, s := range all {
		if !slices.ContainsFunc(first, func(f episode.Suggestion) bool { return f.ID == s.ID }) {
			sorted = append(sorted, s)
		}
	}
	return sorted
}

// better is the decision of the source that knows who decided; of two that know alike, the first. What one of them saw
// accepted and the other modified is modified, by whom it was accepted where only that is known: as with what git tells.
func better(first, second episode.Decision) episode.Decision {
	a, b := first, second
	switch secondKnows := knows(second) > knows(first); {
	case first.Verdict == episode.Modified && second.Verdict == episode.Accepted:
		if secondKnows {
			a.By = second.By
		}
	case second.Verdict == episode.Modified && first.Verdict == episode.Accepted:
		if a, b = second, first; knows(first) > knows(second) {
			a.By = first.By
		}
	case secondKnows:
		a, b = second, first
	}
	if a.Verdict == b.Verdict {
		if a.Reason == "" {
			a.Reason = b.Reason
		}
		if a.Final == "" && (b.Final != "" || a.EditDistance == nil) {
			a.Final, a.EditDistance, a.FinalAt = b.Final, b.EditDistance, b.FinalAt
		}
	}
	if a.At.IsZero() {
		a.At = b.At
	}
	if a.DecisionID == "" { // which model to ask was decided before anybody decided on what it said
		a.DecisionID, a.Release, a.Actions, a.Chosen, a.Explore, a.Shown = b.DecisionID, b.Release, b.Actions, b.Chosen, b.Explore, b.Shown
	}
	return a
}

// knows is how much a decision says: one of a route of which nothing is known yet says least.
func knows(d episode.Decision) int {
	if d.DecisionID != "" && d.Verdict == episode.TimedOut && d.By == episode.ByUnknown {
		return -1
	}
	return known(d.By)
}

// known is how much is known of who decided.
func known(by episode.By) int {
	switch by {
	case episode.ByPerson:
		return 2
	case episode.ByRule, episode.ByHook, episode.ByModel:
		return 1
	}
	return 0
}

// Append appends the wire form of the parts: a line for each kind of source, empty where it tells nothing, and none after
// the last that does. An episode of which only its history tells has the form of an episode.
func (p *Parts) Append(dst []byte) (_ []byte, err error) {
	gap := 0
	for i, k := range lines() {
		e := p[k]
		if i > 0 {
			gap++
		}
		if e == nil {
			continue
		}
		for ; gap > 0; gap-- {
			dst = append(dst, '\n')
		}
		if dst, err = episode.Append(dst, e); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

// Decode reads what Append wrote.
func Decode(b []byte) (p Parts, err error) {
	for _, k := range lines() {
		line, rest, _ := bytes.Cut(b, []byte{'\n'})
		if len(line) > 0 {
			if p[k], err = episode.Decode(line); err != nil {
				return Parts{}, err
			}
		}
		b = rest
	}
	return p, nil
}

// Keys are the ids by which parts of the episode are known as parts of one: ids of tool calls within their session, and
// what else its source has of the tool's own ids.
func Keys(k Kind, e *episode.Episode) []string {
	var keys []string
	for i := range e.Steps {
		for _, c := range e.Steps[i].ToolCalls {
			keys = appendKey(keys, e.Session, c.ID)
		}
	}
	for _, id := range capture.MarkedPrompts(e) {
		keys = append(keys, e.Session+"\x00prompt\x00"+id)
	}
	for _, o := range others(k, e) {
		if o.kind == "call" {
			keys = appendKey(keys, o.session, o.id)
		} else {
			keys = append(keys, o.session+"\x00"+o.kind+"\x00"+o.id)
		}
	}
	return keys
}

// madeUp reports whether an id is one that a reader of ours has made where the tool gave none: it is of one prompt only, and
// another prompt may have the same.
func madeUp(id string) bool {
	for _, prefix := range [...]string{"hook-", "ev-", "at-"} {
		if strings.HasPrefix(id, prefix) {
			return true
		}
	}
	number, ok := strings.CutPrefix(id, "call-")
	return ok && strings.Trim(number, "0123456789-'") == ""
}

func appendKey(keys []string, session, id string) []string {
	if session == "" || id == "" || madeUp(id) {
		return keys
	}
	return append(keys, session+"\x00"+id)
}

// Episodes are the ids that the tool's own history gives to the episode that e tells of, where e names the message or the
// request that the history names it by.
func Episodes(k Kind, e *episode.Episode) (ids []string) {
	for _, o := range others(k, e) {
		switch {
		case o.kind == "message" && o.tool == claudecode.Name:
			ids = append(ids, episode.NewID(claudecode.Name, o.id))
		case o.kind == "request" && o.tool == "copilot":
			ids = append(ids, episode.NewID(copilotchat.Name, o.id))
		}
	}
	return ids
}

// other is an id that telemetry or a hook tells.
type other struct{ tool, session, kind, id string }

func others(k Kind, e *episode.Episode) (all []other) {
	var keys []string
	switch k {
	case Events:
		keys = otlp.Keys(e)
	case Hooks:
		keys = hook.Keys(e)
	}
	for _, key := range keys {
		f := strings.SplitN(key, "\x00", 3)
		if len(f) != 3 {
			continue
		}
		kind, id, _ := strings.Cut(f[2], ":")
		all = append(all, other{f[0], f[1], kind, id})
	}
	return all
}
