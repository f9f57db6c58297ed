// SPDX-License-Identifier: Apache-2.0

package web

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/headrace/headrace/episode"
)

// leaves joins the rows of a preview: what a person read.
func leaves(rows []field) string {
	var b strings.Builder
	for _, f := range rows {
		for _, s := range f.Out {
			b.WriteString(s.Text)
		}
	}
	return b.String()
}

func TestPreviewRowsTogetherAreTheBytesThatLeave(t *testing.T) {
	r := full(plain).batches[0].Records[0]
	rows := fields(r)
	if got := leaves(rows); got != string(r.Out) {
		t.Errorf("rows hold\n%s\nnot\n%s", got, r.Out)
	}
	state := map[string]string{}
	for _, f := range rows {
		switch {
		case f.Gone:
			state[f.Path] = "gone"
		case f.New:
			state[f.Path] = "new"
		default:
			state[f.Path] = "both"
		}
	}
	want := map[string]string{"/developer": "both", "/id": "both", "/instruction": "both", "/local": "gone", "/privacy/level": "new",
		"/suggestions/0/after": "both", "/suggestions/0/id": "both", "/suggestions/0/step": "both", "/suggestions": "gone"}
	if d := cmp.Diff(want, state); d != "" {
		t.Error(d)
	}
}

func FuzzPreviewRowsNeverChangeTheBytes(f *testing.F) {
	f.Add([]byte(`{"a":[1,2,{"b":"x"}],"c":{}}`), []byte(`{"a":[1],"d":"y"}`), 3, 9)
	f.Add([]byte(`not json`), []byte(``), -1, 100)
	f.Add([]byte(`{}`), []byte(`[]`), 0, 0)
	f.Add([]byte(`[1,"x",2,3]`), []byte(`[000`), 0, 2)
	f.Fuzz(func(t *testing.T, out, raw []byte, from, till int) {
		r := BatchRecord{Out: out, Raw: raw, Marks: []Mark{{from, till, "k", ""}, {from, till, "again", ""}}}
		if got := leaves(fields(r)); got != string(out) {
			t.Errorf("rows hold %q, not %q", got, out)
		}
	})
}

func TestDiffTurnsOneTextIntoTheOther(t *testing.T) {
	text := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "}"}), 0, 12)
	rapid.Check(t, func(t *rapid.T) {
		a, b := text.Draw(t, "before"), text.Draw(t, "after")
		var before, after []string
		changed := 0
		for _, l := range middle(a, b) {
			if l.Op != "+" {
				before = append(before, l.Text)
			}
			if l.Op != "-" {
				after = append(after, l.Text)
			}
			if l.Op != " " {
				changed++
			}
		}
		if strings.Join(before, "\n") != strings.Join(a, "\n") || strings.Join(after, "\n") != strings.Join(b, "\n") {
			t.Fatalf("%v → %v became %v → %v", a, b, before, after)
		}
		if strings.Join(a, "\n") == strings.Join(b, "\n") && changed > 0 {
			t.Fatal("equal texts differ")
		}
	})
}

func TestDiffKeepsWhatChangedAndALittleAround(t *testing.T) {
	before := strings.Repeat("same\n", 20) + "old\n" + strings.Repeat("same\n", 20)
	got := diff(before, strings.Replace(before, "old", "new", 1))
	s := diffLine{" ", "same"}
	want := []diffLine{{"…", "17 unchanged lines"}, s, s, s, {"-", "old"}, {"+", "new"}, s, s, s, {"…", "17 unchanged lines"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if got := diff("", strings.Repeat("x\n", 5000)); len(got) != maxLines+1 || got[maxLines].Text != "4400 more lines" {
		t.Errorf("%d lines, the last %v", len(got), got[len(got)-1])
	}
}

func TestACompletionTakesNothingAway(t *testing.T) {
	change := func(kind episode.SuggestionKind) []diffLine {
		return newEpisodeData(&EpisodeView{Episode: &episode.Episode{Suggestions: []episode.Suggestion{
			{ID: "s1", Kind: kind, Before: "a\nb\nc\nd\nratio = ", After: "2\nturn()\n"}}}}).Suggestions[0].Change
	}
	want := []diffLine{{"…", "2 unchanged lines"}, {" ", "c"}, {" ", "d"}, {" ", "ratio = "}, {"+", "2"}, {"+", "turn()"}}
	if d := cmp.Diff(want, change(episode.KindCompletion)); d != "" {
		t.Error(d)
	}
	if got := change(episode.KindEdit); got[0] != (diffLine{"-", "a"}) {
		t.Errorf("an edit takes away what it replaces, not %v", got)
	}
}

func TestNumbersSayHowSureTheyAre(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{interval(Estimate{Value: 0.0414, Lower: 0.0293, Upper: 0.0535}), "+0.041 (95 %: +0.029 to +0.053)"},
		{interval(Estimate{Value: -1.5, Lower: -12, Upper: 9}), "−2 (95 %: −12 to +9)"},
		{num(1234567), "1\u202f234\u202f567"}, {num(9999), "9999"}, {num(-12345), "−12\u202f345"},
		{count(1, "batches"), "1 batch"}, {count(1, "entries"), "1 entry"}, {count(2, "episodes"), "2 episodes"},
		{percent(6.5), "6.5 %"}, {percent(10), "10 %"}, {share(0.62), "62 %"}, {size(999), "999 bytes"}, {size(88_000_000), "88.0 MB"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}
