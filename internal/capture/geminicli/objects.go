// SPDX-License-Identifier: Apache-2.0

package geminicli

import (
	"context"
	"io"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
)

// objects calls read for each JSON object of a stream of them, printed over many lines or over one, and counts it in c as
// a line; read reports whether it was what the format says. An object that was torn, as by a process that was killed, is
// unparsable, and the stream is taken up again at the next line that begins with a brace: within an object printed by the
// tool none does.
func objects(ctx context.Context, r io.Reader, c *capture.Counts, read func(object []byte) (ok bool, err error)) error {
	s := splitter{c: c, read: read, fresh: true}
	chunk := make([]byte, 64<<10)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := r.Read(chunk)
		s.add(chunk[:n])
		if err == io.EOF {
			s.end(false) // what is left open is torn
		}
		if s.err != nil || err == io.EOF {
			return s.err
		}
		if err != nil {
			return err
		}
	}
}

// splitter holds where in an object the stream is.
type splitter struct {
	c    *capture.Counts
	read func([]byte) (bool, error)
	err  error // what read returned; nothing more is read then

	object   []byte
	depth    int
	inString bool
	escaped  bool
	fresh    bool // a line begins here
	lost     bool // since a torn object: only a line that begins with a brace is to be trusted
	tooLong  bool
}

func (s *splitter) add(chunk []byte) {
	from := 0 // of the chunk, what belongs to the object and is not yet in it
	for i, b := range chunk {
		fresh := s.fresh
		s.fresh = b == '\n'
		switch {
		case s.depth > 0 && (s.inString && b == '\n' || !s.inString && fresh && b == '{'): // neither is JSON, as the tool prints it
			s.end(false)
			if s.lost = b == '\n'; !s.lost {
				s.depth, from = 1, i
			}
		case s.inString:
			switch {
			case s.escaped:
				s.escaped = false
			case b == '\\':
				s.escaped = true
			case b == '"':
				s.inString = false
			}
		case s.depth == 0:
			if b == '{' && (fresh || !s.lost) {
				s.depth, s.lost, from = 1, false, i
			}
		case b == '"':
			s.inString = true
		case b == '{' || b == '[':
			s.depth++
		case b == '}' || b == ']':
			if s.depth--; s.depth == 0 {
				s.keep(chunk[from : i+1])
				s.end(true)
			}
		}
	}
	if s.depth > 0 {
		s.keep(chunk[from:])
	}
}

// keep adds to the object, unless it is already larger than any real one.
func (s *splitter) keep(b []byte) {
	if s.tooLong = s.tooLong || len(s.object)+len(b) > episode.MaxLine; s.tooLong {
		s.object = nil
		return
	}
	s.object = append(s.object, b...)
}

// end is the end of an object, if one is open.
func (s *splitter) end(whole bool) {
	if whole || s.depth > 0 {
		s.c.Lines++
		ok := false
		if whole && !s.tooLong && s.err == nil {
			ok, s.err = s.read(s.object)
		}
		if !ok {
			s.c.Unparsable++
		}
	}
	s.object, s.depth, s.inString, s.escaped, s.tooLong = s.object[:0], 0, false, false, false
}
