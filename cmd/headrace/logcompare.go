// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/tlog/proof"
	"github.com/headrace/headrace/internal/tlog/seen"
	"github.com/headrace/headrace/internal/tlog/tiles"
)

type logCompareCmd struct {
	A      string `arg:"" help:"What one saw: a checkpoint, a receipt with its proofs, or a state folder." type:"path" placeholder:"A"`
	B      string `arg:"" help:"What the other saw." type:"path" placeholder:"B"`
	Log    string `help:"Where to read the log that proves it: the hub's address, or the folder of its log." placeholder:"URL|DIR"`
	Key    string `help:"The hub's public key: 32 bytes in base64, or the log's verifier key (default: that of the joined hub)." placeholder:"KEY"`
	Hub    string `help:"The joined hub that is meant, where there are several." placeholder:"NAME"`
	Config string `help:"The edge's configuration file." type:"path" placeholder:"FILE"`
}

func (c *logCompareCmd) Help() string {
	return `Two contributors who were shown different logs find out by comparing what they saw: a checkpoint that headrace log verify or
the edge kept (folder log of the state folder), or a receipt. Neither tells the other what was sent. Where the two are of
different sizes, the proof comes from one of the files, or from the log itself with --log.

If they saw two logs, both checkpoints are kept in the state folder and the exit status is 1.

Example: headrace log compare receipt.json their-receipt.json
Example: headrace log compare --log https://hub.example STATE their-checkpoint`
}

// logCompared is what log compare prints.
type logCompared struct {
	Origin   string    `json:"origin"`
	Sizes    [2]uint64 `json:"sizes"`
	SameLog  bool      `json:"same_log"`
	ProvenBy string    `json:"proven_by"`
}

// Run compares.
func (c *logCompareCmd) Run(e *env) error {
	t, err := readLogTarget(e, c.Config, c.Hub, ".", c.Key) // a place, so that with a key no hub need be joined
	if err != nil {
		return err
	}
	a, err := readSighting(c.A, t)
	if err != nil {
		return err
	}
	b, err := readSighting(c.B, t)
	if err != nil {
		return err
	}
	if a.origin() != b.origin() {
		return &episode.Problem{Code: "log/other", Message: fmt.Sprintf("these are two logs by name, %q and %q", a.origin(), b.origin()), Hint: "compare what was seen of one"}
	}
	known, err := proof.Of(a.origin(), t.key)
	if err != nil {
		return err
	}
	out := logCompared{Origin: known.Origin(), SameLog: true}
	var cps [2]proof.Checkpoint
	for i, s := range []sighting{a, b} {
		if cps[i], err = known.Open(s.signed); err != nil {
			return fmt.Errorf("%s: %w", []string{c.A, c.B}[i], err)
		}
		out.Sizes[i] = cps[i].Size
	}
	out.ProvenBy, err = c.prove(e, known, cps, append(a.links, b.links...))
	if errors.Is(err, proof.ErrFork) {
		dir, keeping := seen.Open(link.LogDir(t.dir, t.key), known).Accuse(cps[0], cps[1], err)
		if dir != "" && keeping == nil {
			fmt.Fprintln(e.err, "both checkpoints are kept in", dir)
		}
		return errors.Join(err, keeping)
	}
	if err != nil {
		return err
	}
	if err := json.MarshalWrite(e.out, out); err != nil {
		return err
	}
	fmt.Fprintln(e.out)
	return nil
}

// prove says how it is certain that both checkpoints are of one log, or why they are not.
func (c *logCompareCmd) prove(e *env, known *proof.Log, cps [2]proof.Checkpoint, links []proof.Consistency) (string, error) {
	old, now := cps[0], cps[1]
	if old.Size > now.Size {
		old, now = now, old
	}
	if old.Size == now.Size || old.Size == 0 {
		return "the checkpoints", proof.Grown(old, now, nil)
	}
	for _, l := range links {
		if to, err := l.Verify(known, old); err == nil && to.Size == now.Size && bytes.Equal(to.Root, now.Root) {
			return "the hub's proof with a receipt", nil
		}
	}
	if c.Log == "" {
		return "", &episode.Problem{Code: "log/unproven", Message: fmt.Sprintf("one saw the log with %d entries, the other with %d; what they have does not prove that it is one log", old.Size, now.Size),
			Hint: "read the proof from the log: --log URL|DIR"}
	}
	fetch := tiles.At(c.Log)
	signed, err := fetch(e.ctx, "checkpoint")
	if err != nil {
		return "", err
	}
	newest, err := known.Open(signed)
	if err != nil {
		return "", err
	}
	if newest.Size < now.Size {
		return "", proof.RolledBack(now, newest)
	}
	for _, cp := range cps {
		if err := tiles.Holds(e.ctx, fetch, cp, newest); err != nil {
			return "", err
		}
	}
	return "the log's tiles", nil
}

// sighting is what somebody saw of a log.
type sighting struct {
	signed []byte
	links  []proof.Consistency // that came with it
}

func (s sighting) origin() string { return proof.OriginOf(s.signed) }

// readSighting reads a checkpoint, a receipt or a state folder.
func readSighting(path string, t logTarget) (s sighting, err error) {
	if fi, err := os.Stat(path); err == nil && fi.IsDir() {
		for _, dir := range []string{path, filepath.Join(path, "edge")} {
			if s.signed, err = os.ReadFile(filepath.Join(link.LogDir(dir, t.key), "checkpoint")); err == nil {
				return s, nil
			}
		}
		return s, &episode.Problem{Code: "log/read", Message: path + " keeps no checkpoint of this hub's log", Err: err, Hint: "name a state folder whose edge has sent something, or a checkpoint file"}
	}
	if s.signed, err = os.ReadFile(path); err != nil {
		return s, &episode.Problem{Code: "log/read", Message: "read " + path, Err: err, Hint: "name a checkpoint, a receipt or a state folder"}
	}
	if !bytes.HasPrefix(bytes.TrimSpace(s.signed), []byte("{")) {
		return s, nil
	}
	r, pushed, err := readReceipt(path, t.key)
	if err != nil {
		return s, err
	}
	s.signed = []byte(r.Checkpoint)
	var l proof.Consistency
	if len(pushed.Consistency) > 0 && json.Unmarshal(pushed.Consistency, &l) == nil {
		s.links = append(s.links, l)
	}
	return s, nil
}
