// SPDX-License-Identifier: Apache-2.0

package hookprog

import (
	"io"
	"time"
)

// grace is how long we wait for the end of the input once an object is whole: long enough that a tool which writes a
// newline after it does not find us gone, short enough for one that never closes.
const grace = 50 * time.Millisecond

// read reads one event, to the end of the input or of the JSON object that it is. It is not whole where it is larger than
// MaxEvent or does not come within the deadline.
func read(in io.Reader, deadline time.Duration) (event []byte, whole bool) {
	type chunk struct {
		b   []byte
		end bool
	}
	chunks := make(chan chunk)
	go func() { // left behind where the tool never closes: the process ends soon
		for {
			b := make([]byte, 64<<10)
			n, err := in.Read(b)
			chunks <- chunk{b[:n], err != nil}
			if err != nil {
				return
			}
		}
	}()
	timer := time.NewTimer(deadline)
	var o object
	large := false
	for {
		select {
		case c := <-chunks:
			if large = large || len(event)+len(c.b) > MaxEvent; large {
				event = nil // read on, so that the tool is not stuck writing
			} else {
				event = append(event, c.b...)
				if o.add(c.b) {
					timer.Reset(grace)
				}
			}
			if c.end {
				return event, !large
			}
		case <-timer.C:
			return event, !large && o.whole
		}
	}
}

// object follows the braces of a JSON object, to know when it is whole. It checks nothing else.
type object struct {
	depth           int
	started, whole  bool
	text, escape    bool
	somethingBefore bool // it begins with something else: it is whole when the input ends
}

// add takes the next bytes and reports whether they made the object whole.
func (o *object) add(b []byte) (now bool) {
	for _, c := range b {
		switch {
		case o.whole || o.somethingBefore:
			return now
		case o.escape:
			o.escape = false
		case o.text:
			o.escape = c == '\\'
			o.text = c != '"'
		case c == '"' && o.started:
			o.text = true
		case c == '{':
			o.started = true
			o.depth++
		case c == '}' && o.started:
			o.depth--
			o.whole = o.depth == 0
			now = o.whole
		case !o.started && c > ' ' && c != 0xEF && c != 0xBB && c != 0xBF: // a byte order mark may come first
			o.somethingBefore = true
		}
	}
	return now
}
