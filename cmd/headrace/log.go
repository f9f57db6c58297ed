// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/tlog/audit"
	"github.com/headrace/headrace/internal/tlog/proof"
)

type logCmd struct {
	Verify logVerifyCmd `cmd:"" help:"Check a hub's whole log: signature, entries, that it only grew, that it holds a receipt's bundle."`
}

type logVerifyCmd struct {
	Log     string   `arg:"" optional:"" help:"The hub's address, or the folder of its log (default: the hub that this edge has joined)." placeholder:"URL|DIR"`
	Key     string   `help:"The hub's public key, 32 bytes in base64 (default: that of the joined hub)." placeholder:"BASE64"`
	Receipt []string `help:"Check that the log holds the bundle of this receipt, as headrace push printed it. May be given again." type:"existingfile" placeholder:"FILE"`
	Config  string   `help:"The edge's configuration file." type:"path" placeholder:"FILE"`
}

func (c *logVerifyCmd) Help() string {
	return `Reads every entry of a hub's log, computes its root anew and compares it with the checkpoint that the hub signed. The checkpoint
is kept in the state folder; the next time, the log must still hold everything that it held then.

Example: headrace log verify
Example: headrace log verify --receipt receipt.json
Example: headrace log verify --key 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo= https://hub.example`
}

// logVerified is what log verify prints.
type logVerified struct {
	Origin   string   `json:"origin"`
	Size     uint64   `json:"size"`
	Root     []byte   `json:"root"`
	Since    *uint64  `json:"grown_from,omitempty"` // size of the checkpoint kept from before
	Receipts []string `json:"bundles_held,omitempty"`
}

// Run verifies.
func (c *logVerifyCmd) Run(e *env) error {
	place, key, err := c.target(e)
	if err != nil {
		return err
	}
	held := map[uint64]string{} // by index, what receipts say is there
	for _, path := range c.Receipt {
		r, err := readReceipt(path, key)
		if err != nil {
			return err
		}
		held[r.LogIndex] = r.Bundle
	}
	kept := filepath.Join(e.dir, "checkpoints", string(bundle.KeyIDOf(key)))
	earlier, err := os.ReadFile(kept)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the checkpoint kept from before: %w", err)
	}
	out := logVerified{}
	l, err := audit.Verify(e.ctx, fetcher(place), key, earlier, func(i uint64, b []byte) {
		if digest, asked := held[i]; asked && bytes.Equal(b, proof.Entry("receipt", []byte(digest))) {
			out.Receipts = append(out.Receipts, digest)
		}
	})
	if err != nil {
		return err
	}
	if len(out.Receipts) < len(held) {
		return &episode.Problem{Code: proof.ErrProof.Code, Message: fmt.Sprintf("of %d receipts, the log holds the bundles of %d", len(held), len(out.Receipts)),
			Hint: "keep the receipts: the hub signed that its log would hold them"}
	}
	if earlier != nil {
		old, err := sizeOf(earlier, l.Origin, key)
		if err != nil {
			return err
		}
		out.Since = &old
	}
	if err := errors.Join(os.MkdirAll(filepath.Dir(kept), 0o700), os.WriteFile(kept+".new", l.Signed, 0o600), os.Rename(kept+".new", kept)); err != nil {
		return fmt.Errorf("keep the checkpoint: %w", err)
	}
	out.Origin, out.Size, out.Root = l.Origin, l.Size, l.Root
	if err := json.MarshalWrite(e.out, out); err != nil {
		return err
	}
	fmt.Fprintln(e.out)
	return nil
}

// target is which log, and who must have signed it.
func (c *logVerifyCmd) target(e *env) (place string, key ed25519.PublicKey, err error) {
	place = c.Log
	if c.Key != "" {
		b, err := base64.StdEncoding.Strict().DecodeString(c.Key)
		if err != nil || len(b) != ed25519.PublicKeySize {
			return "", nil, usagef("--key is not 32 bytes in base64")
		}
		key = b
	}
	if place != "" && key != nil {
		return place, key, nil
	}
	f, err := edge.ReadFile(c.Config, e.dir)
	if err != nil {
		return "", nil, err
	}
	m, err := edge.ReadMembership(f.Dir)
	if errors.Is(err, edge.ErrNotJoined) {
		return "", nil, usagef("this machine's edge has joined no hub: say which log and whose key, headrace log verify --key BASE64 URL|DIR")
	}
	if err != nil {
		return "", nil, err
	}
	if place == "" {
		place = m.URL
	}
	if key == nil {
		key = m.PublicKey
	}
	return place, key, nil
}

// maxLogFile bounds what a log can make us read at once: 256 entries of at most 64 KiB.
const maxLogFile = 256 * (64<<10 + 2)

// fetcher reads a log's files from a hub, or from a folder.
func fetcher(place string) audit.Fetch {
	if !strings.Contains(place, "://") {
		return func(_ context.Context, path string) ([]byte, error) {
			b, err := os.ReadFile(filepath.Join(place, filepath.FromSlash(path)))
			if err != nil {
				return nil, &episode.Problem{Code: "log/read", Message: "read the log in " + place, Err: err, Hint: "name the folder that holds the file checkpoint; a hub's is the folder log of its own"}
			}
			return b, nil
		}
	}
	client := &http.Client{Timeout: time.Minute}
	return func(ctx context.Context, path string) ([]byte, error) {
		url := strings.TrimSuffix(place, "/") + "/log/" + path
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return nil, usagef("%q is not an address", place)
		}
		resp, err := client.Do(req)
		if err != nil {
			return nil, &episode.Problem{Code: "hub/unreachable", Message: "the hub at " + place + " does not answer", Err: err, Hint: "check the address, and that the hub runs"}
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(io.LimitReader(resp.Body, maxLogFile+1))
		switch {
		case err != nil:
			return nil, fmt.Errorf("fetch %s: %w", url, err)
		case resp.StatusCode != http.StatusOK:
			return nil, &episode.Problem{Code: "log/read", Message: fmt.Sprintf("%s answered %s", url, resp.Status), Hint: "check that this is the address of a Headrace hub"}
		case len(b) > maxLogFile:
			return nil, &episode.Problem{Code: "log/read", Message: url + " is longer than any file of a log", Hint: "check that this is the address of a Headrace hub"}
		}
		return b, nil
	}
}

// readReceipt reads what push printed, or a bare signed receipt.
func readReceipt(path string, key ed25519.PublicKey) (r bundle.Receipt, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return r, fmt.Errorf("read receipt: %w", err)
	}
	envelope := bytes.TrimSpace(b)
	var pushed edge.Receipt
	if json.Unmarshal(b, &pushed) == nil && len(pushed.Receipt) > 0 {
		envelope = pushed.Receipt
	}
	payload, _, err := bundle.OpenDocument(envelope, bundle.TypeReceipt, bundle.NewTrust(bundle.TrustedKey{Key: key}))
	if err != nil {
		return r, fmt.Errorf("receipt %s: %w", path, err)
	}
	return r, bundle.DecodeDocument(payload, &r)
}

func sizeOf(checkpoint []byte, origin string, key ed25519.PublicKey) (uint64, error) {
	vkey, err := proof.VerifierKey(origin, key)
	if err != nil {
		return 0, err
	}
	cp, err := proof.Open(checkpoint, vkey)
	return cp.Size, err
}
