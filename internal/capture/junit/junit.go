// SPDX-License-Identifier: Apache-2.0

// Package junit counts the results in a file of JUnit XML, as nearly every test runner writes it.
//
// Start with [Read]. There is no one schema: the root is testsuites or testsuite, suites may hold suites, and the sums in
// attributes are of the suite with or without those in it. So it is the test cases that are counted, and the attributes
// only of a suite that lists none. The file is read as a stream; what tests printed is passed over, entities that a file
// declares itself are not known, and depth, suites and names are bounded.
package junit

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/gitlog"
)

const (
	maxDepth  = 64
	maxSuites = 10_000
	maxFailed = 200
	maxName   = 512 // bytes
)

// Result is how a run of tests went.
type Result struct {
	Suites []Suite // those of one name are one, in the order in which they end
	// Failures and Errors are how many tests ended so.
	Failures, Errors int
	// FailedIn are the classes or files of tests that failed, each once, the first 200 of them.
	FailedIn []string

	digest string
}

// Suite is how a suite went.
type Suite struct {
	Name                   string
	Tests, Failed, Skipped int
	// Of tells suites of one name apart by the tests in them: a run again has the same ones, the next shard has others.
	Of uint64
}

// Total sums the suites up.
func (r *Result) Total() (t Suite) {
	for _, s := range r.Suites {
		t.Tests, t.Failed, t.Skipped = t.Tests+s.Tests, t.Failed+s.Failed, t.Skipped+s.Skipped
	}
	return t
}

// Report says of a commit of a repository how its tests went; at is zero where that is not known.
func (r *Result) Report(repository, commit string, at time.Time) gitlog.Report {
	report := gitlog.Report{Kind: gitlog.ReportTests, Repositories: []string{repository}, Commit: commit, Run: r.digest, At: at}
	for _, s := range r.Suites {
		report.Suites = append(report.Suites, gitlog.Suite{Name: fmt.Sprintf("%s\x00%016x", s.Name, s.Of), Tests: s.Tests, Failed: s.Failed, Skipped: s.Skipped})
	}
	return report
}

// ErrNoTests says that a file is XML, and no suite of tests.
var ErrNoTests = errors.New("no testsuite is in it")

// Read reads one file.
func Read(in io.Reader) (*Result, error) {
	sum := sha256.New()
	p := parser{dec: xml.NewDecoder(io.TeeReader(in, sum)), named: map[string]int{}, failed: map[string]bool{}}
	p.dec.CharsetReader = charset
	if err := p.read(); err != nil {
		line, _ := p.dec.InputPos()
		return nil, &episode.Problem{Code: "junit/unreadable", Message: fmt.Sprintf("the test results cannot be read, near line %d", line), Err: err, Hint: "send the XML file that the test runner wrote, whole"}
	}
	p.out.digest = hex.EncodeToString(sum.Sum(nil)[:16])
	return &p.out, nil
}

// suite is one that is being read.
type suite struct {
	Suite
	depth  int
	parts  bool  // it has test cases, or suites
	said   Suite // by its attributes
	errors int   // and these
}

type parser struct {
	dec    *xml.Decoder
	out    Result
	named  map[string]int // of out.Suites
	failed map[string]bool
	root   bool // a suite, or a set of them, has begun
	depth  int
	open   []*suite
	count  int // of suites

	test  int // the depth of the test case that is being read, 0 for none
	class string
	fate  string // failure, error or skipped
}

func (p *parser) read() error {
	for {
		token, err := p.dec.Token()
		if err == io.EOF {
			if !p.root {
				return ErrNoTests
			}
			return nil
		}
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if p.depth++; p.depth > maxDepth {
				return fmt.Errorf("elements are nested more than %d deep", maxDepth)
			}
			if err := p.start(t); err != nil {
				return err
			}
		case xml.EndElement:
			p.end()
			p.depth--
		}
	}
}

func (p *parser) start(t xml.StartElement) error {
	if p.test > 0 {
		switch name := t.Name.Local; {
		case name == "error", name == "failure" && p.fate != "error", name == "skipped" && p.fate == "":
			p.fate = name
		}
		return nil
	}
	switch t.Name.Local {
	case "testsuites":
		p.root = true
	case "testsuite":
		p.root = true
		if p.count++; p.count > maxSuites {
			return fmt.Errorf("there are more than %d suites", maxSuites)
		}
		if n := len(p.open); n > 0 {
			p.open[n-1].parts = true
		}
		p.open = append(p.open, &suite{Suite: Suite{Name: attr(t, "name")}, depth: p.depth, errors: number(t, "errors"),
			said: Suite{Tests: number(t, "tests"), Failed: number(t, "failures"), Skipped: number(t, "skipped") + number(t, "disabled")}})
	case "testcase":
		n := len(p.open)
		if n == 0 {
			return nil
		}
		p.test, p.fate, p.class = p.depth, "", cmp.Or(attr(t, "classname"), attr(t, "file"))
		id := fnv.New64a()
		io.WriteString(id, p.class+"\x00"+attr(t, "name"))
		p.open[n-1].Of += id.Sum64()                                         // in whichever order they ran
		if attr(t, "status") == "notrun" || attr(t, "result") == "skipped" { // GoogleTest
			p.fate = "skipped"
		}
	}
	return nil
}

func (p *parser) end() {
	n := len(p.open)
	switch {
	case p.test > 0 && p.test == p.depth:
		p.test = 0
		s := p.open[n-1]
		s.parts = true
		s.Tests++
		switch p.fate {
		case "error":
			p.out.Errors++
			p.fail(s)
		case "failure":
			p.out.Failures++
			p.fail(s)
		case "skipped":
			s.Skipped++
		}
	case n > 0 && p.open[n-1].depth == p.depth:
		s := p.open[n-1]
		p.open = p.open[:n-1]
		if !s.parts {
			s.Tests, s.Skipped = s.said.Tests, min(s.said.Skipped, s.said.Tests)
			failures := min(s.said.Failed, s.Tests-s.Skipped)
			errors := min(s.errors, s.Tests-s.Skipped-failures)
			s.Failed = failures + errors
			p.out.Failures, p.out.Errors = p.out.Failures+failures, p.out.Errors+errors
		}
		p.add(s.Suite)
	}
}

func (p *parser) fail(s *suite) {
	s.Failed++
	if p.class != "" && !p.failed[p.class] && len(p.out.FailedIn) < maxFailed {
		p.failed[p.class] = true
		p.out.FailedIn = append(p.out.FailedIn, p.class)
	}
}

// add adds a suite that has ended to the one of its name.
func (p *parser) add(s Suite) {
	if s.Tests == 0 {
		return
	}
	i, known := p.named[s.Name]
	if !known {
		p.named[s.Name] = len(p.out.Suites)
		p.out.Suites = append(p.out.Suites, s)
		return
	}
	all := &p.out.Suites[i]
	all.Tests, all.Failed, all.Skipped, all.Of = all.Tests+s.Tests, all.Failed+s.Failed, all.Skipped+s.Skipped, all.Of+s.Of
}

func attr(t xml.StartElement, name string) string {
	for _, a := range t.Attr {
		if a.Name.Local == name && a.Name.Space == "" {
			if len(a.Value) <= maxName {
				return a.Value
			}
			return strings.ToValidUTF8(a.Value[:maxName], "")
		}
	}
	return ""
}

func number(t xml.StartElement, name string) int {
	n, err := strconv.Atoi(strings.TrimSpace(attr(t, name)))
	if err != nil || n < 0 || n > 1<<30 {
		return 0
	}
	return n
}

// charset reads the one encoding besides UTF-8 that runners write.
func charset(label string, in io.Reader) (io.Reader, error) {
	switch strings.ToLower(label) {
	case "us-ascii", "ascii", "utf8":
		return in, nil
	case "iso-8859-1", "latin1":
		return &latin1{in: in}, nil
	}
	return nil, fmt.Errorf("the encoding %.40q is not known: write UTF-8", label)
}

// latin1 makes UTF-8 of ISO 8859-1, in which each byte is a character.
type latin1 struct {
	in   io.Reader
	buf  [1024]byte
	rest []byte
}

func (l *latin1) Read(b []byte) (int, error) {
	if len(l.rest) == 0 {
		n, err := l.in.Read(l.buf[:])
		if n == 0 {
			return 0, err
		}
		var out []byte
		for _, c := range l.buf[:n] {
			out = utf8.AppendRune(out, rune(c))
		}
		l.rest = out
	}
	n := copy(b, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}
