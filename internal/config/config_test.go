// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/episode"
)

type sample struct {
	Name string        `yaml:"name"`
	Wait time.Duration `yaml:"wait"`
}

func TestWhatTheFileDoesNotSayKeepsItsDefault(t *testing.T) {
	for text, want := range map[string]sample{
		"":                      {"acme", time.Hour},
		"# nothing set\n":       {"acme", time.Hour},
		"wait: 90m\n":           {"acme", 90 * time.Minute},
		"name: x\nwait: 0s\n":   {"x", 0},
		"name: \"two words\"\n": {"two words", time.Hour},
	} {
		got := sample{"acme", time.Hour}
		if err := Decode([]byte(text), "edge.yaml", &got); err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func TestAMistakeInTheFileNamesItsLine(t *testing.T) {
	for _, text := range []string{"name: x\nnmae: y\n", "name: x\nwait: soon\n", "name: x\nname: y\n", "name: x\n  wait: 1h\n", "name: x\nwait: [1h]\n"} {
		err := Decode([]byte(text), "edge.yaml", &sample{})
		if !errors.Is(err, &episode.Problem{Code: "config/invalid"}) || !strings.Contains(err.Error(), "edge.yaml line ") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if err := Read(filepath.Join(t.TempDir(), "absent.yaml"), false, &sample{}); !errors.Is(err, &episode.Problem{Code: "config/read"}) {
		t.Errorf("a file that was named and is not there: %v", err)
	}
}

func TestAPasswordComesFromAFileOrTheEnvironmentOnly(t *testing.T) {
	const env = "HEADRACE_TEST_CONFIG_DATABASE"
	secret := "pw" + filepath.Base(t.TempDir())
	dsn := "postgres://headrace:" + secret + "@db.example/loop"
	if _, err := Database(env, "", dsn); !errors.Is(err, &episode.Problem{Code: "config/secret"}) || strings.Contains(err.Error(), secret) {
		t.Errorf("a password in the file: %v", err)
	}
	path := filepath.Join(t.TempDir(), "dsn")
	if err := os.WriteFile(path, []byte(dsn+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := Database(env, path, ""); got != dsn || err != nil {
		t.Errorf("from a file: %v", err)
	}
	t.Setenv(env, dsn)
	if got, err := Database(env, "", "other.db"); got != dsn || err != nil {
		t.Errorf("from the environment: %v", err)
	}
	if got := Redact(dsn); strings.Contains(got, secret) || !strings.Contains(got, "db.example/loop") {
		t.Error("a password is shown")
	}
}

// FuzzDecode: no file makes it panic, and what it takes it takes again after writing it out.
func FuzzDecode(f *testing.F) {
	f.Add("name: x\nwait: 1h\n")
	f.Add("name: &a x\nwait: *a\n")
	f.Add("{")
	f.Fuzz(func(t *testing.T, text string) {
		var s, again sample
		if Decode([]byte(text), "f", &s) != nil {
			return
		}
		var b strings.Builder
		if err := Format(&b, s); err != nil {
			t.Fatal(err)
		}
		if err := Decode([]byte(b.String()), "f", &again); err != nil || again != s {
			t.Errorf("%q → %q: %+v, %+v, %v", text, b.String(), s, again, err)
		}
	})
}

func TestATagAnAnchorAndAnAliasAreRefusedAtTheirLine(t *testing.T) {
	for _, text := range []string{"name: a\nwait: !!binary x\n", "name: a\nwait: &x 1s\n", "name: a\n<<: {wait: 1s}\n", "name: a\nwait: !!set {a}\n"} {
		err := Decode([]byte(text), "edge.yaml", &sample{})
		if err == nil || !strings.Contains(err.Error(), "edge.yaml line 2") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
