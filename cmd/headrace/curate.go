// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/curate"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/rights"
)

type curateCmd struct {
	Bundles   []string `arg:"" help:"Folders that hold a bundle each." type:"path" placeholder:"DIR"`
	Recipient string   `help:"For whom: only records whose terms name them are used (default: the bundles' own, where they agree)." placeholder:"NAME"`
	Trust     string   `help:"Trust the keys in this file too: a JSON list of name and key (32 bytes, base64)." type:"path" placeholder:"FILE"`
	Report    string   `help:"Write inputs, counts and reasons to FILE." type:"path" placeholder:"FILE"`
	Strict    bool     `help:"Exit with 1 when anything was set aside."`
}

func (*curateCmd) Help() string {
	return `Verifies bundles and writes the episodes a maker may learn from or judge by: revisions and amendments folded into one
record each, copies, contradictions and what terms do not allow set aside and counted by reason. A folder does not say when
its bundle arrived, so that of the terms' times only the expiry is asked, not the retention.

Example: headrace curate alder birch --trust invited.json | tee rows.jsonl | headrace learn > model.json`
}

// curated is what curate reports.
type curated struct {
	dataset.Meta
	// Refused says why a folder was not used at all.
	Refused map[string]string `json:"refused,omitempty"`
}

// Run writes the rows.
func (c *curateCmd) Run(e *env) error {
	shards, rep, err := c.open(e)
	if err != nil {
		return err
	}
	use, err := rights.Makers()
	if err != nil {
		return err
	}
	result, err := curate.Curate(e.ctx, shards, curate.Options{Recipient: c.Recipient, Purposes: []episode.Purpose{episode.PurposeReward, episode.PurposeEvaluate}, Rights: use, Now: time.Now()})
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(e.out, 256<<10)
	for _, r := range result.Rows {
		out.Write(r.Record) // an error stays, and Flush returns it
		out.WriteByte('\n')
	}
	if err := out.Flush(); err != nil {
		return err
	}
	rep.Meta = result.Meta
	if err := saveReport(c.Report, rep); err != nil {
		return err
	}
	if aside := rep.tell(e.err); aside > 0 && c.Strict {
		return errors.New("curate: something was set aside (--strict)")
	}
	return nil
}

// open verifies the bundles, and takes the recipient from them where no flag names one.
func (c *curateCmd) open(e *env) (shards []curate.Shard, rep curated, err error) {
	trust, err := e.trust(c.Trust)
	if err != nil {
		return nil, rep, err
	}
	rep.Refused = map[string]string{}
	recipients := map[string]bool{}
	for _, dir := range c.Bundles {
		b, err := bundle.Verify(dir, trust)
		if err != nil {
			if len(c.Bundles) == 1 {
				return nil, rep, err
			}
			rep.Refused[dir] = err.Error()
			fmt.Fprintf(e.err, "set aside: %s: %v\n", dir, err)
			continue
		}
		s := curate.Shard{Contributor: b.Manifest.Contributor, Bundle: b.Digest, Records: make([][]byte, 0, b.Len())}
		for _, line := range b.Records() {
			s.Records = append(s.Records, line)
		}
		shards = append(shards, s)
		recipients[b.Manifest.Recipient] = true
	}
	switch names := slices.Sorted(maps.Keys(recipients)); {
	case len(shards) == 0:
		return nil, rep, &episode.Problem{Code: "curate/no-bundle", Message: "none of the bundles can be used", Hint: "the lines above say why"}
	case c.Recipient == "" && len(names) > 1:
		return nil, rep, usagef("the bundles are for several recipients; choose one with --recipient: %q", names)
	case c.Recipient == "":
		c.Recipient = names[0]
	}
	return shards, rep, nil
}

// tell says what became of the records, and returns how many folders and records were set aside.
func (r *curated) tell(w io.Writer) (aside int) {
	aside = len(r.Refused)
	for _, name := range slices.Sorted(maps.Keys(r.Counts)) {
		n := r.Counts[name]
		fmt.Fprintf(w, "%s: %d records, %d used, %d folded into those, %d set aside\n", name, n.In, n.Used, n.Folded, total(n.SetAside))
		for _, why := range slices.Sorted(maps.Keys(n.SetAside)) {
			fmt.Fprintf(w, "  %d %s\n", n.SetAside[why], why)
		}
		aside += total(n.SetAside)
	}
	return aside
}

// saveReport writes v as JSON to path, if there is one.
func saveReport(path string, v any) error {
	if path == "" {
		return nil
	}
	text, err := json.Marshal(v, json.Deterministic(true), jsontext.Multiline(true))
	if err != nil {
		return fmt.Errorf("encode report: %w", err)
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}
