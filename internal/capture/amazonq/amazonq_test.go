// SPDX-License-Identifier: Apache-2.0

package amazonq

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/capturetest"
	"github.com/headrace/headrace/internal/sharedtest"
)

func database(t testing.TB) string {
	t.Helper()
	return capturetest.Database(t, string(capturetest.File(t, "testdata/q.sql")))
}

func TestAChatLogGivesPromptsAndAnswersButNoDecision(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, "testdata/chat.json")
	type row struct {
		ID, Said, Session string
		Surface           episode.Surface
		Answers           []string
	}
	var got []row
	for _, e := range all {
		r := row{e.ID, e.Instruction, e.Session, e.Tool.Surface, nil}
		for _, s := range e.Suggestions {
			if s.Kind != episode.KindAnswer {
				t.Errorf("%+v", s)
			}
			r.Answers = append(r.Answers, s.After)
		}
		if len(e.Decisions) > 0 || !strings.HasPrefix(e.Developer, "d-1234567890.") {
			t.Errorf("%q: decisions %v, developer %q", e.Instruction, e.Decisions, e.Developer)
		}
		got = append(got, r)
	}
	want := []row{
		{episode.NewID(Name, "chat/utt-1"), "How deep is the pond?", "conv-1", episode.SurfaceChat, []string{"Two fathoms.", "And a span more at the gate."}},
		{episode.NewID(Name, "chat/req-4"), "", "", episode.SurfaceChat, []string{"Reading gate.go."}}, // of no conversation that is named
		{episode.NewID(Name, "chat/req-5"), "Open the gate <slowly>.", "", episode.SurfaceChat, []string{"Opened."}},
		{episode.NewID(Name, "chat/req-7"), "Build a second wheel", "conv-dev", episode.SurfaceAgent, nil},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	kinds := map[string]int{"chat": 6, "without text": 1, "routing": 1, "repeated": 1, "dev": 1, "other": 1}
	if d := cmp.Diff(kinds, rep.Kinds); d != "" || rep.Lines != 10 || rep.Unparsable != 1 || rep.Prompts != 3 {
		t.Errorf("%+v %s", rep.Counts, d)
	}
	if e := all[0]; e.Model.Provider != "anthropic" || e.Origin.License != "Apache-2.0 AND MIT" || e.EndedAt.Sub(e.StartedAt) < 7*time.Second {
		t.Errorf("%+v, origin %+v", e, e.Origin)
	}
}

func TestThePersonsWordsAreKeptApartFromTheEditorsContext(t *testing.T) {
	all, _ := capturetest.Read(t, Source{}, "testdata/chat.json")
	e := all[2]
	if e.Instruction != "Open the gate <slowly>." || e.Steps[0].Message != e.Instruction || len(e.Artifacts) != 2 {
		t.Fatalf("%q, %+v", e.Instruction, e.Artifacts)
	}
	if a := e.Artifacts[0]; a.Kind != episode.ArtifactRules || a.Name != "product.md" || a.Text != "A mill with one wheel." || a.Digest != episode.Digest([]byte(a.Text)) {
		t.Errorf("%+v", a)
	}
	if a := e.Artifacts[1]; a.Kind != episode.ArtifactFile || a.Name != "EnvironmentContext" || !strings.Contains(a.Text, `<file name="gate.go" />`) {
		t.Errorf("%+v", a)
	}
	if e.Model.Name != "" {
		t.Errorf("%q is no model", e.Model.Name)
	}
}

func TestCompletionsAreSuggestionsWithoutADecision(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, "testdata/completions.json")
	const before = "package mill\n\nfunc Open() {\n"
	capturetest.Same(t, []capturetest.Row{
		{ID: "completion-0", Kind: episode.KindCompletion, Path: "gate.go", Before: before, After: "\tgate.Lift(1)"},
		{ID: "completion-1", Kind: episode.KindCompletion, Path: "gate.go", Before: before, After: "\tgate.Lift(2)"},
		{ID: "completion-0", Kind: episode.KindCompletion, Path: "pond.py", Before: "depth = ", After: "2"},
		{ID: "completion-1", Kind: episode.KindCompletion, Path: "pond.py", Before: "depth = ", After: "measure()"},
		{ID: "completion-2", Kind: episode.KindCompletion, Path: "pond.py", Before: "depth = "},
	}, capturetest.Suggested(all))
	if len(all) != 3 || rep.Lines != 3 || rep.Kinds["completions"] != 3 || all[0].ID != episode.NewID(Name, "completion/creq-1") || all[0].Tool.Surface != episode.SurfaceCompletion {
		t.Fatalf("%d episodes, %+v", len(all), rep.Counts)
	}
	// What is after the place is kept too: the file as it stood, which what is before the place begins.
	if a := all[0].Artifacts; len(a) != 1 || a[0].Text != before+"\n}\n" || a[0].Name != "gate.go" || all[0].Languages[0] != "go" || all[1].Artifacts != nil {
		t.Errorf("%+v", a)
	}
}

func TestALogIsReadAsItLiesInTheBucket(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "AWSLogs", "1", "QDeveloperLogs", "GenerateCompletions")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	w.Write(capturetest.File(t, "testdata/completions.json"))
	w.Close()
	path := filepath.Join(dir, "log.json.gz")
	if err := os.WriteFile(path, z.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	packed, _ := capturetest.Read(t, Source{}, path)
	plain, _ := capturetest.Read(t, Source{}, "testdata/completions.json")
	if d := cmp.Diff(plain, packed); d != "" {
		t.Error(d)
	}
	if (Source{}).Detect(capturetest.File(t, "testdata/chat.json"), "b/AWSLogs/1/KiroLogs/GenerateAssistantResponse/log.json.gz") {
		t.Error("Kiro's log is taken")
	}
}

func TestAReportOfActivityGivesTotalsAndNoEpisodes(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, "testdata/activity.csv")
	if len(all) != 0 || rep.Lines != 9 || rep.Unparsable != 4 || rep.Kinds["user-day"] != 3 || rep.Kinds["header"] != 2 {
		t.Fatalf("%d episodes, %+v", len(all), rep.Counts)
	}
	days, bad, err := Activity(bytes.NewReader(capturetest.File(t, "testdata/activity.csv")))
	if err != nil || bad != 4 {
		t.Fatal(bad, err)
	}
	const user = "d-1234567890.11111111-aaaa-4bbb-8ccc-00000000000"
	oct := func(day int) time.Time { return time.Date(2026, 10, day, 0, 0, 0, 0, time.UTC) }
	want := []Day{
		{Date: oct(5), User: user + "1", Columns: map[string]float64{"Chat_AICodeLines": 12, "Chat_MessagesSent": 4, "InlineChat_AcceptanceEventCount": 3,
			"InlineChat_RejectionEventCount": 1, "Inline_AcceptanceCount": 49, "Inline_SuggestionsCount": 70, "New, unheard-of_Count": 1}},
		{Date: oct(5), User: user + "2", Columns: map[string]float64{"InlineChat_AcceptanceEventCount": 0, "Inline_AcceptanceCount": 7, "Inline_SuggestionsCount": 9}},
		{Date: oct(6), User: user + "1", Columns: map[string]float64{"Inline_SuggestionsCount": 8}}, // a second part, with its own header
	}
	if d := cmp.Diff(want, days); d != "" {
		t.Error(d)
	}
}

func TestAReportByClientKeepsTheClientsApart(t *testing.T) {
	days, bad, err := Activity(bytes.NewReader(capturetest.File(t, "testdata/user_report.csv")))
	if err != nil || bad != 0 || len(days) != 2 || days[0].Client != "KIRO_IDE" || days[1].Client != "KIRO_CLI" || days[0].Columns["Credits_Used"] != 1.25 {
		t.Errorf("%+v, %d, %v", days, bad, err)
	}
	if _, words := days[0].Columns["Subscription_Tier"]; words {
		t.Error("words are no number")
	}
}

func TestWhatIsNoReportSaysWhatToDo(t *testing.T) {
	for _, text := range []string{"", "a,b\n1,2\n", "{}", "\"UserId,Date\n", "UserId\nx\n", "\xff\n"} {
		days, _, err := Activity(strings.NewReader(text))
		var p *episode.Problem
		if len(days) != 0 || !errors.As(err, &p) || p.Code != "capture/activity-report" || p.Hint == "" {
			t.Errorf("%q: %v, %v", text, days, err)
		}
	}
}

func TestAnEndlessLineOfAReportCostsItselfOnly(t *testing.T) {
	text := "UserId,Date,Inline_SuggestionsCount\n" + strings.Repeat("x,", 10<<20) + "\nu,2026-10-05,1\n"
	if days, bad, err := Activity(strings.NewReader(text)); err != nil || bad != 1 || len(days) != 1 {
		t.Errorf("%d days, %d, %v", len(days), bad, err)
	}
}

func TestConversationsOfTheCommandLineAreRead(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, database(t))
	capturetest.Same(t, []capturetest.Row{
		{ID: "t-edit", Kind: episode.KindEdit, Path: "/src/mill/gate.go", Before: "0", After: "1", Verdict: episode.Accepted, By: episode.ByUnknown},
		{ID: "t-run", Kind: episode.KindCommand, After: "make gate"}, // it failed, which says nothing
		{ID: "t-no", Kind: episode.KindCommand, After: "make flood", Verdict: episode.Rejected, By: episode.ByPerson},
	}, capturetest.Suggested(all))
	if len(all) != 2 || rep.Lines != 2 || rep.Unparsable != 1 || rep.Prompts != 2 || rep.ToolUses != 3 || rep.ToolResults != 3 || rep.Errors != 2 || rep.Rejections != 1 {
		t.Fatalf("%d episodes, %+v", len(all), rep.Counts)
	}
	e := all[0]
	if e.ID != episode.NewID(Name, "q-1") || e.Instruction != "Raise the gate" || e.Session != "conv-q" || e.Repository != "/src/mill" || e.Model.Name != "claude-sonnet-4.5" ||
		!e.StartedAt.Equal(time.Date(2026, 10, 5, 8, 0, 0, 0, time.UTC)) || len(e.Artifacts) != 1 || e.Artifacts[0].Text != "The pond is low." {
		t.Errorf("%+v", e)
	}
	if r := e.Steps[1].Observation.Results; len(r) != 2 || r[0].Error || !r[1].Error || r[1].Content != `{"exit_status":"1"}` {
		t.Errorf("%+v", r)
	}
	if st := e.Steps[len(e.Steps)-2]; st.Source != episode.SourceSystem {
		t.Errorf("what the program wrote is taken for a prompt: %+v", st)
	}
	if all[1].Instruction != "Now rest" {
		t.Errorf("%+v", all[1])
	}
}

func TestASavedConversationIsReadInItsOldForm(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, "testdata/saved.json")
	capturetest.Same(t, []capturetest.Row{{ID: "t-write", Kind: episode.KindFile, Path: "/src/mill/axle.go", After: "package mill\n",
		Verdict: episode.Rejected, By: episode.ByPerson, Reason: "wait, let us plan first"}}, capturetest.Suggested(all))
	if len(all) != 1 || rep.RejectionsWithReason != 1 || rep.Prompts != 1 || all[0].Repository != "/src/mill" || all[0].Model.Name != "claude-4-sonnet" {
		t.Fatalf("%d episodes, %+v", len(all), rep.Counts)
	}
	if st := all[0].Steps; st[len(st)-2].Source != episode.SourceUser || st[len(st)-2].Message != "wait, let us plan first" {
		t.Errorf("%+v", st)
	}
}

func TestCredentialsInTheDatabaseAreNotRead(t *testing.T) {
	secret := strings.Repeat("k", 3) + episode.Digest([]byte(t.Name()))
	path := capturetest.Database(t, string(capturetest.File(t, "testdata/q.sql"))+`;INSERT INTO auth_kv VALUES ('codewhisperer:odic:token', '`+secret+`'); INSERT INTO state VALUES ('k', '`+secret+`');`)
	all, rep := capturetest.Read(t, Source{}, path)
	for _, e := range all {
		if line, err := episode.Append(nil, e); err != nil || bytes.Contains(line, []byte(secret)) {
			t.Errorf("%v: the secret is in %s", err, e.ID)
		}
	}
	if len(all) == 0 || strings.Contains(strings.Join(keys(rep.Kinds), " "), secret) {
		t.Errorf("%d episodes, %+v", len(all), rep.Kinds)
	}
}

func keys(m map[string]int) (all []string) {
	for k := range m {
		all = append(all, k)
	}
	return all
}

func TestATornLogIsSetAside(t *testing.T) {
	b := capturetest.File(t, "testdata/chat.json")
	rep, err := capture.ReadFrom(context.Background(), []capture.Source{Source{}}, "", capture.File{Path: "-", R: bytes.NewReader(b[:len(b)-20])},
		func(*episode.Episode) error { t.Error("an episode of a torn log"); return nil })
	if err != nil || rep.Tool != Name || rep.Unparsable != 1 {
		t.Errorf("%+v, %v", rep, err)
	}
}

func TestOtherToolsHistoriesAreNotTaken(t *testing.T) {
	capturetest.TakesOnly(t, Source{}, sharedtest.Dir(t, "corpus"), 0)
}

func FuzzRead(f *testing.F) {
	capturetest.Fuzz(f, Source{}, "log.json", string(capturetest.File(f, "testdata/activity.csv")),
		`{"records":[{"generateCompletionsEventResponse":{"completions":["a",{"content":"b"},null],"requestId":"r"}},{"generateAssistantResponseEventRequest":{"prompt":"<user-rule id=a>x</user-rule>y"}}]}`)
}

func FuzzActivity(f *testing.F) {
	f.Add(capturetest.File(f, "testdata/activity.csv"))
	f.Add([]byte("Date,UserId,UserId,,x,x\n2026-01-01,u,v,1,2,NaN\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		days, bad, _ := Activity(bytes.NewReader(b))
		if most := bytes.Count(b, []byte("\n")) + 1; len(days)+bad > most {
			t.Fatalf("%d days and %d bad from %d lines", len(days), bad, most)
		}
		for _, d := range days {
			if d.User == "" || d.Date.IsZero() || d.Date.Hour() != 0 {
				t.Fatalf("%+v", d)
			}
			for name, n := range d.Columns {
				if name == "" || !(n >= 0) {
					t.Fatalf("%q is %v", name, n)
				}
			}
		}
	})
}

func FuzzDatabase(f *testing.F) {
	b, err := os.ReadFile(database(f))
	if err != nil {
		f.Fatal(err)
	}
	capturetest.FuzzDatabase(f, Source{}, b)
}
