// SPDX-License-Identifier: Apache-2.0

package export_test

import (
	"bytes"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/dataset/export"
	"github.com/headrace/headrace/internal/rights"
)

var (
	now  = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	opts = export.Options{Recipient: "hub", Now: now, Rights: makers()}
)

func makers() rights.Use {
	u, err := rights.Makers()
	if err != nil {
		panic(err) // embedded
	}
	return u
}

// said returns a row in which a person gave a verdict on a text.
func said(t testing.TB, v episode.Verdict, after, final string, change ...func(*episode.Episode)) dataset.Row {
	t.Helper()
	e := &episode.Episode{SchemaVersion: "1.0", ID: "e", Session: "se_1", Model: episode.Model{Provider: "demo"}, Privacy: &episode.Privacy{Level: episode.LevelClean},
		Suggestions: []episode.Suggestion{{ID: "s1", Step: -1, Language: "go", Before: "func f() {\n", After: after}},
		Decisions:   []episode.Decision{{Suggestion: "s1", Verdict: v, By: episode.ByPerson, Final: final}},
		Terms:       &episode.Terms{Purposes: []episode.Purpose{episode.PurposeFinetune}, Recipients: []string{"hub"}, ExpiresAt: now.AddDate(1, 0, 0)}}
	for _, f := range change {
		f(e)
	}
	r, err := dataset.NewRow("acme", nil, e)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func seq(rows []dataset.Row) iter.Seq2[dataset.Row, error] {
	return func(yield func(dataset.Row, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func write(t testing.TB, format string, o export.Options, rows ...dataset.Row) (string, *export.Report) {
	t.Helper()
	var buf bytes.Buffer
	rep, err := export.Write(&buf, format, seq(rows), o)
	if err != nil {
		t.Fatal(err)
	}
	if rep.Digest != episode.Digest(buf.Bytes()) || rep.Bytes != int64(buf.Len()) || rep.Examples != bytes.Count(buf.Bytes(), []byte("\n")) || rep.Rows != len(rows) {
		t.Errorf("report does not fit what was written: %+v", rep)
	}
	return buf.String(), rep
}

func TestKTOHasTheTrainersShape(t *testing.T) {
	got, _ := write(t, export.TRLKTO, opts,
		said(t, episode.Accepted, "\treturn 1", ""), said(t, episode.Rejected, "\treturn 2", ""), said(t, episode.Modified, "\treturn 3", "\treturn 4"),
		said(t, episode.Accepted, "fixed", "", func(e *episode.Episode) { e.Instruction = "Fix it"; e.Suggestions[0].Path = "a.go" }))
	want := `{"prompt":"func f() {\n","completion":"\treturn 1","label":true}
{"prompt":"func f() {\n","completion":"\treturn 2","label":false}
{"prompt":"func f() {\n","completion":"\treturn 4","label":true}
{"prompt":"Fix it\n\nFile: a.go\n\n` + "```go\\nfunc f() {\\n```" + `","completion":"fixed","label":true}
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDPOHasTheTrainersShape(t *testing.T) {
	in := func(session string) func(*episode.Episode) { return func(e *episode.Episode) { e.Session = session } }
	got, rep := write(t, export.OpenAIDPO, opts,
		said(t, episode.Rejected, "bad", ""), said(t, episode.Modified, "meh", "typed"), said(t, episode.Accepted, "good", ""), // one pair by two, one by one
		said(t, episode.Rejected, "worse", "own"),              // the person typed their own
		said(t, episode.Accepted, "elsewhere", "", in("se_2")), // nobody rejected anything there
		said(t, episode.Accepted, "same", "", in("se_3")), said(t, episode.Rejected, "same", "", in("se_3")))
	line := func(good, bad string) string {
		return fmt.Sprintf(`{"input":{"messages":[{"role":"user","content":"func f() {\n"}],"tools":[],"parallel_tool_calls":true},"preferred_output":[{"role":"assistant","content":%q}],"non_preferred_output":[{"role":"assistant","content":%q}]}`+"\n", good, bad)
	}
	if diff := cmp.Diff(line("typed", "meh")+line("own", "worse")+line("good", "bad"), got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]int{export.SkippedNoPair: 3}, rep.Skipped); diff != "" {
		t.Error(diff)
	}
}

func TestRowWhoseTermsDoNotAllowFinetuneIsRefusedByEveryFormat(t *testing.T) {
	terms := func(f func(*episode.Terms)) dataset.Row {
		return said(t, episode.Modified, "a", "b", func(e *episode.Episode) { f(e.Terms) })
	}
	rows := map[string]dataset.Row{
		export.RefusedPurpose: terms(func(t *episode.Terms) {
			t.Purposes = []episode.Purpose{episode.PurposeEvaluate, episode.PurposeReward, episode.PurposeDistil}
		}),
		export.RefusedRecipient: terms(func(t *episode.Terms) { t.Recipients = []string{"other"} }),
		export.RefusedExpired:   terms(func(t *episode.Terms) { t.ExpiresAt = now }),
		export.RefusedRights:    said(t, episode.Modified, "a", "b", func(e *episode.Episode) { e.Model.Provider = "anthropic" }),
		export.RefusedNoTerms:   said(t, episode.Modified, "a", "b", func(e *episode.Episode) { e.Terms = nil }),
	}
	for _, format := range export.Formats() {
		for why, r := range rows {
			got, rep := write(t, format, opts, r)
			if diff := cmp.Diff(map[string]int{why: 1}, rep.Refused); diff != "" || got != "" {
				t.Errorf("%s, %s: wrote %q\n%s", format, why, got, diff)
			}
		}
		if got, _ := write(t, format, opts, terms(func(*episode.Terms) {})); got == "" {
			t.Errorf("%s: a row with all it needs gave nothing", format)
		}
		retention := terms(func(*episode.Terms) {})
		retention.ExpiresAt = now.Add(-time.Hour) // by retention, long before its terms
		if got, _ := write(t, format, opts, retention); got != "" {
			t.Errorf("%s: kept beyond retention: %q", format, got)
		}
		o := export.Options{AnyRecipient: true, Now: now, Rights: makers()}
		if got, _ := write(t, format, o, rows[export.RefusedRecipient]); got == "" {
			t.Errorf("%s: any recipient's rows were asked for", format)
		}
	}
}

func TestDecisionThatIsNoLabelGivesNoExample(t *testing.T) {
	hidden := false
	for why, r := range map[string]dataset.Row{
		export.SkippedNotPerson: said(t, episode.Rejected, "a", "b", func(e *episode.Episode) { e.Decisions[0].By = episode.ByRule }),
		export.SkippedHidden:    said(t, episode.Rejected, "a", "b", func(e *episode.Episode) { e.Decisions[0].Shown = &hidden }),
		export.SkippedVerdict:   said(t, episode.Cancelled, "a", "b"),
		export.SkippedNoText:    said(t, episode.Accepted, "", ""),
	} {
		for _, format := range export.Formats() {
			got, rep := write(t, format, opts, r)
			if diff := cmp.Diff(map[string]int{why: 1}, rep.Skipped); diff != "" || got != "" {
				t.Errorf("%s, %s: wrote %q\n%s", format, why, got, diff)
			}
		}
	}
}
