// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"crypto/ed25519"
	"crypto/sha256"
	"slices"
)

// TypePassage is the payload type of a [Passage].
const TypePassage = "application/vnd.headrace.passage.v1+json"

// CodePassage is the code of a passage that does not show that the records may have come this way.
const CodePassage = "bundle/passage"

// Passage is a hub's signed word that it passes records on, and the proof that they are what a contributor gave it, under the
// contributor's own terms; it travels sealed as [TypePassage]. The records are packed anew, as they are, in a bundle of the hub's.
type Passage struct {
	// Bundle is the digest of what is passed on, Source that of the bundle in which its records came.
	Bundle string `json:"bundle"`
	Source string `json:"source"`
	// Hub passes on, as terms call it; Recipient is whom to, by this ed25519 key, and As the name by which it knows Hub.
	Hub          string `json:"hub"`
	Recipient    string `json:"recipient"`
	RecipientKey []byte `json:"recipient_key"`
	As           string `json:"as"`
	// Contributor gave Source to Hub and signed Manifest, its envelope, with this ed25519 key. Receipt is what Hub answered.
	Contributor string `json:"contributor"`
	Key         []byte `json:"key"`
	Manifest    []byte `json:"manifest"`
	Receipt     []byte `json:"receipt"`
	// Leaves are the hashes of all records of Source in its Merkle tree, in order, where not all are passed on; else none.
	Leaves []string `json:"leaves,omitzero"`
	// Before is the passage by which Source came to Hub, where it was passed on, too; else empty.
	Before []byte `json:"before,omitzero"`
}

// Origin is where records began their way.
type Origin struct {
	Contributor string
	// ReceivedDay is when the first hub received them, as its receipt says: retention counts from it.
	ReceivedDay string
}

// maxPassages bounds through how many hubs records may come.
const maxPassages = 8

// PassedOn reports whether records under such terms come from somebody who was given them: terms name first whom a contributor gives
// them to, and after it those to whom that one may pass them on.
func (m *Manifest) PassedOn() bool {
	return slices.ContainsFunc(m.Terms, func(t TermsCount) bool { return t.Terms.Recipients[0] != m.Recipient })
}

// NewPassage fills in what is signed of a bundle that is passed on and of the source in which its records came. leaves are those of all of
// source's records, as [Leaves] gives them.
func NewPassage(p Passage, to string, m Manifest, source string, of Manifest, leaves []string) Passage {
	p.Bundle, p.Recipient, p.As = to, m.Recipient, m.Contributor
	p.Source, p.Hub, p.Contributor = source, of.Recipient, of.Contributor
	if m.MerkleRoot != of.MerkleRoot {
		p.Leaves = leaves
	}
	return p
}

// Leaves are the hashes of a bundle's records in its Merkle tree, in their order.
func Leaves(records [][]byte) []string {
	list := make([]string, len(records))
	for i, r := range records {
		list[i] = format(leaf(sha256.Sum256(r)))
	}
	return list
}

// OpenPassage verifies that hub, by its key, passed on bundle b: that each of its records stands in a bundle that a contributor gave to
// hub, or to one before it, and signed, under terms that name b's recipient behind those through whom they came.
func OpenPassage(envelope []byte, b *Bundle, hub ed25519.PublicKey) (Passage, Origin, error) {
	leaves := make(map[hash]bool, len(b.lines))
	for _, line := range b.lines {
		leaves[leaf(sha256.Sum256(line))] = true
	}
	return openPassage(envelope, passed{b.Digest, b.Manifest, b.Manifest.Terms, leaves}, hub, maxPassages)
}

// passed is a bundle at one end of a passage: its digest, what is signed of it, and the records that came all the way.
type passed struct {
	digest   string
	manifest Manifest
	terms    []TermsCount // as the records themselves have them
	leaves   map[hash]bool
}

func openPassage(envelope []byte, b passed, hub ed25519.PublicKey, most int) (p Passage, o Origin, err error) {
	payload, _, err := OpenDocument(envelope, TypePassage, NewTrust(TrustedKey{Key: hub}))
	if err != nil {
		return p, o, err
	}
	if err := DecodeDocument(payload, &p); err != nil {
		return p, o, err
	}
	if p.Bundle != b.digest || p.Recipient != b.manifest.Recipient || p.As != b.manifest.Contributor {
		return p, o, notPassed("it is of %.19s for %s, not of this bundle", p.Bundle, p.Recipient)
	}
	var r Receipt
	if payload, _, err = OpenDocument(p.Receipt, TypeReceipt, NewTrust(TrustedKey{Key: hub})); err == nil {
		err = DecodeDocument(payload, &r)
	}
	if err != nil {
		return p, o, err
	}
	m, err := OpenManifest(p.Manifest, NewTrust(TrustedKey{Name: p.Contributor, Key: p.Key}))
	if err != nil {
		return p, o, err
	}
	if r.Bundle != p.Source || r.Recipient != p.Hub || r.Contributor != p.Contributor || m.Recipient != p.Hub || m.Contributor != p.Contributor || r.MerkleRoot != m.MerkleRoot || r.Records != m.Records {
		return p, o, notPassed("its receipt and its manifest are not of one bundle from %s to %s", p.Contributor, p.Hub)
	}
	if err := p.holds(b, m); err != nil {
		return p, o, err
	}
	for _, t := range b.terms {
		i, j := slices.Index(t.Terms.Recipients, p.Hub), slices.Index(t.Terms.Recipients, p.Recipient)
		if i < 0 || j < i || len(p.Before) == 0 && i > 0 {
			return p, o, notPassed("%s may not pass on to %s what is under terms for %q", p.Hub, p.Recipient, t.Terms.Recipients)
		}
	}
	if len(p.Before) == 0 {
		return p, Origin{p.Contributor, r.ReceivedDay}, nil
	}
	if most == 1 {
		return p, o, notPassed("it has come through more than %d hubs", maxPassages)
	}
	_, o, err = openPassage(p.Before, passed{p.Source, m, b.terms, b.leaves}, p.Key, most-1)
	return p, o, err
}

// holds makes sure that all records that are passed on stand in the bundle that m describes.
func (p *Passage) holds(b passed, m Manifest) error {
	if len(p.Leaves) == 0 {
		if b.manifest.MerkleRoot != m.MerkleRoot {
			return notPassed("its records are not those of %.19s", p.Source)
		}
		return nil
	}
	all, list := make(map[hash]bool, len(p.Leaves)), make([]hash, len(p.Leaves))
	for i, s := range p.Leaves {
		h, ok := parse(s)
		if !ok {
			return notPassed("%.80q is no leaf", s)
		}
		all[h], list[i] = true, h
	}
	if len(list) != m.Records || format(root(list)) != m.MerkleRoot {
		return notPassed("its leaves are not those of %.19s", p.Source)
	}
	for h := range b.leaves {
		if !all[h] {
			return notPassed("a record does not stand in %.19s", p.Source)
		}
	}
	return nil
}

func notPassed(format string, a ...any) error {
	return problem(CodePassage, "ask the hub that passed it on: what it says does not show whose the records are", "the passage shows nothing: "+format, a...)
}
