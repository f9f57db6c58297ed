// SPDX-License-Identifier: Apache-2.0

// Package release says what was released, and who gets it.
//
// Start from [Release]: it names a model and the gate report that let it through by digest, and [Channel] says which
// share of developers it reaches ([Release.Reaches]).
//
// Nothing here judges (package gate does), signs, stores or sends (the hub does).
package release

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/draw"
)

const releaseFormat = "headrace-release/1"

// Release names what was released and who gets it: what the hub signs and the edge pulls.
type Release struct {
	Format   string    `json:"format"`
	ID       string    `json:"id"`   // follows from model, gate report and snapshot
	Kind     string    `json:"kind"` // "filter"
	Model    string    `json:"model"`
	Gate     string    `json:"gate"`     // digest of the report that let it through
	Snapshot string    `json:"snapshot"` // digest of what it was learned from
	Replaces string    `json:"replaces,omitzero"`
	Channels []Channel `json:"channels"`
}

// Channel says which share of the developers of an edge on that channel a release reaches.
type Channel struct {
	Name  string  `json:"name"` // "early" or "stable"
	Share float64 `json:"share"`
}

// Channels are the ways to a release, and how many it reaches there at first: all who asked to be early, one in four
// of the others.
func Channels() []Channel { return []Channel{{"early", 1}, {"stable", 0.25}} }

// New names a release of a filter; all three digests are of the bytes as stored.
func New(model, gate, snapshot, replaces string) Release {
	sum := sha256.Sum256([]byte("headrace release\x00" + model + "\x00" + gate + "\x00" + snapshot))
	return Release{Format: releaseFormat, ID: "rel_" + hex.EncodeToString(sum[:12]), Kind: "filter",
		Model: model, Gate: gate, Snapshot: snapshot, Replaces: replaces, Channels: Channels()}
}

// Reaches reports whether a developer on a channel gets the release. Who does is drawn by hash, so it stays the same
// from call to call and on every machine, and those reached at a small share are still reached at a larger one.
func (r *Release) Reaches(channel, developer string) bool {
	for _, c := range r.Channels {
		if c.Name == channel {
			return draw.Fraction([]byte(r.ID), "reach", developer) < c.Share
		}
	}
	return false
}

// Decode reads a release. Unknown fields, another format, no channels and shares outside [0, 1] are
// refused.
func Decode(b []byte) (*Release, error) {
	r := new(Release)
	if err := json.Unmarshal(b, r, json.RejectUnknownMembers(true)); err != nil {
		return nil, badRelease(err)
	}
	if want := New(r.Model, r.Gate, r.Snapshot, ""); r.Format != want.Format || r.Kind != want.Kind || r.ID != want.ID {
		return nil, badRelease(fmt.Errorf("%s %q %q is not what its digests say", r.Format, r.Kind, r.ID))
	}
	if len(r.Channels) == 0 {
		return nil, badRelease(errors.New("no channel to reach anyone by"))
	}
	for _, c := range r.Channels {
		if !(c.Share >= 0 && c.Share <= 1) {
			return nil, badRelease(fmt.Errorf("channel %q reaches a share of %v", c.Name, c.Share))
		}
	}
	return r, nil
}

func badRelease(err error) error {
	return &episode.Problem{Code: "release/bad-manifest", Message: "not a release that this version can run",
		Hint: "pull again; if it stays so, tell the maker", Err: err}
}
