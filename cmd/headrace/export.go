// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/hub"
	"github.com/headrace/headrace/internal/blob"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/dataset/export"
	"github.com/headrace/headrace/internal/rights"
)

type exportCmd struct {
	Format    string `required:"" help:"Format of the trainer: trl-kto or openai-dpo." placeholder:"NAME"`
	Snapshot  string `help:"Snapshot of this machine's hub to export; without it, episodes come from standard input." placeholder:"ID"`
	Holder    string `help:"With --snapshot, who will have the file: certificates of withdrawal name them." placeholder:"NAME"`
	Recipient string `help:"Who will train: only records whose terms name them are exported. Without it, any recipient's are." placeholder:"NAME"`
	Out       string `help:"Write to FILE instead of standard output." type:"path" placeholder:"FILE"`
	Report    string `help:"Write counts, digest and reasons to FILE." type:"path" placeholder:"FILE"`
	Strict    bool   `help:"Exit with 1 when anything was set aside."`
}

func (*exportCmd) Help() string {
	return `Writes what people decided as training examples, one JSON object a line. A record whose terms do not allow
"finetune" is refused; a decision without text, or not by a person, gives no example. Both are counted.

Examples:
  headrace consent --policy policy.yaml < clean.jsonl | headrace export --format trl-kto > kto.jsonl
  headrace export --format openai-dpo --snapshot sha256:4b1c… --holder "training team" --out dpo.jsonl --report dpo.report.json`
}

func (c *exportCmd) Run(e *env) error {
	if !slices.Contains(export.Formats(), c.Format) {
		return usagef("no format is called %q: use one of %s", c.Format, strings.Join(export.Formats(), ", "))
	}
	var torn int
	rows, whole := streamRows(e, &torn), func(string) error { return nil }
	if c.Snapshot != "" {
		var err error
		if rows, err = snapshotRows(e, c.Snapshot); err != nil {
			return err
		}
		if whole, err = c.book(e); err != nil {
			return err
		}
	}
	use, err := rights.Makers()
	if err != nil {
		return err
	}
	var rep *export.Report
	err = writeTo(c.Out, e.out, func(w io.Writer) (err error) {
		rep, err = export.Write(w, c.Format, rows, export.Options{Recipient: c.Recipient, AnyRecipient: c.Recipient == "", Now: time.Now(), Rights: use, Snapshot: c.Snapshot})
		return err
	})
	if err != nil {
		return err
	}
	if err := whole(rep.Digest); err != nil {
		return err
	}
	text, err := json.Marshal(rep, json.Deterministic(true), jsontext.Multiline(true))
	if err != nil {
		return fmt.Errorf("encode report: %w", err)
	}
	if c.Report != "" {
		if err := os.WriteFile(c.Report, append(text, '\n'), 0o600); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
	}
	refused, skipped := total(rep.Refused), total(rep.Skipped)
	fmt.Fprintf(e.err, "%d examples from %d records; refused by terms or rights: %d; decisions without an example: %d; unreadable lines: %d\n",
		rep.Examples, rep.Rows, refused, skipped, torn)
	if rep.Rows == 0 && torn > 0 {
		return errors.New("export: no line could be read as an episode")
	}
	if c.Strict && refused+skipped+torn > 0 {
		return errors.New("export: something was set aside (--strict)")
	}
	return nil
}

// book notes at the hub of the state folder who will have the file, before there is one.
func (c *exportCmd) book(e *env) (whole func(digest string) error, err error) {
	f, err := hub.ReadFile("", e.dir)
	if err != nil {
		return nil, err
	}
	conf, err := f.Config()
	if err != nil {
		return nil, err
	}
	return hub.BookExport(e.ctx, conf, c.Snapshot, c.Format, c.Holder)
}

// streamRows yields the episodes of standard input; lines that are none are said and counted.
func streamRows(e *env, torn *int) iter.Seq2[dataset.Row, error] {
	return func(yield func(dataset.Row, error) bool) {
		r := episode.NewReader(e.in)
		for {
			ep, err := r.Next()
			var line *episode.LineError
			switch {
			case errors.Is(err, io.EOF):
				return
			case errors.As(err, &line):
				*torn++
				fmt.Fprintln(e.err, "set aside:", err)
				continue
			case err != nil:
				yield(dataset.Row{}, fmt.Errorf("read standard input: %w", err))
				return
			case e.ctx.Err() != nil:
				yield(dataset.Row{}, e.ctx.Err())
				return
			}
			row, err := dataset.NewRow("", nil, ep)
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

// snapshotRows yields the rows of a snapshot of the hub in the state folder, which may be running meanwhile.
func snapshotRows(e *env, id string) (iter.Seq2[dataset.Row, error], error) {
	blobs, err := blob.View(filepath.Join(e.dir, "hub", "blobs"), filepath.Join(e.dir, "hub", "keys", "blobs"))
	if err != nil {
		return nil, &episode.Problem{Code: "export/no-hub", Message: "there is no hub in " + e.dir,
			Hint: "name the hub's state folder with --dir, or pipe episodes in without --snapshot", Err: err}
	}
	snap, err := dataset.Open(e.ctx, blobs, id)
	if err != nil {
		return nil, &episode.Problem{Code: "export/no-snapshot", Message: "cannot open snapshot " + id,
			Hint: "the hub's snapshots page lists the ids", Err: err}
	}
	return snap.Rows(e.ctx), nil
}

// writeTo writes standard output, or a file that appears whole or not at all.
func writeTo(path string, out io.Writer, write func(io.Writer) error) error {
	if path == "" {
		return write(out)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".export-")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(f.Name())
	if err := write(f); err != nil {
		f.Close()
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func total(m map[string]int) (n int) {
	for _, v := range m {
		n += v
	}
	return n
}
