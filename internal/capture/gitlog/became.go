// SPDX-License-Identifier: Apache-2.0

package gitlog

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/headrace/headrace/episode"
)

var windowNames = [...]string{"1d", "7d", "30d"}

// Episode makes fingerprints of the code that an episode suggests, in the order of its suggestions: of what may have come
// into a file.
func (p *Printer) Episode(ep *episode.Episode) (list []Suggestion) {
	for i := range ep.Suggestions {
		s := &ep.Suggestions[i]
		if !followed(ep, s) {
			continue
		}
		before := s.Before
		if s.Kind == episode.KindCompletion {
			before = "" // what stands before it, and stays
		}
		print := p.Suggestion(s.Path, before, s.After)
		print.ID, print.Session, print.At = s.ID, ep.Session, decidedAt(ep, s).Unix()
		if ep.Links != nil {
			print.Commit = ep.Links.Commit
		}
		list = append(list, print)
	}
	return list
}

// followed reports whether a suggestion is code that may have come into a file.
func followed(ep *episode.Episode, s *episode.Suggestion) bool {
	switch s.Kind {
	case episode.KindEdit, episode.KindFile, episode.KindCompletion:
	default:
		return false
	}
	if s.After == "" || s.Path == "" || ep.Links != nil && ep.Links.AbandonedBranch {
		return false
	}
	decided := false
	for _, d := range ep.Decisions { // what was passed over may be shown again, and taken
		if d.Suggestion == s.ID {
			if decided = true; d.Verdict == episode.Accepted || d.Verdict == episode.Modified {
				return true
			}
		}
	}
	return !decided
}

func decidedAt(ep *episode.Episode, s *episode.Suggestion) time.Time {
	for _, d := range ep.Decisions {
		if d.Suggestion == s.ID && !d.At.IsZero() {
			return d.At
		}
	}
	if !s.ShownAt.IsZero() {
		return s.ShownAt
	}
	if s.Step >= 0 && s.Step < len(ep.Steps) && !ep.Steps[s.Step].At.IsZero() {
		return ep.Steps[s.Step].At
	}
	return ep.StartedAt
}

// Became is what git tells of an episode: outcomes of its suggestions, that they were changed before they were committed,
// and the commit that most of them came in with.
func Became(id string, list []Suggestion, lines [][]Line) *episode.Episode {
	ep := &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: id}
	words := map[string]int{} // by commit
	for i := range list {
		s := &list[i]
		ep.Outcomes = append(ep.Outcomes, Outcomes(s, lines[i])...)
		var at int64
		for _, l := range lines[i] {
			words[l.First.Commit] += l.First.Own
			at = max(at, l.First.Made)
		}
		if apart, told := Distance(s, lines[i]); told && apart > 0 {
			seen := time.Unix(max(at, s.At), 0).UTC()
			ep.Decisions = append(ep.Decisions, episode.Decision{Suggestion: s.ID, Verdict: episode.Modified, By: episode.ByUnknown, EditDistance: &apart, At: seen, FinalAt: seen})
		}
	}
	delete(words, "")
	most := ""
	for _, c := range slices.Sorted(maps.Keys(words)) {
		if words[c] > words[most] {
			most = c
		}
	}
	if most != "" {
		ep.Links = &episode.Links{Commit: most}
	}
	return ep
}

// Outcomes sums up what became of a suggestion's lines. Committed and merged are the share of its words that came in; merged
// is told once it is known of every line that was committed; kept
// is, of the lines that were merged, the share that was still there after the window; reverted and fixed, which are told
// only where there are such lines, the share of the merged lines that a revert removed and that a fix changed or removed.
func Outcomes(s *Suggestion, lines []Line) (out []episode.Outcome) {
	add := func(kind episode.OutcomeKind, window string, at int64, sum, of float64) {
		if of > 0 {
			out = append(out, episode.Outcome{Suggestion: s.ID, Kind: kind, Value: sum / of, ObservedAt: time.Unix(at, 0).UTC(), Window: window})
		}
	}
	var committed, merged, all, came, reverted, fixed float64
	var firstAt, landedAt, revertedAt, fixedAt int64
	var kept, due [len(windows)]float64
	knownCommitted, knownMerged, waiting := false, false, false
	for i := range lines {
		l := &lines[i]
		words := float64(len(s.Added[i]))
		all += words
		if l.Committed != Unknown {
			knownCommitted = true
			committed += float64(l.First.Own)
			firstAt = max(firstAt, l.First.Made)
		}
		if l.Merged == Unknown {
			waiting = waiting || l.Committed != Unknown && l.Committed != Dropped // on a branch still
			continue
		}
		knownMerged = true
		merged += float64(l.Landed.Own)
		landedAt = max(landedAt, l.Landed.Made)
		if l.Merged == Dropped {
			continue
		}
		came++
		for w, f := range l.Kept {
			if f != Unknown {
				due[w]++
				if f != Dropped {
					kept[w]++
				}
			}
		}
		if l.Reverted > 0 {
			reverted, revertedAt = reverted+1, max(revertedAt, l.Reverted)
		}
		if l.Fixed > 0 {
			fixed, fixedAt = fixed+1, max(fixedAt, l.Fixed)
		}
	}
	if knownCommitted {
		add(episode.OutcomeCommitted, "", max(firstAt, s.At), committed, all)
	}
	if knownMerged && !waiting {
		add(episode.OutcomeMerged, "", max(landedAt, s.At), merged, all)
	}
	for w := range windows {
		add(episode.OutcomeKept, windowNames[w], landedAt+windows[w], kept[w], due[w])
	}
	if reverted > 0 {
		add(episode.OutcomeReverted, "", revertedAt, reverted, came)
	}
	if fixed > 0 {
		add(episode.OutcomeFixed, "", fixedAt, fixed, came)
	}
	return out
}

// Distance is how far what was committed is from what was suggested, in words, as a share of the longer: 0 where nothing was
// changed, and told only where some of it was committed.
func Distance(s *Suggestion, lines []Line) (share float64, told bool) {
	var words, now, apart int
	for i := range lines {
		l := &lines[i]
		n := len(s.Added[i])
		words += n
		now += l.First.Own + l.First.New
		apart += max(n-l.First.Own, l.First.New)
	}
	if now == 0 || words == 0 {
		return 0, false
	}
	return min(1, float64(apart)/float64(max(words, now))), true
}

// Finals adds to the decisions that Became made the text that was committed, as [Printer.Final] finds it; ep has the texts that
// were suggested.
func (p *Printer) Finals(became, ep *episode.Episode, list []Suggestion, lines [][]Line, commits map[string]*Commit) {
	for i := range became.Decisions {
		d := &became.Decisions[i]
		k := slices.IndexFunc(list, func(s Suggestion) bool { return s.ID == d.Suggestion })
		at := slices.IndexFunc(ep.Suggestions, func(s episode.Suggestion) bool { return s.ID == d.Suggestion })
		if k >= 0 && at >= 0 && ep.Suggestions[at].Kind != episode.KindCompletion {
			d.Final = p.Final(ep.Suggestions[at].Before, ep.Suggestions[at].After, lines[k], commits)
		}
	}
}

// Final is the text that was committed in the place of after, where the commits that have changed lines of it are at hand;
// else it is empty.
func (p *Printer) Final(before, after string, lines []Line, commits map[string]*Commit) string {
	_, added := differ(p.Lines(before), p.Lines(after))
	if len(added) != len(lines) {
		return ""
	}
	at := map[int]*Line{}
	for k, i := range added {
		at[i] = &lines[k]
	}
	var out strings.Builder
	var last Place // of the line before, in the same hunk
	dropping := false
	n := 0
	for text := range strings.Lines(after) {
		l := at[n]
		n++
		switch {
		case l == nil:
			if dropping && len(p.Line(text)) == 0 {
				continue // it closes what is not there
			}
			out.WriteString(text)
			last = Place{}
		case l.Committed == Dropped || l.Committed == Unknown:
			dropping = true
			continue
		default:
			from := l.First.From
			if last.Commit == l.First.Commit && last.File == l.First.File && last.To < from && from-last.To < 50 {
				from = last.To + 1 // and what was put in between
			}
			inserted, ok := p.textOf(commits[l.First.Commit], l.First.File, from, l.First.To)
			switch {
			case !ok && l.Committed == Changed:
				return ""
			case !ok || l.Committed == Verbatim && from == l.First.From:
				out.WriteString(text)
			default:
				out.WriteString(inserted)
			}
			last = l.First
		}
		dropping = false
	}
	return out.String()
}

// textOf is the lines that a commit adds to a file, from one to another; it has all of them or none.
func (p *Printer) textOf(c *Commit, file uint64, from, to int) (string, bool) {
	if c == nil {
		return "", false
	}
	for i := range c.Files {
		f := &c.Files[i]
		if p.name(f.New) != file {
			continue
		}
		for _, h := range f.Hunks {
			if from >= h.New && to < h.New+len(h.Added) {
				return strings.Join(h.Added[from-h.New:to-h.New+1], "\n") + "\n", true
			}
		}
	}
	return "", false
}
