// SPDX-License-Identifier: Apache-2.0

// Command gitleaks runs the scanner of that name with the settings of its command line over JSON Lines: each line of
// standard input has a text and, where there is one, a path. It writes a line of record (from 1), start, end (bytes of
// the text) and kind for each finding, and at the end one line of the processor time that finding took. It is a peer of
// "headrace bench scrub". With the argument "rules" it prints its rules' regular expressions, one JSON string a line.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"syscall"

	"github.com/rs/zerolog"
	"github.com/zricethezav/gitleaks/v8/detect"
	"github.com/zricethezav/gitleaks/v8/report"
)

type document struct {
	Text string `json:"text"`
	Path string `json:"path"`
}

type finding struct {
	Record int    `json:"record"`
	Start  int    `json:"start"`
	End    int    `json:"end"`
	Kind   string `json:"kind"`
}

func main() {
	zerolog.SetGlobalLevel(zerolog.ErrorLevel)
	d, err := detect.NewDetectorDefaultConfig()
	if err != nil {
		log.Fatal(err)
	}
	d.MaxDecodeDepth = 5 // as its command line has it
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	print := json.NewEncoder(out)
	if len(os.Args) > 1 && os.Args[1] == "rules" {
		for _, r := range d.Config.Rules {
			if r.Regex != nil {
				print.Encode(r.Regex.String())
			}
		}
		return
	}
	var docs []document
	for in := json.NewDecoder(bufio.NewReader(os.Stdin)); ; {
		var doc document
		if err := in.Decode(&doc); err == io.EOF {
			break
		} else if err != nil {
			log.Fatal(err)
		}
		docs = append(docs, doc)
	}
	begin := cpu()
	found := make([][]report.Finding, len(docs))
	for i, doc := range docs {
		found[i] = d.Detect(detect.Fragment{Raw: doc.Text, FilePath: doc.Path})
	}
	took := cpu() - begin
	for i, doc := range docs {
		for _, f := range found[i] {
			start, end := place(doc.Text, f)
			print.Encode(finding{i + 1, start, end, f.RuleID})
		}
	}
	fmt.Fprintf(out, "{\"cpu_s\":%.3f}\n", took)
}

// place finds a secret in the text by its line: columns are counted otherwise here. What was found in something decoded
// stands for its whole lines.
func place(text string, f report.Finding) (start, end int) {
	for n := f.StartLine; n > 0 && start < len(text); n-- { // the first line is 0
		i := strings.IndexByte(text[start:], '\n')
		if i < 0 {
			break
		}
		start += i + 1
	}
	if i := strings.Index(text[start:], f.Secret); i >= 0 {
		return start + i, start + i + len(f.Secret)
	}
	end = start
	for n := f.EndLine - f.StartLine; n >= 0 && end < len(text); n-- {
		i := strings.IndexByte(text[end:], '\n')
		if i < 0 {
			return start, len(text)
		}
		end += i + 1
	}
	return start, end
}

// cpu is the processor time that this program has used, in seconds.
func cpu() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		log.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
