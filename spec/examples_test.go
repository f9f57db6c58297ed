// SPDX-License-Identifier: Apache-2.0

package spec_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/scrub"
	"github.com/headrace/headrace/spec"
)

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("examples", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func decode(t *testing.T, name string) *episode.Episode {
	t.Helper()
	e, err := episode.Decode(read(t, name))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return e
}

// golden compares got with the example of that name; with -update it writes it.
func golden(t *testing.T, name string, got any) {
	t.Helper()
	b, err := json.Marshal(got, json.Deterministic(true), jsontext.WithIndent("  "))
	if err != nil {
		t.Fatal(err)
	}
	b = append(b, '\n')
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(filepath.Join("examples", name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(read(t, name)), string(b)); diff != "" {
		t.Errorf("%s is not what the stage gives (-file +stage); if that is meant, run go test ./spec -update\n%s", name, diff)
	}
}

// derive gives the examples their keys, which everybody may know.
func derive(purpose ...string) []byte {
	s := sha256.Sum256([]byte("example " + strings.Join(purpose, " ")))
	return s[:]
}

var day = time.Date(2026, 3, 20, 0, 0, 0, 0, time.UTC)

// The examples are one episode on its way: each stage's example is what the stage makes of the one before.
func TestExamplesAreWhatTheStagesMakeOfEachOther(t *testing.T) {
	s, err := scrub.New(scrub.Config{Key: derive("pseudonym", "local")})
	if err != nil {
		t.Fatal(err)
	}
	e := decode(t, "episode.raw.json")
	if _, err := s.Episode(e); err != nil {
		t.Fatal(err)
	}
	golden(t, "episode.clean.json", e)

	p := consent.Starter()
	recipient := p.Recipients()[0]
	l, err := consent.NewLowerer(recipient, derive)
	if err != nil {
		t.Fatal(err)
	}
	later := e.Clone()
	later.ID, later.Amends, later.Revision = e.ID+"#2", e.ID, 2
	later.Outcomes = []episode.Outcome{{Suggestion: "s1", Kind: episode.OutcomeReverted, Value: 0, ObservedAt: day, Window: "5d"}}
	later = &episode.Episode{SchemaVersion: later.SchemaVersion, ID: later.ID, Revision: 2, Amends: later.Amends, Outcomes: later.Outcomes, Privacy: later.Privacy, Local: later.Local}

	signal := lower(t, p, l, e)
	golden(t, "episode.signal.json", signal)
	golden(t, "episode.amendment.json", lower(t, p, l, later))

	masked, err := l.Lower(e, consent.Decision{Level: episode.LevelMasked, Policy: p.Digest(),
		Terms: &episode.Terms{Purposes: []episode.Purpose{episode.PurposeEvaluate}, Recipients: []string{recipient}, Region: "eu", RetentionDays: 180}})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "episode.masked.json", masked)

	record, err := episode.AppendCanonical(nil, signal)
	if err != nil {
		t.Fatal(err)
	}
	key := ed25519.NewKeyFromSeed(derive("signing"))
	m, digest, err := bundle.Pack(filepath.Join(t.TempDir(), "b"), [][]byte{record}, bundle.Options{Signer: key, Contributor: "alder-bank", Recipient: recipient,
		Checkpoint: "tool-maker\n40\n…\n"})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "bundle-manifest.json", m)
	golden(t, "receipt.json", bundle.Receipt{Bundle: digest, Contributor: m.Contributor, Recipient: m.Recipient, Records: m.Records, MerkleRoot: m.MerkleRoot,
		ReceivedDay: "2026-03-20", LogOrigin: m.Recipient, LogIndex: 41, Checkpoint: "tool-maker\n42\n…\n"})
	golden(t, "trust.json", bundle.NewTrust(bundle.TrustedKey{Name: "alder-bank", Key: key.Public().(ed25519.PublicKey)}).Keys())
	if _, err := bundle.DecodeTrust(read(t, "trust.json")); err != nil {
		t.Error(err)
	}
}

func lower(t *testing.T, p *consent.Policy, l *consent.Lowerer, e *episode.Episode) *episode.Episode {
	t.Helper()
	d, err := p.Decide(e, consent.Request{Recipient: p.Recipients()[0], Now: day})
	if err != nil {
		t.Fatal(err)
	}
	out, err := l.Lower(e, d)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestEpisodeExamplesHaveOnlyFieldsOfTheRecordAndSurviveARoundTrip(t *testing.T) {
	for _, name := range []string{"raw", "clean", "signal", "masked", "amendment"} {
		b := jsontext.Value(read(t, "episode."+name+".json"))
		again, err := episode.AppendCanonical(nil, decode(t, "episode."+name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Canonicalize(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(b), string(again)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		checkKnown(t, name, b)
	}
}

// checkKnown refuses a key that the schema does not name.
func checkKnown(t *testing.T, name string, b []byte) {
	t.Helper()
	var schema struct {
		Defs map[string]struct {
			Properties map[string]struct {
				Ref   string `json:"$ref"`
				Items struct {
					Ref string `json:"$ref"`
				} `json:"items"`
			} `json:"properties"`
		} `json:"$defs"`
	}
	if err := json.Unmarshal([]byte(spec.EpisodeSchema), &schema); err != nil {
		t.Fatal(err)
	}
	var walk func(def string, v any)
	walk = func(def string, v any) {
		switch v := v.(type) {
		case []any:
			for _, item := range v {
				walk(def, item)
			}
		case map[string]any:
			for key, value := range v {
				p, ok := schema.Defs[def].Properties[key]
				if !ok {
					t.Errorf("%s: %s has no %q", name, def, key)
				}
				if ref := strings.TrimPrefix(p.Ref+p.Items.Ref, "#/$defs/"); ref != "" {
					walk(ref, value)
				}
			}
		}
	}
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	walk("Episode", v)
}

func TestStarterPolicyIsAPolicy(t *testing.T) {
	p, err := consent.ReadPolicy(filepath.Join("examples", "policy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if p.Digest() != consent.Starter().Digest() || len(p.Recipients()) != 1 {
		t.Errorf("%v", p.Recipients())
	}
}

func TestEveryOtherPolicyExampleIsAPolicy(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("examples", "more", "policy*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		if _, err := consent.ReadPolicy(f); err != nil {
			t.Error(err)
		}
	}
}

func TestPreferencesExampleIsADevelopersPreferences(t *testing.T) {
	p, err := consent.ReadPreferences(filepath.Join("examples", "more", "preferences.yaml"))
	if err != nil || p.Developer != "ada@alder-bank.example" || p.Agree == nil || !*p.Agree {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestDictionaryExampleIsADictionary(t *testing.T) {
	d, err := scrub.ReadDictionary(bytes.NewReader(read(t, "dictionary.csv")))
	if err != nil {
		t.Fatal(err)
	}
	s, err := scrub.New(scrub.Config{Key: derive("pseudonym", "local"), Dictionary: d})
	if err != nil {
		t.Fatal(err)
	}
	e := decode(t, "episode.raw.json")
	e.Instruction = "Ask Ada Byron about Nightjar for Heron Shipping (PAY-1234) on build7.alder-bank.example, ab1815."
	if _, err := s.Episode(e); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Ada", "Byron", "Nightjar", "Heron", "1234", "build7", "ab1815"} {
		if strings.Contains(e.Instruction, name) {
			t.Errorf("%s is still in %q", name, e.Instruction)
		}
	}
}
