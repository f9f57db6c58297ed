// SPDX-License-Identifier: Apache-2.0

// Package spool keeps payloads on disk from the moment they are acknowledged until somebody is done with them.
//
// Start from [Spool.Append], which returns after the fsync and lets many callers share one, and [Spool.Next], which
// returns what waits in the order it came. Payloads are numbered; who reads keeps the number of the last one it is done
// with beside what it made of it, in one commit, and hands it to [Open]: so a crash between the two repeats nothing.
//
// A spool is a folder of segments, files of whole frames that only grow and are removed once they are read. A damaged
// frame costs itself and no other, because the next one is found by its mark. Nothing here knows what a payload is: seal
// it first.
package spool

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/statedir"
)

const (
	// segmentSize is when the next segment is begun, in bytes. It is also what one Next returns at most, but for a payload
	// that is larger by itself.
	segmentSize = 16 << 20
	// shareAtMost is how many callers share an fsync.
	shareAtMost = 256
	suffix      = ".spool"
)

// Spool is an open spool. Append is safe for concurrent use; Next and Done are for one reader.
type Spool struct {
	dir   string
	group *group[[]byte]

	mu       sync.Mutex // guards what follows
	segments []*segment // oldest first
	active   *os.File   // the last segment, while it may grow; nil before the first Append
	next     uint64     // the number of the next payload
	waiting  int        // payloads that nobody is done with
	buf      []byte     // reused for the frames of one write
}

// segment is one file.
type segment struct {
	path string
	size int64 // bytes that were synced
	done int64 // bytes that the reader is done with
}

// Open opens the spool in dir, which is made if absent, for a reader that is done with all payloads up to the number
// done (0: with none).
func Open(dir string, done uint64) (*Spool, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, problem(dir, err)
	}
	s := &Spool{dir: dir, next: done + 1}
	s.group = newGroup(shareAtMost, s.write)
	paths, err := segmentsIn(dir)
	if err != nil {
		return nil, problem(dir, err)
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, problem(dir, err)
		}
		g := &segment{path: path, size: int64(len(b))}
		for f := range frames(b) {
			if s.next = max(s.next, f.number+1); f.number <= done {
				g.done = int64(f.end)
			} else {
				s.waiting++
			}
		}
		s.segments = append(s.segments, g)
	}
	return s, nil
}

// Count is how many payloads wait in the spool in dir, for who looks at it from outside: another process may have it open.
func Count(dir string, done uint64) (n int, err error) {
	paths, err := segmentsIn(dir)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	for _, path := range paths {
		b, readErr := os.ReadFile(path)
		if readErr != nil && !errors.Is(readErr, os.ErrNotExist) { // read and removed meanwhile
			err = errors.Join(err, readErr)
		}
		for f := range frames(b) {
			if f.number > done {
				n++
			}
		}
	}
	return n, err
}

func segmentsIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), suffix) {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	slices.Sort(paths) // names are numbers of one width
	return paths, nil
}

// Append stores a payload and returns after the fsync. What was appended with an error may still be there after a crash:
// nothing was acknowledged, and the sender sends it again.
func (s *Spool) Append(payload []byte) error { return s.group.do(payload) }

// write stores payloads with one fsync.
func (s *Spool) write(payloads [][]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.room(); err != nil {
		return problem(s.dir, err)
	}
	g := s.segments[len(s.segments)-1]
	s.buf = s.buf[:0]
	for _, p := range payloads {
		s.buf = appendFrame(s.buf, s.next, p)
		s.next++ // a number that failed is not used again
	}
	_, err := s.active.WriteAt(s.buf, g.size)
	if err == nil {
		err = s.active.Sync()
	}
	if err != nil {
		// What the file holds beyond size is unknown now, and after a failed fsync what the disk holds too: leave it alone.
		return problem(s.dir, errors.Join(err, s.active.Truncate(g.size), s.close()))
	}
	g.size += int64(len(s.buf))
	s.waiting += len(payloads)
	if cap(s.buf) > segmentSize {
		s.buf = nil
	}
	return nil
}

// room makes sure that there is an active segment with room left.
func (s *Spool) room() error {
	if s.active != nil && s.segments[len(s.segments)-1].size < segmentSize {
		return nil
	}
	if err := s.close(); err != nil {
		return err
	}
	path := filepath.Join(s.dir, fmt.Sprintf("%016x%s", s.next, suffix))
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) // a file of this name holds no whole frame
	if err != nil {
		return err
	}
	if err := statedir.Sync(s.dir); err != nil {
		return errors.Join(err, f.Close(), os.Remove(path))
	}
	s.segments = slices.DeleteFunc(s.segments, func(g *segment) bool { return g.path == path })
	s.active, s.segments = f, append(s.segments, &segment{path: path})
	return nil
}

// close ends the active segment: what is appended next begins another.
func (s *Spool) close() error {
	if s.active == nil {
		return nil
	}
	err := s.active.Close()
	s.active = nil
	return err
}

// Batch is what one Next returned.
type Batch struct {
	Payloads [][]byte
	// Last is the number of the last payload: what its reader keeps.
	Last uint64
	// Damaged is how many bytes could not be read, from the disk's fault or a write that a crash cut off.
	Damaged int

	of  *segment
	end int64
}

// Next returns the oldest payloads that nobody is done with: all of a segment, or nothing at all. It returns the same
// until Done.
func (s *Spool) Next() (b Batch, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.segments) > 0 {
		g := s.segments[0]
		if b, err = g.rest(); err != nil || len(b.Payloads) > 0 || b.Damaged > 0 {
			return b, problem(s.dir, err)
		}
		if err := s.drop(g); err != nil {
			return b, problem(s.dir, err)
		}
	}
	return Batch{}, nil
}

// rest reads what nobody is done with.
func (g *segment) rest() (Batch, error) {
	b := Batch{of: g, end: g.size}
	buf := make([]byte, g.size-g.done)
	if len(buf) == 0 {
		return b, nil
	}
	f, err := os.Open(g.path)
	if err != nil {
		return b, err
	}
	defer f.Close()
	if _, err := f.ReadAt(buf, g.done); err != nil {
		return b, err
	}
	read := 0
	for fr := range frames(buf) {
		b.Payloads, b.Last = append(b.Payloads, fr.payload), fr.number
		b.Damaged += fr.start - read
		read = fr.end
	}
	b.Damaged += len(buf) - read
	return b, nil
}

// Done says that the reader has kept b.Last: the batch will not come again.
func (s *Spool) Done(b Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b.of == nil || b.of.done >= b.end {
		return nil
	}
	b.of.done = b.end
	s.waiting -= len(b.Payloads)
	if b.of.done < b.of.size {
		return nil
	}
	return problem(s.dir, s.drop(b.of)) // the active segment too: what is done with does not rest on the disk
}

// drop removes a segment that is read to its end.
func (s *Spool) drop(g *segment) error {
	if s.active != nil && g == s.segments[len(s.segments)-1] {
		if err := s.close(); err != nil {
			return err
		}
	}
	if err := os.Remove(g.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	s.segments = slices.DeleteFunc(s.segments, func(o *segment) bool { return o == g })
	return nil
}

// Len is how many payloads wait.
func (s *Spool) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting
}

// Close closes the spool. What waits stays. A nil Spool is closed.
func (s *Spool) Close() error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.close()
}

// problem says what can be done about an error of the disk.
func problem(dir string, err error) error {
	if err == nil {
		return nil
	}
	p := &episode.Problem{Code: "spool/disk", Message: "cannot use the spool " + dir, Err: err, Hint: "check that the folder can be written and read"}
	if strings.Contains(err.Error(), "no space left on device") {
		p.Code, p.Message = "spool/disk-full", "the disk that holds the spool is full"
		p.Hint = "free some space; nothing that was acknowledged is lost, and what was refused can be sent again"
	}
	return p
}

// A frame is: a mark, the payload's number and length, a CRC-32C of those two and the payload, and the payload. Integers
// are little-endian.
const headLen = 8 + 8 + 4 + 4

var (
	mark       = []byte("\xf6hr\x00fr1\n")
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

func appendFrame(dst []byte, number uint64, payload []byte) []byte {
	dst = append(dst, mark...)
	at := len(dst)
	dst = binary.LittleEndian.AppendUint64(dst, number)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(payload)))
	sum := crc32.Update(crc32.Checksum(dst[at:], castagnoli), castagnoli, payload)
	dst = binary.LittleEndian.AppendUint32(dst, sum)
	return append(dst, payload...)
}

// frame is a frame as it was found: payload is part of the bytes it was found in, and start and end are where.
type frame struct {
	number     uint64
	payload    []byte
	start, end int
}

// frames finds the whole frames in b, in order, and passes over what is none.
func frames(b []byte) func(yield func(frame) bool) {
	return func(yield func(frame) bool) {
		for at := 0; ; {
			i := bytes.Index(b[at:], mark)
			if i < 0 {
				return
			}
			at += i
			f, ok := parse(b, at)
			if !ok {
				at += len(mark)
				continue
			}
			if !yield(f) {
				return
			}
			at = f.end
		}
	}
}

// parse reads the frame whose mark is at b[at].
func parse(b []byte, at int) (frame, bool) {
	if len(b)-at < headLen {
		return frame{}, false
	}
	head := b[at+len(mark) : at+headLen]
	n := int(binary.LittleEndian.Uint32(head[8:]))
	if n > len(b)-at-headLen {
		return frame{}, false
	}
	f := frame{number: binary.LittleEndian.Uint64(head), payload: b[at+headLen : at+headLen+n], start: at, end: at + headLen + n}
	sum := crc32.Update(crc32.Checksum(head[:12], castagnoli), castagnoli, f.payload)
	return f, sum == binary.LittleEndian.Uint32(head[12:])
}
