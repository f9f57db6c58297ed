// SPDX-License-Identifier: Apache-2.0

package dataset_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/blob"
	"github.com/headrace/headrace/internal/dataset"
)

var day = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func row(t testing.TB, contributor, id string, change ...func(*episode.Episode)) dataset.Row {
	t.Helper()
	shown := false
	e := &episode.Episode{SchemaVersion: "1.0", ID: id, Revision: 2, StartedAt: day, Developer: "dev_1", Session: "se_1", Languages: []string{"go"},
		Tool: episode.Tool{Name: "demo", Surface: episode.SurfaceCompletion},
		Suggestions: []episode.Suggestion{{ID: "s1", Step: -1, Kind: episode.KindCompletion, Before: "a", After: "b",
			Features: map[string]any{"length": 12.0, "language": "go", "first": true}}},
		Decisions: []episode.Decision{{Suggestion: "s1", Verdict: episode.Ignored, By: episode.ByRule, At: day.Add(30 * time.Hour), Chosen: "hide", Shown: &shown,
			Release: "r1", Explore: true, Actions: []episode.Action{{ID: "hide", Propensity: 0.75}, {ID: "show", Propensity: 0.25}}}},
		Outcomes: []episode.Outcome{{Suggestion: "s1", Kind: episode.OutcomeKept, Value: 0.5, Window: "10m"}},
		Ratings:  []episode.Rating{{By: "person", Target: "s1", Scale: "1-5", Value: 4}},
		Privacy:  &episode.Privacy{Level: episode.LevelMasked},
		Terms:    &episode.Terms{Purposes: []episode.Purpose{episode.PurposeReward, episode.PurposeFinetune}, Recipients: []string{"hub"}, ExpiresAt: day.AddDate(1, 0, 0)}}
	for _, f := range change {
		f(e)
	}
	r, err := dataset.NewRow(contributor, []string{"sha256:b1"}, e)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func store(t testing.TB) (*blob.Store, string) {
	t.Helper()
	dir := t.TempDir()
	s, err := blob.Open(dir, filepath.Join(dir, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	return s, dir
}

func write(t testing.TB, s *blob.Store, rows []dataset.Row) *dataset.Manifest {
	t.Helper()
	return writeAfter(t, s, rows, nil)
}

func writeAfter(t testing.TB, s *blob.Store, rows []dataset.Row, before *dataset.Manifest) *dataset.Manifest {
	t.Helper()
	m, err := dataset.Write(t.Context(), s, rows, dataset.Meta{
		Inputs:   []dataset.Input{{Bundle: "sha256:b1", Contributor: "acme", Records: len(rows)}},
		Curation: dataset.Curation{Version: "1", Recipient: "hub", Purposes: []episode.Purpose{episode.PurposeReward}}, Counts: map[string]dataset.Count{"acme": {In: len(rows), Used: len(rows)}}}, before)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func read(ctx context.Context, s *blob.Store, id string) ([]dataset.Row, *dataset.Manifest, error) {
	snap, err := dataset.Open(ctx, s, id)
	if err != nil {
		return nil, nil, err
	}
	var rows []dataset.Row
	for r, err := range snap.Rows(ctx) {
		if err != nil {
			return nil, nil, err
		}
		rows = append(rows, r)
	}
	return rows, snap.Manifest, nil
}

func TestSnapshotComesBackAsItWasWritten(t *testing.T) {
	s, _ := store(t)
	rows := []dataset.Row{row(t, "acme", "e1"), row(t, "acme", "e2", func(e *episode.Episode) { e.Terms.ExpiresAt = day.AddDate(0, 1, 0); e.Revision = 5 }), row(t, "bolt", "e1")}
	m := write(t, s, rows)
	got, back, err := read(t.Context(), s, m.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rows, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(m, back); diff != "" {
		t.Error(diff)
	}
	if m.Rows != 3 || m.Decisions != 3 || m.Purposes["finetune"] != 3 || m.MaxRevision != 5 || !m.ExpiresAt.Equal(day.AddDate(0, 1, 0)) || len(m.Files) != 2 {
		t.Errorf("manifest: %+v", m)
	}
}

func TestParquetColumnsMirrorTheRecord(t *testing.T) {
	s, _ := store(t)
	m := write(t, s, []dataset.Row{row(t, "acme", "e1")})
	b, err := s.Get(t.Context(), m.Files[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	type rec struct { // as another program would read it
		ID          string `parquet:"id"`
		StartedAt   int64  `parquet:"started_at"`
		Suggestions []struct {
			After    string `parquet:"after"`
			Features []struct {
				Name   string   `parquet:"name"`
				Number *float64 `parquet:"number,optional"`
				Text   *string  `parquet:"text,optional"`
			} `parquet:"features,list"`
		} `parquet:"suggestions,list"`
		Decisions []struct {
			Verdict string `parquet:"verdict"`
			Shown   *bool  `parquet:"shown,optional"`
			Actions []struct {
				ID         string  `parquet:"id"`
				Propensity float64 `parquet:"propensity"`
			} `parquet:"actions,list"`
		} `parquet:"decisions,list"`
		Outcomes []struct {
			Kind  string  `parquet:"kind"`
			Value float64 `parquet:"value"`
		} `parquet:"outcomes,list"`
	}
	recs, err := parquet.Read[rec](bytes.NewReader(b), int64(len(b)))
	if err != nil || len(recs) != 1 {
		t.Fatalf("%d rows, %v", len(recs), err)
	}
	r := recs[0]
	f := r.Suggestions[0].Features
	if r.ID != "e1" || r.StartedAt != day.UnixMicro() || r.Suggestions[0].After != "b" || len(f) != 3 ||
		f[0].Name != "first" || *f[0].Number != 1 || f[1].Name != "language" || *f[1].Text != "go" || f[1].Number != nil || *f[2].Number != 12 {
		t.Errorf("suggestion: %+v", r)
	}
	d := r.Decisions[0]
	if d.Verdict != "ignored" || *d.Shown || len(d.Actions) != 2 || d.Actions[1].Propensity != 0.25 || r.Outcomes[0].Value != 0.5 {
		t.Errorf("decision: %+v", r)
	}
}

func TestSameRowsAreTheSameSnapshotInAnyOrder(t *testing.T) {
	s, _ := store(t)
	other, _ := store(t)
	var rows []dataset.Row
	for i := range 300 {
		rows = append(rows, row(t, fmt.Sprintf("c%d", i%3), fmt.Sprintf("e%03d", i)))
	}
	want := write(t, s, rows)
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	got := write(t, other, rows)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if changed := write(t, s, rows[1:]); changed.ID == want.ID {
		t.Error("one row less is the same snapshot")
	}
}

func TestFlippedBitAnywhereInASnapshotIsFound(t *testing.T) {
	s, dir := store(t)
	m := write(t, s, []dataset.Row{row(t, "acme", "e1")})
	for _, d := range []string{m.ID, m.Files[0].Digest} {
		path := filepath.Join(dir, "sha256", strings.TrimPrefix(d, "sha256:"))
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for at := 0; at < len(whole); at += max(1, len(whole)/64) {
			bad := bytes.Clone(whole)
			bad[at] ^= 0x10
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, _, err := read(t.Context(), s, m.ID); !errors.Is(err, blob.ErrDigest) {
				t.Fatalf("%s, byte %d: %v", d, at, err)
			}
		}
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := read(t.Context(), s, m.ID); err != nil {
		t.Error(err)
	}
}

func TestManifestThatSaysMoreThanWeKnowIsRefused(t *testing.T) {
	s, _ := store(t)
	for _, text := range []string{`{"media_type":"` + dataset.MediaType + `","not_for":"training"}`, `{}`, `{"media_type":"text/plain"}`} {
		id, err := s.PutBytes(t.Context(), []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := dataset.Open(t.Context(), s, id); err == nil {
			t.Errorf("opened %s", text)
		}
	}
}

func TestWithdrawnEpisodeLeavesNoTraceInTheNextSnapshot(t *testing.T) {
	s, _ := store(t)
	mark := "ep_withdrawn_4711"
	rows := []dataset.Row{row(t, "acme", "e1"), row(t, "acme", mark), row(t, "bolt", "e2")}
	before := write(t, s, rows)
	after := write(t, s, []dataset.Row{rows[0], rows[2]})
	trace := func(m *dataset.Manifest) (n int) {
		for _, d := range append([]string{m.ID}, m.Files[0].Digest, m.Files[1].Digest) {
			b, err := s.Get(t.Context(), d)
			if err != nil {
				t.Fatal(err)
			}
			n += bytes.Count(b, []byte(mark))
		}
		got, _, err := read(t.Context(), s, m.ID) // pages are compressed: look at what is in them too
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range got {
			n += bytes.Count(r.Record, []byte(mark))
		}
		return n
	}
	if trace(before) == 0 {
		t.Fatal("the mark is not found where it is: this test proves nothing")
	}
	if n := trace(after); n != 0 {
		t.Errorf("%d traces left", n)
	}
	if before.Files[1] != after.Files[1] {
		t.Error("the other contributor's file changed")
	}
}

func TestDecisionsAreFlattenedWithTheirPropensity(t *testing.T) {
	plain := row(t, "acme", "e2", func(e *episode.Episode) {
		e.Decisions[0] = episode.Decision{Suggestion: "s1", Verdict: episode.Accepted, By: episode.ByPerson}
		e.StartedAt = time.Date(1969, 12, 31, 1, 0, 0, 0, time.UTC)
	})
	got := dataset.Decisions([]dataset.Row{row(t, "acme", "e1"), plain})
	features := map[string]any{"length": 12.0, "language": "go", "first": true}
	kept := episode.Outcome{Suggestion: "s1", Kind: episode.OutcomeKept, Value: 0.5, Window: "10m"}
	want := []dataset.Decision{
		{Episode: "e1", Contributor: "acme", Developer: "dev_1", Tool: "demo", Day: day.Unix()/86400 + 1, Features: features, Verdict: episode.Ignored, By: episode.ByRule,
			PropensityShow: 0.25, Logged: true, Explore: true, Release: "r1", Chosen: "hide", Chars: 1, Experience: 1,
			Actions: []episode.Action{{ID: "hide", Propensity: 0.75}, {ID: "show", Propensity: 0.25}}, Outcomes: []episode.Outcome{kept}},
		{Episode: "e2", Contributor: "acme", Developer: "dev_1", Tool: "demo", Day: -1, Features: features, Verdict: episode.Accepted, By: episode.ByPerson, Shown: true,
			Chars: 1, Outcomes: []episode.Outcome{kept}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestADecisionHasItsOwnOutcomesAndTheEpisodesActsOnce(t *testing.T) {
	r := row(t, "acme", "e1", func(e *episode.Episode) {
		e.Suggestions[0].After = ""
		e.Suggestions[0].Features = map[string]any{"suggestion_chars": 40.0}
		e.Suggestions = append(e.Suggestions, episode.Suggestion{ID: "s2", Step: 1, After: "grüße"})
		e.Decisions = append(e.Decisions, episode.Decision{Suggestion: "s2", Verdict: episode.Accepted, By: episode.ByPerson})
		e.Outcomes = []episode.Outcome{{Suggestion: "s1", Kind: episode.OutcomeKept}, {Suggestion: "s2", Kind: episode.OutcomeMerged, Value: 1}, {Kind: episode.OutcomeTests, Value: 1}}
		e.Steps = []episode.Step{{Source: episode.SourceUser, Message: "why?"}, {Source: episode.SourceAgent, Message: "Shall I?\n"},
			{Source: episode.SourceAgent, Message: "now?", ToolCalls: []episode.ToolCall{{ID: "1"}, {ID: "2"}},
				Observation: &episode.Observation{Results: []episode.Result{{Call: "1", Error: true}, {Call: "2"}}}}}
	})
	got := dataset.Decisions([]dataset.Row{r})
	kinds := func(d dataset.Decision) (all []episode.OutcomeKind) {
		for _, o := range d.Outcomes {
			all = append(all, o.Kind)
		}
		return all
	}
	if diff := cmp.Diff([]episode.OutcomeKind{episode.OutcomeKept, episode.OutcomeTests}, kinds(got[0])); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]episode.OutcomeKind{episode.OutcomeMerged, episode.OutcomeTests}, kinds(got[1])); diff != "" {
		t.Error(diff)
	}
	if got[0].Chars != 40 || got[1].Chars != 5 {
		t.Errorf("%d and %d characters, want 40 and 5", got[0].Chars, got[1].Chars)
	}
	if d := got[0]; d.Calls != 2 || d.Errors != 1 || d.Questions != 1 || got[1].Calls != 0 {
		t.Errorf("%d calls, %d failed, %d questions; then %d calls", d.Calls, d.Errors, d.Questions, got[1].Calls)
	}
}

func TestExperienceIsWhatCameOnEarlierDays(t *testing.T) {
	var rows []dataset.Row
	for i := range 130 { // ten a day, in no order
		n := i * 47 % 130
		rows = append(rows, row(t, "acme", fmt.Sprint("e", n), func(e *episode.Episode) { e.Decisions[0].At = day.AddDate(0, 0, n/10) }))
	}
	rows = append(rows, row(t, "bolt", "e", func(e *episode.Episode) { e.Decisions[0].At = day.AddDate(0, 0, 99) })) // another developer
	want := map[int64]uint8{0: 0, 1: 2, 9: 2, 10: 3, 12: 3, 99: 0}
	for _, d := range dataset.Decisions(rows) {
		if w, ok := want[d.Day-day.Unix()/86400]; ok && d.Experience != w {
			t.Errorf("day %d: step %d, want %d", d.Day-day.Unix()/86400, d.Experience, w)
		}
	}
}

func BenchmarkDecisions(b *testing.B) {
	rows := benchRows(b, 30000)
	b.ReportAllocs()
	for b.Loop() {
		dataset.Decisions(rows)
	}
	b.ReportMetric(float64(len(rows)*b.N)/b.Elapsed().Seconds(), "rows/s")
}

func TestASnapshotCostsWhatIsNewInIt(t *testing.T) {
	s, _ := store(t)
	in := func(id string, m time.Month) dataset.Row {
		return row(t, "acme", id, func(e *episode.Episode) { e.StartedAt = time.Date(2026, m, 7, 1, 0, 0, 0, time.UTC) })
	}
	rows := []dataset.Row{in("e3", 9), in("e2", 9)}
	first := write(t, s, rows)
	rows = append(rows, in("e1", 10))
	again, anew := writeAfter(t, s, rows, first), write(t, s, rows)
	if again.ID != anew.ID || len(again.Files) != 2 || again.Files[0] != first.Files[0] {
		t.Errorf("after %v came %v; without it %v", first.Files, again.Files, anew.Files)
	}
	got, _, err := read(t.Context(), s, again.ID)
	if err != nil || len(got) != 3 || got[0].Episode.ID != "e2" || got[2].Episode.ID != "e1" {
		t.Errorf("read back %d rows, %v", len(got), err)
	}
	// It really is the earlier file that is named, and not one that came out the same.
	other, err := s.PutBytes(t.Context(), []byte("another file with the same rows"))
	if err != nil {
		t.Fatal(err)
	}
	told := *first
	told.Files = []dataset.File{{Digest: other, Contributor: "acme", Content: first.Files[0].Content, Rows: 2}}
	if m := writeAfter(t, s, rows, &told); m.Files[0].Digest != other {
		t.Error("the file was written again")
	}
	// What is gone is written again.
	if err := s.Delete(other); err != nil {
		t.Fatal(err)
	}
	if m := writeAfter(t, s, rows, &told); m.ID != again.ID {
		t.Error("a file that is gone was named")
	}
	// Other rows, and the same for less long, are another file.
	rows[0].ExpiresAt = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	if m := writeAfter(t, s, rows, first); m.Files[0].Content == first.Files[0].Content || m.Files[0].Digest == first.Files[0].Digest {
		t.Error("rows with another expiry are in the file of before")
	}
}

func benchRows(b *testing.B, n int) []dataset.Row {
	rows := make([]dataset.Row, n)
	for i := range rows {
		rows[i] = row(b, fmt.Sprintf("c%d", i%3), fmt.Sprintf("ep_%032d", i))
	}
	return rows
}

func BenchmarkWrite(b *testing.B) {
	s, _ := store(b)
	rows := benchRows(b, 30000)
	b.ReportAllocs()
	for b.Loop() {
		write(b, s, rows)
	}
	b.ReportMetric(float64(len(rows)*b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkRead(b *testing.B) {
	s, _ := store(b)
	m := write(b, s, benchRows(b, 30000))
	for b.Loop() {
		if _, _, err := read(b.Context(), s, m.ID); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(m.Rows*b.N)/b.Elapsed().Seconds(), "rows/s")
}
