// SPDX-License-Identifier: Apache-2.0

// Command testlog makes what "go test -json" prints fit to read: a line for each package, the whole output of what
// failed, one line with the reason for what was skipped. It ends with 1 if anything failed, or if something was skipped
// that the file named by -skips does not list: there each line is a test's name and why it may be skipped.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	skips := flag.String("skips", "", "file of the only tests that may be skipped")
	flag.Parse()
	l := &log{w: os.Stdout, output: map[string][]string{}}
	if *skips != "" {
		text, err := os.ReadFile(*skips)
		if err != nil {
			fmt.Fprintln(os.Stderr, "testlog:", err)
			os.Exit(1)
		}
		l.allowed = allowed(string(text))
	}
	l.read(os.Stdin)
	fmt.Fprintf(l.w, "%d packages, %d tests; %d failed, %d skipped\n", l.packages, l.tests, l.failed, l.skipped)
	if l.failed > 0 || l.refused > 0 || l.packages == 0 {
		if l.refused > 0 {
			fmt.Fprintf(l.w, "%d were skipped that %s does not list\n", l.refused, *skips)
		}
		os.Exit(1)
	}
}

// allowed reads lines of a test's name and a reason.
func allowed(text string) map[string]bool {
	names := map[string]bool{}
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) > 1 && !strings.HasPrefix(line, "#") {
			names[f[0]] = true
		}
	}
	return names
}

// event is what go test -json says; see go doc test2json.
type event struct {
	Action, Package, Test, Output, ImportPath string
	Elapsed                                   float64
}

type log struct {
	w       io.Writer
	allowed map[string]bool     // nil: any test may be skipped
	output  map[string][]string // of what has not ended, by package and test

	packages, tests, failed, skipped, refused int
}

func (l *log) read(r io.Reader) {
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadString('\n')
		var e event
		if json.Unmarshal([]byte(line), &e) == nil && e.Action != "" {
			l.event(e)
		} else if strings.TrimSpace(line) != "" {
			fmt.Fprint(l.w, line) // the go command's own words
		}
		if err != nil {
			return
		}
	}
}

func (l *log) event(e event) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "build-output":
		fmt.Fprint(l.w, e.Output)
	case "output":
		l.output[key] = append(l.output[key], e.Output)
	case "pass", "fail", "skip":
		l.end(e, l.output[key])
		delete(l.output, key)
	}
}

func (l *log) end(e event, output []string) {
	pkg := e.Package[strings.LastIndex(e.Package, "headrace/")+len("headrace/"):]
	switch {
	case e.Test != "":
		l.tests++
		if e.Action == "skip" {
			l.skip(e, pkg, output)
		} else if e.Action == "fail" {
			l.failed++
			fmt.Fprint(l.w, strings.Join(output, ""))
		}
	case e.Action == "skip": // a package without tests
	default:
		l.packages++
		if e.Action == "fail" {
			if output != nil {
				fmt.Fprint(l.w, strings.Join(output, ""))
			}
			l.failed++
		}
		fmt.Fprintf(l.w, "%-5s %-40s %6.1f s\n", e.Action, pkg, e.Elapsed)
	}
}

func (l *log) skip(e event, pkg string, output []string) {
	why := ""
	for _, line := range output {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "===") && !strings.HasPrefix(line, "---") && line != "" {
			why = line
		}
	}
	l.skipped++
	if l.allowed != nil && !l.allowed[e.Test] {
		l.refused++
	}
	fmt.Fprintf(l.w, "skip  %s %s: %s\n", pkg, e.Test, why)
}
