// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/headrace/headrace/scrub"
)

// pacePeer makes this program scrub what it reads, documents as JSON Lines, in memory and on one core, and say how long each
// of some rounds took. Its argument is a dictionary.
const pacePeer = "scrub-pace"

// paced is what it says.
type paced struct {
	Bytes int       `json:"bytes"`
	CPU   []float64 `json:"cpu_s"` // of each round
}

// pace reads the documents, and scrubs each again and again.
func pace(args []string, in io.Reader, out, stderr io.Writer) int {
	rounds, _ := strconv.Atoi(args[0])
	cfg := scrub.Config{Key: bytes.Repeat([]byte{7}, 32)}
	err := func() (err error) {
		if len(args) > 1 {
			f, err := os.Open(args[1])
			if err != nil {
				return err
			}
			defer f.Close()
			if cfg.Dictionary, err = scrub.ReadDictionary(f); err != nil {
				return err
			}
		}
		s, err := scrub.New(cfg)
		if err != nil {
			return err
		}
		var texts [][]byte
		said := paced{}
		for d := json.NewDecoder(in); ; {
			var doc document
			if err := d.Decode(&doc); err == io.EOF {
				break
			} else if err != nil {
				return err
			}
			said.Bytes += len(doc.Text)
			texts = append(texts, []byte(doc.Text))
		}
		var dst []byte
		for range rounds {
			begin := ownTime()
			for _, text := range texts {
				if dst, _, err = s.Text(dst[:0], text); err != nil {
					return err
				}
			}
			said.CPU = append(said.CPU, ownTime()-begin)
		}
		return json.NewEncoder(out).Encode(said)
	}()
	if err != nil {
		fmt.Fprintln(stderr, "scrub-pace:", err)
		return 1
	}
	return 0
}

// ownTime is the processor time that this program has used, in seconds.
func ownTime() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// pace runs pacePeer over documents. It returns the median of the rounds in seconds.
func (b *bench) pace(ctx context.Context, docs []document, rounds int, dictionary ...string) (cpu float64, err error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	in, err := jsonLines(docs)
	if err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, self, append([]string{pacePeer, strconv.Itoa(rounds)}, dictionary...)...)
	if cmd.Env, err = b.bareEnv(); err != nil {
		return 0, err
	}
	cmd.Env = append(cmd.Env, "GOMAXPROCS=1")
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout = bytes.NewReader(in), &out
	c, err := start(cmd)
	if err != nil {
		return 0, err
	}
	if <-c.done; c.err != nil {
		return 0, c.failed(c.err)
	}
	var said paced
	if err := json.Unmarshal(out.Bytes(), &said); err != nil {
		return 0, err
	}
	return median(said.CPU), nil
}

// bigDictionary writes a dictionary with a million entries, and returns where.
func (b *bench) bigDictionary() (string, error) {
	path := filepath.Join(b.temp, "million.csv")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	return path, writeCSV(path, madeUp(rand.New(rand.NewPCG(piiSeed, 1)), 1_000_000))
}

// measureSpeed says how many bytes of real files one core scrubs in a second of processor time, and what memory a stream takes.
func measureSpeed(ctx context.Context, b *bench) ([]row, error) {
	files, _, err := b.credFiles()
	if err != nil {
		return nil, err
	}
	rounds, stream := 3, int64(1<<30)
	if b.quick {
		files, rounds, stream = some(files, 300), 1, 64<<20
	}
	docs := documents(files)
	mb := megabytes(docs)
	shape := fmt.Sprintf("%d files, %.1f MB in memory, one core, median of %d", len(docs), mb, rounds)
	plain, err := b.pace(ctx, docs, rounds)
	if err != nil {
		return nil, err
	}
	rows := []row{{ID: "speed/detect-replace", Ours: figure(mb / plain), Unit: "MB per CPU-second", N: rounds, Note: shape + "; decoders and verifier are never off"}}
	dictionary, err := b.bigDictionary()
	if err != nil {
		return rows, err
	}
	full, err := b.pace(ctx, docs, rounds, dictionary)
	if err != nil {
		return rows, err
	}
	rows = append(rows, row{ID: "speed/everything", Ours: figure(mb / full), Unit: "MB per CPU-second", N: rounds, Note: shape + "; a dictionary of 1,000,000 entries, decoders, verifier"})
	key, err := b.key()
	if err != nil {
		return rows, err
	}
	var small float64
	for _, size := range []int64{10 << 20, stream} {
		path := filepath.Join(b.temp, "stream.txt")
		if err := writeStream(path, docs, size); err != nil {
			return rows, err
		}
		f, err := os.Open(path)
		if err != nil {
			return rows, err
		}
		took, peak, err := b.timed(ctx, f, 0, b.bin, "scrub", "--text", "--key", key)
		f.Close()
		os.Remove(path)
		if err != nil {
			return rows, err
		}
		if small == 0 {
			small = peak
			continue
		}
		rows = append(rows, row{ID: "speed/memory", Ours: figure(peak / 1e6), Unit: "MB resident", N: 1,
			Note: fmt.Sprintf("headrace scrub --text on %d MB, read in %.1f s; %.0f MB resident on 10 MB", size/1e6, took.Seconds(), small/1e6)})
	}
	return rows, nil
}

// writeStream writes the documents again and again, up to a size.
func writeStream(path string, docs []document, size int64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for n := int64(0); n < size; {
		for _, d := range docs {
			if n >= size {
				break
			}
			text := d.Text[:min(int64(len(d.Text)), size-n)]
			m, err := f.WriteString(text)
			if n += int64(m); err != nil {
				return err
			}
		}
	}
	return f.Close()
}

// measureVsGitleaks compares the processor time for the same files, with everything on.
func measureVsGitleaks(ctx context.Context, b *bench) ([]row, error) {
	files, _, err := b.credFiles()
	if err != nil {
		return nil, err
	}
	if b.quick {
		files = some(files, 100)
	}
	docs := documents(files)
	dictionary, err := b.bigDictionary()
	if err != nil {
		return nil, err
	}
	ours, err := b.pace(ctx, docs, 3, dictionary)
	if err != nil {
		return nil, err
	}
	found, err := b.peerScan(ctx, gitleaks, docs)
	if err != nil {
		return []row{{ID: "vs-gitleaks", Unit: "× as fast", PeerName: peerName(gitleaks), Note: fmt.Sprintf("ours %.2f s; peer not measured: %v", ours, err)}}, nil
	}
	mb := megabytes(docs)
	return []row{{ID: "vs-gitleaks", Ours: figure(found.cpu / ours), Unit: "× as fast", Peer: figure(1), PeerName: peerName(gitleaks), N: len(docs),
		Note: fmt.Sprintf("%.1f MB; ours %.2f s of processor time (%.1f MB/s) with a dictionary of 1,000,000, decoders and verifier; gitleaks %.1f s (%.2f MB/s), texts in memory", mb, ours, mb/ours, found.cpu, mb/found.cpu)}}, nil
}
