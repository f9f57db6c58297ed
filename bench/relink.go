// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const relinkSeed = 4

// measureRelink plays the maker of a tool who receives records and also holds its server's log: for every request the
// account, the exact time, model, version, token counts, sizes, and whether it was taken. It lowers its log with the same
// open tables, and joins what it got to accounts in every way we know of (relinkattack.go). A figure is the share of records
// that the best of them joins to the right account.
func measureRelink(ctx context.Context, b *bench) ([]row, error) {
	decisions, developers := 60_000, 1_800
	if b.quick {
		decisions, developers = 6_000, 180
	}
	raw := filepath.Join(b.temp, "relink.jsonl")
	err := b.pipe(ctx, "relink-made", nil, raw, "simulate", "--seed", strconv.Itoa(relinkSeed), "--contributor", "alder-bank", "--decisions", strconv.Itoa(decisions), "--developers", strconv.Itoa(developers))
	if err != nil {
		return nil, err
	}
	accounts, err := accountsOf(raw)
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, level := range []string{"signal", "masked", "clean"} {
		id := "relink/" + level
		if level == "signal" {
			id = "relink"
		}
		left, err := b.lowered(ctx, raw, level, "contributor")
		if err == nil && len(left) != len(accounts) {
			err = fmt.Errorf("%d of %d records leave", len(left), len(accounts))
		}
		if err != nil {
			rows = append(rows, row{ID: id, Unit: "of records joined right", Note: "not measured: " + err.Error()})
			continue
		}
		log, err := b.lowered(ctx, raw, level, "attacker")
		if err != nil {
			return rows, err
		}
		a := newAttack(left, log, accounts)
		best, chance := 0.0, a.chance()
		var notes []string
		for _, way := range a.ways() {
			rate := way.run()
			best = max(best, rate.records)
			notes = append(notes, fmt.Sprintf("%s %.4f of records", way.name, rate.records))
			if rate.groups.n > 0 {
				notes[len(notes)-1] += fmt.Sprintf(", %.4f of %.0f groups", rate.groups.value(), rate.groups.n)
			}
		}
		rows = append(rows, row{ID: id, Ours: figure(best), Unit: "of records joined right", Peer: figure(chance), PeerName: "chance", N: len(left), Seed: relinkSeed,
			Note: fmt.Sprintf("the best of: %s; %d accounts, %d different records in shared quantities; most telling: %s", strings.Join(notes, "; "), a.accounts, a.cells(), strings.Join(a.telling(5), ", "))})
	}
	return rows, nil
}

// pipe runs headrace with a home of its own, from standard input to a file.
func (b *bench) pipe(ctx context.Context, home string, in io.Reader, to string, args ...string) error {
	dir := filepath.Join(b.temp, home)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := exec.CommandContext(ctx, b.bin, args...)
	cmd.Env = []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + b.temp, "LANG=C.UTF-8"}
	cmd.Stdin, cmd.Stdout = in, out
	c, err := start(cmd)
	if err != nil {
		return err
	}
	if <-c.done; c.err != nil {
		return c.failed(c.err)
	}
	return out.Close()
}

// lowered scrubs episodes and lowers them to a level, under keys of its own.
func (b *bench) lowered(ctx context.Context, raw, level, home string) (records []map[string]any, err error) {
	policy, clean, left := filepath.Join(b.temp, level+".yaml"), filepath.Join(b.temp, "relink-clean.jsonl"), filepath.Join(b.temp, "relink-left.jsonl")
	conf := fmt.Sprintf("version: 1\nrecipients:\n  - name: %s\n    kind: own\nrules:\n  - name: all\n    when: \"true\"\n    level: %s\n    purposes: [evaluate]\n    recipients: [%s]\n    retention_days: 365\n    approval: auto\n", home, level, home)
	if err := os.WriteFile(policy, []byte(conf), 0o600); err != nil {
		return nil, err
	}
	in, err := os.Open(raw)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	if err := b.pipe(ctx, home, in, clean, "scrub"); err != nil {
		return nil, err
	}
	scrubbed, err := os.Open(clean)
	if err != nil {
		return nil, err
	}
	defer scrubbed.Close()
	if err := b.pipe(ctx, home, scrubbed, left, "consent", "--policy", policy); err != nil {
		return nil, err
	}
	return readObjects(left)
}

func readObjects(path string) (all []map[string]any, err error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for line := range bytes.Lines(raw) {
		var v map[string]any
		d := json.NewDecoder(bytes.NewReader(line))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// accountsOf are the developers of episodes, in order: what the server knows them as.
func accountsOf(path string) (all []string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for in := json.NewDecoder(bufio.NewReader(f)); ; {
		var e struct{ Developer string }
		if err := in.Decode(&e); err == io.EOF {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, e.Developer)
	}
}

// notShared are the fields that the server's log cannot tell of: ids and pseudonyms keyed for the recipient, what consent
// wrote, and text, which such a log does not keep (one that does needs no more).
func notShared() []string {
	return []string{"schema_version", "id", "developer", "session", "repository", "privacy", "terms", "origin", "outcomes", "ratings", "links", "instruction", "steps", "artifacts",
		"suggestions.id", "suggestions.path", "suggestions.before", "suggestions.after", "decisions.suggestion", "decisions.decision_id", "decisions.reason", "decisions.final"}
}

// quantities are the shared quantities of a record, as name=value, sorted.
func quantities(record map[string]any) (all []string) {
	hidden := notShared()
	var walk func(name string, v any)
	walk = func(name string, v any) {
		if slices.Contains(hidden, name) {
			return
		}
		switch v := v.(type) {
		case map[string]any:
			for k, x := range v {
				walk(strings.TrimPrefix(name+"."+k, "."), x)
			}
		case []any:
			for _, x := range v {
				walk(name, x)
			}
		default:
			all = append(all, fmt.Sprintf("%s=%v", name, v))
		}
	}
	walk("", record)
	slices.Sort(all)
	return all
}
