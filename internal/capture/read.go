// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/lax"
	"github.com/headrace/headrace/internal/capture/lite"
)

const (
	headSize   = 256 << 10 // what Detect gets to see
	maxUnpack  = 4 << 30   // a compressed file that unpacks to more is cut off
	maxHeadRow = 64        // lines of the head that Heads looks at
)

// SQLiteHead is what an SQLite database begins with (https://sqlite.org/fileformat2.html, section 1.3).
const SQLiteHead = "SQLite format 3\x00"

var errUnpacked = fmt.Errorf("it unpacks to more than %d GiB", maxUnpack>>30)

// unpacked is a compressed file's content: no more of it than a real history would have.
type unpacked struct {
	r    io.Reader
	left int64
}

func (u *unpacked) Read(p []byte) (int, error) {
	if u.left <= 0 {
		return 0, errUnpacked
	}
	n, err := u.r.Read(p[:min(int64(len(p)), u.left)])
	u.left -= int64(n)
	return n, err
}

// Unknown is the tool of a file that no source recognises.
const Unknown = "unknown"

// Read reads one file with the source that is named tool or, where tool is empty, with the first that recognises the
// file. A file that none recognises gives a Problem with code "capture/not-a-history", and a report that counts its
// lines and those that are not JSON objects.
func Read(ctx context.Context, sources []Source, tool, path string, emit func(*episode.Episode) error) (Report, error) {
	f, err := os.Open(path)
	if err != nil {
		return Report{Path: path, Tool: Unknown}, unreadable(path, err)
	}
	defer f.Close()
	return ReadFrom(ctx, sources, tool, File{Path: path, R: f}, emit)
}

// ReadFrom is Read on an open file, such as standard input. Zstandard compression is seen by content.
func ReadFrom(ctx context.Context, sources []Source, tool string, f File, emit func(*episode.Episode) error) (Report, error) {
	rep := Report{Path: f.Path, Tool: Unknown}
	head, r, err := Peek(f.R)
	switch {
	case err != nil:
	case bytes.HasPrefix(head, []byte{0x28, 0xB5, 0x2F, 0xFD}):
		z, bad := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
		if bad != nil {
			return rep, unreadable(f.Path, bad)
		}
		defer z.Close()
		head, r, err = Peek(&unpacked{r: z, left: maxUnpack})
	case bytes.HasPrefix(head, []byte{0x1F, 0x8B}):
		z, bad := gzip.NewReader(r)
		if bad != nil {
			return rep, unreadable(f.Path, bad)
		}
		head, r, err = Peek(&unpacked{r: z, left: maxUnpack})
	case bytes.HasPrefix(head, []byte(SQLiteHead)) && f.Path != "-":
		db, tables, bad := lite.Open(ctx, f.Path)
		if bad != nil {
			return rep, unreadable(f.Path, bad)
		}
		defer db.Close()
		f.DB, head = db.DB, append([]byte(SQLiteHead+"\n"), tables...)
	}
	if err != nil {
		return rep, unreadable(f.Path, err)
	}
	f.R = r
	source := pick(sources, tool, head, f.Path)
	if source == nil {
		if err := Lines(ctx, r, &rep.Counts, func(line []byte) (bool, error) { return lax.Decode(line, &struct{}{}), nil }); err != nil {
			return rep, unreadable(f.Path, err)
		}
		return rep, &episode.Problem{Code: "capture/not-a-history",
			Message: fmt.Sprintf("%s is not a history of a tool that Headrace reads", f.Path),
			Hint:    "it reads the histories of " + names(sources) + "; if the file is one of these, say which with --tool"}
	}
	rep.Tool = source.Name()
	var rejected error // what the caller's emit said, to be passed on as it is
	var seen Counts
	rep.Counts, err = source.Read(ctx, f, func(e *episode.Episode) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		seen.Add(e)
		rejected = emit(e)
		return rejected
	})
	rep.Episodes, rep.Decisions = seen.Episodes, seen.Decisions
	if err != nil && rejected == nil && ctx.Err() == nil {
		err = unreadable(f.Path, err)
	}
	return rep, err
}

func pick(sources []Source, tool string, head []byte, path string) Source {
	for _, s := range sources {
		if s.Name() == tool || tool == "" && s.Detect(head, path) {
			return s
		}
	}
	return nil
}

func names(sources []Source) string {
	var n []string
	for _, s := range sources {
		n = append(n, s.Name())
	}
	return strings.Join(n, ", ")
}

func unreadable(path string, err error) error {
	p := &episode.Problem{Code: "capture/unreadable", Message: "cannot read " + path, Err: err,
		Hint: "see that the file or folder exists and that you may read it; the rest was read"}
	if pe, ok := errors.AsType[*os.PathError](err); ok {
		p.Err = pe.Err // the path is in the message already
	}
	return p
}

// Lines calls read for each line of r that is not blank, split at \n only, and counts it in c; read reports whether it
// was what the format says. Of a line longer than longLine, only the two ends of long strings are kept; if it is longer
// than episode.MaxLine even so, it counts as unparsable.
func Lines(ctx context.Context, r io.Reader, c *Counts, read func(line []byte) (ok bool, err error)) error {
	br := bufio.NewReaderSize(r, 64<<10)
	var long []byte // holds a line that does not fit the buffer
	var tooLong bool
	var short shortener
	shortening := false
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		part, err := br.ReadSlice('\n')
		if err != nil && err != bufio.ErrBufferFull && err != io.EOF {
			return err
		}
		if err == bufio.ErrBufferFull || len(long) > 0 {
			switch {
			case tooLong:
			case len(long)+len(part) > longLine && !shortening:
				shortening = true
				long = short.add(nil, long)
				fallthrough
			case shortening:
				long = short.add(long, part)
				tooLong = len(long) > episode.MaxLine
			default:
				long = append(long, part...)
			}
			part = long
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		if line := bytes.TrimSuffix(part, []byte("\n")); tooLong || len(bytes.TrimSpace(line)) > 0 {
			c.Lines++
			ok := false
			if !tooLong {
				var bad error
				if ok, bad = read(line); bad != nil {
					return bad
				}
			}
			if !ok {
				c.Unparsable++
			}
		}
		if err == io.EOF {
			return nil
		}
		if long = long[:0]; cap(long) > 2*longLine {
			long = nil
		}
		tooLong, shortening, short = false, false, shortener{}
	}
}

// Heads returns the top-level names of the JSON objects in the first lines of head, each with its value where that is a
// short string: what sources that read JSON Lines detect by.
func Heads(head []byte) []map[string]string {
	var heads []map[string]string
	for n := 0; len(head) > 0 && n < maxHeadRow; n++ {
		var line []byte
		line, head, _ = bytes.Cut(head, []byte("\n"))
		if keys := lax.Keys(line); keys != nil {
			heads = append(heads, keys)
		}
	}
	return heads
}

// MaxDocument is the largest history that is one JSON document, in bytes: unlike JSON Lines it is read as a whole.
const MaxDocument = 64 << 20

// Document reads r whole where it is one JSON object, and decodes it into v as [lax.Decode] does; it counts as one line.
func Document(r io.Reader, c *Counts, v any) (ok bool, err error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxDocument+1))
	if err != nil {
		return false, err
	}
	if len(b) > MaxDocument {
		return false, fmt.Errorf("it is one JSON document of more than %d MiB", MaxDocument>>20)
	}
	c.Lines++
	if ok = lax.Decode(b, v); !ok {
		c.Unparsable++
	}
	return ok, nil
}

// DocumentList is Document for a list of objects; elements of another type are passed over.
func DocumentList[T any](r io.Reader, c *Counts) (list []T, ok bool, err error) {
	var in struct {
		List lax.List[T]
	}
	ok, err = Document(io.MultiReader(strings.NewReader(`{"List":`), r, strings.NewReader("}")), c, &in)
	return in.List.V, ok, err
}

// Peek returns the first bytes of r and a reader that gives all of it, those bytes included.
func Peek(r io.Reader) (head []byte, all io.Reader, err error) {
	br, ok := r.(*bufio.Reader)
	if !ok || br.Size() < headSize {
		br = bufio.NewReaderSize(r, headSize)
	}
	head, err = br.Peek(headSize)
	if err == io.EOF {
		err = nil
	}
	return head, br, err
}
