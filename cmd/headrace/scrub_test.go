// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

func scrubCommand(t *testing.T, stdin string, args ...string) (code int, out, notices string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(append([]string{"scrub", "--dir", t.TempDir()}, args...), strings.NewReader(stdin), &o, &e)
	return code, o.String(), e.String()
}

func TestScrubCommandTakesTextFieldsAndEpisodes(t *testing.T) {
	dir := t.TempDir()
	report, spans := filepath.Join(dir, "report.json"), filepath.Join(dir, "spans.jsonl")
	code, out, notices := scrubCommand(t, "mail bob@corp.com\n", "--text", "--report", report, "--spans", spans)
	if code != 0 || strings.Contains(out, "bob@") || !strings.HasPrefix(out, "mail user_") || !strings.Contains(notices, "keys") {
		t.Fatalf("%d %q %q", code, out, notices)
	}
	var got scrubReport
	b, err := os.ReadFile(report)
	if err != nil || json.Unmarshal(b, &got) != nil {
		t.Fatal(err, string(b))
	}
	if got.Records != 1 || got.BytesIn != 18 || got.BytesOut != int64(len(out)) || got.BytesReplaced != 12 || got.Findings["email"] != 1 {
		t.Errorf("%+v", got)
	}
	if b, err := os.ReadFile(spans); err != nil || string(b) != `{"record":1,"start":5,"end":17,"kind":"email"}`+"\n" {
		t.Errorf("%s %v", b, err)
	}

	lines := `{"a":1,"t":"bob@corp.com"}` + "\nbad\n"
	if code, out, notices = scrubCommand(t, lines, "--field", "t"); code != 0 || !strings.HasPrefix(out, `{"a":1,"t":"user_`) || !strings.Contains(notices, "record 2 set aside") {
		t.Errorf("%d %q %q", code, out, notices)
	}
	if code, _, _ = scrubCommand(t, lines, "--field", "t", "--strict"); code != 1 {
		t.Errorf("--strict: %d", code)
	}
	episodes := `{"schema_version":"1.0","id":"ep_1","instruction":"ask bob@corp.com"}` + "\n{}\n"
	if code, out, _ = scrubCommand(t, episodes); code != 0 || strings.Count(out, "\n") != 1 || strings.Contains(out, "bob@") || !strings.Contains(out, `"level":"clean"`) {
		t.Errorf("%d %q", code, out)
	}
}

func TestScrubCommandMasksCode(t *testing.T) {
	code, out, notices := scrubCommand(t, "type ZorblattLedger struct{} // of bob@corp.com\n", "--text", "--level", "masked")
	if code != 0 || strings.Contains(strings.ToLower(out), "orblatt") || !strings.HasPrefix(out, "type Xq5") || !strings.Contains(out, "Ledger struct{} // of user_") {
		t.Errorf("%d %q %q", code, out, notices)
	}
}

func TestScrubCommandUsedWronglySaysSo(t *testing.T) {
	for _, args := range [][]string{{"--level", "masked"}, {"--level", "x"}, {"--profile", "off"}, {"--text", "--field", "a"}} {
		if code, out, notices := scrubCommand(t, "x\n", args...); code != 2 || out != "" || notices == "" {
			t.Errorf("%v: %d %q %q", args, code, out, notices)
		}
	}
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, notices := scrubCommand(t, "x\n", "--text", "--key", key); code != 1 || !strings.Contains(notices, "→") {
		t.Errorf("%d %q", code, notices)
	}
}
