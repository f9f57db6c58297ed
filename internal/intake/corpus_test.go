// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/sharedtest"
	"github.com/headrace/headrace/internal/sim"
	"github.com/headrace/headrace/scrub"
)

// labelled is one row of the corpus of labelled text.
type labelled struct {
	Text, Label, Kind string
}

func corpus(t testing.TB, name string) (rows []labelled) {
	t.Helper()
	f, err := os.Open(filepath.Join(sharedtest.Dir(t, "privacy-corpus"), name+".jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var r labelled
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	return rows
}

// structured are the kinds of creddata that have a form of their own.
func structured(kind string) bool {
	for _, k := range []string{"AWS Client ID", "AWS Multi", "JSON Web Token", "PEM Private Key", "URL Credentials", "Basic Authorization", "Github", "Google API Key", "Slack", "Stripe"} {
		if strings.Contains(kind, k) {
			return true
		}
	}
	return false
}

// TestStructuredSecretsOfRealCodeAreSeen: raw, as if no filter stood before the hub.
func TestStructuredSecretsOfRealCodeAreSeen(t *testing.T) {
	all, hit, any := 0, 0, 0
	for _, r := range corpus(t, "creddata") {
		if r.Label == "clean" || !structured(r.Kind) {
			continue
		}
		all++
		f := scanned(t, map[string]string{"text": r.Text})
		if len(f.Hits) > 0 {
			hit++
		}
		if len(f.Hits)+f.Opaque > 0 {
			any++
		}
	}
	t.Logf("of %d structured secrets %d are hits, %d with opaque runs", all, hit, any)
	if all == 0 || hit*100 < all*85 {
		t.Errorf("of %d structured secrets only %d are hits", all, hit)
	}
}

// TestWhatTheEdgesFilterLeavesIsTaken: else honest bundles would be refused.
func TestWhatTheEdgesFilterLeavesIsTaken(t *testing.T) {
	s, err := scrub.New(scrub.Config{Key: bytes.Repeat([]byte{7}, 32)})
	if err != nil {
		t.Fatal(err)
	}
	check := func(t *testing.T, text string) (opaque int) {
		out, _, err := s.Text(nil, []byte(text))
		if err != nil {
			return 0
		}
		f := scanned(t, map[string]string{"text": string(out)})
		for _, h := range f.Hits {
			t.Errorf("%s in %.300s", h.Kind, out)
		}
		return f.Opaque
	}
	t.Run("simulated", func(t *testing.T) {
		w, err := sim.New(sim.Config{Seed: 5, Gain: 0.2, Decisions: 1500, Developers: 60})
		if err != nil {
			t.Fatal(err)
		}
		raw := 0
		err = w.Episodes(w.Contributors()[0], func(e *episode.Episode) error {
			for _, text := range append(afters(e), e.Instruction) {
				f := scanned(t, map[string]string{"text": text})
				raw += len(f.Hits) + f.Opaque
				if check(t, text) > 0 {
					t.Errorf("opaque runs are left in %.200s", text)
				}
			}
			return nil
		})
		if err != nil || raw == 0 {
			t.Errorf("%d hits before the filter, %v", raw, err)
		}
	})
	for _, name := range []string{"creddata", "hard-negatives", "synthetic-code-pii", "presidio-research"} {
		t.Run(name, func(t *testing.T) {
			rows := corpus(t, name)
			opaque := 0
			for i, r := range rows {
				if !testing.Short() || i%8 == 0 {
					opaque += check(t, r.Text)
				}
			}
			t.Logf("%d rows, %d opaque runs are left", len(rows), opaque)
			if opaque*1000 > len(rows) {
				t.Errorf("%d opaque runs are left in %d rows", opaque, len(rows))
			}
		})
	}
}

func afters(e *episode.Episode) (texts []string) {
	for _, s := range e.Suggestions {
		texts = append(texts, s.Before, s.After)
	}
	return texts
}

// BenchmarkRecord scans what an edge's filter made of simulated episodes.
func BenchmarkRecord(b *testing.B) {
	s, err := scrub.New(scrub.Config{Key: bytes.Repeat([]byte{7}, 32)})
	if err != nil {
		b.Fatal(err)
	}
	w, err := sim.New(sim.Config{Seed: 5, Gain: 0.2, Decisions: 600, Developers: 60})
	if err != nil {
		b.Fatal(err)
	}
	var lines [][]byte
	size := 0
	err = w.Episodes(w.Contributors()[0], func(e *episode.Episode) error {
		line, err := episode.AppendCanonical(nil, e)
		if err != nil {
			return err
		}
		if line, _, err = s.Text(nil, line); err != nil {
			return err
		}
		lines, size = append(lines, line), size+len(line)
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	sc := scanner()
	b.SetBytes(int64(size))
	for b.Loop() {
		for _, l := range lines {
			if _, err := sc.Record(l); err != nil {
				b.Fatal(err)
			}
		}
	}
}
