// SPDX-License-Identifier: Apache-2.0

// Package scrub takes secrets and personal data out of text and records, and puts keyed marks in their place.
//
// Start with [New] and [Scrubber.Text]. One pass (scan.go, rules.go) finds candidates by structure: a word such as "password" and
// the value beside it (assign.go, value.go, judge.go), known credentials (vendor*.go, vendors.tsv), random runs (opaque.go), what is
// personal (walk.go, cue.go and a file for each sort), what is encoded (decode.go), names from a [Dictionary]. Each span becomes a mark (mark.go) or
// something of the same shape made of marks (kinds.go, replace.go): the same entity gets the same one under one key, and unrelated ones
// under another. The output is scanned again (verify.go), passing over only the marks that the key proves to be its own, until
// nothing is found, so scrubbing twice changes nothing.
//
// What leaves has other marks for each recipient and year: a [Rekeyer] makes them (rekey.go).
//
// [Scrubber.Episode] does this for every text of a record (record.go, pass.go): a secret found in one is looked for in all, the result is
// verified, and a record that cannot be proven clean is refused with [ErrUnsafe]. [Scrubber.Stream] takes text of any length. Detection
// never looks at what a text says about itself: no comment switches it off.
//
// It knows names beyond the dictionary by lists and cues only; a [Model] of prose may run in another process. Identifiers are renamed at
// level masked only (mask.go).
package scrub

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/headrace/headrace/scrub/internal/names"
)

// Version names this filter in the privacy block of every record it cleaned.
const Version = "headrace-scrub/2"

// ErrUnsafe says that something could not be proven clean, so it must not leave.
var ErrUnsafe = errors.New("not proven clean")

// Profile says how readily something is replaced. There is no profile that replaces nothing.
type Profile string

// The profiles.
const (
	Strict   Profile = "strict"   // the default: in doubt, replace
	Balanced Profile = "balanced" // keep words, sentences and example addresses that only look like values
)

// Config is what a Scrubber needs.
type Config struct {
	// Key is 32 bytes that the marks are made with: for records the keyring's Derive("pseudonym", "local"). Its marks do not
	// leave: a [Rekeyer] makes them anew.
	Key []byte
	// Dictionary holds private names; nil for none.
	Dictionary *Dictionary
	// Rules are the administrator's own, which add to what is found; nil for none.
	Rules *Rules
	// Model finds names in the prose of records; nil for none.
	Model *Model
	// Profile is Strict where empty.
	Profile Profile
	// Masked asks for more than clean: every word that is not public becomes a mark, too (mask.go). It is for Text, Stream,
	// Field and Texts; an episode is made clean, and masked for whom it leaves to.
	Masked bool
	// Canaries are planted values that must never appear in what leaves: where one is left, in letters of any case, the
	// record or window is unsafe. They are not looked for in the input, so that they show what the filter misses.
	Canaries [][]byte
	// Explain has each Finding say by which rule it was found and what stands in its place.
	Explain bool
	// Keep is told each replacement and what it stands for; nil for nobody. Whoever sets it holds secrets.
	Keep func(replacement, original []byte)
	// Budget is the longest one record or window may take; 10 seconds where zero. What takes longer is unsafe.
	Budget time.Duration
}

// Finding is one replacement: the bytes [Start, End) of the input, and what kind of thing stood there.
type Finding struct {
	// Field names the text of a record that Start and End count in; empty for text by itself.
	Field string `json:"field,omitzero"`
	Start int    `json:"start"`
	End   int    `json:"end"`
	Kind  string `json:"kind"`
	// Rule is the keyword and the detector that found it, and Mark what stands in its place: with [Config.Explain] only.
	Rule string `json:"rule,omitzero"`
	Mark string `json:"mark,omitzero"`
}

// Scrubber replaces secrets and personal data. It is safe for concurrent use.
type Scrubber struct {
	cfg      Config
	auto     *automaton
	marks    *automaton          // of marks alone
	forms    map[string][]issued // alone.go
	canaries *recall             // nil for none; never changes
	workers  sync.Pool           // of *worker
}

// New returns a Scrubber.
func New(cfg Config) (_ *Scrubber, err error) {
	if len(cfg.Key) != 32 {
		return nil, fmt.Errorf("scrub key has %d bytes, not 32", len(cfg.Key))
	}
	switch cfg.Profile {
	case "":
		cfg.Profile = Strict
	case Strict, Balanced:
	default:
		return nil, fmt.Errorf("profile %q is neither %q nor %q", cfg.Profile, Strict, Balanced)
	}
	if cfg.Budget == 0 {
		cfg.Budget = 10 * time.Second
	}
	s := &Scrubber{cfg: cfg, auto: newAutomaton(append(rules(), cfg.Rules.table()...)), marks: newAutomaton(markRules()), forms: formsByShape()}
	if s.canaries, err = planted(cfg.Canaries); err != nil {
		return nil, err
	}
	s.workers.New = func() any {
		return &worker{s: s, kinds: kinds(), looked: map[visited]looked{}, strict: cfg.Profile == Strict, walking: walking{names: names.Load()}, marking: newMarking(cfg.Key)}
	}
	return s, nil
}

// Text appends src to dst with every finding replaced, and returns what it replaced, in order. An error is ErrUnsafe;
// then nothing is appended. Text longer than a window (1 MiB) is taken window by window, as by Stream.
func (s *Scrubber) Text(dst, src []byte) ([]byte, []Finding, error) {
	var found []Finding
	out := dst
	for at, context, open := 0, 0, (carried{}); at < len(src); {
		end := min(at+window, len(src))
		base := at - context
		n := len(found)
		next, cut, err := s.one(out, src[base:end], context, end == len(src), &open, &found)
		if err != nil {
			return dst, nil, err
		}
		for i := range found[n:] {
			found[n+i].Start += base
			found[n+i].End += base
		}
		out, at = next, base+cut
		context = min(at, margin)
	}
	return out, found, nil
}

func (s *Scrubber) worker() *worker {
	w := s.workers.Get().(*worker)
	w.known, w.under, w.planted, w.depth, w.mask, w.deadline = nil, word{}, false, 0, s.cfg.Masked, time.Now().Add(s.cfg.Budget)
	w.scanned, w.entire = false, false
	return w
}

// recordWorker returns a worker that remembers what it finds from text to text.
func (s *Scrubber) recordWorker() *worker {
	w := s.worker()
	w.known = &w.memory
	return w
}

func (s *Scrubber) done(w *worker) {
	w.memory.forget()
	w.forgetMarks()
	if len(w.looked) > 64 {
		w.looked = map[visited]looked{}
	} else {
		clear(w.looked)
	}
	w.known, w.buf, w.told = nil, nil, nil
	clear(w.seen)
	s.workers.Put(w)
}

// closed turns a panic into ErrUnsafe: a bug in a detector drops a record, it never lets one through.
func closed(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%w: a detector stopped: %T", ErrUnsafe, r)
	}
}
