// SPDX-License-Identifier: Apache-2.0

package tools

import (
	"bytes"
	"compress/gzip"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/klauspost/compress/zstd"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
)

// heap runs f and returns by how many bytes the heap grew at most, looked at every few milliseconds.
func heap(f func()) int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before, most := int64(m.HeapInuse), atomic.Int64{}
	done := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			runtime.ReadMemStats(&m)
			most.Store(max(most.Load(), int64(m.HeapInuse)))
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	f()
	close(done)
	<-stopped
	return most.Load() - before
}

// bound is the most that any one hostile file may cost: a document is read whole, up to 64 MiB.
const bound = 400 << 20

func discard(*episode.Episode) error { return nil }

// A file that is not what it seems costs bounded memory, whichever reader is made to read it, and ends in an account or an
// error, never in a crash.
func TestHostileFilesAreBounded(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var zeros bytes.Buffer
	z := gzip.NewWriter(&zeros)
	z.Write(make([]byte, 64<<20))
	z.Close()
	var zst bytes.Buffer
	w, err := zstd.NewWriter(&zst, zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		t.Fatal(err)
	}
	for range 16 {
		w.Write(make([]byte, 64<<20))
	}
	w.Close()
	var wide bytes.Buffer
	for _, u := range utf16.Encode([]rune(strings.Repeat(`{"type":"user","message":{"content":"turn"}}`+"\n", 100))) {
		wide.Write([]byte{byte(u), byte(u >> 8)})
	}
	const deep = 10_000_000
	files := []string{
		write("bomb.jsonl.gz", bytes.Repeat(zeros.Bytes(), 16)), // 1 GiB of zeros each
		write("bomb.jsonl.zst", zst.Bytes()),
		write("deep.jsonl", []byte(strings.Repeat("[", deep)+"\n")),
		write("deep.json", []byte(strings.Repeat(`{"a":`, deep))),
		write("closed.json", []byte(`{"type":"user","sessionId":"s","uuid":"u","message":{"content":`+strings.Repeat("[", deep/10)+strings.Repeat("]", deep/10)+"}}\n")),
		write("wide.jsonl", wide.Bytes()),
		write("nul.jsonl", bytes.Repeat([]byte("\x00\n"), 100_000)),
		write("binary.jsonl", bytes.Repeat([]byte("\xff\xfe\x80{\"\n"), 100_000)),
		write("half.db", []byte("SQLite format 3\x00"+strings.Repeat("\x01\xff", 4000))),
	}
	for _, path := range files {
		info, _ := os.Stat(path)
		for i, s := range append([]capture.Source{nil}, All()...) {
			name := "" // by itself first
			if s != nil {
				name = s.Name()
			}
			if strings.Contains(path, "bomb") && i > 0 && i%12 != 0 {
				continue // a gigabyte takes a second
			}
			grew := heap(func() {
				_, _ = capture.Read(context.Background(), All(), name, path, discard)
			})
			if grew > bound+info.Size() {
				t.Errorf("%s as %q: %d MiB", filepath.Base(path), name, grew>>20)
			}
		}
	}
}

// Beside what is hostile, the rest of the folder is read, and a link leads nowhere twice or out.
func TestTheRestOfAHostileFolderIsRead(t *testing.T) {
	dir, out := t.TempDir(), t.TempDir()
	good := `{"type":"user","uuid":"u1","parentUuid":null,"sessionId":"s","message":{"content":"turn the wheel"}}` + "\n"
	for name, text := range map[string]string{"a/good.jsonl": good, "a/deep.jsonl": strings.Repeat("[", 100_000) + "\n", "b/nul.jsonl": "\x00\x00\n", "b/good.jsonl": strings.ReplaceAll(good, "u1", "u2")} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(out, "outside.jsonl"), []byte(strings.ReplaceAll(good, "u1", "u3")), 0o600); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"a/loop": dir, "b/up": filepath.Join(dir, "b"), "b/out": out, "b/itself": filepath.Join(dir, "b", "itself"), "b/file.jsonl": filepath.Join(out, "outside.jsonl")} {
		if err := os.Symlink(to, filepath.Join(dir, filepath.FromSlash(link))); err != nil {
			t.Fatal(err)
		}
	}
	files, _ := capture.Walk(dir)
	ids := map[string]int{}
	for _, f := range files {
		_, _ = capture.Read(context.Background(), All(), "", f.Path, func(e *episode.Episode) error { ids[e.ID]++; return nil })
	}
	if want := map[string]int{episode.NewID("claude-code", "u1"): 1, episode.NewID("claude-code", "u2"): 1}; len(ids) != len(want) {
		t.Errorf("%d files, %v", len(files), ids)
	}
	for id, n := range ids {
		if n != 1 {
			t.Errorf("%s was read %d times", id, n)
		}
	}
}
