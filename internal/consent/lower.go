// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/headrace/headrace/episode"
)

// Lowerer makes the copies of episodes that leave for one recipient. It is not safe for concurrent use: each goroutine
// has its own.
//
// Ids are HMAC-SHA256 under the key Derive("id", recipient); pseudonyms of people and repositories under
// Derive("pseudonym", recipient, epoch), the epoch being the UTC year in which the episode started, and so are the marks in
// texts. Two recipients cannot join what they hold, nor one of them with the log of the tool's server.
type Lowerer struct {
	recipient string
	derive    func(purpose ...string) []byte
	plans     map[episode.Level]plan
	ids       hash.Hash
	people    map[int]hash.Hash // by year
	msg, sum  []byte            // scratch space of id

	// Of the episode at hand:
	episode string // the id that its suggestions are keyed with
	epoch   hash.Hash
	texts   texting
}

// NewLowerer returns a Lowerer for recipient; derive is the keyring's Derive. What it lowers was scrubbed with the key
// Derive("pseudonym", "local").
func NewLowerer(recipient string, derive func(purpose ...string) []byte) (*Lowerer, error) {
	t, err := parseTables()
	if err != nil {
		return nil, err
	}
	l := &Lowerer{recipient: recipient, derive: derive, plans: map[episode.Level]plan{}, people: map[int]hash.Hash{},
		ids: hmac.New(sha256.New, derive("id", recipient))}
	for _, level := range []episode.Level{episode.LevelSignal, episode.LevelMasked, episode.LevelClean} {
		if l.plans[level], err = t.compile(level, reflect.TypeFor[episode.Episode](), ""); err != nil {
			return nil, fmt.Errorf("levels table: %w", err)
		}
	}
	return l, nil
}

// Lower returns the copy of e that leaves under d: cut down to the level, with its terms and without its local block.
// e is not changed. An error that is scrub.ErrUnsafe or scrub.ErrForeign is about its texts: throw e away.
func (l *Lowerer) Lower(e *episode.Episode, d Decision) (*episode.Episode, error) {
	p := l.plans[d.Level]
	if !d.Leaves() || p == nil {
		return nil, fmt.Errorf("lower episode %s: nothing leaves at level %q", e.ID, d.Level)
	}
	// An amendment's suggestions are those of the episode that it amends.
	if l.episode = e.ID; e.Amends != "" {
		l.episode = e.Amends
	}
	l.epoch = l.epochOf(e.StartedAt)
	if err := l.texts.start(l, d, e.StartedAt); err != nil {
		return nil, err
	}
	out := new(episode.Episode)
	p.run(l, reflect.ValueOf(out).Elem(), reflect.ValueOf(e).Elem())
	if l.texts.err != nil {
		return nil, fmt.Errorf("texts of episode %s: %w", e.ID, whyNot(l.texts.err))
	}
	for i := range out.Suggestions { // the tokens are those of the text as it was
		if s := &out.Suggestions[i]; s.After != e.Suggestions[i].After {
			s.TokenIDs, s.LogProbs = nil, nil
		}
	}
	for i := range out.Decisions { // what a decision was made on is said once
		d := &out.Decisions[i]
		if k := slices.IndexFunc(out.Suggestions, func(s episode.Suggestion) bool { return s.ID == d.Suggestion }); d.Features != nil && k >= 0 && maps.Equal(d.Features, out.Suggestions[k].Features) {
			d.Features = nil
		}
	}
	out.SchemaVersion = episode.SchemaVersion
	if out.Privacy == nil {
		out.Privacy = new(episode.Privacy)
	}
	out.Privacy.Level, out.Privacy.Policy = d.Level, d.Policy
	l.texts.count(out.Privacy)
	out.Terms = d.Terms
	return out, nil
}

// EpisodeID returns the id under which the episode of this local id leaves.
func (l *Lowerer) EpisodeID(local string) string { return l.named("episode", local) }

// SessionID returns the id under which the session of this local id leaves.
func (l *Lowerer) SessionID(local string) string { return l.named("session", local) }

// ArtifactID returns the id under which an artifact of this digest leaves, as scrub has left it.
func (l *Lowerer) ArtifactID(digest string) string { return l.named("artifact", digest) }

// Developer returns the pseudonym of a developer in episodes that started in at's year.
func (l *Lowerer) Developer(local string, at time.Time) string {
	l.epoch = l.epochOf(at)
	return l.named("developer", local)
}

// Repository returns the pseudonym of a repository in episodes that started in at's year.
func (l *Lowerer) Repository(local string, at time.Time) string {
	l.epoch = l.epochOf(at)
	return l.named("repository", local)
}

// epochOf returns the pseudonym key of at's year; times that nobody gave share the year 1.
func (l *Lowerer) epochOf(at time.Time) hash.Hash {
	year := at.UTC().Year()
	h := l.people[year]
	if h == nil {
		h = hmac.New(sha256.New, l.derive("pseudonym", l.recipient, strconv.Itoa(year)))
		l.people[year] = h
	}
	return h
}

// idKind is a kind of id: what leaves begins with its prefix.
type idKind struct {
	prefix string
	epoch  bool // a pseudonym, under the epoch's key
	within bool // unique within its episode only, so keyed together with the episode's id
}

// kindOf returns the kind that levels.tsv names, and false if there is none.
func kindOf(name string) (idKind, bool) {
	switch name {
	case "episode":
		return idKind{prefix: "ep_"}, true
	case "session":
		return idKind{prefix: "se_"}, true
	case "commit":
		return idKind{prefix: "co_"}, true
	case "pull_request":
		return idKind{prefix: "pr_"}, true
	case "artifact":
		return idKind{prefix: "ar_"}, true
	case "decision":
		return idKind{prefix: "de_", within: true}, true
	case "suggestion":
		return idKind{prefix: "su_", within: true}, true
	case "call":
		return idKind{prefix: "ca_", within: true}, true
	case "developer":
		return idKind{prefix: "dev_", epoch: true}, true
	case "repository":
		return idKind{prefix: "repo_", epoch: true}, true
	}
	return idKind{}, false
}

// named keys a local name of the kind that levels.tsv calls so.
func (l *Lowerer) named(kind, local string) string {
	k, _ := kindOf(kind)
	return l.id(k, local)
}

// id keys a local name; an empty one stays empty. The input is unambiguous: the prefix has no NUL, nor has any id that
// this program makes, and the episode's id comes with its length.
func (l *Lowerer) id(k idKind, local string) string {
	if local == "" {
		return ""
	}
	h := l.ids
	if k.epoch {
		h = l.epoch
	}
	h.Reset()
	msg := append(l.msg[:0], k.prefix...)
	if k.within {
		msg = append(strconv.AppendInt(append(msg, 0), int64(len(l.episode)), 10), ':')
		msg = append(msg, l.episode...)
	}
	msg = append(append(msg, 0), local...)
	h.Write(msg)
	l.msg, l.sum = msg, h.Sum(l.sum[:0])
	var out [48]byte
	return string(hex.AppendEncode(append(out[:0], k.prefix...), l.sum[:16]))
}
