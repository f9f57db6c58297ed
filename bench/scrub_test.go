// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"testing"
)

func TestOnlyWhatIsReplacedWholeCounts(t *testing.T) {
	found := join([]finding{{Start: 8, End: 12}, {Start: 2, End: 5}, {Start: 5, End: 8}, {Start: 20, End: 20}})
	if len(found) != 1 || found[0] != (span{2, 12}) {
		t.Fatalf("joined to %v", found)
	}
	for _, c := range []struct {
		at             span
		whole, touched bool
	}{{span{2, 12}, true, true}, {span{4, 9}, true, true}, {span{1, 4}, false, true}, {span{11, 13}, false, true}, {span{12, 14}, false, false}, {span{0, 2}, false, false}} {
		if found.whole(c.at) != c.whole || found.touched(c.at) != c.touched {
			t.Errorf("%v: whole %v, touched %v", c.at, found.whole(c.at), found.touched(c.at))
		}
	}
	two := sample{Spans: []span{{3, 4}, {30, 31}}}
	if keptBack(&two, found, false) || !keptBack(&two, nil, true) || keptBack(&sample{}, nil, false) || !keptBack(&sample{}, found, false) {
		t.Error("a sample is kept back when each of its spans is, or all of it")
	}
}

func TestALabelStandsInItsLine(t *testing.T) {
	text := "a = 1\nkey: v\nkey: v\n"
	s := sample{Text: "key: v", Line: 3, Span: &span{5, 6}}
	at, whole, ok := standsAt(text, &s)
	if !ok || whole || at != (span{18, 19}) {
		t.Errorf("%v %v %v", at, whole, ok)
	}
	s.Text = "gone"
	if _, _, ok := standsAt(text, &s); ok {
		t.Error("a text that is not there has a place")
	}
}

// The attack must find what is there to be found, and nothing where nothing is.
func TestAnAttackerJoinsWhatIsUniqueAndNothingElse(t *testing.T) {
	record := func(developer, day string) map[string]any {
		return map[string]any{"developer": developer, "started_at": day}
	}
	days := []string{"mon", "tue", "wed", "thu"}
	var left, log []map[string]any
	var accounts []string
	for i, name := range []string{"a", "b", "c", "d"} {
		left, log = append(left, record("dev_"+name, days[i])), append(log, record("x"+name, days[i]))
		accounts = append(accounts, name)
	}
	a := newAttack(left, log, accounts, view{})
	for _, w := range a.ways() {
		if got := w.run(); got.records != 1 {
			t.Errorf("%s: %v of records that are unique", w.name, got.records)
		}
	}
	for i := range left {
		left[i]["started_at"], log[i]["started_at"] = "september", "september"
		delete(left[i], "developer")
	}
	a = newAttack(left, log, accounts, view{})
	for _, w := range a.ways() {
		if got := w.run(); got.records != 0.25 {
			t.Errorf("%s: %v of records that are all alike", w.name, got.records)
		}
	}
}

func TestALanguageModelKnowsWhatItLearned(t *testing.T) {
	m := newKneserNey(4)
	sum := 0.0
	m.learn("for i := range n {\n\tfmt.Println(i)\n}\n")
	for b := range 256 {
		sum += m.probability(m.shift(m.begin(), byte(b)))
	}
	if math.Abs(sum-1) > 1e-9 {
		t.Errorf("what may follow adds up to %v", sum)
	}
	known, unknown := m.bits([]document{{Text: "for i := range n {\n"}}), m.bits([]document{{Text: "zyxwvutsrq"}})
	if known > 2 || unknown < 7 {
		t.Errorf("%.2f bits for what it learned, %.2f for what it did not", known, unknown)
	}
}

func TestTakenChoicesAreForetoldFromTheirText(t *testing.T) {
	var all []choice
	var x []vector
	for i := range 200 {
		c := choice{User: i % 10, Suggestion: "return nil"}
		if i%3 == 0 {
			c.Accepted, c.Suggestion = 1, "panic(err)"
		}
		all, x = append(all, c), append(x, textFeatures("if err != nil {", c.Suggestion))
	}
	scores := foretell(all, x, x)
	if got := auc(all, scores, nil); got != 1 {
		t.Errorf("AUC %v where the text tells all", got)
	}
	if low, _ := pairedByUser(all, scores, make([]float64, len(all)), 200); low > -0.49 {
		t.Errorf("to know nothing costs %v", low)
	}
}
