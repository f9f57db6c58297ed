// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
)

func touch(t *testing.T, path string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("{}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWalkStaysInsideGoesOnAndKeepsOrder(t *testing.T) {
	out, dir := t.TempDir(), t.TempDir()
	secret := touch(t, filepath.Join(out, "outside.jsonl"))
	b := touch(t, filepath.Join(dir, "b", "2.jsonl"))
	a := touch(t, filepath.Join(dir, "a.jsonl"))
	c := touch(t, filepath.Join(dir, "c.jsonl.zst"))
	touch(t, filepath.Join(dir, "b", "2.jsonl.zst")) // beside its plain form
	touch(t, filepath.Join(dir, "b", "main.go"))
	touch(t, filepath.Join(dir, "node_modules", "x.json"))
	if err := os.Symlink(out, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, filepath.Join(dir, "link.jsonl")); err != nil {
		t.Fatal(err)
	}
	files, problems := Walk(dir, b, filepath.Join(dir, "missing"))
	if d := cmp.Diff([]Candidate{{a, false}, {b, false}, {c, false}}, files); d != "" {
		t.Error(d)
	}
	if len(problems) != 1 || !strings.Contains(problems[0].Error(), "missing") {
		t.Errorf("problems %v, want the missing folder", problems)
	}
}

func TestAnUnreadableFolderIsReportedAndTheRestIsRead(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read everything")
	}
	dir := t.TempDir()
	want := touch(t, filepath.Join(dir, "a.jsonl"))
	locked := filepath.Dir(touch(t, filepath.Join(dir, "locked", "b.jsonl")))
	if err := os.Chmod(locked, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(locked, 0o755) })
	files, problems := Walk(dir)
	p, ok := errors.AsType[*episode.Problem](errors.Join(problems...))
	if len(files) != 1 || files[0].Path != want || !ok || p.Code != "capture/unreadable" || !strings.Contains(p.Message, locked) {
		t.Errorf("files %v, problems %v", files, problems)
	}
}

func TestLinesCountsTornLongAndBlankLines(t *testing.T) {
	var c Counts
	var got []string
	in := "a\r\n\n  \n" + strings.Repeat("x", 200<<10) + "\n" + strings.Repeat("y", episode.MaxLine+1) + "\nlast\vline"
	err := Lines(context.Background(), strings.NewReader(in), &c, func(line []byte) (bool, error) {
		got = append(got, string(line))
		return line[0] != 'x', nil
	})
	if err != nil || c.Lines != 4 || c.Unparsable != 2 {
		t.Errorf("%v, %d lines, %d unparsable; want 4 and 2 (one refused, one too long)", err, c.Lines, c.Unparsable)
	}
	if len(got) != 3 || got[0] != "a\r" || len(got[1]) != 200<<10 || got[2] != "last\vline" {
		t.Errorf("%d lines passed on", len(got))
	}
}

func TestArgumentsAlwaysFitTheRecord(t *testing.T) {
	long := strings.Repeat("é", 1<<20)
	for in, want := range map[string]string{
		`{"a":1}`:              `{"a":1}`,
		`{"a":1,"a":2}`:        `"{\"a\":1,\"a\":2}"`,
		`{"a":"\ud800"}`:       `"{\"a\":\"\\ud800\"}"`,
		`{"a":`:                `"{\"a\":"`,
		"":                     "",
		`["x","` + long + `"]`: "",
	} {
		got, cut := Arguments(jsontext.Value(in))
		if len(in) > 1<<20 {
			if !cut || !got.IsValid() || len(got) > 1<<20 || !strings.HasPrefix(string(got), `["x","é`) {
				t.Errorf("a long string: cut %v, %d bytes", cut, len(got))
			}
			continue
		}
		if string(got) != want || cut {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestKindsStayBounded(t *testing.T) {
	var c Counts
	for i := range 10 * maxKinds {
		c.Kind(strings.Repeat("k", i))
	}
	if len(c.Kinds) > maxKinds+1 || c.Kinds["other"] == 0 {
		t.Errorf("%d kinds, %d other", len(c.Kinds), c.Kinds["other"])
	}
}
