// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/tools"
)

type readCmd struct {
	Paths  []string `arg:"" optional:"" name:"path" help:"History files, or folders to look for them in; - is standard input."`
	Tool   string   `default:"auto" help:"The tool that wrote them: auto (by their content), or a name that --tools lists."`
	Tools  bool     `help:"Print the table of tools: what the histories of each tell, and where they are."`
	Report string   `type:"path" placeholder:"FILE" help:"Write what each file held to FILE, as one JSON object."`
	Strict bool     `help:"Exit with status 1 if anything was set aside."`
}

// Help shows an example.
func (readCmd) Help() string {
	return `Each episode is one line of JSON on standard output. Nothing is removed and nothing is sent: pipe it to "headrace scrub".
Of a git repository, a clone or a bare one, the notes of git-ai and the checkpoints of Entire are read too.

Example: headrace read ~/.claude/projects --report report.json > episodes.jsonl`
}

// Run reads the histories, one after the other.
func (c *readCmd) Run(e *env) error {
	if c.Tools {
		_, err := io.WriteString(e.out, tools.Table())
		return err
	}
	if len(c.Paths) == 0 {
		return usagef("name a history file or its folder, such as ~/.claude/projects; - is standard input")
	}
	sources, named := tools.All(), ""
	if c.Tool != "auto" {
		if sources, named = tools.Named(c.Tool), c.Tool; sources == nil {
			return usagef("--tool %s: no such tool; headrace read --tools lists them, and auto goes by the content", c.Tool)
		}
	}
	out := bufio.NewWriterSize(e.out, 256<<10)
	var line []byte
	emit := func(ep *episode.Episode) (err error) {
		if line, err = episode.Append(line[:0], ep); err != nil {
			return err
		}
		line = append(line, '\n')
		_, err = out.Write(line)
		return err
	}
	var paths []string
	stdin := false
	for _, p := range c.Paths {
		if stdin = stdin || p == "-"; p != "-" {
			paths = append(paths, p)
		}
	}
	files, problems := capture.Walk(paths...)
	if stdin {
		files = append(files, capture.Candidate{Path: "-", Named: true})
	}
	bar := newProgress(e.err, len(files))
	got := readings{reports: []capture.Report{}, problems: problems} // never null in the JSON
	for _, f := range files {
		tool := ""
		if f.Named {
			tool = named
		}
		var rep capture.Report
		var err error
		if f.Path == "-" {
			rep, err = capture.ReadFrom(e.ctx, sources, tool, capture.File{Path: "-", R: e.in}, emit)
		} else {
			rep, err = capture.Read(e.ctx, sources, tool, f.Path, emit)
		}
		bar.step()
		if err := got.add(rep, f.Named, err); err != nil {
			return errors.Join(err, out.Flush())
		}
	}
	bar.done()
	for _, dir := range paths {
		if err := got.repository(e.ctx, dir, sources, emit); err != nil {
			return errors.Join(err, out.Flush())
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write episodes: %w", err)
	}
	if c.Report != "" {
		if err := writeReport(c.Report, got.reports); err != nil {
			return err
		}
	}
	return c.account(e.err, &got)
}

// account says what was read and what was set aside, and makes an error of it where nothing was read.
func (c *readCmd) account(w io.Writer, got *readings) error {
	if got.read == 0 {
		if len(got.problems) > 0 {
			return got.problems[0]
		}
		return &episode.Problem{Code: "capture/nothing-found", Message: "no tool history in " + strings.Join(c.Paths, ", "),
			Hint: `name a history file or its folder, such as ~/.claude/projects, or a single file together with --tool`}
	}
	for _, p := range got.problems {
		fmt.Fprintln(w, "set aside:", p)
	}
	fmt.Fprintf(w, "%d episodes from %d files; %d lines, %d of them unreadable and set aside\n", got.sum.Episodes, got.read, got.sum.Lines, got.sum.Unparsable)
	if got.passed > 0 {
		fmt.Fprintf(w, "%d other files are no tool's history and were passed over\n", got.passed)
	}
	if c.Strict && (len(got.problems) > 0 || got.sum.Unparsable > 0) {
		return &episode.Problem{Code: "capture/set-aside", Message: fmt.Sprintf("set aside %d lines and %d files", got.sum.Unparsable, len(got.problems)),
			Hint: "leave --strict out to go on without them; --report names the files"}
	}
	return nil
}

func writeReport(file string, reports []capture.Report) error {
	b, err := json.Marshal(struct {
		Files []capture.Report `json:"files"`
	}{reports}, jsontext.WithIndent("  "), json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("encode report: %w", err)
	}
	if err := os.WriteFile(file, append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// progress is a bar on a terminal that shows itself once the work takes longer than two seconds.
type progress struct {
	w     io.Writer
	start time.Time
	total int
	n     int
	bar   *progressbar.ProgressBar
}

func newProgress(w io.Writer, total int) *progress {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return &progress{w: w, start: time.Now(), total: total}
}

func (p *progress) step() {
	if p == nil {
		return
	}
	p.n++
	if p.bar == nil && time.Since(p.start) > 2*time.Second {
		p.bar = progressbar.NewOptions(p.total, progressbar.OptionSetWriter(p.w), progressbar.OptionSetDescription("reading"),
			progressbar.OptionShowCount(), progressbar.OptionClearOnFinish())
	}
	if p.bar != nil {
		_ = p.bar.Set(p.n) // a terminal that went away is no reason to stop
	}
}

func (p *progress) done() {
	if p != nil && p.bar != nil {
		_ = p.bar.Finish()
	}
}
