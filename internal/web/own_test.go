// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestDeveloperActsAndPrefersInTheirOwnName(t *testing.T) {
	w := full(plain)
	v := visit(t, Config{Edge: w})
	if code, body := v.post("/mine/ep_1", url.Values{"choice": {"flag"}, "why": {" names a\n customer "}}); code != 200 || !strings.Contains(body, "a steward is told") {
		t.Errorf("flag: %d", code)
	}
	if code, body := v.post("/mine/preferences", url.Values{"agree": {"yes"}, "level": {"masked"}, "ask": {"1"}, "repositories": {"git.example/pay/** none\n\nx signal\n"}}); code != 200 || !strings.Contains(body, "Kept.") {
		t.Errorf("prefer: %d", code)
	}
	if want := []string{"kim flag ep_1 names a customer", "kim prefers true masked true [{git.example/pay/** none} {x signal}]"}; !slices.Equal(w.rulings, want) {
		t.Errorf("%q, want %q", w.rulings, want)
	}
	for _, form := range []url.Values{{"level": {"off"}}, {"repositories": {"only-a-name"}}, {"repositories": {"x off"}}} {
		if code, _ := v.post("/mine/preferences", form); code != http.StatusUnprocessableEntity {
			t.Errorf("%v: %d", form, code)
		}
	}
}

// What a developer has said is what their pages say that they have said.
func TestAYesIsShownAsAYes(t *testing.T) {
	w := full(plain)
	yes, no := true, false
	for _, c := range []struct {
		said            *bool
		radio, sentence string
	}{{&yes, `value="yes" checked`, "You have said yes"}, {&no, `value="no" checked`, "You have said no"}, {nil, `value="" checked`, "until you say so"}} {
		w.agree = c.said
		v := visit(t, Config{Edge: w})
		if _, body := v.get("/mine/preferences"); !strings.Contains(body, c.radio) || strings.Count(body, " checked>") != 2 { // the other is Ask
			t.Errorf("%s is not what is chosen", c.radio)
		}
		if _, body := v.get("/mine"); !strings.Contains(body, c.sentence) {
			t.Errorf("the page does not say %q", c.sentence)
		}
	}
}

func TestHoldingNeedsAReasonAndASelectionIsWhatWasTicked(t *testing.T) {
	w := full(plain)
	v := visit(t, Config{Edge: w})
	if code, _ := v.post("/preview/batch%201", url.Values{"choice": {"hold"}, "record": {"d1"}}); code != http.StatusUnprocessableEntity {
		t.Errorf("held without a reason: %d", code)
	}
	if code, body := v.post("/preview/batch%201", url.Values{"choice": {"hold"}, "note": {"ask legal"}, "record": {"d1", "d2"}}); code != 200 || !strings.Contains(body, "Held.") {
		t.Errorf("hold: %d", code)
	}
	if want := []string{"kim hold batch 1 [d1 d2] "}; !slices.Equal(w.rulings, want) {
		t.Errorf("%q", w.rulings)
	}
}
