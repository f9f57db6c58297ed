// SPDX-License-Identifier: Apache-2.0

package web

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/headrace/headrace/internal/login/logintest"
)

// TestAPersonSignsInWithABrowser goes to a provider on another site and comes back, as a browser lets cookies go.
func TestAPersonSignsInWithABrowser(t *testing.T) {
	ctx := browser(t)
	o := newOffice(t, nil)
	dir := t.ArtifactDir()
	do := func(what string, steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, steps...); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	heading := func(want string) {
		t.Helper()
		if got, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.querySelector("h1").textContent`)); err != nil || got != want {
			t.Errorf("the page says %q, not %q: %v", got, want, err)
		}
	}
	do("open", chromedp.Navigate(o.base+"/bundles"))
	heading("Sign in")
	look(t, ctx, dir, "login", "sign-in")
	do("sign in", chromedp.Click("a.button"), chromedp.WaitVisible(".me"))
	heading("Bundles and receipts")
	look(t, ctx, dir, "login", "inside")
	do("ask for what is another's", chromedp.Navigate(o.base+"/start"))
	heading("Not yours to see")
	look(t, ctx, dir, "login", "not-yours")
	do("sign out", chromedp.Click(".me button"), chromedp.WaitVisible("a.button"))
	heading("Sign in")
	do("go back", chromedp.Navigate(o.base+"/bundles"))
	heading("Sign in")

	o.provider.Set(func(p *logintest.Provider) { p.Claims["groups"] = []string{"g-lunch"} })
	do("sign in without a role", chromedp.Click("a.button"), chromedp.WaitVisible(".hint"))
	if text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.textContent`)); err != nil || !strings.Contains(text, "login/no-role") {
		t.Errorf("%v: %s", err, text)
	}
	look(t, ctx, dir, "login", "no-role")
	o.provider.Set(func(p *logintest.Provider) { p.Away = true })
	o.site = o.open(t)
	do("sign in while the provider is away", chromedp.Navigate(o.base+"/login"), chromedp.WaitVisible(".hint"))
	look(t, ctx, dir, "login", "away")
}
