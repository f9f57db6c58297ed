// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"cmp"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
)

// MediaType is what a snapshot's manifest is called among blobs.
const MediaType = "application/vnd.headrace.snapshot.v1+json"

// Manifest says what a snapshot is made of and where it came from. It is stored in canonical form.
type Manifest struct {
	// ID is the digest of the stored manifest, and so not in it.
	ID        string `json:"-"`
	MediaType string `json:"media_type"`
	Meta
	// Rows is the number of episodes; Decisions, of the decisions in them.
	Rows      int `json:"rows"`
	Decisions int `json:"decisions"`
	// Developers is how many people the rows are from.
	Developers int `json:"developers"`
	// Purposes counts the rows that may be used for each purpose.
	Purposes map[episode.Purpose]int `json:"purposes"`
	// ExpiresAt is when the first of the rows expires; after it the snapshot must be made anew.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// MaxRevision is the highest revision of any row.
	MaxRevision int    `json:"max_revision"`
	Files       []File `json:"files"`
}

// Meta is what the maker of a snapshot knows and its rows do not tell.
type Meta struct {
	// Inputs are the bundles that were curated, whether or not anything of them was used: the lineage.
	Inputs []Input `json:"inputs"`
	// Curation names the code and its options.
	Curation Curation `json:"curation"`
	// Counts of records, by contributor.
	Counts map[string]Count `json:"counts"`
	// Supersedes is the id of the snapshot that this one replaces, if any.
	Supersedes string `json:"supersedes,omitzero"`
	// Incomplete says why records that this snapshot should hold are gone, such as a withdrawal; empty if none are.
	Incomplete string `json:"incomplete,omitzero"`
}

// Input is one bundle.
type Input struct {
	Bundle      string `json:"bundle"`
	Contributor string `json:"contributor"`
	Records     int    `json:"records"`
	// Used are those that became a row or part of one.
	Used int `json:"used"`
	// Unreadable says that the bundle's bytes could not be read: none of its records is here, and Records does not count them.
	Unreadable bool `json:"unreadable,omitzero"`
}

// Compare orders inputs by contributor, then bundle.
func (i Input) Compare(j Input) int {
	return cmp.Or(cmp.Compare(i.Contributor, j.Contributor), cmp.Compare(i.Bundle, j.Bundle))
}

// Curation names the code that chose the rows and what it was told.
type Curation struct {
	Version   string `json:"version"`
	Recipient string `json:"recipient"`
	// Purposes: every row may be used for at least one of them. Which, its own terms say.
	Purposes []episode.Purpose `json:"purposes"`
}

// Count is what became of a contributor's records: In = Used + Folded + the sum of SetAside.
type Count struct {
	In     int `json:"in"`
	Used   int `json:"used"`
	Folded int `json:"folded"` // amendments and older revisions that are part of a used row
	// SetAside counts records by the reason why they are not used.
	SetAside map[string]int `json:"set_aside,omitempty"`
}

// File is one Parquet file of a snapshot.
type File struct {
	Digest      string `json:"digest"`
	Contributor string `json:"contributor"`
	// Content is the digest of the rows that the file holds, before they became Parquet: the next snapshot that holds
	// exactly these names the same file. Empty in manifests of before.
	Content string `json:"content,omitzero"`
	Rows    int    `json:"rows"`
	Bytes   int64  `json:"bytes"`
}

func (m *Manifest) encode() ([]byte, error) {
	b, err := json.Marshal(m, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("encode snapshot manifest: %w", err)
	}
	v := jsontext.Value(b)
	if err := v.Canonicalize(); err != nil {
		return nil, fmt.Errorf("encode snapshot manifest: %w", err)
	}
	return v, nil
}

// decodeManifest reads a stored manifest; fields that this version does not know are an error, because they may say
// something about what the rows may be used for.
func decodeManifest(b []byte) (*Manifest, error) {
	m := new(Manifest)
	if err := json.Unmarshal(b, m, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("not a snapshot manifest: %w", err)
	}
	if m.MediaType != MediaType {
		return nil, fmt.Errorf("not a snapshot manifest: media_type %.80q", m.MediaType)
	}
	m.ID = episode.Digest(b)
	return m, nil
}
