// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/blob"
	"github.com/headrace/headrace/internal/dataset"
)

const exportable = `{"schema_version":"1.0","id":"e1","model":{"provider":"demo"},"privacy":{"level":"clean"},"suggestions":[{"id":"s1","step":-1,"before":"a","after":"b"}],` +
	`"decisions":[{"suggestion":"s1","verdict":"accepted","by":"person"}],"terms":{"purposes":["finetune"],"recipients":["hub"]}}`

func TestExportReadsAPipeAndCountsWhatItSetsAside(t *testing.T) {
	dir := t.TempDir()
	in := exportable + "\n{torn\n" + strings.Replace(exportable, `"finetune"`, `"evaluate"`, 1) + "\n"
	export := func(args ...string) (code int, out, errs string) {
		var stdout, stderr bytes.Buffer
		code = run(append([]string{"export", "--dir", dir}, args...), strings.NewReader(in), &stdout, &stderr)
		return code, stdout.String(), stderr.String()
	}
	const want = `{"prompt":"a","completion":"b","label":true}` + "\n"
	if code, out, errs := export("--format", "trl-kto"); code != 0 || out != want || !strings.Contains(errs, "1 examples from 2 records; refused by terms or rights: 1;") {
		t.Errorf("%d %q %q", code, out, errs)
	}
	if code, out, _ := export("--format", "trl-kto", "--strict"); code != 1 || out != want {
		t.Errorf("strict: %d %q", code, out)
	}
	if code, out, _ := export("--format", "trl-kto", "--recipient", "other"); code != 0 || out != "" {
		t.Errorf("another recipient: %d %q", code, out)
	}
	in = strings.Replace(in, `"demo"`, `"anthropic"`, 1)
	if code, out, errs := export("--format", "trl-kto"); code != 0 || out != "" || !strings.Contains(errs, "refused by terms or rights: 2;") {
		t.Errorf("another maker's output: %d %q %s", code, out, errs)
	}
	in = strings.Replace(in, `"anthropic"`, `"demo"`, 1)
	if code, _, errs := export("--format", "csv"); code != 2 || !strings.Contains(errs, "trl-kto, openai-dpo") {
		t.Errorf("unknown format: %d %q", code, errs)
	}
	file, report := filepath.Join(dir, "kto.jsonl"), filepath.Join(dir, "report.json")
	if code, out, _ := export("--format", "trl-kto", "--out", file, "--report", report); code != 0 || out != "" {
		t.Errorf("to a file: %d %q", code, out)
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != want {
		t.Errorf("file: %q, %v", b, err)
	}
	if b, err := os.ReadFile(report); err != nil || !strings.Contains(string(b), `"digest": "`+episode.Digest([]byte(want))) {
		t.Errorf("report: %s, %v", b, err)
	}
}

func TestExportReadsASnapshotOfTheHub(t *testing.T) {
	dir := t.TempDir()
	var stdout, stderr bytes.Buffer
	args := []string{"export", "--dir", dir, "--format", "trl-kto", "--holder", "training team", "--snapshot", "sha256:" + strings.Repeat("0", 64)}
	if code := run(args, nil, &stdout, &stderr); code != 1 || !strings.Contains(stderr.String(), "→") {
		t.Errorf("no hub: %d %s", code, stderr.String())
	}
	blobs, err := blob.Open(filepath.Join(dir, "hub", "blobs"), filepath.Join(dir, "hub", "keys", "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	ep, err := episode.Decode([]byte(exportable))
	if err != nil {
		t.Fatal(err)
	}
	ep.Terms.ExpiresAt = time.Now().Add(time.Hour)
	row, err := dataset.NewRow("acme", nil, ep)
	if err != nil {
		t.Fatal(err)
	}
	m, err := dataset.Write(t.Context(), blobs, []dataset.Row{row}, dataset.Meta{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	args[len(args)-1] = m.ID
	if code := run(args, nil, &stdout, &stderr); code != 0 || !strings.Contains(stdout.String(), `"completion":"b"`) {
		t.Errorf("snapshot: %d %s %s", code, stdout.String(), stderr.String())
	}
}
