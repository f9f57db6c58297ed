// SPDX-License-Identifier: Apache-2.0

package risk

import (
	"crypto/rand"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/scrub"
)

func TestEachReasonIsSaidTheWeightiestFirst(t *testing.T) {
	points, why := Facts{NewRepository: true, NewDeveloper: true, RareKinds: []string{"aws-key"}, RareFields: []string{"ratings"}, Replaced: 34, Runs: 1, LookAlikes: 2}.Score()
	want := []string{"1 run of random characters is left", "rarely replaced: aws-key", "unusual: ratings", "17", "new repository", "new developer", "2 look-alikes were kept"}
	want[3] = "34 replacements"
	if diff := cmp.Diff(want, why); diff != "" || points != 40+30+20+17+15+15+10 {
		t.Errorf("%d %s", points, diff)
	}
	if points, why := (Facts{Replaced: manyReplaced - 1}).Score(); points != 0 || why != nil {
		t.Errorf("an ordinary record: %d %q", points, why)
	}
}

func TestWhatIsLeftInTextIsSeen(t *testing.T) {
	key := make([]byte, 30)
	rand.Read(key)
	run := "x1" + base64.RawURLEncoding.EncodeToString(key)
	for text, want := range map[string][2]int{
		"plain words, someVeryLongIdentifierOfWords and internal/pay/charge_test.go": {0, 0},
		"id " + run:                           {1, 0},
		"mail kim@corp.example from 10.1.2.3": {0, 2},
		`password: "hunter2hunter2"`:          {0, 1},
		"card 4111 1111 1111 1111":            {0, 1},
		strings.Repeat("a ", maxRead/2) + run: {0, 0}, // beyond what is read
	} {
		runs, alike := Text(&episode.Episode{Suggestions: []episode.Suggestion{{After: text}}})
		if runs != want[0] || alike != want[1] {
			t.Errorf("%.60q: %d runs, %d look-alikes; want %v", text, runs, alike, want)
		}
	}
	s, err := scrub.New(scrub.Config{Key: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	clean, _, err := s.Text(nil, []byte("mail kim@corp.example and call me"))
	if err != nil {
		t.Fatal(err)
	}
	if runs, alike := Text(&episode.Episode{Instruction: string(clean)}); runs+alike > 0 {
		t.Errorf("a mark is taken for what it replaced: %q", clean)
	}
}

func TestFieldsAreThoseThatARecordHas(t *testing.T) {
	e := &episode.Episode{Instruction: "x", Usage: &episode.Usage{}, Suggestions: []episode.Suggestion{{Features: map[string]any{"b": 1, "a": 2}}, {Features: map[string]any{"a": 1}}}}
	if diff := cmp.Diff([]string{"instruction", "usage", "feature a", "feature b"}, Fields(e)); diff != "" {
		t.Error(diff)
	}
}

func FuzzText(f *testing.F) {
	f.Add("mail kim@corp.example 4111 1111")
	f.Fuzz(func(t *testing.T, s string) {
		if runs, alike := Text(&episode.Episode{Instruction: s}); runs+alike > len(s) {
			t.Errorf("%d runs and %d look-alikes in %d bytes", runs, alike, len(s))
		}
	})
}
