// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/canary"
	"github.com/headrace/headrace/scrub"
)

type scrubCmd struct {
	Field      string   `help:"Scrub this field of JSON Lines of any shape and leave the rest." placeholder:"NAME" xor:"what"`
	Text       bool     `help:"Scrub standard input as one text of any length." xor:"what"`
	Level      string   `help:"Level to reach: clean, or, with --text or --field, masked (no private word of code, either)." default:"clean"`
	Profile    string   `help:"How readily something is replaced: strict (in doubt, replace) or balanced." default:"strict"`
	Dictionary []string `help:"CSV of kind,value,id, as headrace dictionary writes it: private names to look for." type:"path" placeholder:"CSV"`
	Rules      []string `help:"TOML with rules of your own, in the form gitleaks uses." type:"path" placeholder:"FILE"`
	Model      string   `help:"Address of a program that finds names in the prose of episodes." placeholder:"URL"`
	Key        string   `help:"File with the 32-byte key of the marks, raw, hex or base64 (default: derived from this machine's keys)." type:"path" placeholder:"FILE"`
	Spans      string   `help:"Write record (from 1), start, end (bytes of the text) and kind of every replacement here, as JSON Lines." type:"path" placeholder:"FILE"`
	Explain    string   `help:"Say here where something was replaced, by which rule, with what and why, never what stood there (-: standard error)." placeholder:"FILE"`
	Map        string   `help:"Write here, sealed, what each mark stands for: headrace reveal opens it. It is never sent." type:"path" placeholder:"FILE"`
	MapTo      string   `help:"Whom the map is sealed to, as headrace reveal --recipient prints it (default: this machine)." placeholder:"KEY"`
	Canaries   string   `help:"File of strings, one a line, that must never leave: what still holds one is set aside." type:"path" placeholder:"FILE"`
	Report     string   `help:"Write counts here, as one JSON object." type:"path" placeholder:"FILE"`
	Strict     bool     `help:"Exit 1 where anything was set aside."`
}

func (c *scrubCmd) Help() string {
	return `Takes secrets and personal data out and puts keyed marks in their place. Without --field or --text it reads
episodes (JSON Lines), makes them clean and adds what consent rules need in a local block. What cannot be read or
proven clean is set aside and counted, never passed on.

Example: headrace read ~/.claude | headrace scrub --report report.json > clean.jsonl
Example: headrace scrub --text < server.log
Example: headrace scrub --text --level masked < ledger.go
Example: headrace scrub --text --explain - < server.log > /dev/null`
}

// scrubRun is one run of the command: where things go, and what is counted.
type scrubRun struct {
	s      *scrub.Scrubber
	in     io.Reader
	out    *bufio.Writer
	spans  *bufio.Writer // nil without --spans
	why    *bufio.Writer // nil without --explain
	notice io.Writer
	report scrubReport
}

type scrubReport struct {
	Records       int            `json:"records"`
	Dropped       int            `json:"dropped"`
	BytesIn       int64          `json:"bytes_in"`
	BytesOut      int64          `json:"bytes_out"`
	BytesReplaced int64          `json:"bytes_replaced"`
	Findings      map[string]int `json:"findings"`
	Seconds       float64        `json:"seconds"`
}

func (c *scrubCmd) Run(e *env) (err error) {
	switch episode.Level(c.Level) {
	case episode.LevelClean:
	case episode.LevelMasked:
		if !c.Text && c.Field == "" {
			return usagef("--level masked is for --text and --field: episodes are masked for whom they leave to, by headrace consent")
		}
	default:
		return usagef("--level %q: scrub makes clean; headrace consent lowers it", c.Level)
	}
	if c.Model != "" && (c.Text || c.Field != "") {
		return usagef("--model is asked about episodes only, not with --text or --field")
	}
	r := &scrubRun{notice: e.err, out: bufio.NewWriterSize(e.out, 256<<10), report: scrubReport{Findings: map[string]int{}}}
	r.in = &countReader{ctx: e.ctx, r: e.in, n: &r.report.BytesIn}
	cfg, err := c.config(e)
	if err != nil {
		return err
	}
	if c.Map != "" {
		m, openErr := newSealedMap(e, c.Map, c.MapTo)
		if openErr != nil {
			return openErr
		}
		cfg.Keep = m.keep
		defer func() { err = errors.Join(err, m.close()) }()
	}
	if r.s, err = scrub.New(cfg); err != nil {
		return err
	}
	if c.Explain == "-" {
		r.why = bufio.NewWriter(e.err)
	} else if c.Explain != "" {
		f, openErr := os.OpenFile(c.Explain, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if openErr != nil {
			return fmt.Errorf("write explanations: %w", openErr)
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		r.why = bufio.NewWriter(f)
	}
	if c.Spans != "" {
		f, openErr := os.OpenFile(c.Spans, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if openErr != nil {
			return fmt.Errorf("write spans: %w", openErr)
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		r.spans = bufio.NewWriter(f)
	}
	start := time.Now()
	switch {
	case c.Text:
		err = r.text()
	case c.Field != "":
		err = r.fields(c.Field)
	default:
		err = r.episodes()
	}
	err = errors.Join(err, r.out.Flush())
	for _, w := range []*bufio.Writer{r.spans, r.why} {
		if w != nil {
			err = errors.Join(err, w.Flush())
		}
	}
	r.report.Seconds = time.Since(start).Seconds()
	if c.Report != "" {
		b, bad := json.Marshal(r.report, json.Deterministic(true))
		err = errors.Join(err, bad, os.WriteFile(c.Report, append(b, '\n'), 0o600))
	}
	switch n := r.report.Dropped; {
	case err != nil:
		return err
	case n > 0 && (c.Strict || n == r.report.Records):
		return &episode.Problem{Code: "scrub/set-aside", Message: fmt.Sprintf("%d of %d records were set aside", n, r.report.Records),
			Hint: "the lines above say which and why"}
	}
	return nil
}

// config is the scrubber that the flags ask for.
func (c *scrubCmd) config(e *env) (cfg scrub.Config, err error) {
	cfg = scrub.Config{Profile: scrub.Profile(c.Profile), Explain: c.Explain != "",
		Masked: episode.Level(c.Level) == episode.LevelMasked}
	if cfg.Profile != scrub.Strict && cfg.Profile != scrub.Balanced {
		return cfg, usagef("--profile %q is neither strict nor balanced", c.Profile)
	}
	if cfg.Dictionary, cfg.Rules, err = scrub.ReadFiles(c.Dictionary, c.Rules); err != nil {
		return cfg, err
	}
	if cfg.Rules != nil {
		for _, n := range cfg.Rules.Notices {
			fmt.Fprintln(e.err, n)
		}
	}
	if c.Model != "" {
		if cfg.Model, err = scrub.NewModel(c.Model); err != nil {
			return cfg, err
		}
	}
	if c.MapTo != "" && c.Map == "" {
		return cfg, usagef("--map-to says whom a map is sealed to: say with --map where to write it")
	}
	if c.Canaries != "" {
		list, err := canary.ReadFile(c.Canaries)
		if err != nil {
			return cfg, err
		}
		for _, l := range list {
			cfg.Canaries = append(cfg.Canaries, []byte(l))
		}
	}
	if c.Key != "" {
		key, err := readKey(c.Key)
		if err != nil {
			return cfg, err
		}
		cfg.Key = key
		return cfg, nil
	}
	ring, err := e.keys()
	if err != nil {
		return cfg, err
	}
	cfg.Key = ring.Derive("pseudonym", "local")
	return cfg, nil
}

// readKey reads 32 bytes, raw, in hex or in base64.
func readKey(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	if len(b) == 32 {
		return b, nil
	}
	text := string(bytes.TrimSpace(b))
	if k, err := hex.DecodeString(text); err == nil && len(k) == 32 {
		return k, nil
	}
	if k, err := base64.StdEncoding.DecodeString(text); err == nil && len(k) == 32 {
		return k, nil
	}
	return nil, &episode.Problem{Code: "scrub/key", Message: path + " does not hold a key of 32 bytes",
		Hint: "write 32 random bytes, raw, in hex or in base64: openssl rand -hex 32"}
}

func (r *scrubRun) text() error {
	r.report.Records = 1
	var failed error
	unsafe, err := r.s.Stream(&countWriter{r.out, &r.report.BytesOut}, r.in, func(f scrub.Finding) {
		failed = errors.Join(failed, r.found(1, f))
	})
	if unsafe > 0 {
		r.report.Dropped = 1
		fmt.Fprintf(r.notice, "%d parts could not be proven clean and were left out whole\n", unsafe)
	}
	return errors.Join(err, failed)
}

func (r *scrubRun) fields(name string) error {
	lines := bufio.NewReaderSize(r.in, 256<<10)
	var out []byte
	has := false // any record the field
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return fmt.Errorf("read line %d: %w", n, err)
		}
		if text := bytes.TrimSuffix(line, []byte("\n")); len(bytes.TrimSpace(text)) > 0 {
			var found []scrub.Finding
			var bad error
			out, found, bad = r.s.Field(out[:0], text, name)
			has = has || bad != nil || scrub.HasField(text, name)
			if err := r.record(n, out, found, bad); err != nil {
				return err
			}
		}
		if err == io.EOF {
			if !has && r.report.Records > 0 {
				return &episode.Problem{Code: "scrub/no-field", Message: fmt.Sprintf("no record has a field %q, so nothing was scrubbed", name),
					Hint: "name a field of the outermost object as it is written there"}
			}
			return nil
		}
	}
}

func (r *scrubRun) episodes() error {
	in := episode.NewReader(r.in)
	var out []byte
	for n := 1; ; n++ {
		e, err := in.Next()
		var bad *episode.LineError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &bad):
			err = bad.Err
		case err != nil:
			return fmt.Errorf("read episodes: %w", err)
		}
		var found []scrub.Finding
		if err == nil {
			found, err = r.s.Episode(e)
		}
		if err == nil {
			out, err = episode.Append(out[:0], e)
		}
		if err := r.record(n, out, found, err); err != nil {
			return err
		}
	}
}

// record writes one record and counts it, or sets it aside where bad says why.
func (r *scrubRun) record(n int, out []byte, found []scrub.Finding, bad error) error {
	r.report.Records++
	if bad != nil {
		r.report.Dropped++
		fmt.Fprintf(r.notice, "record %d set aside: %v\n", n, bad)
		return nil
	}
	for _, f := range found {
		if err := r.found(n, f); err != nil {
			return err
		}
	}
	r.report.BytesOut += int64(len(out)) + 1
	r.out.Write(out)
	return r.out.WriteByte('\n')
}

// found counts a replacement and writes its span.
func (r *scrubRun) found(n int, f scrub.Finding) error {
	r.report.Findings[f.Kind]++
	r.report.BytesReplaced += int64(f.End - f.Start)
	if r.why != nil {
		field := ""
		if f.Field != "" {
			field = " in " + f.Field
		}
		fmt.Fprintf(r.why, "record %d%s, bytes %d to %d: %s, by %s, now %s: %s\n", n, field, f.Start, f.End, f.Kind, f.Rule, f.Mark, f.Why())
	}
	if r.spans == nil {
		return nil
	}
	err := json.MarshalWrite(r.spans, struct {
		Record int `json:"record"`
		scrub.Finding
	}{n, f})
	return errors.Join(err, r.spans.WriteByte('\n'))
}

// countReader counts what is read, and stops reading once the person has stopped the program.
type countReader struct {
	ctx context.Context
	r   io.Reader
	n   *int64
}

func (c *countReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(b)
	*c.n += int64(n)
	return n, err
}

type countWriter struct {
	w io.Writer
	n *int64
}

func (c *countWriter) Write(b []byte) (int, error) {
	*c.n += int64(len(b))
	return c.w.Write(b)
}
