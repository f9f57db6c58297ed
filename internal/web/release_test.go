// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// TestAPersonStopsPinsAndTriesByForms: each button of the pages says to the source what the person meant, by name.
func TestAPersonStopsPinsAndTriesByForms(t *testing.T) {
	w := full(plain)
	v := visit(t, Config{Edge: w, Hub: w})
	for _, f := range []struct {
		path string
		form url.Values
		want string
	}{
		{"/releases", url.Values{"choice": {"stop"}}, "kim stops all true"},
		{"/releases", url.Values{"choice": {"start"}}, "kim stops all false"},
		{"/releases", url.Values{"choice": {"pin"}, "release": {"rel/1"}}, "kim pins rel/1"},
		{"/releases", url.Values{"choice": {"approve"}, "release": {"rel/1"}}, "kim approves rel/1"},
		{"/releases", url.Values{"choice": {"unpin"}}, "kim pins"},
		{"/instructions/ins%2F1", url.Values{"choice": {"try"}, "seen": {"sha256:s"}}, "kim tries ins/1 sha256:s"},
		{"/instructions/ins%2F2", url.Values{"choice": {"keep"}}, "kim keeps ins/2"},
		{"/instructions/ins%2F2", url.Values{"choice": {"stop"}}, "kim stops ins/2"},
	} {
		if code, _ := v.post(f.path, f.form); code != http.StatusOK {
			t.Errorf("%s %v: %d", f.path, f.form, code)
		}
		if got := w.told(); len(got) == 0 || got[len(got)-1] != f.want {
			t.Errorf("%s %v: told %q, want %q", f.path, f.form, got, f.want)
		}
	}
	before := len(w.told())
	for path, form := range map[string]url.Values{"/releases": {"choice": {"pin"}}, "/instructions/ins%2F1": {"choice": {"approve"}}} {
		if code, _ := v.post(path, form); code != http.StatusUnprocessableEntity || len(w.told()) != before {
			t.Errorf("%s %v: %d, and it was passed on", path, form, code)
		}
	}
}

func TestStagesSayHowFarARollOutHasCome(t *testing.T) {
	w := full(plain)
	states := func(r *Release) (out []string) {
		for _, s := range stagesOf(r) {
			out = append(out, s.State)
		}
		return out
	}
	for i, want := range [][]string{{"reached", "reached", "now", "next"}, {"reached", "back", "next", "next"}, nil} {
		if got := states(&w.releases[i]); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", w.releases[i].ID, got, want)
		}
	}
	_, body := visit(t, Config{Hub: w}).get("/releases/rel%2F2")
	if !strings.Contains(body, "Taken back") || !strings.Contains(body, "it is surely worse than what it replaces.") || !strings.Contains(body, "1204 decisions") {
		t.Error("the page does not say that, why and after how much the release was taken back")
	}
}

// A day of few developers is a gap in the line, and its figure stands nowhere.
func TestAChartLeavesOutWhatIsOfTooFew(t *testing.T) {
	c := newChart(chartOf{Height: 100, Say: signed, At: xDay, Ticks: 4, Points: []charted{{0, Estimate{1, 0.5, 1.5, 10, 99}}, {1, Estimate{1, 0.5, 1.5, 10, 99}}, {2, Estimate{7, 6, 8, 9, 99}}, {3, Estimate{1, 0.5, 1.5, 12, 99}}, {4, Estimate{1, 0.5, 1.5, 12, 99}}}})
	if len(c.Lines) != 2 || len(c.Bands) != 2 || len(c.Dots) != 4 {
		t.Errorf("%d lines, %d bands, %d dots", len(c.Lines), len(c.Bands), len(c.Dots))
	}
	if newChart(chartOf{Height: 100, Say: signed, At: xDay, Points: []charted{{0, Estimate{1, 0, 2, 9, 99}}}}) != nil {
		t.Error("a chart of too few is drawn")
	}
}

func TestADiffIsShownLineByLine(t *testing.T) {
	got := patched("--- a/x.md\n+++ b/x.md\n@@ -1,2 +1,2 @@\n same\n-old\n+new\n")
	want := []diffLine{{"…", "x.md"}, {" ", "same"}, {"-", "old"}, {"+", "new"}}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// Labels of days that are close to each other are left out, not written one over the other; the first and the last stay.
func TestLabelsBelowAChartDoNotOverlap(t *testing.T) {
	points := func(at ...float64) (list []charted) {
		for _, x := range at {
			list = append(list, charted{x * 86400, Estimate{1, 0.5, 1.5, 10, 99}})
		}
		return list
	}
	for _, c := range []struct {
		at   []float64
		want int
	}{{[]float64{0, 10, 20, 30}, 4}, {[]float64{0, 28, 29, 30}, 2}, {[]float64{0, 1, 2, 30}, 2}, {[]float64{5}, 1}, {[]float64{0, 0.1}, 1}} {
		if got := newChart(chartOf{Height: 100, Say: signed, At: xDay, Ticks: 4, Points: points(c.at...)}).Ticks; len(got) != c.want {
			t.Errorf("points at %v have %d labels, want %d: %+v", c.at, len(got), c.want, got)
		}
	}
}
