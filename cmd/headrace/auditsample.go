// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/audit"
)

type auditSampleCmd struct {
	Size   int     `help:"Records to draw." default:"300"`
	Seed   *uint64 `help:"Draw the same sample again (default: a new one)." placeholder:"N"`
	Out    string  `help:"Write the sheet here, as CSV that a spreadsheet opens." type:"path" placeholder:"FILE"`
	Judged string  `help:"Read a sheet that people have filled in, and say what it shows." type:"path" placeholder:"FILE"`
}

func (c *auditSampleCmd) Help() string {
	return `Finds out what the filter missed. First it draws records from what was scrubbed and writes them as a table; people read them and
write into the column "missed" of every row how many secrets or personal data they still see, 0 for none. Then it says how
many there are in 10,000 records, and how many at most. Nobody finding any in 300 records means: 100 of 10,000 at most.

Example: headrace audit-sample --out sheet.csv < clean.jsonl
Example: headrace audit-sample --judged sheet.csv`
}

func (c *auditSampleCmd) Run(e *env) error {
	if (c.Out == "") == (c.Judged == "") {
		return usagef("audit-sample needs either --out FILE, to draw, or --judged FILE, to count")
	}
	if c.Judged != "" {
		return c.judge(e)
	}
	if c.Size < 1 {
		return usagef("--size %d draws nothing", c.Size)
	}
	return c.draw(e)
}

func (c *auditSampleCmd) draw(e *env) (err error) {
	var seed uint64
	if c.Seed != nil {
		seed = *c.Seed
	} else {
		var b [8]byte
		if _, err := rand.Read(b[:]); err != nil {
			return err
		}
		seed = binary.LittleEndian.Uint64(b[:])
	}
	s := audit.NewSample(c.Size, seed)
	in := bufio.NewReaderSize(e.in, 256<<10)
	for n := 1; e.ctx.Err() == nil; n++ {
		line, err := in.ReadBytes('\n')
		if text := bytes.TrimSpace(line); len(text) > 0 {
			s.Add(text)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("read line %d: %w", n, err)
		}
	}
	if s.Len() == 0 {
		return &episode.Problem{Code: "audit/empty", Message: "there are no records to draw from", Hint: "headrace read ~/.claude | headrace scrub | headrace audit-sample --out sheet.csv"}
	}
	f, err := os.OpenFile(c.Out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) // never over a sheet that people have worked on
	if err != nil {
		return fmt.Errorf("write sheet: %w", err)
	}
	if err := errors.Join(s.WriteSheet(f), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("write sheet: %w", err), os.Remove(c.Out))
	}
	fmt.Fprintf(e.err, "drew %d of %d records into %s: fill in the column \"missed\", then headrace audit-sample --judged %s\n", s.Len(), s.Seen(), c.Out, c.Out)
	return e.ctx.Err()
}

func (c *auditSampleCmd) judge(e *env) error {
	f, err := os.Open(c.Judged)
	if err != nil {
		return fmt.Errorf("read sheet: %w", err)
	}
	defer f.Close()
	j, err := audit.ReadSheet(f)
	if err != nil {
		return err
	}
	if j.Open > 0 {
		fmt.Fprintf(e.err, "%d records are not judged yet, and left out\n", j.Open)
	}
	if j.Records == 0 {
		return &episode.Problem{Code: "audit/open", Message: "no record of the sheet is judged", Hint: `write into the column "missed" of every row how many secrets you see there, 0 for none`}
	}
	v := j.Verdict()
	fmt.Fprintf(e.err, "%d missed in %d records: %.0f in 10,000, at most %.0f (95 %%); %.0f of 10,000 records hold one, at most %.0f\n",
		v.Missed, v.Records, v.Per10000, v.Upper95, v.RecordsPer10000, v.RecordsUpper95)
	return writeLine(e.out, v)
}
