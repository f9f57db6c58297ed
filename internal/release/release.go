// SPDX-License-Identifier: Apache-2.0

// Package release says what was released, whom it reaches, and when it goes back.
//
// Start from [Release]: what was made of which data, under which reward, by which version of the program, and the gate
// report that let it through, all by digest; its id is that of its content. A [Rollout] says whom it reaches now, in the
// channels canary, early and stable by 1, 5, 25 and 100 % of their developers. It is a document of its own with a number that
// only rises, so that widening, pausing and going back need no new release, and nobody can be shown an old one. A [Monitor]
// compares, while it is rolled out, those who have it with those who do not, with bounds that hold however often they are
// looked at; [Rollout.Next] is what follows from that.
//
// All of it is pure. Nothing here judges candidates (package gate does), signs, stores or sends (hub and edge do).
package release

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/episode"
)

const (
	releaseFormat = "headrace-release/2"
	// firstFormat had the channels in the release itself, and filters only.
	firstFormat = "headrace-release/1"
)

// Kind is what a release moves.
type Kind string

// The kinds.
const (
	Filter       Kind = "filter"       // a model that shows or hides suggestions
	Route        Kind = "route"        // a model that chooses among models
	Instructions Kind = "instructions" // a change of instruction files
)

// Kinds returns all.
func Kinds() []Kind { return []Kind{Filter, Route, Instructions} }

func (k Kind) known() bool { return k == Filter || k == Route || k == Instructions }

// NeedsPerson says that a person must have seen what a release of this kind changes, whatever a policy says.
func (k Kind) NeedsPerson() bool { return k != Filter }

// Release names what was released and where it comes from: what the hub signs and the edge fetches.
type Release struct {
	Format string `json:"format"`
	ID     string `json:"id"` // follows from all the rest
	Kind   Kind   `json:"kind"`
	// Payload is the digest of the model's file, or of the instructions'.
	Payload  string `json:"payload"`
	Gate     string `json:"gate"`              // digest of the signed report that let it through
	Snapshot string `json:"snapshot"`          // digest of what it was learned from
	Reward   string `json:"reward,omitzero"`   // name of the reward spec that it was learned for
	Code     string `json:"code,omitzero"`     // version of the program that made it
	Replaces string `json:"replaces,omitzero"` // id of the release that everybody had when it was made
}

// New completes a release: format and id.
func New(r Release) Release {
	r.Format, r.ID = releaseFormat, ""
	b, err := json.Marshal(&r, json.Deterministic(true))
	if err != nil {
		panic(err) // strings
	}
	sum := sha256.Sum256(b)
	r.ID = "rel_" + hex.EncodeToString(sum[:12])
	return r
}

// Decode reads a release. Unknown fields, another format and an id that does not follow from the rest are refused.
func Decode(b []byte) (*Release, error) {
	var head struct {
		Format string `json:"format"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, badRelease(err)
	}
	if head.Format == firstFormat {
		return decodeFirst(b)
	}
	r := new(Release)
	if err := json.Unmarshal(b, r, json.RejectUnknownMembers(true)); err != nil {
		return nil, badRelease(err)
	}
	switch {
	case r.Format != releaseFormat:
		return nil, badRelease(fmt.Errorf("format %q", r.Format))
	case !r.Kind.known():
		return nil, badRelease(fmt.Errorf("kind %q", r.Kind))
	case r.Payload == "" || r.Gate == "":
		return nil, badRelease(errors.New("it does not say what it is, or what let it through"))
	case *r != New(*r):
		return nil, badRelease(fmt.Errorf("%q is not what its content says", r.ID))
	}
	return r, nil
}

// decodeFirst reads a release as hubs made them before there were roll-outs.
func decodeFirst(b []byte) (*Release, error) {
	var f struct {
		Format   string    `json:"format"`
		ID       string    `json:"id"`
		Kind     Kind      `json:"kind"`
		Model    string    `json:"model"`
		Gate     string    `json:"gate"`
		Snapshot string    `json:"snapshot"`
		Replaces string    `json:"replaces,omitzero"`
		Channels []Channel `json:"channels"`
	}
	if err := json.Unmarshal(b, &f, json.RejectUnknownMembers(true)); err != nil {
		return nil, badRelease(err)
	}
	sum := sha256.Sum256([]byte("headrace release\x00" + f.Model + "\x00" + f.Gate + "\x00" + f.Snapshot))
	if f.Kind != Filter || f.ID != "rel_"+hex.EncodeToString(sum[:12]) {
		return nil, badRelease(fmt.Errorf("%q %q is not what its digests say", f.Kind, f.ID))
	}
	return &Release{Format: f.Format, ID: f.ID, Kind: f.Kind, Payload: f.Model, Gate: f.Gate, Snapshot: f.Snapshot, Replaces: f.Replaces}, nil
}

func badRelease(err error) error {
	return &episode.Problem{Code: "release/bad-manifest", Message: "not a release that this version can run",
		Hint: "fetch again; if it stays so, tell the maker", Err: err}
}
