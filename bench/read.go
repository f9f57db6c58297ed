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
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// errNoShared says that the test data are not there.
var errNoShared = errors.New("the shared test data are not there: set HEADRACE_SHARED")

// shared returns the path of a file or folder of the shared test data.
func (b *bench) shared(name string) (string, error) {
	root := os.Getenv("HEADRACE_SHARED")
	if root == "" {
		root = filepath.Join(b.root, "..", "shared")
	}
	path := filepath.Join(root, filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		return "", errNoShared
	}
	return path, nil
}

// expected is the table of Claude Code transcripts and their counts that others made.
func (b *bench) expected() (head []string, rows map[string][]string, err error) {
	path, err := b.shared("corpus/claude-code.expected.tsv")
	if err != nil {
		return nil, nil, err
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	rows = map[string][]string{}
	for i, line := range strings.Split(strings.TrimSpace(string(raw)), "\n") {
		cols := strings.Split(line, "\t")
		if i == 0 {
			head = cols[1:]
		} else if cols[0] != "TOTAL" {
			rows[cols[0]] = cols[1:]
		}
	}
	return head, rows, nil
}

// timed runs a program to its end, its standard output thrown away, and returns its wall time and the most memory it had.
func (b *bench) timed(ctx context.Context, stdin io.Reader, processors int, program string, args ...string) (took time.Duration, peak float64, err error) {
	cmd := exec.CommandContext(ctx, program, args...)
	if cmd.Env, err = b.bareEnv(); err != nil {
		return 0, 0, err
	}
	if processors > 0 {
		cmd.Env = append(cmd.Env, "GOMAXPROCS="+strconv.Itoa(processors))
	}
	cmd.Stdin, cmd.Stdout = stdin, io.Discard
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return 0, 0, err
	}
	defer null.Close()
	cmd.Stdout = null
	begin := time.Now()
	c, err := start(cmd)
	if err != nil {
		return 0, 0, err
	}
	<-c.done
	took = time.Since(begin)
	if c.err != nil {
		return 0, 0, c.failed(c.err)
	}
	if use, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		peak = float64(use.Maxrss) * 1024
	}
	return took, peak, nil
}

// transcripts writes so many bytes of Claude Code transcripts to a file: the shared ones, again and again under new ids.
func (b *bench) transcripts(path string, size int64) (lines int, err error) {
	_, want, err := b.expected()
	if err != nil {
		return 0, err
	}
	var names []string
	for name, counts := range want {
		if counts[0] != counts[1] { // some of it can be read
			names = append(names, name)
		}
	}
	slices.Sort(names)
	f, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	var n int64
	for round := 0; n < size; round++ {
		for _, name := range names {
			path, err := b.shared("corpus/claude-code/" + name)
			if err != nil {
				return 0, errors.Join(err, f.Close())
			}
			raw, err := os.ReadFile(path)
			if err != nil {
				return 0, errors.Join(err, f.Close())
			}
			for _, key := range []string{`"uuid":"`, `"parentUuid":"`} {
				raw = bytes.ReplaceAll(raw, []byte(key), fmt.Appendf(nil, "%s%06d", key, round))
			}
			raw = append(bytes.TrimRight(raw, "\n"), '\n')
			lines += bytes.Count(raw, []byte("\n"))
			n += int64(len(raw))
			w.Write(raw) // Flush tells
		}
	}
	return lines, errors.Join(w.Flush(), f.Close())
}

const plainPeer = "plain-json"

// decodePlain is the peer that does with a transcript what most programs do: encoding/json, a map a line.
func decodePlain(in io.Reader, stderr io.Writer) int {
	r := bufio.NewReaderSize(in, 1<<20)
	n := 0
	for {
		line, err := r.ReadBytes('\n')
		var v map[string]any
		if json.Unmarshal(line, &v) == nil {
			n++
		}
		if err == io.EOF {
			fmt.Fprintln(stderr, n)
			return 0
		}
		if err != nil {
			return 1
		}
	}
}

// measureRead times reading transcripts to episodes on one core, beside jq and encoding/json on the same file. The rounds
// alternate, and the figure is the median.
func measureRead(ctx context.Context, b *bench) ([]row, error) {
	size, rounds := int64(512<<20), 3
	if b.quick {
		size, rounds = 64<<20, 1
	}
	path := filepath.Join(b.temp, "transcripts.jsonl")
	lines, err := b.transcripts(path, size)
	if err != nil {
		return nil, err
	}
	defer os.Remove(path)
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	rate := func(took time.Duration) float64 { return float64(info.Size()) / 1e6 / took.Seconds() }
	var ours, plain, jq []float64
	jqNote := ""
	for range rounds {
		took, _, err := b.timed(ctx, nil, 1, b.bin, "read", path)
		if err != nil {
			return nil, err
		}
		ours = append(ours, rate(took))
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		took, _, err = b.timed(ctx, f, 1, self, plainPeer)
		f.Close()
		if err != nil {
			return nil, err
		}
		plain = append(plain, rate(took))
	}
	if program, err := exec.LookPath("jq"); err != nil {
		jqNote = "jq is not installed"
	} else { // jq stops at a line that is no JSON: it gets those that are, and its rate is of their bytes
		clean, n, err := b.cleaned(path)
		if err != nil {
			return nil, err
		}
		defer os.Remove(clean)
		took, _, err := b.timed(ctx, nil, 0, program, "-c", ".", clean)
		if err != nil {
			return nil, err
		}
		jq = append(jq, float64(n)/1e6/took.Seconds())
		jqNote = fmt.Sprintf("once, on the %d MB that are JSON", n/1e6)
	}
	note := fmt.Sprintf("%d MB, %d lines, one core, episodes written as JSON Lines; median of %d", info.Size()/1e6, lines, rounds)
	rows := []row{{ID: "read", Ours: figure(median(ours)), Unit: "MB/s", Peer: figure(median(plain)), PeerName: "encoding/json, a map a line", N: rounds, Note: note},
		{ID: "read/jq", Ours: figure(median(ours)), Unit: "MB/s", PeerName: "jq -c .", N: rounds, Note: jqNote}}
	if len(jq) > 0 {
		rows[1].Peer = figure(jq[0])
	}
	return rows, nil
}

// cleaned copies the lines of a file that are JSON.
func (b *bench) cleaned(path string) (clean string, n int64, err error) {
	in, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer in.Close()
	clean = path + ".clean"
	out, err := os.Create(clean)
	if err != nil {
		return "", 0, err
	}
	w, r := bufio.NewWriterSize(out, 1<<20), bufio.NewReaderSize(in, 1<<20)
	for {
		line, err := r.ReadBytes('\n')
		if json.Valid(line) {
			n += int64(len(line))
			w.Write(line) // Flush tells
		}
		if err == io.EOF {
			return clean, n, errors.Join(w.Flush(), out.Close())
		}
		if err != nil {
			return "", 0, errors.Join(err, out.Close())
		}
	}
}

// measureReadMemory reads a transcript far larger than the memory it may use, and one that is a single line.
func measureReadMemory(ctx context.Context, b *bench) ([]row, error) {
	file, line := int64(2<<30), 200<<20
	if b.quick {
		file, line = 128<<20, 32<<20
	}
	path := filepath.Join(b.temp, "memory.jsonl")
	defer os.Remove(path)
	if _, err := b.transcripts(path, file); err != nil {
		return nil, err
	}
	took, peak, err := b.timed(ctx, nil, 0, b.bin, "read", path)
	if err != nil {
		return nil, err
	}
	rows := []row{{ID: "read-memory", Ours: figure(peak / 1e6), Unit: "MB resident", N: 1, Note: fmt.Sprintf("a file of %d MB, read in %.1f s", file/1e6, took.Seconds())}}
	f, err := os.Create(path)
	if err != nil {
		return rows, err
	}
	w := bufio.NewWriter(f)
	fmt.Fprint(w, `{"type":"user","uuid":"u","sessionId":"s","message":{"role":"user","content":"`)
	for n := 0; n < line; n += 6 {
		w.WriteString("wheel ")
	}
	fmt.Fprintln(w, `"}}`)
	if err := errors.Join(w.Flush(), f.Close()); err != nil {
		return rows, err
	}
	if took, peak, err = b.timed(ctx, nil, 0, b.bin, "read", "--strict", path); err != nil {
		return rows, err
	}
	return append(rows, row{ID: "read-memory/line", Ours: figure(peak / 1e6), Unit: "MB resident", N: 1, Note: fmt.Sprintf("one line of %d MB, read in %.1f s and not set aside", line/1e6, took.Seconds())}), nil
}
