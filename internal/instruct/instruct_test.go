// SPDX-License-Identifier: Apache-2.0

package instruct

import (
	"errors"
	"flag"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/ope"
	"github.com/headrace/headrace/internal/patch"
)

const added = "--- /dev/null\n+++ b/AGENTS.md\n@@ -0,0 +1 @@\n+Write a test first.\n"

func TestInstructionsAreReadBackAsWritten(t *testing.T) {
	p := New("Tests first", "Code lasted longer where this stood.", Change{Diff: added}, Change{Artifact: "ar_0123456789abcdef", Without: true})
	p.Proposal = "prop_0123456789abcdef"
	b, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatAPersonCouldNotSeeOrApplyIsRefused(t *testing.T) {
	for name, p := range map[string]*Payload{
		"no title":            New("", "", Change{Diff: added}),
		"a title of lines":    New("a\nb", "", Change{Diff: added}),
		"no change":           New("a", ""),
		"an empty change":     New("a", "", Change{}),
		"two in one":          New("a", "", Change{Diff: added, Artifact: "ar_0123456789"}),
		"a diff that goes":    New("a", "", Change{Diff: added, Without: true}),
		"no artifact's id":    New("a", "", Change{Artifact: "sha256:0123"}),
		"a file twice":        New("a", "", Change{Diff: added}, Change{Diff: added}),
		"an artifact twice":   New("a", "", Change{Artifact: "ar_0123456789"}, Change{Artifact: "ar_0123456789", Without: true}),
		"too many":            New("a", "", make([]Change, maxChanges+1)...),
		"out of it":           New("a", "", Change{Diff: strings.ReplaceAll(added, "AGENTS.md", "../AGENTS.md")}),
		"turned around":       New("a", "", Change{Diff: strings.ReplaceAll(added, "test", "\u202etset\u202c")}),
		"hidden":              New("a", "", Change{Diff: strings.ReplaceAll(added, "test", "te\u200bst")}),
		"tags":                New("a", "", Change{Diff: strings.ReplaceAll(added, "test", "test\U000E0041")}),
		"a hidden reason":     New("a", "see\u00adthis", Change{Diff: added}),
		"another format":      {Format: "headrace-instructions/2", Title: "a", Changes: []Change{{Diff: added}}},
		"a proposal of words": {Format: format, Title: "a", Changes: []Change{{Diff: added}}, Proposal: "because"},
	} {
		if b, err := p.Marshal(); !errors.Is(err, &episode.Problem{Code: "instructions/bad-payload"}) {
			t.Errorf("%s: %s, %v", name, b, err)
		}
	}
	for _, name := range []string{"README.md", "Makefile", ".github/workflows/build.yml", ".claude/settings.json", ".husky/pre-commit"} {
		if b, err := New("a", "", Change{Diff: strings.ReplaceAll(added, "AGENTS.md", name)}).Marshal(); !errors.Is(err, &episode.Problem{Code: "instructions/no-instructions"}) {
			t.Errorf("a change of %s: %s, %v", name, b, err)
		}
	}
	for _, b := range []string{"", "{}", `{"format":"headrace-instructions/1","title":"a","why":"","changes":[],"more":1}`, strings.Repeat(" ", maxPayload+1)} {
		if p, err := Decode([]byte(b)); err == nil {
			t.Errorf("%.40q is read as %+v", b, p)
		}
	}
}

// shelf is what an edge knows, by id: name and text.
type shelf map[string][2]string

func (s shelf) Artifact(id string) (name, text string, ok bool, err error) {
	f, ok := s[id]
	return f[0], f[1], ok, nil
}

func TestAReleaseMeansWordsWhereItOnlyAdds(t *testing.T) {
	known := shelf{"ar_0123456789": {"CLAUDE.md", "Keep it small.\n"}, "ar_home12345": {"~/.claude/CLAUDE.md", "Mine.\n"}}
	resolve := func(changes ...Change) *Resolved {
		t.Helper()
		r, err := New("a", "", changes...).Resolve(known)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := resolve(Change{Diff: added}, Change{Artifact: "ar_0123456789"}); r.Words != "Write a test first.\n\nKeep it small.\n" || len(r.Files) != 2 {
		t.Errorf("%+v", r)
	}
	if r := resolve(Change{Artifact: "ar_0123456789", Without: true}); r.Words != "" || len(r.Files) != 1 || !r.Files[0].Without {
		t.Errorf("what takes a file away: %+v", r)
	}
	if r := resolve(Change{Diff: "--- a/GEMINI.md\n+++ b/GEMINI.md\n@@ -1 +1 @@\n-a\n+b\n"}); r.Words != "" {
		t.Errorf("what changes a line: %+v", r)
	}
	if r := resolve(Change{Artifact: "ar_home12345"}); r.Words != "Mine.\n" || len(r.Files) != 0 {
		t.Errorf("a person's own file: %+v", r)
	}
	if _, err := New("a", "", Change{Artifact: "ar_home12345", Without: true}).Resolve(known); err == nil {
		t.Error("a person's own file is taken away")
	}
	if _, err := New("a", "", Change{Artifact: "ar_unknown0"}).Resolve(known); !errors.Is(err, &episode.Problem{Code: "instructions/unknown-artifact"}) {
		t.Errorf("%v", err)
	}
	if r := resolve(Change{Diff: patch.Unified(patch.DevNull, "b/docs/AGENTS.md", nil, []byte(strings.Repeat("word\n", MaxWords/4)))}); r.Words != "" || len(r.Files) != 1 {
		t.Errorf("more words than there is room for: %d", len(r.Words))
	}
}

func TestAFileBecomesWhatTheReleaseSaysOrIsLeft(t *testing.T) {
	with, without := File{Path: "A.md", Text: "one\n"}, File{Path: "A.md", Text: "one\n", Without: true}
	diff := File{Path: "A.md", Diff: "--- a/A.md\n+++ b/A.md\n@@ -1 +1,2 @@\n one\n+two\n"}
	for _, c := range []struct {
		name   string
		file   File
		before []byte
		want   []byte
		shown  bool
		fails  bool
	}{
		{"a file that is not there", with, nil, []byte("one\n"), true, false},
		{"one that is", with, []byte("one\n"), []byte("one\n"), false, false},
		{"another in its place", with, []byte("else\n"), nil, false, true},
		{"a file to go", without, []byte("one\n"), nil, true, false},
		{"one that has gone", without, nil, nil, false, false},
		{"one that is another by now", without, []byte("one\nmore\n"), []byte("one\nmore\n"), false, false},
		{"a diff", diff, []byte("one\n"), []byte("one\ntwo\n"), true, false},
		{"a diff of another text", diff, []byte("else\n"), nil, false, true},
	} {
		after, err := c.file.Apply(c.before)
		if c.fails {
			if !errors.Is(err, patch.ErrConflict) {
				t.Errorf("%s: %q, %v", c.name, after, err)
			}
			continue
		}
		if err != nil || string(after) != string(c.want) || (after == nil) != (c.want == nil) {
			t.Errorf("%s: %q, %v", c.name, after, err)
		}
		if d := c.file.Unified(c.before, after); (d != "") != c.shown {
			t.Errorf("%s: shows %q", c.name, d)
		}
	}
}

func TestATrialIsDrawnByDeveloperAndWrittenIntoTheirEpisodes(t *testing.T) {
	from := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	trial := Trial{Release: "rel_0123456789ab", Share: 0.3, From: from, Until: from.AddDate(0, 0, 14)}
	key := []byte("key")
	made := func(tool string, at time.Time) *episode.Episode {
		return &episode.Episode{ID: "ep_1", Tool: episode.Tool{Name: tool}, StartedAt: at, Decisions: []episode.Decision{{Suggestion: "a", Verdict: episode.Accepted},
			{Suggestion: "b", DecisionID: "d_1", Actions: []episode.Action{{ID: "show", Propensity: 1}}}, {Suggestion: "c"}}}
	}
	with := 0
	for i := range 10_000 {
		who := strconv.Itoa(i)
		e := made("claude-code", from.Add(time.Hour))
		if !trial.Mark(key, e, who) {
			t.Fatal("not marked")
		}
		d := e.Decisions[0]
		if d.Chosen != trial.Arm(key, who) || d.Release != trial.Release || d.DecisionID == "" || d.DecisionID == e.Decisions[2].DecisionID || e.Decisions[2].Chosen != d.Chosen ||
			!cmp.Equal(d.Actions, []episode.Action{{ID: With, Propensity: 0.3}, {ID: Without, Propensity: 0.7}}) {
			t.Fatalf("%+v", e.Decisions)
		}
		if e.Decisions[1].Release != "" || e.Decisions[1].DecisionID != "d_1" {
			t.Fatal("another policy's decision is written over")
		}
		if d.Chosen == With {
			with++
		}
	}
	if with < 2800 || with > 3200 {
		t.Errorf("%d of 10,000 get it, want 3,000", with)
	}
	for name, e := range map[string]*episode.Episode{"before it": made("claude-code", from.Add(-time.Second)), "after it": made("claude-code", trial.Until), "no words reach it": made("aider", from.Add(time.Hour))} {
		if trial.Mark(key, e, "who") || e.Decisions[0].Release != "" {
			t.Errorf("%s: marked", name)
		}
	}
	if trial.Mark(key, made("claude-code", from), "") {
		t.Error("nobody's episode is marked")
	}
}

func FuzzDecode(f *testing.F) {
	b, _ := New("a", "b", Change{Diff: added}, Change{Artifact: "ar_0123456789"}).Marshal()
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Decode(b)
		if err != nil {
			return
		}
		again, err := p.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Decode(again); err != nil || !cmp.Equal(got, p) {
			t.Fatalf("read back as %+v, %v; was %+v", got, err, p)
		}
		if r, err := p.Resolve(shelf{"ar_0123456789": {"A.md", "text\n"}}); err == nil && len(r.Words) > MaxWords {
			t.Fatalf("%d bytes of words", len(r.Words))
		}
	})
}

var update = flag.Bool("update", false, "write the example anew")

func TestTheExampleIsWhatAReleaseBears(t *testing.T) {
	p := New("Tests first", "In a trial, developers with this file had more of their code kept.", Change{Diff: added}, Change{Artifact: "ar_542542618b1bf264d0a34ffcade49fab"})
	p.Proposal = "prop_0123456789abcdef01234567"
	if err := p.check(); err != nil {
		t.Fatal(err)
	}
	want, err := json.Marshal(p, jsontext.WithIndent("  "), json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	const file = "../../spec/examples/instructions.json"
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Error(diff)
	}
	if _, err := Decode(got); err != nil {
		t.Error(err)
	}
}

func TestOffersAreForOneAndNamedByWhatTheyBear(t *testing.T) {
	payload, err := New("a", "", Change{Diff: added}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	o := NewOffers("alder", 1, []Offer{{ID: ID(payload), Payload: payload}})
	if err := o.Check("alder"); err != nil {
		t.Error(err)
	}
	if o.Check("birch") == nil {
		t.Error("another's offers are taken")
	}
	of := func(n int) *ope.Interval { return &ope.Interval{Estimate: 0.1, Upper: 0.2, N: 300, Developers: n} }
	for _, few := range []Told{
		{Evidence: of(9)},
		{Looks: []Look{{Without: Arm{Developers: 9}, With: Arm{Developers: 30}}}},
		{Looks: []Look{{Without: Arm{Developers: 30}, With: Arm{Developers: 30, Reward: of(9)}}}},
		{Looks: []Look{{Without: Arm{Developers: 30}, With: Arm{Developers: 30}, Difference: of(9)}}},
		{Looks: make([]Look, maxLooks+1)},
	} {
		if o.Offers[0].Told = few; o.Check("alder") == nil {
			t.Errorf("a hub tells of few developers, or without end: %+v", few)
		}
	}
	o.Offers[0].Told = Told{Evidence: of(10), Looks: []Look{{Without: Arm{Developers: 10}, With: Arm{Developers: 10, Reward: of(10)}, Difference: of(20)}}}
	if err := o.Check("alder"); err != nil {
		t.Error(err)
	}
	o.Offers[0].ID = "rel_0123456789abcdef01234567"
	if o.Check("alder") == nil {
		t.Error("an id that its payload does not give is taken")
	}
}
