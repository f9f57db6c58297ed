// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/headrace/headrace/episode"
)

// hop is one bundle on its way: alder gives it to maker (keys 1 and 2), who may pass it on to other (3), and that one to third (4).
type hop struct {
	dir     string
	b       *Bundle
	lines   [][]byte
	passage []byte // nil where its contributor gave it
}

var mayPass = func(e *episode.Episode) { e.Terms.Recipients = []string{"maker", "other", "third"} }

func given(t testing.TB, ids ...string) hop {
	t.Helper()
	var lines [][]byte
	for _, id := range ids {
		lines = append(lines, record(t, id, mayPass))
	}
	return hopOf(t, lines, Options{Signer: key(1), Contributor: "alder", Recipient: "maker"})
}

func hopOf(t testing.TB, lines [][]byte, o Options) hop {
	t.Helper()
	dir, _ := packed(t, lines, o)
	b, err := Verify(dir, NewTrust(TrustedKey{Key: o.Signer.Public().(ed25519.PublicKey)}))
	if err != nil {
		t.Fatal(err)
	}
	h := hop{dir: dir, b: b}
	for _, line := range b.Records() {
		h.lines = append(h.lines, bytes.Clone(line))
	}
	return h
}

// answered is what a hub answered to a bundle.
func answered(t testing.TB, b *Bundle, by byte, change ...func(*Receipt)) []byte {
	t.Helper()
	r := Receipt{Bundle: b.Digest, Contributor: b.Manifest.Contributor, Recipient: b.Manifest.Recipient, Records: b.Len(), MerkleRoot: b.Manifest.MerkleRoot, ReceivedDay: "2026-03-01", LogOrigin: b.Manifest.Recipient}
	for _, c := range change {
		c(&r)
	}
	env, err := SealDocument(TypeReceipt, r, key(by))
	if err != nil {
		t.Fatal(err)
	}
	return env
}

// on passes records of h on, in the name of whoever has the key by.
func (h hop) on(t testing.TB, by byte, as, to string, keep func(line []byte) bool, change ...func(*Passage)) hop {
	t.Helper()
	next := hopOf(t, slices.DeleteFunc(slices.Clone(h.lines), func(l []byte) bool { return !keep(l) }), Options{Signer: key(by), Contributor: as, Recipient: to})
	givenBy := by - 1
	p := NewPassage(Passage{RecipientKey: public(by + 1), Key: public(givenBy), Manifest: envelopeOf(t, h), Receipt: answered(t, h.b, by), Before: h.passage}, next.b.Digest, next.b.Manifest, h.b.Digest, h.b.Manifest, Leaves(h.lines))
	for _, c := range change {
		c(&p)
	}
	env, err := SealDocument(TypePassage, p, key(by))
	if err != nil {
		t.Fatal(err)
	}
	next.passage = env
	return next
}

// envelopeOf is what was signed of a bundle.
func envelopeOf(t testing.TB, h hop) []byte {
	t.Helper()
	read := func(digest string) []byte {
		b, err := os.ReadFile(filepath.Join(h.dir, filepath.FromSlash(blobPath(digest))))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var m ocispec.Manifest
	if err := json.Unmarshal(read(h.b.Digest), &m); err != nil {
		t.Fatal(err)
	}
	return read(m.Layers[0].Digest.String())
}

func all([]byte) bool { return true }

func some(line []byte) bool { return !bytes.Contains(line, []byte(`"ep_2"`)) }

// Records that a hub passes on are proven to be what their contributor gave, whole or in part, through one hub or several.
func TestAPassageShowsWhoseTheRecordsAre(t *testing.T) {
	alder := given(t, "ep_1", "ep_2", "ep_3")
	for name, h := range map[string]hop{
		"all":                 alder.on(t, 2, "maker-as", "other", all),
		"some":                alder.on(t, 2, "maker-as", "other", some),
		"past the one behind": alder.on(t, 2, "maker-as", "third", some),
	} {
		p, o, err := OpenPassage(h.passage, h.b, public(2))
		if err != nil || o != (Origin{"alder", "2026-03-01"}) || p.Source != alder.b.Digest || !h.b.Manifest.PassedOn() {
			t.Errorf("%s: %+v, %+v, %v", name, p, o, err)
		}
	}
	if alder.b.Manifest.PassedOn() {
		t.Error("what its contributor gives was passed on")
	}
	twice := alder.on(t, 2, "maker-as", "other", some).on(t, 3, "other-as", "third", func(l []byte) bool { return bytes.Contains(l, []byte(`"ep_3"`)) })
	if _, o, err := OpenPassage(twice.passage, twice.b, public(3)); err != nil || o.Contributor != "alder" {
		t.Errorf("twice: %+v, %v", o, err)
	}
}

// A hub cannot pass on as somebody's what that one did not give it, nor to whom the terms do not name behind it.
func TestAPassageThatShowsNothingIsRefused(t *testing.T) {
	alder, other := given(t, "ep_1", "ep_2", "ep_3"), given(t, "ep_7", "ep_8")
	ofAnother := envelopeOf(t, other)
	for name, change := range map[string]func(*Passage){
		"another bundle":                func(p *Passage) { p.Bundle = alder.b.Digest },
		"to another recipient":          func(p *Passage) { p.Recipient = "third" },
		"under another name":            func(p *Passage) { p.As = "somebody" },
		"of another bundle's manifest":  func(p *Passage) { p.Manifest = ofAnother },
		"of another bundle's receipt":   func(p *Passage) { p.Receipt = answered(t, other.b, 2) },
		"a receipt of another's":        func(p *Passage) { p.Receipt = answered(t, alder.b, 3) },
		"another contributor":           func(p *Passage) { p.Contributor = "birch" },
		"another key":                   func(p *Passage) { p.Key = public(5) },
		"no key":                        func(p *Passage) { p.Key = nil },
		"another source":                func(p *Passage) { p.Source = other.b.Digest },
		"another hub":                   func(p *Passage) { p.Hub = "third" },
		"leaves of another":             func(p *Passage) { p.Leaves = Leaves(other.lines) },
		"a leaf more":                   func(p *Passage) { p.Leaves = append(slices.Clone(p.Leaves), p.Leaves[0]) },
		"a leaf less":                   func(p *Passage) { p.Leaves = p.Leaves[1:] },
		"no leaves":                     func(p *Passage) { p.Leaves = nil },
		"something before that is none": func(p *Passage) { p.Before = []byte("{}") },
	} {
		h := alder.on(t, 2, "maker-as", "other", some, change)
		if _, _, err := OpenPassage(h.passage, h.b, public(2)); err == nil {
			t.Errorf("%s: it is taken", name)
		} else if p := (*episode.Problem)(nil); !errors.As(err, &p) || p.Hint == "" {
			t.Errorf("%s: %v", name, err)
		}
	}

	invented := alder
	invented.lines = append(slices.Clone(alder.lines), record(t, "ep_invented", mayPass))
	h := invented.on(t, 2, "maker-as", "other", all, func(p *Passage) { p.Leaves = Leaves(alder.lines) })
	if _, _, err := OpenPassage(h.passage, h.b, public(2)); !errors.Is(err, &episode.Problem{Code: CodePassage}) {
		t.Errorf("a record that was not given: %v", err)
	}
	h = alder.on(t, 2, "maker-as", "other", all)
	if _, _, err := OpenPassage(h.passage, h.b, public(3)); !errors.Is(err, &episode.Problem{Code: CodeUnknownSigner}) {
		t.Errorf("another hub signed it: %v", err)
	}
	// What is signed of a source need not be true: only the terms that the records themselves have count.
	h = alder.on(t, 2, "maker-as", "other", all, func(p *Passage) {
		m := alder.b.Manifest
		m.Terms = []TermsCount{{nil, 1}}
		env, err := SealDocument(TypeBundle, newStatement(m, blob{digest: "sha256:00"}), key(1))
		if err != nil {
			t.Fatal(err)
		}
		p.Manifest, p.Before = env, []byte("{}")
	})
	if _, _, err := OpenPassage(h.passage, h.b, public(2)); err == nil {
		t.Error("a source without terms: it is taken")
	}
	// The terms name the recipient, and not the hub through which it came.
	behind := hopOf(t, [][]byte{record(t, "ep_1", func(e *episode.Episode) { e.Terms.Recipients = []string{"other", "maker"} })}, Options{Signer: key(1), Contributor: "alder", Recipient: "maker"})
	h = behind.on(t, 2, "maker-as", "other", all)
	if _, _, err := OpenPassage(h.passage, h.b, public(2)); !errors.Is(err, &episode.Problem{Code: CodePassage}) {
		t.Errorf("to one who stands before: %v", err)
	}
}

// Whatever a hub signs of a passage, it is taken only where it shows that each record is its contributor's.
func FuzzPassage(f *testing.F) {
	alder := given(f, "ep_1", "ep_2", "ep_3")
	h := alder.on(f, 2, "maker-as", "other", some)
	for _, envelope := range [][]byte{h.passage, h.on(f, 3, "other-as", "third", all).passage} {
		for _, hub := range []byte{2, 3} {
			if payload, _, err := OpenDocument(envelope, TypePassage, NewTrust(TrustedKey{Key: public(hub)})); err == nil {
				f.Add(payload)
			}
		}
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		var p Passage
		if json.Unmarshal(payload, &p) != nil {
			return
		}
		envelope, err := SealDocument(TypePassage, p, key(2))
		if err != nil {
			return
		}
		if got, o, err := OpenPassage(envelope, h.b, public(2)); err == nil && (got.Source != alder.b.Digest || o != (Origin{"alder", "2026-03-01"})) {
			t.Errorf("it is taken: %+v of %+v", got, o)
		}
	})
}
