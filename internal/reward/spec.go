// SPDX-License-Identifier: Apache-2.0

package reward

import (
	"fmt"
	"math"
	"os"
	"regexp"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/config"
)

const (
	format    = "headrace-reward/1"
	fromTaken = "taken"
	fromEdit  = "edit"

	maxSpec   = 64 << 10 // bytes
	maxWithin = 120      // days
	maxWeight = 100
)

// MaxRange is how wide the range of a reward can be.
const MaxRange = (MaxParts + 1) * maxWeight

// IsName reports whether a spec can be called that.
func IsName(s string) bool { return nameForm.MatchString(s) }

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)

// Decode reads a spec from YAML, of which JSON is a part. Unknown keys, and whatever is not bounded, are refused.
func Decode(b []byte, name string) (Spec, error) {
	var s Spec
	if len(b) > maxSpec {
		return s, invalid(fmt.Errorf("%s is longer than %d bytes", name, maxSpec))
	}
	if err := config.Decode(b, name, &s); err != nil {
		return Spec{}, invalid(err)
	}
	if err := s.check(); err != nil {
		return Spec{}, invalid(fmt.Errorf("%s: %w", name, err))
	}
	return s, nil
}

// Preset returns the spec of that name: immediate, retained-characters or balanced.
func Preset(name string) (Spec, bool) {
	for _, s := range [...]Spec{Immediate(), Retained(), Balanced()} {
		if s.Name == name {
			return s, true
		}
	}
	return Spec{}, false
}

// Load returns the preset of that name, or else the spec in that file; empty is the first preset, immediate.
func Load(name string) (Spec, error) {
	if name == "" {
		return Immediate(), nil
	}
	if s, ok := Preset(name); ok {
		return s, nil
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return Spec{}, &episode.Problem{Code: "reward/read", Message: "no reward is called " + name + ", and it is no file that can be read", Err: err,
			Hint: "use immediate, retained-characters, balanced, or a file such as spec/examples/reward.yaml"}
	}
	return Decode(b, name)
}

// Digest names the spec by its content: "sha256:" and 64 hex digits of its canonical JSON.
func (s Spec) Digest() string {
	b, err := json.Marshal(s, json.Deterministic(true))
	if err != nil {
		panic(fmt.Sprintf("a spec that was checked does not encode: %v", err)) // numbers are finite, text is ASCII
	}
	return episode.Digest(b)
}

func invalid(err error) error {
	return &episode.Problem{Code: "reward/spec", Message: "not a reward spec that this version can use", Err: err,
		Hint: "spec/examples/reward.yaml is one that it can; immediate, retained-characters and balanced are built in"}
}

func (s Spec) check() error {
	finite := func(v float64) bool { return !math.IsNaN(v) && math.Abs(v) <= maxWeight }
	switch {
	case s.Format != format:
		return fmt.Errorf("format %.40q is not %s", s.Format, format)
	case !nameForm.MatchString(s.Name):
		return fmt.Errorf("name %.60q is not one lower-case word, with dashes", s.Name)
	case s.Version < 1:
		return fmt.Errorf("version %d is not 1 or more", s.Version)
	case !finite(s.Cost) || s.Cost < 0:
		return fmt.Errorf("cost %v is not between 0 and 100", s.Cost)
	case !(s.Length >= 0 && s.Length <= 1e6):
		return fmt.Errorf("length %v is not between 0 and 1,000,000", s.Length)
	case len(s.Parts) == 0 || len(s.Parts) > MaxParts:
		return fmt.Errorf("%d parts: there are at least one and at most %d", len(s.Parts), MaxParts)
	}
	seen := map[string]bool{}
	for _, p := range s.Parts {
		if seen[p.Name] || !nameForm.MatchString(p.Name) {
			return fmt.Errorf("part %.60q is there twice, or is not one lower-case word", p.Name)
		}
		seen[p.Name] = true
		if !finite(p.Weight) || p.Weight == 0 {
			return fmt.Errorf("part %s: weight %v is not a number other than 0, within ±100", p.Name, p.Weight)
		}
		if err := p.check(); err != nil {
			return fmt.Errorf("part %s: %w", p.Name, err)
		}
	}
	if low, high := s.Range(); !(low < 0 && high > 0) {
		return fmt.Errorf("the reward of a shown suggestion lies between %v and %v: it must be able to pay, and to cost", low, high)
	}
	return nil
}

func (p Part) check() error {
	hasAfter, hasWithin := p.After != "", p.Within != ""
	switch p.From {
	case fromTaken:
		if hasAfter || hasWithin {
			return fmt.Errorf("what is known at once has no after and no within")
		}
		return nil
	case fromEdit, string(episode.OutcomeKept):
		if minutes(p.After) <= 0 {
			return fmt.Errorf("after %.40q is not a window such as 10m, 24h or 30d", p.After)
		}
	case string(episode.OutcomeCommitted), string(episode.OutcomeReviewed), string(episode.OutcomeMerged), string(episode.OutcomeReverted),
		string(episode.OutcomeTests), string(episode.OutcomeBuild), string(episode.OutcomeFixed):
		if hasAfter {
			return fmt.Errorf("only edit and kept have an after")
		}
	default:
		return fmt.Errorf("from %.40q is not taken, edit, kept, committed, reviewed, merged, reverted, tests, build or fixed", p.From)
	}
	m := minutes(p.Within)
	if m <= 0 || m%minutesPerDay != 0 || m > maxWithin*minutesPerDay {
		return fmt.Errorf("within %.40q is not a number of days, such as 7d, up to %d", p.Within, maxWithin)
	}
	if hasAfter && minutes(p.After) > m {
		return fmt.Errorf("what is looked at after %s is not known within %s", p.After, p.Within)
	}
	return nil
}

const minutesPerDay = 24 * 60

// minutes is the length of a window such as 10m, 24h or 30d, a started minute counting as one; 0 where it is none.
func minutes(window string) int {
	n, digits := 0, 0
	for digits < len(window) && digits < 4 && window[digits] >= '0' && window[digits] <= '9' {
		n = n*10 + int(window[digits]-'0')
		digits++
	}
	if digits != len(window)-1 {
		return 0
	}
	switch window[digits] {
	case 's':
		return (n + 59) / 60
	case 'm':
		return n
	case 'h':
		return n * 60
	case 'd':
		return n * minutesPerDay
	case 'w':
		return n * 7 * minutesPerDay
	}
	return 0
}
