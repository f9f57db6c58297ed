// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bufio"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/internal/sharedtest"
)

// sample is one line of the labelled data, as its SCHEMA.md describes it.
type sample struct {
	Text  string   `json:"text"`
	Label string   `json:"label"`
	Kind  string   `json:"kind"`
	Span  *[2]int  `json:"span"`
	Spans [][2]int `json:"spans"`
	Types []string `json:"types"`
	Grade string   `json:"grade"`
	GT    string   `json:"gt"`
}

func eachSample(t *testing.T, file string, f func(sample)) {
	t.Helper()
	r, err := os.Open(filepath.Join(sharedtest.Dir(t, "privacy-corpus"), file))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	z, err := gzip.NewReader(r)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var s sample
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			t.Fatal(err)
		}
		f(s)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
}

func covered(found []Finding, span [2]int) (whole, touched bool) {
	for _, f := range found {
		whole = whole || f.Start <= span[0] && f.End >= span[1]
		touched = touched || f.Start < span[1] && f.End > span[0]
	}
	return whole, touched
}

// The floors are what this filter reached when they were written, rounded down: they guard against going back.
func TestLabelledSecretsAreFoundAtTheMeasuredRate(t *testing.T) {
	s := newScrubber(t, Config{})
	for _, set := range []struct {
		file  string
		floor float64 // of positives touched
	}{
		{"creddata.jsonl.gz", 0.70}, {"gitleaks.jsonl.gz", 0.99}, {"kingfisher.jsonl.gz", 0.97},
		{"noseyparker.jsonl.gz", 0.95}, {"secretlint.jsonl.gz", 0.95}, {"detect-secrets.jsonl.gz", 0.96},
		{"ibm-detect-secrets.jsonl.gz", 0.96}, {"ghas-custom-patterns.jsonl.gz", 0.89},
	} {
		var n, whole, touched int
		eachSample(t, set.file, func(x sample) {
			if x.Label != "secret" || x.Grade == "identifier" {
				return
			}
			_, found, err := s.Text(nil, []byte(x.Text))
			n++
			w, h := err != nil, err != nil || x.Span == nil && len(found) > 0
			if x.Span != nil && err == nil {
				w, h = covered(found, *x.Span)
			}
			if h {
				touched++
			}
			if w {
				whole++
			}
		})
		share := float64(touched) / float64(n)
		t.Logf("%-28s %5d positives, touched %.3f, whole value %.3f", set.file, n, share, float64(whole)/float64(n))
		if share < set.floor {
			t.Errorf("%s: %.3f is below the floor of %.3f", set.file, share, set.floor)
		}
	}
}

func TestLabelledPersonalDataOfTheKindsWeKnowIsFound(t *testing.T) {
	s := newScrubber(t, Config{})
	want := map[string]float64{"email": 1, "card": 1, "password": 0.97, "apikey": 0.72, "path": 0.72}
	n, hit := map[string]int{}, map[string]int{}
	eachSample(t, "synthetic-code-pii.jsonl.gz", func(x sample) {
		_, found, err := s.Text(nil, []byte(x.Text))
		if err != nil {
			t.Fatal(err)
		}
		for i, span := range x.Spans {
			n[x.Types[i]]++
			if whole, touched := covered(found, span); whole || touched && x.Types[i] == "path" {
				hit[x.Types[i]]++
			}
		}
	})
	for k := range n {
		share := float64(hit[k]) / float64(n[k])
		t.Logf("%-10s %5d spans, %.3f", k, n[k], share)
		if floor, ok := want[k]; ok && share < floor {
			t.Errorf("%s: %.3f is below the floor of %.3f", k, share, floor)
		}
	}
}

func TestLookAlikesTouchedAreCounted(t *testing.T) {
	for _, p := range []Profile{Strict, Balanced} {
		s := newScrubber(t, Config{Profile: p})
		n, hit := map[string]int{}, map[string]int{}
		all, touched := 0, 0
		count := func(x sample) {
			_, found, err := s.Text(nil, []byte(x.Text))
			all++
			n[x.Kind]++
			if err != nil || len(found) > 0 {
				touched++
				hit[x.Kind]++
			}
		}
		eachSample(t, "hard-negatives.jsonl.gz", count)
		t.Logf("%s: %.3f of %d hard negatives touched: %v", p, float64(touched)/float64(all), all, hit)
		if p == Balanced && float64(touched) > 0.10*float64(all) {
			t.Errorf("%d of %d touched", touched, all)
		}
	}
}
