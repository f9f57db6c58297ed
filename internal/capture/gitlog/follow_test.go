// SPDX-License-Identifier: Apache-2.0

package gitlog

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Each line of lower has a letter: V as suggested, C changed, D not there, ? not known yet.
func TestALineIsFollowedToItsCommit(t *testing.T) {
	edited := strings.Replace(lower, "notches > g.height", "notches > g.height-g.sill", 1)
	partly := strings.Replace(lower, "\trecordLowering(g, notches)\n", "", 1)
	for name, c := range map[string]struct {
		commit string
		want   string
	}{
		"verbatim":      {gate + lower, "VVVVVVVVV"},
		"edited":        {gate + edited, "VVCVVVVVV"},
		"in part":       {gate + partly, "VVVVVVDVV"},
		"reindented":    {gate + strings.ReplaceAll(lower, "\t", "    "), "VVVVVVVVV"},
		"rewrapped":     {gate + strings.Replace(lower, "Lower(notches int) error", "Lower(\n\tnotches int,\n) error", 1), "VVVVVVVVV"},
		"in a new file": {gate, "VVVVVVVVV"},
		"not at all":    {gate + "\n// Height is how high the gate stands.\nfunc (g *Gate) Height() int {\n\treturn g.height\n}\n", "?????????"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRepo(t)
			r.write("gate.go", gate)
			r.commit("begin")
			s := r.suggest("gate.go", "", lower)
			r.write("gate.go", c.commit)
			if name == "in a new file" {
				r.write("lower.go", "package gate\n"+lower)
			}
			r.commit("lower gates")
			got := r.follow(s)[0]
			if f := fates(got, committed); f != c.want {
				t.Errorf("committed %s, want %s", f, c.want)
			}
			if f := fates(got, merged); f != c.want {
				t.Errorf("merged %s, want %s", f, c.want)
			}
		})
	}
}

func TestABranchIsMergedHoweverItIs(t *testing.T) {
	for name, merge := range map[string]func(*repo){
		"merge": func(r *repo) { r.git("merge", "-q", "--no-ff", "--no-edit", "feature") },
		"rebase": func(r *repo) {
			r.git("checkout", "-q", "feature")
			r.git("rebase", "-q", "main")
			r.git("checkout", "-q", "main")
			r.git("merge", "-q", "--ff-only", "feature")
		},
		"squash": func(r *repo) {
			r.git("merge", "-q", "--squash", "feature")
			r.git("commit", "-q", "-m", "lower gates (#7)")
			r.git("branch", "-q", "-D", "feature")
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRepo(t)
			r.write("gate.go", gate)
			r.commit("begin")
			r.git("checkout", "-q", "-b", "feature")
			s := r.suggest("gate.go", "", lower)
			r.write("gate.go", gate+lower)
			r.commit("lower gates")
			if got := r.follow(s)[0]; fates(got, committed) != "VVVVVVVVV" || fates(got, merged) != "?????????" {
				t.Fatalf("on the branch: %s, %s", fates(got, committed), fates(got, merged))
			}
			r.git("checkout", "-q", "main")
			r.write("wheel.go", "package gate\n\n// Wheel turns.\ntype Wheel struct{ angle int }\n")
			r.commit("a wheel")
			r.later(time.Hour)
			merge(r)
			r.later(36 * time.Hour)
			got := r.follow(s)[0]
			if fates(got, committed) != "VVVVVVVVV" || fates(got, merged) != "VVVVVVVVV" || fates(got, kept(0)) != "VVVVVVVVV" || fates(got, kept(1)) != "?????????" {
				t.Errorf("merged: %s, %s, %s, %s", fates(got, committed), fates(got, merged), fates(got, kept(0)), fates(got, kept(1)))
			}
		})
	}
}

func kept(w int) func(Line) Fate { return func(l Line) Fate { return l.Kept[w] } }

// Each step is taken two days after the one before; what is left of lower is looked at a day after it, and at the end.
func TestALineIsFollowedOnTheDefaultBranch(t *testing.T) {
	reverse := strings.Replace(gate+lower, "package gate", "package sluice", 1)
	for name, c := range map[string]struct {
		then  func(*repo)
		week  string
		fixed bool
		undid bool
	}{
		"untouched": {then: func(r *repo) {}, week: "VVVVVVVVV"},
		"renamed": {then: func(r *repo) {
			r.git("mv", "gate.go", "sluice.go")
			r.commit("a better name")
		}, week: "VVVVVVVVV"},
		"renamed and edited": {then: func(r *repo) {
			r.git("mv", "gate.go", "sluice.go")
			r.write("sluice.go", strings.Replace(reverse, "g.height -= notches", "g.height -= notches * 2", 1))
			r.commit("a better name")
		}, week: "VVVVVCVVV"},
		"moved": {then: func(r *repo) {
			r.write("gate.go", gate)
			r.write("lower.go", "package gate\n\nimport \"errors\"\n"+lower)
			r.commit("a file of its own")
		}, week: "VVVVVVVVV"},
		"reformatted": {then: func(r *repo) {
			r.write("gate.go", strings.ReplaceAll(gate+strings.Replace(lower, `errors.New("the gate is on the sill already")`, "errors.New(\n\t\t\t'the gate is on the sill already',\n\t\t)", 1), "\t", "  "))
			r.commit("format")
		}, week: "VVVVVVVVV"},
		"fixed": {then: func(r *repo) {
			r.write("gate.go", gate+strings.Replace(lower, "notches > g.height", "notches >= g.height-1", 1))
			r.commit("fix: the gate hits the sill")
		}, week: "VVCVVVVVV", fixed: true},
		"reverted": {then: func(r *repo) { r.git("revert", "--no-edit", "HEAD") }, week: "DDDDDDDDD", undid: true},
		"removed": {then: func(r *repo) {
			r.write("gate.go", gate)
			r.commit("gates are not lowered")
		}, week: "DDDDDDDDD"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRepo(t)
			r.write("gate.go", gate)
			r.commit("begin")
			s := r.suggest("gate.go", "", lower)
			r.write("gate.go", gate+lower)
			r.commit("lower gates")
			r.later(48 * time.Hour)
			c.then(r)
			r.later(6 * 24 * time.Hour)
			got := r.follow(s)[0]
			if fates(got, kept(0)) != "VVVVVVVVV" || fates(got, kept(1)) != c.week || fates(got, kept(2)) != "?????????" {
				t.Errorf("after a day %s, a week %s (want %s), a month %s", fates(got, kept(0)), fates(got, kept(1)), c.week, fates(got, kept(2)))
			}
			fixed, undid := false, false
			for _, l := range got {
				fixed, undid = fixed || l.Fixed > 0, undid || l.Reverted > 0
			}
			if fixed != c.fixed || undid != c.undid {
				t.Errorf("fixed %v, reverted %v", fixed, undid)
			}
		})
	}
}

func TestWhatALaterSuggestionReplacedIsNotWhatWasCommitted(t *testing.T) {
	r := newRepo(t)
	r.write("gate.go", gate)
	r.commit("begin")
	first := r.suggest("gate.go", "", lower)
	r.later(time.Minute)
	better := strings.Replace(lower, "\trecordLowering(g, notches)\n", "\tg.log.Lowered(notches, time.Now())\n", 1)
	second := r.suggest("gate.go", lower, better)
	second.ID = "second"
	r.write("gate.go", gate+better)
	r.commit("lower gates")
	got := r.follow(first, second)
	if f := fates(got[0], committed); f != "VVVVVVDVV" {
		t.Errorf("the first: %s", f)
	}
	if f := fates(got[1], committed); f != "V" {
		t.Errorf("the second: %s", f)
	}
}

func TestAPersonsOwnCodeIsNotASuggestion(t *testing.T) {
	r := newRepo(t)
	r.write("gate.go", gate)
	r.commit("begin")
	s := r.suggest("gate.go", "", lower)
	r.write("gate.go", gate+"\n// Close closes the gate.\nfunc (g *Gate) Close() error {\n\tif g.height == 0 {\n\t\treturn nil\n\t}\n\tg.height = 0\n\treturn nil\n}\n")
	r.commit("close gates")
	if f := fates(r.follow(s)[0], committed); strings.ContainsAny(f, "VC") {
		t.Errorf("committed: %s", f)
	}
}

func TestOutcomesAreSharesOfWords(t *testing.T) {
	r := newRepo(t)
	r.write("gate.go", gate)
	r.commit("begin")
	s := r.suggest("gate.go", "", lower)
	r.write("gate.go", gate+strings.Replace(lower, "\trecordLowering(g, notches)\n", "", 1))
	r.commit("lower gates")
	r.later(48 * time.Hour)
	r.git("revert", "--no-edit", "HEAD")
	r.later(6 * 24 * time.Hour)
	lines := r.follow(s)[0]
	want := map[string]float64{"committed": 50. / 53, "merged": 50. / 53, "kept1d": 1, "kept7d": 0, "reverted": 1}
	for _, o := range Outcomes(&s, lines) {
		name := string(o.Kind) + o.Window
		if v, known := want[name]; !known || v != o.Value || o.ObservedAt.IsZero() || o.Suggestion != s.ID {
			t.Errorf("%+v, want %v", o, v)
		}
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("not told: %v", want)
	}
	if apart, told := Distance(&s, lines); !told || apart != 3./53 {
		t.Errorf("distance %v, %v", apart, told)
	}
	if len(Outcomes(&s, make([]Line, len(s.Added)))) != 0 {
		t.Error("of what is not known yet, something is told")
	}
}

func TestTheFinalTextIsWhatWasCommittedInItsPlace(t *testing.T) {
	r := newRepo(t)
	r.write("gate.go", gate)
	r.commit("begin")
	s := r.suggest("gate.go", "", lower)
	final := strings.Replace(strings.Replace(lower, "\trecordLowering(g, notches)\n", "", 1), "\tg.height -= notches\n", "\tg.trace(notches)\n\tg.height -= notches * g.notch\n", 1)
	r.write("gate.go", gate+final)
	r.commit("lower gates")
	lines := r.follow(s)[0]
	repo, err := Open(t.Context(), r.dir)
	if err != nil {
		t.Fatal(err)
	}
	commits := map[string]*Commit{}
	if err := repo.Scan(t.Context(), time.Time{}, func(string) bool { return false }, func(c *Commit) error { commits[c.ID] = c; return nil }); err != nil {
		t.Fatal(err)
	}
	p := NewPrinter([]byte("key"))
	if got := p.Final("", lower, lines, commits); got != final {
		t.Errorf("final:\n%s\nwant:\n%s", got, final)
	}
	if got := p.Final("", lower, lines, nil); got != "" {
		t.Errorf("without the commit's text: %q", got)
	}
}

// A repository's own settings may name programs; reading its history runs none of them.
func TestNothingThatARepositoryNamesIsRun(t *testing.T) {
	r := newRepo(t)
	mark := filepath.Join(t.TempDir(), "run")
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho run >> "+mark+"\ncat\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	r.write("gate.go", gate)
	r.write(".gitattributes", "*.go diff=evil filter=evil\n")
	r.commit("begin")
	r.write("gate.go", gate+lower)
	r.commit("lower gates")
	for _, key := range []string{"diff.external", "diff.evil.command", "diff.evil.textconv", "filter.evil.clean", "filter.evil.smudge", "core.pager", "pager.log", "core.fsmonitor", "gpg.program", "core.alternateRefsCommand", "core.sshCommand", "credential.helper"} {
		r.git("config", key, script)
	}
	r.git("config", "log.showSignature", "true")
	os.Remove(mark)
	s := r.suggest("gate.go", "", lower)
	s.At -= 7200
	if f := fates(r.follow(s)[0], committed); f != "VVVVVVVVV" {
		t.Errorf("committed %s", f)
	}
	if b, err := os.ReadFile(mark); err == nil {
		t.Errorf("a program was run: %s", b)
	}
}

func TestOnlyWhatIsNewIsTold(t *testing.T) {
	r := newRepo(t)
	r.write("gate.go", gate)
	r.commit("begin")
	c := NewClones(nil)
	c.Add(filepath.Join(r.dir, "gone", "folder"))
	c.Add("relative")
	c.Add(t.TempDir()) // in no repository
	var told []string
	tell := func(c *Clones, fail error) (string, bool) {
		told = nil
		changed, err := c.Tell(t.Context(), r.at, func(_ context.Context, body []byte) error {
			for line := range strings.Lines(string(body)) {
				told = append(told, line)
			}
			return fail
		})
		if !errors.Is(err, fail) {
			t.Fatal(err)
		}
		return fmt.Sprint(len(told)), changed
	}
	if n, changed := tell(c, nil); n != "2" || !changed {
		t.Errorf("at first: %s lines, %v", n, changed)
	}
	if n, changed := tell(c, nil); n != "0" || changed {
		t.Errorf("nothing is new: %s lines, %v", n, changed)
	}
	r.write("gate.go", gate+lower)
	r.commit("lower gates")
	if n, _ := tell(c, os.ErrClosed); n != "2" {
		t.Errorf("one is new: %s lines", n)
	}
	if n, _ := tell(c, nil); n != "2" {
		t.Errorf("it was not taken: %s lines", n)
	}
	saved, err := c.Save()
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := tell(NewClones(saved), nil); n != "0" {
		t.Errorf("after a restart: %s lines", n)
	}
	if n, _ := tell(NewClones([]byte("{damaged")), nil); n != "0" {
		t.Errorf("damaged, and no folder known: %s lines", n)
	}
}

func TestARepositoryHasOneName(t *testing.T) {
	for remote, want := range map[string]string{
		"https://git.example.com/Mill/Sluice.git":              "git.example.com/mill/sluice",
		"https://miller:word@git.example.com/mill/sluice":      "git.example.com/mill/sluice",
		"https://git.example.com:8443/group/mill/sluice.git/":  "git.example.com/group/mill/sluice",
		"git@git.example.com:mill/sluice.git":                  "git.example.com/mill/sluice",
		"git.example.com:mill/sluice.git":                      "git.example.com/mill/sluice",
		"ssh://git@git.example.com:2222/mill/sluice.git":       "git.example.com/mill/sluice",
		"git://git.example.com/mill/sluice":                    "git.example.com/mill/sluice",
		"https://git.example.com/mill/../mill/sluice.git?x=1#": "git.example.com/mill/sluice",
		"/srv/git/sluice.git":                                  "",
		"../sluice":                                            "",
		"C:\\src\\sluice":                                      "",
		"file:///srv/git/sluice.git":                           "",
		"https://git.example.com/":                             "",
		"":                                                     "",
	} {
		if got := Name(remote); got != want {
			t.Errorf("%q: %q, want %q", remote, got, want)
		}
	}
}

func TestACommitNamesItsSessions(t *testing.T) {
	r := newRepo(t)
	r.git("checkout", "-q", "--orphan", "entire/checkpoints/v1")
	r.write("0a/1b2c3d4e5f/0/metadata.json", "{\n  \"checkpoint_id\": \"0a1b2c3d4e5f\",\n  \"session_id\": \"by-entire\"\n}\n")
	r.commit("checkpoint")
	r.git("checkout", "-q", "--orphan", "main")
	r.git("rm", "-rqf", "--cached", ".")
	r.write("0a/1b2c3d4e5f/0/metadata.json", "")
	r.write("gate.go", gate)
	r.commit("begin\n\nEntire-Checkpoint: 0a1b2c3d4e5f")
	r.git("notes", "--ref=ai", "add", "-m", "gate.go\n  s_1::t_1 1-3\n---\n{\"schema_version\":\"authorship/3.0.0\",\"sessions\":{\"s_1\":{\"agent_id\":{\"tool\":\"claude\",\"id\":\"by-git-ai\"}}},\"prompts\":{\"p\":{\"agent_id\":{\"id\":\"by-prompt\"}}}}")
	repo, err := Open(t.Context(), r.dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []*Commit
	if err := repo.Scan(t.Context(), time.Time{}, func(string) bool { return false }, func(c *Commit) error { all = append(all, c); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(all) != 1 || fmt.Sprint(all[0].Sessions) != "[by-entire by-git-ai by-prompt]" {
		t.Fatalf("%d commits, %+v", len(all), all[0].Sessions)
	}
	// What the commit says itself needs less to be believed.
	s := r.suggest("elsewhere/other.go", "", "func (g *Gate) Raise(by int) error {\n")
	s.At = all[0].Made.Unix() - 60
	if got := fates(r.follow(s)[0], committed); got != "?" {
		t.Errorf("one line, in a file of another name: %s", got)
	}
	s.Session = "by-git-ai"
	if got := fates(r.follow(s)[0], committed); got != "V" {
		t.Errorf("of its session: %s", got)
	}
}
