// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the reports in spec/examples anew")

const examples = "../../spec/examples/"

// program runs the program as a shell would, with a state folder of its own.
type program struct {
	t   *testing.T
	dir string
}

func (p program) run(stdin string, want int, args ...string) (stdout, stderr string) {
	p.t.Helper()
	var out, err bytes.Buffer
	if got := run(append([]string{"--dir", p.dir}, args...), strings.NewReader(stdin), &out, &err); got != want {
		p.t.Fatalf("%v: exit status %d, want %d\n%s", args, got, want, err.String())
	}
	return out.String(), err.String()
}

func file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func rawExample(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(examples + "episode.raw.json")
	if err != nil {
		t.Fatal(err)
	}
	v := jsontext.Value(b)
	if err := v.Compact(); err != nil {
		t.Fatal(err)
	}
	return string(v) + "\n"
}

func TestPipeTakesARawEpisodeToABundleThatVerifies(t *testing.T) {
	p := program{t, t.TempDir()}
	bundleDir := filepath.Join(t.TempDir(), "bundle")
	clean, _ := p.run(rawExample(t), 0, "scrub")
	signal, said := p.run(clean+"not an episode\n", 0, "consent", "--policy", examples+"policy.yaml")
	if !strings.Contains(said, "2 in, 1 leave, 1 set aside") {
		t.Errorf("consent says %s", said)
	}
	private := regexp.MustCompile(`\bada\b|Round|alder-bank|total\.go|toolu_01`) // whole words: a random id may well hold "ada"
	if left := private.FindAllString(signal, -1); left != nil {
		t.Errorf("%q leave: %s", left, signal)
	}
	if private.FindAllString(rawExample(t), -1) == nil {
		t.Error("the raw example holds nothing that must not leave")
	}
	packed, _ := p.run(signal, 0, "pack", "--out", bundleDir)
	verified, _ := p.run("", 0, "verify", bundleDir)
	if digest := packed[:len(`{"bundle":"sha256:`)+64]; !strings.HasPrefix(verified, digest) || !strings.Contains(verified, `"signer_name":"this machine"`) {
		t.Errorf("packed %s, verified %s", packed, verified)
	}
	again, _ := p.run(signal, 0, "pack", "--out", bundleDir)
	if again != packed {
		t.Errorf("packing again gives %s", again)
	}
	other := program{t, t.TempDir()}
	if _, said := other.run("", 1, "verify", bundleDir); !strings.Contains(said, "not trusted here") {
		t.Errorf("a stranger's bundle: %s", said)
	}
}

func TestVerifyTrustsInvitedContributorsAndTheTrustFile(t *testing.T) {
	maker, bank := program{t, t.TempDir()}, program{t, t.TempDir()}
	bundleDir := filepath.Join(t.TempDir(), "bundle")
	clean, _ := bank.run(rawExample(t), 0, "scrub")
	signal, _ := bank.run(clean, 0, "consent", "--policy", examples+"policy.yaml")
	bank.run(signal, 0, "pack", "--out", bundleDir, "--contributor", "alder-bank")
	trusted, err := (&env{dir: bank.dir, err: &bytes.Buffer{}}).trust("")
	if err != nil {
		t.Fatal(err)
	}
	named := strings.Replace(string(trusted.Encode()), `"name": ""`, `"name": "alder-bank"`, 1)
	maker.run("", 1, "verify", bundleDir)
	if out, _ := maker.run("", 0, "verify", bundleDir, "--trust", file(t, "trust.json", named)); !strings.Contains(out, `"signer_name":"alder-bank"`) {
		t.Error(out)
	}
	if err := os.WriteFile(filepath.Join(maker.dir, "trust.json"), []byte(named), 0o600); err != nil {
		t.Fatal(err)
	}
	maker.run("", 0, "verify", bundleDir)
	wrong := strings.Replace(named, "alder-bank", "birch-telecom", 1)
	if _, said := maker.run("", 1, "verify", bundleDir, "--trust", file(t, "trust.json", wrong)); !strings.Contains(said, "in the name of alder-bank") {
		t.Error(said)
	}
}

func TestWrongUseOfConsentAndPackSaysWhatToDo(t *testing.T) {
	p := program{t, t.TempDir()}
	raw := rawExample(t)
	clean, _ := p.run(raw, 0, "scrub")
	typo := strings.Replace(readFile(t, examples+"policy.yaml"), "level:", "levle:", 1)
	two := strings.Replace(readFile(t, examples+"policy.yaml"), "rules:", "  - {name: us, kind: own}\nrules:", 1)
	for _, c := range []struct {
		stdin string
		code  int
		args  []string
		want  string
	}{
		{clean, 2, []string{"consent"}, "--policy"},
		{clean, 1, []string{"consent", "--policy", "nowhere.yaml"}, "no such file"},
		{clean, 1, []string{"consent", "--policy", file(t, "p.yaml", typo)}, `unknown key "levle"`},
		{clean, 2, []string{"consent", "--policy", file(t, "p.yaml", two)}, "choose one with --recipient: tool-maker, us"},
		{clean, 1, []string{"consent", "--policy", examples + "policy.yaml", "--recipient", "them"}, "no recipient"},
		{raw, 1, []string{"consent", "--policy", examples + "policy.yaml"}, "does not come from scrub"},
		{clean, 1, []string{"pack", "--out", filepath.Join(p.dir, "b")}, "still has its local block"},
		{raw, 1, []string{"pack", "--out", filepath.Join(p.dir, "b")}, "at which level"},
		{"", 1, []string{"pack", "--out", filepath.Join(p.dir, "b")}, "no records"},
		{"", 1, []string{"verify", p.dir}, "is not a bundle"},
	} {
		if _, said := p.run(c.stdin, c.code, c.args...); !strings.Contains(said, c.want) {
			t.Errorf("%v says %q, not %q", c.args, said, c.want)
		}
	}
}

func TestPackRefusesACanary(t *testing.T) {
	p := program{t, t.TempDir()}
	clean, _ := p.run(rawExample(t), 0, "scrub")
	signal, _ := p.run(clean, 0, "consent", "--policy", examples+"policy.yaml")
	if _, said := p.run(signal, 1, "pack", "--out", filepath.Join(p.dir, "b"), "--canaries", file(t, "c", "never\nclaude-sonnet\n")); !strings.Contains(said, "canary 2") {
		t.Error(said)
	}
}

// The reports in spec/examples are those of read and scrub on the raw example, but for the seconds.
func TestReportExamplesAreWhatTheCommandsWrite(t *testing.T) {
	p := program{t, t.TempDir()}
	report, spans := filepath.Join(p.dir, "report.json"), filepath.Join(p.dir, "spans.jsonl")
	p.run(rawExample(t), 0, "read", "-", "--report", report)
	golden(t, "read-report.json", readFile(t, report))
	p.run(rawExample(t), 0, "scrub", "--key", file(t, "key", strings.Repeat("k", 32)), "--report", report, "--spans", spans)
	golden(t, "scrub-report.json", withoutSeconds(readFile(t, report)))
	golden(t, "spans.jsonl", readFile(t, spans))
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(examples+name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(readFile(t, examples+name), got); diff != "" {
		t.Errorf("%s is not what the command writes (-file +command); if that is meant, run go test ./cmd/headrace -run Examples -update\n%s", name, diff)
	}
}

func withoutSeconds(report string) string {
	before, _, _ := strings.Cut(report, `"seconds":`)
	return before + "\"seconds\":0}\n"
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
