// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/scrub"
)

// private is an episode with one person, one secret, one host, one address, one id and one private word in all its texts,
// as scrub leaves it.
func private(t testing.TB, key []byte) *episode.Episode {
	t.Helper()
	filter, err := scrub.New(scrub.Config{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	e := demo()
	e.Instruction = "zorblatt fails.\nAuthor: Jane Doe <jane.doe@db1.zorblatt.internal>\n" + `password = "hunter2hunter2x"` + "\nhost 10.1.2.3, id 6f9619ff-8b86-d011-b42d-00c04fc964ff\n"
	e.Artifacts = []episode.Artifact{{Kind: "spec", Name: "/home/jane.doe/zorblatt.md", Text: e.Instruction}}
	e.Steps = []episode.Step{{Message: e.Instruction, ToolCalls: []episode.ToolCall{{ID: "c", Name: "Bash",
		Arguments: jsontext.Value(`{"command":"ssh jane.doe@db1.zorblatt.internal","/home/jane.doe/zorblatt":"cat \"x\"; zorblatt --password=hunter2hunter2x 10.1.2.3 \u002d \"6f9619ff-8b86-d011-b42d-00c04fc964ff\""}`)}},
		Observation: &episode.Observation{Results: []episode.Result{{Call: "c", Content: "/home/jane.doe/zorblatt.go: 10.1.2.3"}}}}}
	e.Suggestions = []episode.Suggestion{{ID: "s", Path: "/home/jane.doe/zorblatt.go", Before: "// Author: Jane Doe <jane.doe@db1.zorblatt.internal>\n",
		After: `func Zorblatt() { zorblatt("10.1.2.3") }`}}
	e.Decisions = []episode.Decision{{Suggestion: "s", Reason: "ask jane.doe@db1.zorblatt.internal", Final: `password = "hunter2hunter2x"`}}
	if _, err := filter.Episode(e); err != nil {
		t.Fatal(err)
	}
	return e
}

// leaving returns what leaves of the episode, as bytes and as the marks in it.
func leaving(t testing.TB, e *episode.Episode, recipient string, at time.Time, level episode.Level) (string, map[string]bool) {
	t.Helper()
	f := e.Clone()
	f.StartedAt = at
	out, err := lowerer(t, recipient).Lower(f, Decision{Level: level, Terms: &episode.Terms{}, Prose: true})
	if err != nil {
		t.Fatal(err)
	}
	b, err := episode.AppendCanonical(nil, out)
	if err != nil {
		t.Fatal(err)
	}
	marks := map[string]bool{}
	for _, m := range scrub.Marks(b) {
		marks[strings.ToLower(string(b[m.Start:m.End]))] = true
	}
	return string(b), marks
}

func TestTwoRecipientsAndTwoYearsOfOneRecordHaveNoMarkInCommon(t *testing.T) {
	local := derive("pseudonym", "local")
	e := private(t, local)
	b, err := episode.AppendCanonical(nil, e)
	if err != nil {
		t.Fatal(err)
	}
	atHome := map[string]bool{}
	for _, m := range scrub.Marks(b) {
		atHome[strings.ToLower(string(b[m.Start:m.End]))] = true
	}
	id := regexp.MustCompile(`(?:ep|se|co|ar|de|su|ca|dev|repo)_[0-9a-f]{32}`)
	for _, level := range []episode.Level{episode.LevelClean, episode.LevelMasked} {
		text, maker := leaving(t, e, "maker", day, level)
		other, us := leaving(t, e, "us", day, level)
		later, next := leaving(t, e, "maker", day.AddDate(1, 0, 0), level)
		if len(maker) < 7 || len(us) != len(maker) || len(next) != len(maker) {
			t.Errorf("%s: %d, %d and %d marks in %s", level, len(maker), len(us), len(next), text)
		}
		for m := range maker {
			if us[m] || next[m] || atHome[m] {
				t.Errorf("%s: %s is with another recipient, in another year or at home", level, m)
			}
		}
		for m := range us {
			if atHome[m] || next[m] {
				t.Errorf("%s: %s is with two", level, m)
			}
		}
		for _, id := range id.FindAllString(text, -1) {
			if strings.Contains(other, id) {
				t.Errorf("%s: %s leaves for two recipients", level, id)
			}
		}
		if again, _ := leaving(t, e, "maker", day, level); again != text {
			t.Errorf("%s: the same record leaves in two ways", level)
		}
		month, _ := leaving(t, e, "maker", day.AddDate(0, 2, 0), level)
		if times := regexp.MustCompile(`"started_at":"[^"]*"`); times.ReplaceAllString(month, "") != times.ReplaceAllString(text, "") {
			t.Errorf("%s: within one year the same texts leave in two ways", level)
		}
		if strings.Contains(text+later, "oe@") || strings.Contains(text, "hunter2") || strings.Contains(text, "10.1.2.3") || strings.Contains(text, "6f9619ff") {
			t.Errorf("%s: something private leaves: %s", level, text)
		}
	}
}

// In every text of a record, and at each level, one entity is one mark: prose and code, JSON and paths.
func TestOneEntityIsOneMarkInAllTextsThatLeave(t *testing.T) {
	e := private(t, derive("pseudonym", "local"))
	for _, level := range []episode.Level{episode.LevelClean, episode.LevelMasked} {
		text, _ := leaving(t, e, "maker", day, level)
		kinds := map[string]map[string]int{}
		for _, m := range scrub.Marks([]byte(text)) {
			if kinds[m.Kind] == nil {
				kinds[m.Kind] = map[string]int{}
			}
			kinds[m.Kind][strings.ToLower(text[m.Start:m.End])]++
		}
		for kind, least := range map[string]int{"user": 10, "ip": 4, "uuid": 3} {
			n := 0
			for _, times := range kinds[kind] {
				n += times
			}
			if len(kinds[kind]) != 1 || n < least {
				t.Errorf("%s: %s has marks %v in %s", level, kind, kinds[kind], text)
			}
		}
	}
}

// The words that consent masks and those that scrub masked before are the same.
func TestAWordMaskedByScrubIsTheOneThatConsentMasks(t *testing.T) {
	masker, err := scrub.New(scrub.Config{Key: derive("pseudonym", "local"), Masked: true})
	if err != nil {
		t.Fatal(err)
	}
	before, _, err := masker.Text(nil, []byte("zorblatt"))
	if err != nil {
		t.Fatal(err)
	}
	e := &episode.Episode{ID: "ep_1", StartedAt: day, Suggestions: []episode.Suggestion{{ID: "s", Before: string(before), After: "zorblatt"}}}
	s := lower(t, "maker", e, episode.LevelMasked).Suggestions[0]
	if s.Before != s.After || bytes.Contains(before, []byte(s.After)) {
		t.Errorf("%s at home, %s and %s leave", before, s.Before, s.After)
	}
}

func TestARecordWithMarksOfAnotherKeyDoesNotLeave(t *testing.T) {
	e := private(t, derive("another"))
	_, err := lowerer(t, "maker").Lower(e, at(episode.LevelClean))
	var p *episode.Problem
	if !errors.Is(err, scrub.ErrForeign) || !errors.As(err, &p) || p.Code != "consent/foreign-marks" {
		t.Errorf("%v", err)
	}
	if _, err := lowerer(t, "maker").Lower(e, at(episode.LevelSignal)); err != nil {
		t.Errorf("no text leaves at signal, and yet: %v", err)
	}
}

// Tokens are the text once more: where its marks are made anew, they would tell what it was.
func TestTokensGoWhereTheMarksOfTheirTextAreMadeAnew(t *testing.T) {
	filter, err := scrub.New(scrub.Config{Key: derive("pseudonym", "local")})
	if err != nil {
		t.Fatal(err)
	}
	marked, _, err := filter.Text(nil, []byte(`password = "hunter2hunter2x"`))
	if err != nil {
		t.Fatal(err)
	}
	e := &episode.Episode{ID: "ep_1", Suggestions: []episode.Suggestion{{ID: "a", After: "return nil", TokenIDs: []int32{1}, LogProbs: []float64{-1}},
		{ID: "b", After: string(marked), TokenIDs: []int32{2}, LogProbs: []float64{-2}}}}
	got := lower(t, "maker", e, episode.LevelClean).Suggestions
	if got[0].TokenIDs == nil || got[0].LogProbs == nil {
		t.Error("the tokens of a text without marks are lost")
	}
	if got[1].TokenIDs != nil || got[1].LogProbs != nil || got[1].After == string(marked) {
		t.Errorf("the tokens of a text with marks leave: %+v", got[1])
	}
}
