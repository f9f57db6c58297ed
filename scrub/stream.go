// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"errors"
	"fmt"
	"io"
)

// Stream copies text of any length from src to dst with every finding replaced, in memory that does not grow; found
// (which may be nil) is told each. How src cuts the text into reads makes no difference. A window that cannot be
// proven clean is replaced as a whole, by a mark of kind "unsafe", and counted.
func (s *Scrubber) Stream(dst io.Writer, src io.Reader, found func(Finding)) (unsafe int, err error) {
	if found == nil {
		found = func(Finding) {}
	}
	buf := make([]byte, 0, margin+window)
	var out []byte
	var list []Finding
	var at int64 // of buf[0] in the text
	context, open := 0, carried{}
	for {
		n, err := io.ReadFull(src, buf[len(buf):context+window])
		buf = buf[:len(buf)+n]
		eof := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !eof {
			return unsafe, fmt.Errorf("read text: %w", err)
		}
		if len(buf) == context {
			return unsafe, nil
		}
		var cut int
		out, cut, err = s.one(out[:0], buf, context, eof, &open, &list)
		if err != nil {
			unsafe++
			out, cut = s.blot(out[:0], buf[context:]), len(buf)
			list = append(list[:0], Finding{Start: context, End: len(buf), Kind: "unsafe"})
		}
		for _, f := range list {
			f.Start, f.End = f.Start+int(at), f.End+int(at)
			found(f)
		}
		list = list[:0]
		if _, err := dst.Write(out); err != nil {
			return unsafe, fmt.Errorf("write text: %w", err)
		}
		if eof && cut == len(buf) {
			return unsafe, nil
		}
		keep := min(cut, margin)
		at += int64(cut - keep)
		buf = buf[:copy(buf, buf[cut-keep:])]
		context = keep
	}
}

// one scrubs one window, and appends what it replaced to found.
func (s *Scrubber) one(dst, buf []byte, context int, eof bool, open *carried, found *[]Finding) (out []byte, cut int, err error) {
	defer closed(&err)
	w := s.worker()
	defer s.done(w)
	out, cut, err = w.window(dst, buf, context, eof, open)
	if err == nil {
		*found = w.tell(*found, "", buf, out[len(dst):])
	}
	if err == nil && w.mask {
		out, *found, err = w.masked(out, len(dst), context, *found, "")
	}
	return out, cut, err
}

// blot appends the mark of a text that nothing of may leave.
func (s *Scrubber) blot(dst, text []byte) []byte {
	w := s.worker()
	defer s.done(w)
	return append(w.appendMark(dst, secret+"unsafe_", "secret", text), '\n')
}
