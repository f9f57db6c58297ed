// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

var testName = regexp.MustCompile(`(?m)^func (Test\w+)\(`)

// attackTests names the tests in the files of package scrub that are called attack.
func (b *bench) attackTests() (names []string, err error) {
	files, err := filepath.Glob(filepath.Join(b.root, "scrub", "attack*_test.go"))
	for _, f := range files {
		src, bad := os.ReadFile(f)
		err = errors.Join(err, bad)
		for _, m := range testName.FindAllSubmatch(src, -1) {
			names = append(names, string(m[1]))
		}
	}
	return names, err
}

// tally is what became of a test and its parts.
type tally struct {
	failed, runs, skipped int
	took                  float64
	said                  string
}

// tests runs the named tests of a package of the checkout, and says what became of each that ran.
func (b *bench) tests(ctx context.Context, pkg string, names []string) (map[string]*tally, error) {
	args := []string{"test", "-json", "-count=1", "-timeout", "10m", "-run", "^(" + strings.Join(names, "|") + ")$", pkg}
	if b.quick {
		args = slices.Insert(args, 1, "-short")
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env = b.root, os.Environ()
	var said bytes.Buffer
	cmd.Stderr = &said
	out, runErr := cmd.Output()
	tests := map[string]*tally{}
	for in := json.NewDecoder(bufio.NewReader(bytes.NewReader(out))); ; {
		var e struct {
			Action, Test, Output string
			Elapsed              float64
		}
		if err := in.Decode(&e); err == io.EOF {
			break
		} else if err != nil {
			return nil, fmt.Errorf("%w: %s", err, last(said.String(), 300))
		}
		name, _, _ := strings.Cut(e.Test, "/")
		if name == "" {
			continue
		}
		t := tests[name]
		if t == nil {
			t = &tally{}
			tests[name] = t
		}
		switch e.Action {
		case "output":
			t.said += e.Output
			continue
		case "fail":
			t.failed++
		case "skip":
			t.skipped++
			continue
		case "pass":
		default:
			continue
		}
		t.runs++
		if e.Test == name {
			t.took = e.Elapsed
		}
	}
	if len(tests) == 0 {
		return nil, fmt.Errorf("no test ran: %w: %s", runErr, last(said.String(), 300))
	}
	return tests, nil
}

// measureAttacks runs the attack tests of package scrub: a row is a test, and its figure how many of its parts failed.
func measureAttacks(ctx context.Context, b *bench) ([]row, error) {
	names, err := b.attackTests()
	if err != nil {
		return nil, err
	}
	tests, err := b.tests(ctx, "./scrub", names)
	if err != nil {
		return nil, err
	}
	var rows []row
	failed, runs := 0, 0
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		t := tests[name]
		r := row{ID: "attacks/" + strings.TrimPrefix(name, "Test"), Unit: "failed", N: t.runs, Note: fmt.Sprintf("%.1f s", t.took)}
		if t.runs == 0 {
			r.Note = "skipped"
		} else {
			r.Ours = figure(float64(t.failed))
		}
		failed, runs = failed+t.failed, runs+t.runs
		rows = append(rows, r)
	}
	return append([]row{{ID: "attacks", Ours: figure(float64(failed)), Unit: "failed", N: runs, Note: "tests and their parts in scrub/; each is a row"}}, rows...), nil
}
