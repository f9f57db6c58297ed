// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// browser starts a Chromium for the test, or skips it.
func browser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed: pages are not looked at in a browser")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	ctx, stop := chromedp.NewExecAllocator(t.Context(), opts...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	if err := chromedp.Do(ctx); err != nil { // starts it: only then may the context have an end
		t.Fatalf("start chromium: %v", err)
	}
	ctx, stop = context.WithTimeout(ctx, 10*time.Minute)
	t.Cleanup(stop)
	return ctx
}

func listen(t *testing.T, ctx context.Context, f func(ev any)) {
	t.Helper()
	if err := chromedp.Listen(ctx, f); err != nil {
		t.Fatal(err)
	}
}

// flaws are found in the page itself: text that is hard to read against what is behind it (WCAG 2.2 AA), a page wider
// than the screen, things to click that are too small or have no name, a heading out of order, an id used twice.
const flaws = `(() => {
  const out = [];
  const rgb = c => { const m = c.match(/[\d.]+/g).map(Number); return c.startsWith("color(") ? [m[0]*255, m[1]*255, m[2]*255, m[3] ?? 1] : [m[0], m[1], m[2], m[3] ?? 1]; };
  const over = (a, b) => a[3] >= 1 ? a : [0,1,2].map(i => a[i]*a[3] + b[i]*(1-a[3])).concat(1);
  const lum = c => { const [r,g,b] = c.map(v => { v /= 255; return v <= .04045 ? v/12.92 : ((v+.055)/1.055)**2.4; }); return .2126*r + .7152*g + .0722*b; };
  const behind = e => { const all = []; for (; e; e = e.parentElement) all.push(rgb(getComputedStyle(e).backgroundColor)); return all.reverse().reduce((under, c) => over(c, under), [255,255,255,1]); };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  for (let n; n = walk.nextNode();) {
    const e = n.parentElement;
    if (!n.data.trim() || seen.has(e) || !e.checkVisibility() || e.closest("svg, .skip, button:disabled, option")) continue;
    seen.add(e);
    const bg = behind(e), fg = over(rgb(getComputedStyle(e).color), bg);
    const [hi, lo] = [lum(fg), lum(bg)].sort((a, b) => b - a), ratio = (hi+.05)/(lo+.05);
    const big = parseFloat(getComputedStyle(e).fontSize) >= 24;
    if (ratio < (big ? 3 : 4.5)) out.push("contrast " + ratio.toFixed(2) + ": " + e.className + " " + n.data.trim().slice(0, 40));
  }
  for (const e of document.querySelectorAll("svg text")) {
    const f = rgb(getComputedStyle(e).fill), bg = behind(e.closest("figure"));
    const [hi, lo] = [lum(f), lum(bg)].sort((a, b) => b - a);
    if ((hi+.05)/(lo+.05) < 4.5) out.push("contrast in the plot: " + e.textContent);
    const r = e.getBoundingClientRect(), box = e.closest("figure").getBoundingClientRect();
    if (r.left < box.left || r.right > box.right) out.push("plot text outside: " + e.textContent);
  }
  const wide = document.documentElement.scrollWidth;
  if (wide > innerWidth) out.push("page is " + wide + " wide on " + innerWidth);
  for (const e of document.querySelectorAll("a, button, input:not([type=hidden]), select, summary")) {
    if (!e.checkVisibility() || e.closest(".skip")) continue;
    const r = e.getBoundingClientRect(), name = (e.getAttribute("aria-label") || e.labels?.[0]?.textContent || e.textContent || "").trim();
    if (!name) out.push("no name: " + e.outerHTML.slice(0, 80));
    if (r.height < 16 || (r.height < 24 && getComputedStyle(e).display !== "inline")) out.push("small target " + r.height + ": " + name);
  }
  let level = 0;
  for (const h of document.querySelectorAll("h1, h2, h3, h4")) { const l = +h.tagName[1]; if (l > level + 1) out.push("heading jumps to " + h.tagName + ": " + h.textContent.slice(0, 40)); level = l; }
  const ids = [...document.querySelectorAll("[id]")].map(e => e.id);
  for (const i of ids) if (ids.indexOf(i) !== ids.lastIndexOf(i)) out.push("id twice: " + i);
  for (const e of document.querySelectorAll("[aria-labelledby], [aria-describedby]")) for (const i of (e.getAttribute("aria-labelledby") || e.getAttribute("aria-describedby")).split(" ")) if (!document.getElementById(i)) out.push("no such label: " + i);
  return out;
})()`

func TestPagesAreLegibleInEveryLightAndWidth(t *testing.T) {
	ctx := browser(t)
	w := full(plain)
	none := &world{}
	worlds := map[string]Config{"full": {Edge: w, Hub: w, Demo: true, Version: "0.1"}, "empty": {Edge: none, Hub: none, Version: "0.1"}, "edge": {Edge: &world{histories: w.histories}, Version: "0.1"}}
	pages := map[string][]string{
		"full": {"/", "/start", "/episodes", "/episodes?tool=x", "/episodes/ep_1", "/episodes/ep_2", "/preview", "/preview/batch%201", "/preview/batch%201?raw=1&said=approve", "/preview/batch%201/rule?record=d1&when=repository+%3D%3D+%22payments%22", "/mine", "/mine/ep_1?said=flag", "/mine/ep_2", "/mine/preferences", "/mine/preferences?said=1", "/bundles", "/bundles/b%2F1", "/bundles/b%2F3", "/withdrawals", "/withdrawals?session=s1", "/withdrawals?all=1", "/withdrawals/w%2F1",
			"/snapshots", "/snapshots/snap%2F1", "/gates", "/gates/gate%2F1", "/gates/gate%202", "/gates/gate%2F3", "/releases", "/releases/rel%2F1", "/releases/rel%2F2", "/reward", "/instructions", "/instructions/ins%2F1", "/instructions/ins%2F2", "/instructions/ins%2F3", "/instructions/ins%2F5", "/statements", "/statements/st%2F1", "/audit", "/audit?who=kim", "/policy", "/policy/1", "/policy/2", "/policy/3", "/nowhere"},
		"empty": {"/", "/start", "/episodes", "/preview", "/mine", "/mine/preferences", "/bundles", "/withdrawals", "/snapshots", "/gates", "/releases", "/reward", "/instructions", "/statements", "/audit", "/policy"},
		"edge":  {"/"},
	}
	dir := t.ArtifactDir()
	var loud []string
	var mu sync.Mutex
	listen(t, ctx, func(ev any) {
		if e, ok := ev.(*log.EventEntryAdded); ok && !strings.Contains(e.Entry.Text, "status of 40") {
			mu.Lock()
			defer mu.Unlock()
			loud = append(loud, e.Entry.Text)
		}
	})
	for _, name := range []string{"full", "empty", "edge"} {
		site, err := New(worlds[name])
		if err != nil {
			t.Fatal(err)
		}
		srv := httptest.NewServer(site)
		t.Cleanup(srv.Close)
		if err := chromedp.Do(ctx, chromedp.Navigate(srv.URL+"/enter?code=used")); err != nil {
			t.Fatal(err)
		}
		look(t, ctx, dir, name, "sign-in")
		if err := chromedp.Do(ctx, chromedp.Navigate(srv.URL+site.Link("kim"))); err != nil {
			t.Fatal(err)
		}
		for _, p := range pages[name] {
			if err := chromedp.Do(ctx, chromedp.Navigate(srv.URL+p)); err != nil {
				t.Fatal(err)
			}
			look(t, ctx, dir, name, p)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(loud) > 0 {
		t.Errorf("the browser complains: %q", loud)
	}
}

// look examines the page that is open and keeps its picture, light and dark, on a desk and on a phone.
func look(t *testing.T, ctx context.Context, dir, world, page string) {
	t.Helper()
	for _, v := range []struct {
		name  string
		width int64
		mood  string
	}{{"desk-light", 1280, "light"}, {"desk-dark", 1280, "dark"}, {"phone-light", 360, "light"}, {"phone-dark", 360, "dark"}} {
		mood := func(ctx context.Context, t *chromedp.Target) error {
			_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: v.mood}}})
			return err
		}
		err := chromedp.Do(ctx, chromedp.EmulateViewport(v.width, 800), chromedp.Func(mood))
		var found []string
		if err == nil {
			found, err = chromedp.Run(ctx, chromedp.Evaluate[[]string](flaws))
		}
		var shot []byte
		if err == nil {
			shot, err = chromedp.Run(ctx, chromedp.FullScreenshot(100))
		}
		if err != nil {
			t.Fatalf("%s %s %s: %v", world, page, v.name, err)
		}
		slices.Sort(found)
		for _, f := range slices.Compact(found) {
			t.Errorf("%s %s %s: %s", world, page, v.name, f)
		}
		file := strings.Trim(strings.NewReplacer("/", "_", "?", "_", "%20", "-", "%2F", "-", "&", "_").Replace(page), "_")
		if file == "" {
			file = "overview"
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%s-%s.png", world, file, v.name)), shot, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestStewardApprovesByKeyboardAndTheOverviewStaysFresh(t *testing.T) {
	ctx := browser(t)
	w := full(plain)
	site, err := New(Config{Edge: w, Hub: w})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(site)
	t.Cleanup(srv.Close)
	var asked []string
	var mu sync.Mutex
	listen(t, ctx, func(ev any) {
		if r, ok := ev.(*network.EventRequestWillBeSent); ok && !strings.HasPrefix(r.Request.URL, srv.URL) {
			mu.Lock()
			defer mu.Unlock()
			asked = append(asked, r.Request.URL)
		}
	})
	do := func(what string, steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, steps...); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	do("sign in", chromedp.Navigate(srv.URL+site.Link("kim")), chromedp.WaitVisible("#live"), chromedp.KeyEvent("\t"))
	if focus, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.activeElement.textContent`)); err != nil || focus != "Skip to the content" {
		t.Errorf("the first tab stop is %q, %v", focus, err)
	}
	do("freshen the overview", chromedp.Evaluate[chromedp.Void](`document.activeElement.blur(); document.querySelector(".loop").dataset.old = 1`),
		chromedp.WaitNotPresent(`.loop[data-old]`))
	do("approve", chromedp.Navigate(srv.URL+"/preview/batch%201"), chromedp.Focus(`form button[value=approve]`),
		chromedp.KeyEvent("\r"), chromedp.WaitVisible(`[role=status]`))
	where, err := chromedp.Run(ctx, chromedp.Location())
	if err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if want := "kim approve batch 1 [] " + w.batches[0].Seen; len(w.rulings) != 1 || w.rulings[0] != want || !strings.Contains(where, "said=approve") {
		t.Errorf("rulings %q at %s, want %q", w.rulings, where, want)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(asked) > 0 {
		t.Errorf("the pages asked elsewhere: %q", asked)
	}
}

// TestFlawsAreFound keeps the checks above honest: a page with each flaw must fail each.
func TestFlawsAreFound(t *testing.T) {
	ctx := browser(t)
	const bad = `data:text/html,<body style="background:white"><h1>One</h1><h3>Three</h3><p id=a style="color:%23bbb">pale</p><p id=a style="width:3000px">wide</p><button></button><div aria-labelledby=nobody></div><figure><svg><text y=20 fill="%23ddd">x</text></svg></figure>`
	if err := chromedp.Do(ctx, chromedp.Navigate(bad)); err != nil {
		t.Fatal(err)
	}
	found, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](flaws))
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(found, "\n")
	for _, want := range []string{"contrast 1.9", "contrast in the plot", "heading jumps to H3", "id twice: a", "page is 3", "no name: <button>", "no such label: nobody"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not found in\n%s", want, all)
		}
	}
}
