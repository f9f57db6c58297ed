// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
)

// clicks opens the pages of a world in a browser, signed in, and returns what does steps there.
func clicks(t *testing.T, w *world) (do func(what string, steps ...chromedp.Action[chromedp.Void]), base string) {
	t.Helper()
	ctx := browser(t)
	site, err := New(Config{Edge: w, Hub: w})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(site)
	t.Cleanup(srv.Close)
	do = func(what string, steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, steps...); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	do("sign in", chromedp.Navigate(srv.URL+site.Link("kim")), chromedp.WaitVisible("#live"))
	return do, srv.URL
}

// told is what the pages told their source.
func (w *world) told() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.rulings)
}

// TestARuleIsMadeOfASelectionAndProposedByClicking: tick, make a rule, tick what is meant, see, propose; the version's page opens.
func TestARuleIsMadeOfASelectionAndProposedByClicking(t *testing.T) {
	w := full(plain)
	do, base := clicks(t, w)
	do("tick a record, make a rule", chromedp.Navigate(base+"/preview/batch%201"), chromedp.Click(`input[type=checkbox][name=record]`), chromedp.Click(`button[formmethod=get]`),
		chromedp.WaitVisible(`input[name=when]`))
	do("choose a condition", chromedp.Click(`input[type=checkbox][name=when]`), chromedp.Click(`form.stack button`), chromedp.WaitVisible(`#effect`))
	do("propose", chromedp.Click(`form[method=post][aria-label="Propose it"] button`), chromedp.WaitVisible(`#decide`))
	if got, want := w.told(), []string{`kim proposes from-the-preview [repository == "payments"] none sha256:next`}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestADeveloperSaysByClicking what happens to a record of theirs; their yes names what is shown.
func TestADeveloperSaysByClicking(t *testing.T) {
	w := full(plain)
	do, base := clicks(t, w)
	for _, c := range []struct{ choice, want string }{
		{"yes", "kim yes ep_1 sha256:shown"},
		{"veto", "kim veto ep_1 "},
		{"flag", "kim flag ep_1 names a customer"},
		{"delete", "kim delete ep_1 "},
	} {
		do("open", chromedp.Navigate(base+"/mine"), chromedp.Click(`a[href="/mine/ep_1"]`), chromedp.WaitVisible(`#say`))
		if c.choice == "flag" {
			do("say why", chromedp.SendKeys(`input[name=why]`, "names a customer"))
		}
		do(c.choice, chromedp.Click(`button[value=`+c.choice+`]`), chromedp.WaitVisible(`[role=status]`))
		if got := w.told(); len(got) == 0 || got[len(got)-1] != c.want {
			t.Errorf("after %s: %q, want %q", c.choice, got, c.want)
		}
	}
}
