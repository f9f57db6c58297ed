// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// step is one thing that a walk-through lets its reader do.
type step struct {
	line int
	// sh: run it; sh again: until it shows what is wanted; sh NAME: run it in a terminal that stays open, and go on once it
	// shows that; browser: do it on the pages; needs: what follows needs what a variable names.
	kind string
	text string
	want []string // lines that it prints, among others; … stands for anything
}

// walk reads the steps of a page: its fenced blocks, and the comments that say what is done in a browser.
func walk(page string) (steps []step) {
	var fence, block string
	for n, line := range strings.Split(page, "\n") {
		switch kind, opens := strings.CutPrefix(line, "```"); {
		case !opens && fence != "":
			block += line + "\n"
		case !opens:
			if m := asideStep.FindStringSubmatch(line); m != nil {
				steps = append(steps, step{line: n + 1, kind: m[1], text: m[2]})
			}
		case fence == "":
			fence, block = kind, ""
		case fence == "text":
			steps[len(steps)-1].want = strings.Split(strings.TrimSpace(block), "\n")
			fence = ""
		default:
			steps = append(steps, step{line: n + 1, kind: fence, text: block})
			fence = ""
		}
	}
	return steps
}

var (
	asideStep = regexp.MustCompile(`<!-- (browser|needs): (\w+) -->`)
	loopback  = regexp.MustCompile(`(127\.0\.0\.1|localhost):[0-9]+`)
)

// missing returns the first wanted line that is not in what was printed.
func (s step) missing(printed string) string {
	for _, want := range s.want {
		parts := strings.Split(want, "…")
		for n := range parts {
			parts[n] = regexp.QuoteMeta(parts[n])
		}
		if !regexp.MustCompile(strings.Join(parts, "(?s:.*)")).MatchString(printed) {
			return want
		}
	}
	return ""
}

// registryVariable names a program that is an OCI registry and not ours.
const registryVariable = "HEADRACE_TEST_REGISTRY"

// walker is somebody who does what a page says.
type walker struct {
	t    *testing.T
	page string
	dir  string
}

func (w *walker) command(text string) (*exec.Cmd, *lockedBuffer) {
	cmd, out := exec.Command("bash", "-euo", "pipefail", "-c", text), &lockedBuffer{}
	cmd.Dir, cmd.Stdout, cmd.Stderr = w.dir, out, out
	cmd.Env = append(os.Environ(), "HOME="+w.dir, "PATH="+filepath.Dir(os.Getenv(registryVariable))+":"+os.Getenv("PATH"), "XDG_STATE_HOME=", "HEADRACE_DIR=", "GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd, out
}

func (w *walker) do(s step, browse map[string]func()) {
	w.t.Helper()
	switch name, _ := strings.CutPrefix(s.kind, "sh"); {
	case s.kind == "needs":
	case s.kind == "browser":
		if browse[s.text] == nil {
			w.t.Fatalf("%s:%d: nobody knows how to %s", w.page, s.line, s.text)
		}
		browse[s.text]()
	case s.kind == "sh" || s.kind == "sh again":
		for end := time.Now().Add(3 * time.Minute); ; time.Sleep(200 * time.Millisecond) {
			cmd, out := w.command(s.text)
			err := cmd.Run()
			missing := s.missing(out.String())
			if err == nil && missing == "" {
				return
			}
			if name == "" || time.Now().After(end) {
				w.t.Fatalf("%s:%d: %v; lacks %q\n%s\nprinted\n%s", w.page, s.line, err, missing, s.text, out)
			}
		}
	default: // a role, which stays
		cmd, out := w.command(s.text)
		if err := cmd.Start(); err != nil {
			w.t.Fatal(err)
		}
		gone := make(chan error, 1)
		go func() { gone <- cmd.Wait() }()
		w.t.Cleanup(func() {
			syscall.Kill(-cmd.Process.Pid, syscall.SIGINT)
			select {
			case err := <-gone:
				if err != nil && strings.Contains(s.text, "headrace ") { // other programs may end as they like
					w.t.Errorf("%s:%d: ended with %v", w.page, s.line, err)
				}
			case <-time.After(time.Minute):
				syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
				w.t.Errorf("%s:%d: does not stop", w.page, s.line)
			}
			if w.t.Failed() {
				w.t.Logf("%s:%d said:\n%s", w.page, s.line, out)
			}
		})
		for end := time.Now().Add(2 * time.Minute); s.missing(out.String()) != ""; time.Sleep(50 * time.Millisecond) {
			if len(gone) > 0 || time.Now().After(end) {
				w.t.Fatalf("%s:%d: does not start\n%s", w.page, s.line, out)
			}
		}
	}
}

// approve is what a steward does: opens a fresh link, looks at what waits, and approves all of it.
func (w *walker) approve() {
	path, err := exec.LookPath("chromium")
	if err != nil {
		w.t.Skip("chromium is not installed: the walk-through needs a browser")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun)
	ctx, stop := chromedp.NewExecAllocator(w.t.Context(), opts...)
	defer stop()
	ctx, stop = chromedp.NewContext(ctx)
	defer stop()
	if err := chromedp.Do(ctx); err != nil { // starts it: only then may the context have an end
		w.t.Fatal(err)
	}
	ctx, stop = context.WithTimeout(ctx, 3*time.Minute)
	defer stop()
	cmd, out := w.command("headrace --dir edge edge link")
	if err := cmd.Run(); err != nil {
		w.t.Fatalf("%v\n%s", err, out)
	}
	link := regexp.MustCompile(`https?://\S+`).FindString(out.String())
	base, _, _ := strings.Cut(link, "/enter")
	if err := chromedp.Do(ctx, chromedp.Navigate(link)); err != nil {
		w.t.Fatal(err)
	}
	for waits := false; !waits; { // the edge screens what came in
		if err := chromedp.Do(ctx, chromedp.Navigate(base+"/preview"), chromedp.Sleep(100*time.Millisecond)); err != nil {
			w.t.Fatal(err)
		}
		if waits, err = chromedp.Run(ctx, chromedp.Evaluate[bool](`document.querySelector("tbody .state.waiting") != null`)); err != nil {
			w.t.Fatal(err)
		}
	}
	err = chromedp.Do(ctx,
		chromedp.Click("tbody th a"), chromedp.WaitVisible("article.record"),
		chromedp.Click(`//a[contains(., "Open the seal")]`), chromedp.WaitVisible("table.bytes.both"),
		chromedp.Click(`//button[starts-with(., "Approve all")]`), chromedp.WaitVisible("p.said"))
	if err != nil {
		w.t.Fatalf("on the pages: %v", err)
	}
}

func TestTheWalkThroughDoesWhatItSays(t *testing.T) {
	for _, name := range []string{"bash", "curl", "chromium"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip(name + " is not installed: the walk-through cannot be walked")
		}
	}
	page := filepath.Join("..", "..", "docs", "walkthrough.md")
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	free := map[string]string{}
	text := loopback.ReplaceAllStringFunc(string(b), func(addr string) string {
		host, port, _ := strings.Cut(addr, ":")
		if free[port] == "" {
			_, free[port], _ = strings.Cut(freeAddr(t), ":")
		}
		return host + ":" + free[port]
	})
	w := &walker{t: t, page: page, dir: t.TempDir()}
	for _, s := range walk(text) {
		if s.kind == "needs" && os.Getenv(s.text) == "" {
			t.Logf("%s:%d: not gone further: %s names nothing", page, s.line, s.text)
			return
		}
		w.do(s, map[string]func(){"approve": w.approve})
	}
}
