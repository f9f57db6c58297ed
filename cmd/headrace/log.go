// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/tlog/audit"
	"github.com/headrace/headrace/internal/tlog/proof"
	"github.com/headrace/headrace/internal/tlog/seen"
	"github.com/headrace/headrace/internal/tlog/tiles"
)

type logCmd struct {
	Verify  logVerifyCmd  `cmd:"" help:"Check a hub's whole log: signature, witnesses, entries, that it only grew, that it holds a receipt's bundle."`
	Compare logCompareCmd `cmd:"" help:"Say whether two contributors saw one log."`
}

type logVerifyCmd struct {
	Log     string   `arg:"" optional:"" help:"The hub's address, or the folder of its log (default: the hub that this edge has joined)." placeholder:"URL|DIR"`
	Key     string   `help:"The hub's public key: 32 bytes in base64, or the log's verifier key (default: that of the joined hub)." placeholder:"KEY"`
	Witness []string `help:"The verifier key of a witness that must have cosigned the checkpoint. Of several, one must (default: those of edge.yaml, if any)." placeholder:"VKEY"`
	Receipt []string `help:"Check that the log holds the bundle of this receipt, as headrace push printed it or the edge keeps it in its folder receipts. May be given again." type:"existingfile" placeholder:"FILE"`
	Hub     string   `help:"The joined hub that is meant, where there are several." placeholder:"NAME"`
	Config  string   `help:"The edge's configuration file." type:"path" placeholder:"FILE"`
}

func (c *logVerifyCmd) Help() string {
	return `Reads every entry of a hub's log, computes its root anew and compares it with the checkpoint that the hub signed. The checkpoint
is kept in the state folder; the next time, the log must still hold everything that it held then. Where it does not, both
checkpoints are kept as evidence, and the last good one stays.

Example: headrace log verify
Example: headrace log verify --receipt receipt.json
Example: headrace log verify --key 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo= https://hub.example`
}

// logVerified is what log verify prints.
type logVerified struct {
	Origin      string   `json:"origin"`
	Key         string   `json:"key"` // the log's verifier key, as headrace witness wants it
	Size        uint64   `json:"size"`
	Root        []byte   `json:"root"`
	Since       *uint64  `json:"grown_from,omitempty"` // size of the checkpoint kept from before
	WitnessedBy []string `json:"witnessed_by"`
	Receipts    []string `json:"bundles_held,omitempty"`
}

// Run verifies.
func (c *logVerifyCmd) Run(e *env) error {
	t, err := readLogTarget(e, c.Config, c.Hub, c.Log, c.Key)
	if err != nil {
		return err
	}
	fetch := tiles.At(t.place)
	if t.through != nil {
		fetch = tiles.Through(t.place, t.through)
	}
	if t.origin == "" {
		signed, err := fetch(e.ctx, "checkpoint")
		if err != nil {
			return err
		}
		t.origin = proof.OriginOf(signed)
	}
	if len(c.Witness) > 0 {
		t.witnesses = c.Witness
	}
	known, err := proof.Of(t.origin, t.key, t.witnesses...)
	if err != nil {
		return err
	}
	held := map[uint64]heldBundle{}
	for _, path := range c.Receipt {
		h, err := readHeld(path, t.key)
		if err != nil {
			return err
		}
		held[h.index] = h
	}
	out := logVerified{Origin: known.Origin()}
	check := func(old, now proof.Checkpoint) error {
		out.Receipts = nil // it may be asked again, of another one kept from before
		if old.Signed != nil {
			out.Since = &old.Size
		}
		return audit.Verify(e.ctx, fetch, old, now, func(i uint64, b []byte) {
			if h, asked := held[i]; asked && bytes.Equal(b, h.entry) {
				out.Receipts = append(out.Receipts, h.bundle)
			}
		})
	}
	now, err := seen.Open(link.LogDir(t.dir, t.key), known).Newest(func() ([]byte, error) { return fetch(e.ctx, "checkpoint") }, check)
	if err != nil {
		return err
	}
	if len(out.Receipts) < len(held) {
		return &episode.Problem{Code: proof.ErrProof.Code, Message: fmt.Sprintf("of %d receipts, the log holds the bundles of %d", len(held), len(out.Receipts)),
			Hint: "keep the receipts: the hub signed that its log would hold them"}
	}
	out.Size, out.Root, out.WitnessedBy = now.Size, now.Root, now.Witnesses
	if out.Key, err = proof.VerifierKey(out.Origin, t.key); err != nil {
		return err
	}
	if err := json.MarshalWrite(e.out, out); err != nil {
		return err
	}
	fmt.Fprintln(e.out)
	if len(now.Witnesses) > 0 {
		return nil
	}
	if known.HasWitnesses() {
		return &episode.Problem{Code: "log/not-witnessed", Message: "not witnessed: the log is as the hub signed it, but no witness that was named cosigned it",
			Hint: "try again in a minute; if it stays so, ask the hub's operator which witnesses its log has"}
	}
	fmt.Fprintln(e.err, "not witnessed: nobody was named whose word counts beside the hub's (--witness)")
	return nil
}

// logTarget is which log, who must have signed it, and where what was seen of it is kept.
type logTarget struct {
	place, origin string // an origin only of a joined hub: it is what terms call it
	key           ed25519.PublicKey
	witnesses     []string
	dir           string
	through       http.RoundTripper // to the hub that was joined; nil for any other
}

// readLogTarget takes what was not said from a hub that this machine's edge has joined: the one named, or the only one.
func readLogTarget(e *env, config, hub, place, key string) (logTarget, error) {
	t := logTarget{place: place, dir: e.dir}
	if key != "" {
		if t.key = readLogKey(key); t.key == nil {
			return t, usagef("--key is neither 32 bytes in base64 nor a verifier key")
		}
	}
	if place != "" && t.key != nil {
		return t, nil
	}
	f, err := edge.ReadFile(config, e.dir)
	if err != nil {
		return t, err
	}
	l, err := f.LinkTo(hub)
	if errors.Is(err, link.ErrNotJoined) {
		return t, usagef("this machine's edge has joined no hub: say which log and whose key, headrace log verify --key KEY URL|DIR")
	}
	if err != nil {
		return t, err
	}
	if t.place == "" {
		t.place = l.URL
		if t.through, err = l.Member.Transport(); err != nil {
			return t, err
		}
	}
	if t.key == nil || t.key.Equal(l.Public) {
		t.key, t.origin, t.witnesses, t.dir = l.Public, l.Name, l.Witnesses, f.Dir
	}
	return t, nil
}

func readLogKey(s string) ed25519.PublicKey {
	if b, err := base64.StdEncoding.Strict().DecodeString(s); err == nil && len(b) == ed25519.PublicKeySize {
		return b
	}
	return proof.PublicKey(s)
}

// heldBundle is what a receipt says that the log holds.
type heldBundle struct {
	bundle string
	index  uint64
	entry  []byte
}

func readHeld(path string, key ed25519.PublicKey) (h heldBundle, err error) {
	r, pushed, err := readReceipt(path, key)
	if err != nil {
		return h, err
	}
	var p proof.Inclusion
	if len(pushed.Proof) == 0 || json.Unmarshal(pushed.Proof, &p) != nil {
		return h, &episode.Problem{Code: "receipt/no-proof", Message: path + " holds a receipt without its proof: the log's entry cannot be told from others",
			Hint: "give the file that headrace push printed, or the one in the edge's folder receipts"}
	}
	return heldBundle{r.Bundle, r.LogIndex, proof.Entry(proof.KindBundle, proof.Commit(p.Salt, r.Bundle))}, nil
}

// readReceipt reads what push printed, or a bare signed receipt.
func readReceipt(path string, key ed25519.PublicKey) (r bundle.Receipt, pushed link.Receipt, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return r, pushed, fmt.Errorf("read receipt: %w", err)
	}
	envelope := bytes.TrimSpace(b)
	if json.Unmarshal(b, &pushed) == nil && len(pushed.Receipt) > 0 {
		envelope = pushed.Receipt
	}
	payload, _, err := bundle.OpenDocument(envelope, bundle.TypeReceipt, bundle.NewTrust(bundle.TrustedKey{Key: key}))
	if err != nil {
		return r, pushed, fmt.Errorf("receipt %s: %w", path, err)
	}
	return r, pushed, bundle.DecodeDocument(payload, &r)
}
