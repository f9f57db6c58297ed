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
	"time"
)

const relinkSeed = 4

// measureRelink plays the maker of a tool who receives records and also holds its server's log. It lowers its log with the
// same open tables, and joins what it got to accounts in every way we know of (relinkattack.go). A figure is the share of
// records that the best of them joins to the right account. The log has for every request the account, the time, tool and
// model, sizes and counts, and whether it was taken; a full one has all features that leave too.
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
		id := strings.TrimSuffix("relink/"+level, "/signal")
		left, log, err := b.bothLowered(ctx, raw, level, len(accounts))
		if err != nil {
			rows = append(rows, row{ID: id, Unit: relinkUnit, Note: "not measured: " + err.Error()})
			continue
		}
		rows = append(rows, joins(id, left, log, accounts, view{}), joins(id+"/full-log", left, log, accounts, view{full: true}))
		if level != "signal" {
			continue
		}
		for _, c := range coarser() {
			rows = append(rows, joins("relink/if-"+c.name, left, log, accounts, c.view))
			c.view.full = true
			rows = append(rows, joins("relink/if-"+c.name+"/full-log", left, log, accounts, c.view))
		}
	}
	return rows, nil
}

const relinkUnit = "of records joined right"

// joins runs all attacks and keeps the best.
func joins(id string, left, log []map[string]any, accounts []string, v view) row {
	a := newAttack(left, log, accounts, v)
	best := 0.0
	var notes []string
	for _, way := range a.ways() {
		rate := way.run()
		best = max(best, rate.records)
		note := fmt.Sprintf("%s %.4f", way.name, rate.records)
		if rate.groups.n > 0 {
			note += fmt.Sprintf(" (%.4f of %.0f groups)", rate.groups.value(), rate.groups.n)
		}
		notes = append(notes, note)
	}
	return row{ID: id, Ours: figure(best), Unit: relinkUnit, Peer: figure(a.chance()), PeerName: "chance", N: len(left), Seed: relinkSeed,
		Note: fmt.Sprintf("%d accounts, %d different records in shared quantities; most telling: %s; best of: %s", a.accounts, a.cells(), strings.Join(a.telling(5), ", "), strings.Join(notes, "; "))}
}

// coarser are tables that are coarser than those in force, step by step: what would be gained, and what a learner would lose.
func coarser() []struct {
	name string
	view view
} {
	return []struct {
		name string
		view view
	}{
		{"quarter", view{quarter: true}},
		{"no-developer", view{quarter: true, noSession: true, groups: -1}},
		{"halves", view{quarter: true, noSession: true, groups: -1, halves: true}},
		{"halves-fewer", view{quarter: true, noSession: true, groups: -1, halves: true, fewer: true}},
		{"halves-fewer-8-groups", view{quarter: true, noSession: true, groups: 8, halves: true, fewer: true}},
		{"halves-8-groups", view{quarter: true, noSession: true, groups: 8, halves: true}},
	}
}

// bothLowered lowers episodes twice: as the contributor does, and as the attacker does, under other keys.
func (b *bench) bothLowered(ctx context.Context, raw, level string, n int) (left, log []map[string]any, err error) {
	if left, err = b.lowered(ctx, raw, level, "contributor"); err != nil {
		return nil, nil, err
	}
	if len(left) != n {
		return nil, nil, fmt.Errorf("%d of %d records leave", len(left), n)
	}
	if p, _ := left[0]["privacy"].(map[string]any); p["level"] != level {
		return nil, nil, fmt.Errorf("consent lowers to %v", p["level"])
	}
	log, err = b.lowered(ctx, raw, level, "attacker")
	return left, log, err
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

// onlyFull are the quantities that a server need not keep: it has them only in a full log.
func onlyFull() []string {
	return []string{"languages", "suggestions.kind", "suggestions.language", "suggestions.features.language", "suggestions.features.mean_logprob", "suggestions.features.mid_line", "suggestions.features.cache_hit",
		"suggestions.propensity", "suggestions.policy", "decisions.actions.id", "decisions.actions.propensity", "decisions.chosen", "decisions.explore", "decisions.release", "decisions.by"}
}

// view is how the attacker sees both sides: with a plain or full log, as they leave or coarser.
type view struct {
	full      bool
	quarter   bool // times by quarter of the year
	noSession bool
	halves    bool // numbers below or above their median, verdicts taken or not
	fewer     bool // of a request's sizes, that of the suggestion only
	groups    int  // developers in so many groups; each by itself where 0, none where -1
}

// quantities are the shared quantities of a record, as name=value, sorted; medians are those of numbers.
func (v view) quantities(record map[string]any, medians map[string]float64) (all []string) {
	hidden := notShared()
	if !v.full {
		hidden = append(hidden, onlyFull()...)
	}
	if v.fewer {
		hidden = append(hidden, "suggestions.dwell_ms", "suggestions.features.lines", "suggestions.features.prefix_chars", "suggestions.features.seconds_since_last")
	}
	walk(record, "", hidden, func(name string, value any) {
		text := fmt.Sprint(value)
		if at, err := time.Parse(time.RFC3339, text); err == nil && v.quarter {
			text = fmt.Sprintf("%d-Q%d", at.Year(), (int(at.Month())+2)/3)
		}
		if v.halves {
			switch {
			case name == "decisions.verdict":
				text = strconv.FormatBool(text == "accepted" || text == "modified")
			case name == "decisions.by":
				return
			default:
				if n, ok := value.(json.Number); ok {
					f, _ := n.Float64()
					text = strconv.FormatBool(f > medians[name])
				}
			}
		}
		all = append(all, name+"="+text)
	})
	slices.Sort(all)
	return all
}

// walk calls do for each value below v that is not hidden.
func walk(v any, name string, hidden []string, do func(name string, value any)) {
	if slices.Contains(hidden, name) {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			walk(x, strings.TrimPrefix(name+"."+k, "."), hidden, do)
		}
	case []any:
		for _, x := range v {
			walk(x, name, hidden, do)
		}
	default:
		do(name, v)
	}
}

// mediansOf are the medians of the numbers in records.
func mediansOf(records []map[string]any) map[string]float64 {
	values := map[string][]float64{}
	for _, r := range records {
		walk(r, "", notShared(), func(name string, v any) {
			if n, ok := v.(json.Number); ok {
				f, _ := n.Float64()
				values[name] = append(values[name], f)
			}
		})
	}
	medians := map[string]float64{}
	for name, all := range values {
		medians[name] = median(all)
	}
	return medians
}
