// SPDX-License-Identifier: Apache-2.0

package gitlog

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/headrace/headrace/episode"
)

// Reports is what forges and test runs say of the suggestions whose lines are in a history's commits.
//
// What is said of a branch is said of the commits that it has and the default branch has not. A review counts where a person gave it
// who did not make the request. The first commit that was checked with a suggestion in it speaks for it: later ones have what
// was repaired since, and nothing is merged before they are green.
type Reports struct {
	spans    *spans
	notices  []Notice
	requests map[uint64]*request
	of       map[string][]*request // by the commits of the branches that were requested
	landed   map[string][]*request // by the commits as which they came into the default branch
	checks   map[string][]*checked // by the commits that a checked commit is about
	comments map[written]int64     // when somebody said something about a line
}

// request is a pull request.
type request struct {
	heads   []head // in the order of time
	reviews []Notice
	merge   *Notice
}

// head is the newest commit of a request at a time.
type head struct {
	commit string
	at     int64
}

// NewReports makes of notices what they say. Their order does not matter.
func NewReports(h *History, notices []Notice) *Reports {
	r := &Reports{requests: map[uint64]*request{}, of: map[string][]*request{}, landed: map[string][]*request{}, checks: map[string][]*checked{}, comments: map[written]int64{}}
	if len(notices) == 0 {
		return r
	}
	r.spans, r.notices = newSpans(h), slices.Clone(notices)
	slices.SortStableFunc(r.notices, order)
	r.learn()
	for _, id := range slices.Sorted(maps.Keys(r.requests)) {
		req := r.requests[id]
		seen := map[string]bool{}
		for _, head := range req.heads {
			for c := range r.spans.of(head.commit) {
				if !seen[c] {
					seen[c], r.of[c] = true, append(r.of[c], req)
				}
			}
		}
		if req.merge != nil {
			for _, c := range r.spans.landing(req.merge.Merge) {
				r.landed[c] = append(r.landed[c], req)
			}
		}
	}
	r.comment()
	r.check()
	return r
}

// order puts notices in the order of time, and those of the same second in one that does not hang on how they came.
func order(a, b Notice) int {
	bit := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	bits := func(n *Notice) int {
		return bit(n.Main) | bit(n.Bot)<<1 | bit(n.Own)<<2 | bit(n.Whole)<<3 | bit(n.Test)<<4
	}
	return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Request, b.Request), cmp.Compare(a.Commit, b.Commit), cmp.Compare(a.Base, b.Base),
		cmp.Compare(a.Merge, b.Merge), cmp.Compare(a.By, b.By), cmp.Compare(a.Said, b.Said), cmp.Compare(a.Check, b.Check), cmp.Compare(a.Group, b.Group), cmp.Compare(bits(&a), bits(&b)),
		slices.CompareFunc(a.Suites, b.Suites, func(a, b Tally) int {
			return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Tests, b.Tests), cmp.Compare(a.Failed, b.Failed), cmp.Compare(a.Skipped, b.Skipped))
		}))
}

// learn notes what requests there are, and where branches begin.
func (r *Reports) learn() {
	for i := range r.notices {
		n := &r.notices[i]
		if n.Kind == ReportPush && n.Main && n.Commit != "" && n.Base != "" {
			r.spans.pushed[n.Commit] = n.Base
		}
		if n.Request == 0 {
			continue
		}
		req := r.requests[n.Request]
		if req == nil {
			req = &request{}
			r.requests[n.Request] = req
		}
		if n.Commit != "" && n.Kind != ReportCheck { // what is checked may be a commit made for that alone
			if !slices.ContainsFunc(req.heads, func(h head) bool { return h.commit == n.Commit }) {
				req.heads = append(req.heads, head{n.Commit, n.At})
			}
			if n.Base != "" {
				r.spans.bases[n.Commit] = n.Base
			}
		}
		switch n.Kind {
		case ReportReview:
			req.reviews = append(req.reviews, *n)
		case ReportMerge:
			if n.Main {
				req.merge = n
			}
		}
	}
}

// commit is the commit that a notice is about: if that is not known, the newest of its request then.
func (r *Reports) commit(n *Notice) string {
	if r.spans.has(n.Commit) {
		return n.Commit
	}
	id := ""
	if req := r.requests[n.Request]; req != nil {
		for _, h := range req.heads {
			if id == "" || h.at <= n.At {
				id = h.commit
			}
		}
	}
	return id
}

// comment finds the lines that people commented on, where they were written.
func (r *Reports) comment() {
	for i := range r.notices {
		n := &r.notices[i]
		if n.Kind != ReportComment || n.Bot || n.Own || n.File == 0 {
			continue
		}
		for line := max(n.From, n.To-maxCommented); line <= n.To; line++ {
			if w, ok := r.spans.blame(n.Commit, n.File, line); ok {
				r.comments[w] = max(r.comments[w], n.At)
			}
		}
	}
}

// maxCommented is how many lines a comment may be on; of more, the last count.
const maxCommented = 200

// Add adds to what [Became] tells of an episode what was reported.
func (r *Reports) Add(ep *episode.Episode, list []Suggestion, lines [][]Line) {
	if len(r.notices) == 0 {
		return
	}
	for i := range list {
		s, ls := &list[i], lines[i]
		add := func(kind episode.OutcomeKind, value float64, at int64) {
			ep.Outcomes = append(ep.Outcomes, episode.Outcome{Suggestion: s.ID, Kind: kind, Value: value, ObservedAt: time.Unix(max(at, s.At), 0).UTC()})
		}
		first, landed := home(ls)
		if value, at, ok := r.reviewed(ls, first, landed); ok {
			add(episode.OutcomeReviewed, value, at)
		}
		if value, at, ok := r.merged(s, ls); ok {
			// Git tells of the default branch as it is known here: where the forge knows more, its word takes the place of git's.
			ep.Outcomes = slices.DeleteFunc(ep.Outcomes, func(o episode.Outcome) bool {
				return o.Suggestion == s.ID && o.Kind == episode.OutcomeMerged
			})
			add(episode.OutcomeMerged, value, at)
		}
		if value, at, ok := r.result(first, landed, (*checked).build); ok {
			add(episode.OutcomeBuild, value, at)
		}
		if value, at, ok := r.result(first, landed, (*checked).tests); ok {
			add(episode.OutcomeTests, value, at)
		}
	}
}

// home is the commits that most words of a suggestion came in with: first into any branch, then into the default one.
func home(lines []Line) (first, landed string) {
	most := func(of func(*Line) *Place) (id string) {
		words := map[string]int{}
		for i := range lines {
			p := of(&lines[i])
			words[p.Commit] += p.Own
		}
		delete(words, "")
		for _, c := range slices.Sorted(maps.Keys(words)) {
			if id == "" || words[c] > words[id] {
				id = c
			}
		}
		return id
	}
	return most(func(l *Line) *Place { return &l.First }), most(func(l *Line) *Place { return &l.Landed })
}

// reviewed is 0 where a person commented on a line of the suggestion, or asks for changes of the request that it is in, and 1
// where one approves that and nobody objects. A comment stays one when its thread is closed.
func (r *Reports) reviewed(lines []Line, first, landed string) (value float64, at int64, ok bool) {
	for i := range lines {
		for _, p := range [...]*Place{&lines[i].First, &lines[i].Landed} {
			for n := p.From; p.Commit != "" && n <= p.To; n++ {
				if when, said := r.comments[written{p.Commit, p.File, n}]; said {
					at, ok = max(at, when), true
				}
			}
		}
	}
	if ok {
		return 0, at, true
	}
	requests, branch := r.of[first], true
	if len(requests) == 0 {
		requests, branch = r.landed[landed], false // nobody has told of the branch itself
	}
	for _, req := range requests {
		said := map[uint64]*Notice{}
		for i := range req.reviews {
			n := &req.reviews[i]
			if n.Bot || n.Own || branch && !r.spans.of(r.commit(n))[first] && n.Said != Withdrawn {
				continue // it is of before the suggestion was there
			}
			said[n.By] = n
		}
		for _, by := range slices.Sorted(maps.Keys(said)) {
			switch n := said[by]; {
			case n.Said == Objected && (!ok || value == 1):
				value, at, ok = 0, n.At, true
			case n.Said == Objected:
				at = max(at, n.At)
			case n.Said == Approved && (!ok || value == 1):
				value, at, ok = 1, max(at, n.At), true
			}
		}
	}
	return value, at, ok
}

// merged is the share of a suggestion's words in the default branch, where forges say that branches were merged of which git
// does not tell that yet.
func (r *Reports) merged(s *Suggestion, lines []Line) (value float64, at int64, ok bool) {
	var words, there int
	for i := range lines {
		l := &lines[i]
		words += len(s.Added[i])
		if l.Merged != Unknown {
			there += l.Landed.Own
			at = max(at, l.Landed.Made)
			continue
		}
		for _, req := range r.of[l.First.Commit] {
			if req.merge != nil && r.spans.of(req.merge.Commit)[l.First.Commit] {
				there += l.First.Own
				at, ok = max(at, req.merge.At), true
				break
			}
		}
	}
	return float64(there) / float64(max(words, 1)), at, ok
}
