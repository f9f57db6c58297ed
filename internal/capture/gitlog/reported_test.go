// SPDX-License-Identifier: Apache-2.0

package gitlog

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
)

// mill is a repository whose branch "feature" lowers gates, in commits on which reports come in.
type mill struct {
	*repo
	s       Suggestion
	base    string // of the branch
	only    bool   // only the default branch is known
	reports []Report
}

// newMill has a branch with a suggestion in its second commit.
func newMill(t *testing.T) (m *mill, first, second string) {
	m = &mill{repo: newRepo(t)}
	m.write("gate.go", gate)
	m.base = m.commit("begin")
	m.git("checkout", "-q", "-b", "feature")
	m.write("wheel.go", "package gate\n\n// Wheel turns.\ntype Wheel struct{ angle int }\n")
	first = m.commit("a wheel")
	m.s = m.suggest("gate.go", "", lower)
	m.write("gate.go", gate+lower)
	second = m.commit("lower gates")
	return m, first, second
}

// says adds a report, a minute after the one before.
func (m *mill) says(r Report) {
	m.later(time.Minute)
	r.Repositories, r.At = []string{"code.example.com/mill"}, m.at
	m.reports = append(m.reports, r)
}

func (m *mill) request(kind ReportKind, commit string) Report {
	return Report{Kind: kind, Request: 7, Commit: commit, Base: m.base, Main: true}
}

func (m *mill) review(by string, said Said, commit string) {
	r := m.request(ReportReview, commit)
	r.By, r.Said = by, said
	m.says(r)
}

func (m *mill) check(name string, said Said, commit string) {
	m.says(Report{Kind: ReportCheck, Check: name, Said: said, Commit: commit, Test: strings.Contains(name, "test")})
}

func (m *mill) merged(head, merge string) {
	r := m.request(ReportMerge, head)
	r.Merge = merge
	m.says(r)
}

// told is what is told of the suggestion by now, but for what git alone tells.
func (m *mill) told() string {
	m.t.Helper()
	repo, err := Open(m.t.Context(), m.dir)
	if err != nil {
		m.t.Fatal(err)
	}
	h := &History{Now: m.at.Unix(), Main: m.git("rev-parse", "main")}
	on := map[string]bool{}
	for _, id := range strings.Fields(m.git("rev-list", "main")) {
		on[id] = true
	}
	p := NewPrinter([]byte("key"))
	if err := repo.Scan(m.t.Context(), time.Time{}, func(id string) bool { return m.only && !on[id] }, func(c *Commit) error {
		h.Changes = append(h.Changes, p.Change(c))
		return nil
	}); err != nil {
		m.t.Fatal(err)
	}
	list := []Suggestion{m.s}
	lines := Follow(h, list)
	var notices []Notice
	for i := range m.reports {
		notices = append(notices, p.Notice(&m.reports[i]))
	}
	var out [2]string
	var all [2]*episode.Episode
	for i := range all {
		all[i] = Became("e", list, lines)
		NewReports(h, notices).Add(all[i], list, lines)
		for _, o := range all[i].Outcomes {
			if o.Kind != episode.OutcomeCommitted && o.Kind != episode.OutcomeKept {
				out[i] += fmt.Sprintf("%s=%.2f ", o.Kind, o.Value)
			}
		}
		rand.Shuffle(len(notices), func(a, b int) { notices[a], notices[b] = notices[b], notices[a] })
	}
	if diff := cmp.Diff(all[0], all[1]); diff != "" {
		m.t.Errorf("it hangs on the order in which reports came: %s", diff)
	}
	return strings.TrimSpace(out[0])
}

func (m *mill) want(want string) {
	m.t.Helper()
	if got := m.told(); got != want {
		m.t.Errorf("%q, want %q", got, want)
	}
}

func TestAReviewIsAPersonsLastWordOnWhatItSaw(t *testing.T) {
	m, first, second := newMill(t)
	m.says(m.request(ReportRequest, first))
	m.review("bo", Approved, first)
	m.want("") // the suggestion came after it
	bot := m.request(ReportReview, second)
	bot.By, bot.Said, bot.Bot = "lint", Objected, true
	m.says(bot)
	own := m.request(ReportReview, second)
	own.By, own.Said, own.Own = "ada", Approved, true
	m.says(own)
	m.want("")
	m.review("bo", Approved, second)
	m.want("reviewed=1.00")
	m.review("cy", Objected, second)
	m.want("reviewed=0.00")
	m.review("cy", Withdrawn, second)
	m.want("reviewed=1.00")
	m.review("bo", Withdrawn, "")
	m.want("")
	m.write("gate.go", gate+lower+"\n// the end\n")
	third := m.commit("a word at the end")
	m.review("cy", Approved, third)
	m.want("reviewed=1.00")
}

func TestARequestIsKnownHoweverItWasMerged(t *testing.T) {
	for _, known := range []string{"the branch is known", "only the default branch is"} {
		for name, merge := range map[string]func(*mill){
			"merge":  func(m *mill) { m.git("merge", "-q", "--no-ff", "--no-edit", "feature") },
			"squash": func(m *mill) { m.git("merge", "-q", "--squash", "feature"); m.git("commit", "-q", "-m", "gates (#7)") },
			"rebase": func(m *mill) {
				m.git("checkout", "-q", "feature")
				m.git("rebase", "-q", "main")
				m.write("late.go", "package gate\n")
				m.commit("and a file")
				m.git("checkout", "-q", "main")
				m.git("merge", "-q", "--ff-only", "feature")
			},
		} {
			t.Run(name+", "+known, func(t *testing.T) {
				m, _, second := newMill(t)
				m.only = known != "the branch is known"
				m.git("checkout", "-q", "main")
				m.write("race.go", "package gate\n\n// Race leads the water.\ntype Race struct{ width int }\n")
				before := m.commit("a race")
				m.review("bo", Approved, second)
				m.later(time.Hour)
				merge(m)
				after := m.git("rev-parse", "main")
				m.merged(second, after)
				if name == "rebase" || m.only && name == "merge" {
					m.says(Report{Kind: ReportPush, Commit: after, Base: before, Main: true})
				}
				m.check("build", Passed, after)
				m.want("merged=1.00 reviewed=1.00 build=1.00")
				m.reports = m.reports[len(m.reports)-1:]
				m.reports[0].Commit = before // what was there already
				m.want("merged=1.00")
			})
		}
	}
}

func TestAForgeKnowsOfAMergeBeforeTheCloneDoes(t *testing.T) {
	m, first, second := newMill(t)
	m.says(m.request(ReportRequest, second))
	m.want("")
	other := m.request(ReportMerge, second)
	other.Main, other.Merge = false, second
	m.says(other)
	m.want("") // into another branch
	m.merged(first, "")
	m.want("") // without the suggestion
	m.merged(second, strings.Repeat("c", 40))
	m.want("merged=1.00")
	m.git("checkout", "-q", "main")
	m.write("gate.go", gate+strings.Replace(lower, "\trecordLowering(g, notches)\n", "", 1))
	m.commit("gates (#7)")
	m.later(Horizon * time.Second)
	if got := m.told(); !strings.HasPrefix(got, "merged=0.94") { // git has the last word, once it knows
		t.Error(got)
	}
}

func TestACommentIsOnTheSuggestionWhoseLinesItIsOn(t *testing.T) {
	m, _, second := newMill(t)
	m.write("gate.go", strings.Replace(gate, "import", "// The gate is of oak.\n\nimport", 1)+strings.Replace(lower, "recordLowering(g, notches)", "recordLowering(g, notches) // for the miller", 1))
	third := m.commit("of oak")
	at := strings.Count(gate, "\n")
	comment := func(commit string, from, to int) {
		r := m.request(ReportComment, commit)
		r.Path, r.From, r.To, r.By = "gate.go", from, to, "bo"
		m.says(r)
	}
	comment(second, at-2, at) // before it
	comment(third, at+2, at+2)
	r := m.request(ReportComment, second)
	r.Path, r.From, r.To, r.Bot = "gate.go", at+3, at+3, true
	m.says(r)
	r.Bot, r.Path = false, "wheel.go"
	m.says(r)
	m.want("")
	comment(third, at+10, at+10) // this line is by somebody else now
	m.want("")
	keep := m.reports
	comment(third, at+4, at+5)
	m.want("reviewed=0.00")
	m.reports = keep
	comment(second, at+3, at+3)
	m.review("bo", Approved, third)
	m.want("reviewed=0.00")
}

func TestTheFirstCommitThatWasCheckedSpeaks(t *testing.T) {
	m, first, second := newMill(t)
	m.check("build", Failed, first) // without the suggestion
	m.want("")
	m.check("build", Passed, second)
	m.want("build=1.00")
	m.check("lint", Failed, second)
	m.want("build=0.00")
	m.check("lint", Passed, second) // it was run again
	m.check("vet", Failed, second)
	m.write("gate.go", gate+lower+"\n// Gates are lowered.\n")
	third := m.commit("repaired")
	m.check("vet", Passed, third)
	m.check("test a", Passed, third)
	m.want("build=0.00 tests=1.00")
	m.check("test b", Failed, third)
	m.want("build=0.00 tests=0.50")
	m.says(Report{Kind: ReportTests, Commit: third, Suites: []Suite{{Name: "gate", Tests: 10, Failed: 2, Skipped: 2}, {Name: "wheel", Tests: 2, Skipped: 2}}})
	m.want("build=0.00 tests=0.75")
	m.says(Report{Kind: ReportTests, Commit: third, Suites: []Suite{{Name: "gate", Tests: 10}}})
	m.want("build=0.00 tests=1.00")
	m.says(Report{Kind: ReportTests, Commit: second, Suites: []Suite{{Name: "gate", Tests: 4, Failed: 3}}})
	m.want("build=0.00 tests=0.25")
}

func TestAWholeRunCountsWhereItsPartsAreNotKnown(t *testing.T) {
	m, _, second := newMill(t)
	run := func(said Said, group, name string, whole bool) {
		m.says(Report{Kind: ReportCheck, Commit: second, Check: name, Said: said, Group: group, Whole: whole, Test: strings.Contains(name, "test")})
	}
	run(Failed, "1", "pipeline", true)
	m.want("build=0.00")
	run(Passed, "1", "compile", false)
	run(Failed, "1", "test", false)
	m.want("build=1.00 tests=0.00")
	m.reports = nil
	run(Failed, "2", "run tests", true)
	m.want("tests=0.00")
	m.reports = nil
	run(Passed, "2", "run tests", true)
	m.want("build=1.00 tests=1.00")
	m.reports = nil
	// A commit that was made for the check alone stands for the newest of the request.
	m.says(m.request(ReportRequest, second))
	m.says(Report{Kind: ReportCheck, Request: 7, Commit: strings.Repeat("d", 40), Check: "compile", Said: Passed})
	m.want("build=1.00")
}

func TestAReportHasNoTextOnceItIsPrinted(t *testing.T) {
	p := NewPrinter([]byte("key"))
	r := Report{Kind: ReportComment, Repositories: []string{"code.example.com/mill"}, Request: 7, By: "bo", Path: "secret/gate.go", Check: "build secret", Group: "secret", Suites: []Suite{{Name: "secret"}}}
	n := p.Notice(&r)
	if text := fmt.Sprintf("%+v", n); strings.Contains(text, "secret") || strings.Contains(text, "bo ") || n.File == 0 || n.By == 0 || n.Request == 0 || n.Suites[0].Name == 0 {
		t.Error(text)
	}
	r.Repositories = []string{"code.example.com/fork"}
	if p.Notice(&r).Request == n.Request {
		t.Error("the seventh request of two repositories is one")
	}
}

// FuzzReports: whatever is reported, it says things that can be, and the same things in whichever order it came.
func FuzzReports(f *testing.F) {
	id := func(n int) string { return fmt.Sprintf("%040x", n+1) }
	p := NewPrinter([]byte("key"))
	h := &History{Main: id(5), Now: 1e6}
	text := strings.Split(strings.TrimRight(lower, "\n"), "\n")
	for n, parents := range [][]int{{}, {0}, {1}, {2}, {1, 3}, {4}, {9}} { // 4 merges 2 and 3; of 6 the parent is not known
		c := &Commit{ID: id(n), Written: time.Unix(int64(n)*1000, 0), Made: time.Unix(int64(n)*1000, 0)}
		for _, p := range parents {
			c.Parents = append(c.Parents, id(p))
		}
		if n == 2 || n == 4 {
			c.Files = []File{{New: "gate.go", Hunks: []Hunk{{New: 1, Added: text}}}}
		}
		if n == 3 {
			c.Files = []File{{Old: "gate.go", New: "gate.go", Hunks: []Hunk{{Old: 2, Removed: 2, New: 2, Added: []string{"one"}}, {Old: 6, Removed: 1, New: 6}}}}
		}
		h.Changes = append(h.Changes, p.Change(c))
	}
	s := p.Suggestion("gate.go", "", lower)
	s.ID, s.At = "s", 1500
	list := []Suggestion{s}
	lines := Follow(h, list)
	kinds := []ReportKind{ReportRequest, ReportMerge, ReportReview, ReportComment, ReportCheck, ReportPush, ReportTests}
	said := []Said{"", Approved, Objected, Withdrawn, Passed, Failed}
	// Eight bytes make a report.
	f.Add([]byte("\x00\x02\x01\x00\x01\x00\x00\x00\x02\x02\x01\x01\x01\x01\x00\x00\x04\x02\x05\x05\x00\x03\x01\x00"))
	f.Add([]byte("\x01\x03\x00\x00\x81\x00\x04\x01\x05\x04\x01\x00\x01\x00\x00\x00\x03\x03\x00\x01\x02\x05\x02\x00\x06\x02\x00\x00\x00\x01\x02\x03"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var notices []Notice
		for ; len(b) >= 8 && len(notices) < 64; b = b[8:] {
			r := Report{Kind: kinds[int(b[0])%len(kinds)], Repositories: []string{"mill"}, Commit: id(int(b[1] % 8)), Base: id(int(b[2] % 8)), Said: said[int(b[3])%len(said)],
				Request: int64(b[4] % 3), Main: b[4]&128 != 0, Bot: b[4]&64 != 0, Own: b[4]&32 != 0, Whole: b[4]&16 != 0, Test: b[4]&8 != 0,
				By: string(rune('a' + b[5]%3)), Check: string(rune('a' + b[5]%4)), Group: string(rune('a' + b[5]%2)), Path: "gate.go", From: int(b[5]) - 1, To: int(b[6]) - 1, Merge: id(int(b[6] % 8)),
				At: time.Unix(int64(b[7])*100, 0)}
			if r.Kind == ReportTests {
				r.Suites = []Suite{{Name: r.By, Tests: int(b[5]), Failed: int(b[6]), Skipped: int(b[3])}}
			}
			notices = append(notices, p.Notice(&r))
		}
		tell := func() *episode.Episode {
			ep := Became("e", list, lines)
			NewReports(h, notices).Add(ep, list, lines)
			return ep
		}
		ep := tell()
		seen := map[string]bool{}
		for _, o := range ep.Outcomes {
			if key := string(o.Kind) + o.Window; seen[key] || !(o.Value >= 0 && o.Value <= 1) || o.ObservedAt.IsZero() {
				t.Errorf("%+v", o)
			} else {
				seen[key] = true
			}
		}
		for range 3 {
			rand.Shuffle(len(notices), func(a, b int) { notices[a], notices[b] = notices[b], notices[a] })
			if diff := cmp.Diff(ep, tell()); diff != "" {
				t.Errorf("it hangs on the order: %s", diff)
			}
		}
	})
}
