// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/klauspost/compress/zstd"

	"github.com/headrace/headrace/episode"
)

// MaxPayload bounds the records of one bundle, in bytes before compression: a verifier holds them in memory.
const MaxPayload = 256 << 20

// manifestVersion is the version of the manifest that this package writes and reads.
const manifestVersion = "1.0"

// Options says from whom to whom a bundle goes.
type Options struct {
	// Signer is an ed25519 key.
	Signer crypto.Signer
	// Contributor is the name under which the recipient knows Signer.
	Contributor string
	Recipient   string
	// Checkpoint is the last one of the recipient's log that the contributor has checked; empty for none.
	Checkpoint string
	// Canaries are planted strings that must never leave: one of them in any record refuses the bundle.
	Canaries []string
}

// Pack signs records (canonical JSON, one episode each, as [episode.AppendCanonical] gives it) into the folder dir and
// returns what it says of them and the bundle's digest. The records are sorted by digest and the same one is taken once:
// their order is nobody's business and the bytes do not depend on it. A dir that holds this very bundle is fine; one
// that holds anything else is refused. What Pack returned without error is on disk.
func Pack(dir string, records [][]byte, o Options) (Manifest, string, error) {
	lines, leaves, err := sortRecords(records)
	if err != nil {
		return Manifest{}, "", err
	}
	m, err := summarise(lines, leaves, o.Contributor, o.Recipient, o.Checkpoint)
	if err != nil {
		return m, "", err
	}
	if err := checkCanaries(lines, o.Canaries); err != nil {
		return m, "", err
	}
	packed, err := compress(lines, m.PayloadBytes)
	if err != nil {
		return m, "", err
	}
	payload := newBlob(packed)
	sealed, err := SealDocument(TypeBundle, newStatement(m, payload), o.Signer)
	if err != nil {
		return m, "", err
	}
	envelope := newBlob(sealed)
	oci, err := ociManifest(envelope, payload)
	if err != nil {
		return m, "", err
	}
	manifest := newBlob(oci)
	files, err := layout(manifest, envelope, payload)
	if err != nil {
		return m, "", err
	}
	return m, manifest.digest, write(dir, files)
}

// statement is the in-toto statement (v1) around a manifest; its subject is the payload.
type statement struct {
	Type          string    `json:"_type"`
	Subject       []subject `json:"subject"`
	PredicateType string    `json:"predicateType"`
	Predicate     Manifest  `json:"predicate"`
}

type subject struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"`
}

func newStatement(m Manifest, payload blob) statement {
	return statement{
		Type:          "https://in-toto.io/Statement/v1",
		Subject:       []subject{{Name: "records.jsonl.zst", Digest: map[string]string{"sha256": strings.TrimPrefix(payload.digest, "sha256:")}}},
		PredicateType: "https://headrace.dev/bundle/v1",
		Predicate:     m,
	}
}

// sortRecords orders records by digest and drops repeats. It returns each one's Merkle leaf, too.
func sortRecords(records [][]byte) (lines [][]byte, leaves []hash, err error) {
	digests := make([]hash, len(records))
	type place struct {
		begin uint64 // of the digest
		index int
	}
	order := make([]place, len(records))
	for i, r := range records {
		digests[i] = sha256.Sum256(r)
		order[i] = place{binary.BigEndian.Uint64(digests[i][:]), i}
	}
	slices.SortFunc(order, func(a, b place) int {
		if a.begin != b.begin {
			return cmp.Compare(a.begin, b.begin)
		}
		return bytes.Compare(digests[a.index][:], digests[b.index][:])
	})
	order = slices.CompactFunc(order, func(a, b place) bool { return digests[a.index] == digests[b.index] })
	lines, leaves = make([][]byte, len(order)), make([]hash, len(order))
	size := 0
	for i, at := range order {
		lines[i], leaves[i] = records[at.index], leaf(digests[at.index])
		size += len(lines[i]) + 1
	}
	if size > MaxPayload {
		return nil, nil, problem(CodeTooLarge, "split the records over several bundles", "%d bytes of records are more than the %d that one bundle holds", size, MaxPayload)
	}
	return lines, leaves, nil
}

// summarise checks each record and counts what the manifest says of them; leaves are the records' in the Merkle tree. Verify
// calls it too: a manifest that was not counted from its records is refused.
func summarise(lines [][]byte, leaves []hash, contributor, recipient, checkpoint string) (Manifest, error) {
	m := Manifest{Version: manifestVersion, Contributor: contributor, Recipient: recipient, Checkpoint: checkpoint,
		Records: len(lines), Levels: map[episode.Level]int{}, Findings: map[string]int{}}
	if len(lines) == 0 {
		return m, problem(CodeEmpty, "check that the policy lets something leave (headrace consent counts what it drops)", "there are no records to pack")
	}
	// Many records have the same terms, and the same to say of their privacy: each form is read once.
	terms, privacies := map[string]*int{}, map[string]*privacy{}
	for i, line := range lines {
		h, err := readHead(line)
		if err == errNotCanonical {
			return m, problem(CodeRecord, "write records with episode.AppendCanonical", "record %d is not canonical JSON", i+1)
		}
		p := privacies[string(h.Privacy)]
		if err == nil && p == nil {
			p = new(privacy)
			privacies[string(h.Privacy)] = p
			if h.Privacy != nil {
				err = json.Unmarshal(h.Privacy, p)
			}
		}
		if err != nil {
			return m, problem(CodeRecord, "write records with episode.AppendCanonical", "record %d is not an episode: %v", i+1, err)
		}
		under := terms[string(h.Terms)]
		if err := h.check(p.Level, recipient, under != nil); err != nil {
			return m, err
		}
		if under == nil {
			under = new(int)
			terms[string(h.Terms)] = under
		}
		kind := KindEpisodes
		if h.Amends != "" {
			kind = KindAmendments
		}
		if m.Kind == "" {
			m.Kind = kind
		} else if m.Kind != kind {
			return m, problem(CodeMixed, "pack amendments (records with \"amends\") by themselves", "episodes and amendments do not go into one bundle")
		}
		m.PayloadBytes += int64(len(line)) + 1
		p.records++
		*under++
	}
	policies, scrubbers := map[string]bool{}, map[string]bool{}
	for _, p := range privacies {
		m.Levels[p.Level] += p.records
		for kind, n := range p.Findings {
			m.Findings[kind] += n * p.records
		}
		policies[p.Policy], scrubbers[p.Scrubber] = true, true
	}
	if contributor == "" || recipient == "" {
		return m, problem(CodeTerms, "name both", "a bundle needs the contributor's and the recipient's name")
	}
	m.MerkleRoot = format(root(leaves))
	m.Policies, m.Scrubbers = sortedKeys(policies), sortedKeys(scrubbers)
	for _, raw := range sortedKeys(terms) {
		t := new(episode.Terms)
		if err := json.Unmarshal([]byte(raw), t); err != nil {
			return m, err // check has decoded it before
		}
		m.Terms = append(m.Terms, TermsCount{t, *terms[raw]})
	}
	return m, nil
}

// check refuses a record that must not leave as it is. Terms that were seen before have been checked before.
func (h *head) check(level episode.Level, recipient string, seen bool) error {
	if h.Local != nil {
		return problem(CodeLocal, "run the records through headrace consent, which removes it", "record %s still has its local block", h.ID)
	}
	switch level {
	case episode.LevelSignal, episode.LevelMasked, episode.LevelClean:
	default:
		return problem(CodeLevel, "run the records through headrace consent, which sets it", "record %s does not say at which level it leaves", h.ID)
	}
	if seen {
		return nil
	}
	var t *episode.Terms
	if h.Terms != nil {
		if err := json.Unmarshal(h.Terms, &t); err != nil {
			return problem(CodeTerms, "run the records through headrace consent, which sets them", "the terms of record %s cannot be read: %v", h.ID, err)
		}
	}
	if t == nil || len(t.Purposes) == 0 || len(t.Recipients) == 0 {
		return problem(CodeTerms, "run the records through headrace consent, which sets them", "record %s has no terms", h.ID)
	}
	if !slices.Contains(t.Recipients, recipient) {
		return problem(CodeTerms, "pack with --recipient set to one that the terms name", "the terms of record %s name %q, not %s", h.ID, t.Recipients, recipient)
	}
	return nil
}

// compress makes the payload of the lines, of size bytes with their ends. It is deterministic for one version of the zstd
// library: one thread, fixed settings. The fastest level takes a quarter less time than the next, for payloads that are
// larger by a twentieth.
func compress(lines [][]byte, size int64) ([]byte, error) {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(2<<20), zstd.WithEncoderCRC(true))
	if err != nil {
		return nil, err
	}
	const usual = 8 // times smaller
	payload := bytes.NewBuffer(make([]byte, 0, size/usual))
	w.ResetContentSize(payload, size)
	end := []byte{'\n'}
	for _, l := range lines {
		if _, err := w.Write(l); err != nil {
			return nil, err
		}
		if _, err := w.Write(end); err != nil {
			return nil, err
		}
	}
	err = w.Close()
	return payload.Bytes(), err
}

// window is the largest that a payload may have: a decoder may need that much for even the smallest.
const window = 8 << 20

// decompress returns size bytes, or an error: what it allocates does not depend on the frame's own word.
func decompress(payload []byte, size int64) ([]byte, error) {
	r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(max(size, window))))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	raw, err := r.DecodeAll(payload, nil)
	if err != nil {
		return nil, err
	}
	if int64(len(raw)) != size {
		return nil, fmt.Errorf("%d bytes, the manifest says %d", len(raw), size)
	}
	return raw, nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
