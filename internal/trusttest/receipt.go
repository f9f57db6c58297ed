// SPDX-License-Identifier: Apache-2.0

package trusttest

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/tlog/proof"
)

// opened is what a receipt, as "headrace push" printed it, says of a bundle.
type opened struct {
	entry      string // of the log
	index      uint64
	checkpoint proof.Checkpoint // to which its proof leads
}

// openReceipt checks all of a receipt that can be checked without the log's files.
func openReceipt(path, digest string, log *proof.Log, hub bundle.Trust) (o opened, err error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return o, err
	}
	var pushed link.Receipt
	if err := json.Unmarshal(raw, &pushed); err != nil {
		return o, err
	}
	payload, _, err := bundle.OpenDocument(pushed.Receipt, bundle.TypeReceipt, hub)
	if err != nil {
		return o, err
	}
	var r bundle.Receipt
	if err := bundle.DecodeDocument(payload, &r); err != nil {
		return o, err
	}
	var p proof.Inclusion
	if err := json.Unmarshal(pushed.Proof, &p); err != nil {
		return o, err
	}
	if r.Bundle != digest || r.LogIndex != p.Index {
		return o, fmt.Errorf("the receipt is of %s at %d, its proof of %d", r.Bundle, r.LogIndex, p.Index)
	}
	o = opened{entry: string(proof.Entry(proof.KindBundle, proof.Commit(p.Salt, digest))), index: p.Index}
	o.checkpoint, err = p.Verify(log, proof.KindBundle, digest)
	return o, err
}

// record is the canonical JSON of a record that may leave to the hub.
func record(id string, change func(*episode.Episode)) ([]byte, error) {
	e := &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: id, Languages: []string{"go"}, Tool: episode.Tool{Name: "tool", Surface: "agent"},
		Privacy: &episode.Privacy{Level: episode.LevelSignal, Scrubber: "headrace-scrub/2", Policy: "sha256:p", Findings: map[string]int{"email": 2}},
		Terms:   &episode.Terms{Purposes: []episode.Purpose{episode.PurposeEvaluate}, Recipients: []string{hubName}, RetentionDays: 30}}
	if change != nil {
		change(e)
	}
	return episode.AppendCanonical(nil, e)
}
