// SPDX-License-Identifier: Apache-2.0

package score

import (
	"math/rand/v2"
	"testing"
)

func TestTablesHaveTheirSize(t *testing.T) {
	if len(Bigrams) != Symbols*Symbols || len(weights) != Buckets {
		t.Errorf("%d and %d bytes", len(Bigrams), len(weights))
	}
}

func TestWordsSurpriseLessThanRandomLetters(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, words := range []string{"maximumConnectionTimeout", "internationalisation", "HTTPResponseWriter", "remove_duplicate_entries"} {
		b := make([]byte, len(words))
		for i := range b {
			b[i] = byte('a' + r.IntN(26))
		}
		if Surprise([]byte(words)) >= Surprise(b) {
			t.Errorf("%s surprises by %d, %s by %d", words, Surprise([]byte(words)), b, Surprise(b))
		}
	}
}

func TestValuesScoreAboveWordsInTheirPlace(t *testing.T) {
	score := func(value, kind string) int {
		text := []byte("db_password = \"" + value + "\"\n")
		n, _ := Score(nil, text, 15, 15+len(value), kind)
		return n
	}
	r := rand.New(rand.NewPCG(3, 4))
	b := make([]byte, 14)
	for i := range b {
		b[i] = "abcdefghijklmnopqrstuvwxyz23456789"[r.IntN(34)]
	}
	if v := string(b); score(v, "password") < Limit || score(v, "password") <= score("placeholder", "password") {
		t.Errorf("%d for a value, %d for a word", score(v, "password"), score("placeholder", "password"))
	}
}

func FuzzFeatures(f *testing.F) {
	f.Add([]byte("password = \"x\""), 12, 13)
	f.Fuzz(func(t *testing.T, text []byte, start, end int) {
		start, end = min(max(start, 0), len(text)), min(max(end, 0), len(text))
		if start > end {
			start, end = end, start
		}
		features := Features(nil, text, start, end, "password")
		if len(features) > 250 {
			t.Fatalf("%d features of a bounded part", len(features))
		}
		for _, x := range features {
			if x >= Buckets {
				t.Fatal(x)
			}
		}
	})
}
