// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"

	"github.com/headrace/headrace/scrub/internal/score"
)

// Random runs are found without any word beside them: UUIDs, digests, and what is too surprising to be made of words.
const (
	leastRun  = 15     // bytes of a run that is looked at
	noise     = 16     // one bit of surprise, in the units of the table
	uuidLen   = 36     // 8-4-4-4-12
	maxPad    = 2      // "=" at the end of base64
	maxHex64  = 2 + 16 // 0x and a number of 64 bits
	leastPart = 10     // of the longest random-looking part of a run that goes as a whole
)

// opaque records the random-looking runs of letters, digits and the signs of base64 in buf[from:to], where a line begins at from. A run of at least leastRun
// bytes cannot hide between two places leastRun apart, so most bytes are never looked at.
func (w *worker) opaque(buf []byte, from, to int) {
	own := w.own
	for i := max(leastRun-1, from); i < min(len(buf), to+leastRun); {
		if class[buf[i]]&isRun == 0 || half(buf[i-leastRun/2:i])&isCoded == 0 && half(buf[min(i+1, len(buf)):])&isCoded == 0 {
			i += leastRun // nothing so long lies around i
			continue
		}
		start := i
		for start > 0 && class[buf[start-1]]&isRun != 0 {
			start--
		}
		end := runEnd(buf, i)
		i = end + leastRun
		for len(own) > 0 && own[0].end <= start {
			own = own[1:]
		}
		if end-start < leastRun {
			continue
		}
		for _, o := range own { // marks of ours are no part of it
			if o.start >= end {
				break
			}
			w.piece(start, o.start)
			start = o.end
		}
		w.piece(start, end)
	}
}

// half returns the classes that all of the first bytes of b have, as many as are in the smaller half of a run of
// leastRun bytes; it looks at some of them.
func half(b []byte) uint16 {
	if len(b) < leastRun/2 {
		return 0
	}
	return class[b[0]] & class[b[2]] & class[b[4]] & class[b[leastRun/2-1]]
}

// runEnd returns the end of the run that goes on at i: over the signs of base64 as URLs and JSON escape them, too.
func runEnd(b []byte, i int) int {
	for {
		for i < len(b) && class[b[i]]&isRun != 0 {
			i++
		}
		switch {
		case i >= len(b) || b[i] != '\\' && b[i] != '%':
			return i
		case b[i] == '\\' && ch(b, i+1) == '/' && at(b, i+2)&isRun != 0:
			i += 2
		case b[i] == '%' && escapesBase64(b[i:]) && at(b, i+3)&isRun != 0:
			i += 3
		default:
			return i
		}
	}
}

// escapesBase64 reports whether b begins with %2F, %2B or %3D: a slash, a plus or an equals sign in a URL.
func escapesBase64(b []byte) bool {
	if len(b) < 3 {
		return false
	}
	switch c := b[2] | 0x20; b[1] {
	case '2':
		return c == 'f' || c == 'b'
	case '3':
		return c == 'd'
	}
	return false
}

// piece judges one run: the UUIDs in it, and what is before, between and after them.
func (w *worker) piece(start, end int) {
	b := w.buf
	if ch(b, start-1) == '\\' && start > 0 && at(b, start)&isLower != 0 {
		start++ // the letter of \n and its like
	}
	for {
		i, kind := uuidIn(b, start, end)
		if i < 0 {
			break
		}
		w.parts(start, i)
		w.add(i, i+uuidLen, kind)
		start = i + uuidLen
	}
	w.parts(start, end)
}

// parts judges what stands between signs: a run in which most looks random goes as a whole, else each long part by
// itself.
func (w *worker) parts(start, end int) {
	b := w.buf
	if end-start < leastRun || !longRandom(b, start, end) || integrity(b, start, end) || archived(b, start, end) {
		return
	}
	var r noisyRun
	hits := len(w.hits)
	for from := start; from < end; {
		to := run(b, from, end, isAlnum)
		kind := random(b[from:to])
		if to > from {
			r.part(b, from, to, kind)
		} else if c := b[from]; from == start && (c == '+' || c == '_') {
			r.short, r.lead = true, from // of base64, and of no path
		}
		if kind != "" && to-from >= leastRun {
			w.add(from, to, kind)
		}
		from = to + 1
	}
	if r.noisy < r.total*2/3 || r.digest > 0 && r.others == 0 { // owner/project/commits/…: the digest by itself
		return
	}
	w.hits = w.hits[:hits]
	if r.hashed == r.total {
		w.add(r.start, r.end, "hash")
		return
	}
	tail := r.end // signs of base64 may end it
	for tail < end && class[b[tail]]&isAlnum == 0 {
		tail++
	}
	if tail == end && tail-r.end <= maxPad {
		r.end = padded(b, end)
	}
	w.add(r.start, r.end, "opaque")
}

// longRandom reports whether a long part of b[start:end] looks random. Most runs are paths and names without one.
func longRandom(b []byte, start, end int) bool {
	for from := start; from < end; {
		to := run(b, from, end, isAlnum)
		if to-from >= leastPart && random(b[from:to]) != "" {
			return true
		}
		from = to + 1
	}
	return false
}

// integrity reports whether b[start:end] is the digest of a package as lock files give it: sha512-…==, of exactly its
// length.
func integrity(b []byte, start, end int) bool {
	if !hasAny(b[start:], "sha1-", "sha256-", "sha384-", "sha512-") {
		return false
	}
	start += bytes.IndexByte(b[start:end], '-') + 1
	switch n := padded(b, end) - start; b[start-2] {
	case '1':
		return n == 28
	case '6':
		return n == 44
	case '4':
		return n == 64
	default:
		return n == 88
	}
}

// archived reports whether b[start:end] is the digest of an archive as lock files give it, behind its address:
// https://…/name-1.2.3.tgz#, and 40 digits.
func archived(b []byte, start, end int) bool {
	if end-start != 40 || ch(b, start-1) != '#' || run(b, start, end, isHexa) != end {
		return false
	}
	before := b[max(0, start-8) : start-1]
	return bytes.HasSuffix(before, []byte(".tgz")) || bytes.HasSuffix(before, []byte(".tar.gz"))
}

// noisyRun sums up the parts of a run, and where they begin and end without the words around them: a path to a digest.
type noisyRun struct {
	noisy, hashed, total int
	start, end           int // of what goes where the run goes
	digest, others       int // of the noisy ones, in digests that are a whole part of a path, and in the rest
	lead                 int // where short parts begin that may belong to a random part after them
	short                bool
}

// part adds a part of this kind, empty where it does not look random.
func (r *noisyRun) part(b []byte, from, to int, kind string) {
	n := to - from
	word := n >= 3 && kind == "" && (n >= 6 || run(b, from, to, isLower) == to)
	switch {
	case word:
		r.short = false
		r.total += n
	case kind == "":
		if !r.short {
			r.short, r.lead = true, from
		}
		if r.end > 0 && r.end == from-1 {
			r.end = to
		}
	default:
		if r.noisy == 0 {
			r.start = from
			if r.short {
				r.start = r.lead
			}
		}
		r.end = to
		r.total, r.noisy = r.total+n, r.noisy+n
		if kind == "hash" && (n == 32 || n == 40 || n == 64) && ch(b, from-1) == '/' && (ch(b, to) == '/' || at(b, to)&isRun == 0) {
			r.digest += n
		} else if n >= leastPart {
			r.others += n
		}
		if kind == "hash" {
			r.hashed += n
		}
	}
}

// padded returns the end of the padding after a run of base64.
func padded(b []byte, end int) int {
	e := end
	for ch(b, e) == '=' && e < end+maxPad {
		e++
	}
	if at(b, e)&isIdent != 0 || ch(b, e) == '=' {
		return end // name=value
	}
	return e
}

// uuidIn returns where the first UUID in b[start:end] begins, -1 for none, and its kind: a UUID with other letters than
// those of hex is opaque.
func uuidIn(b []byte, start, end int) (int, string) {
	for i := start + 8; i+uuidLen-8 <= end; i++ {
		d := bytes.IndexByte(b[i:end-uuidLen+9], '-')
		if d < 0 {
			break
		}
		i += d
		if kind := uuidKind(b[i-8 : i+uuidLen-8]); kind != "" {
			return i - 8, kind
		}
	}
	return -1, ""
}

// uuidKind returns the kind of 36 bytes that have the form of a UUID, with at least one digit; else nothing.
func uuidKind(v []byte) string {
	digits, hex := 0, 0
	for i, c := range v {
		switch {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return ""
			}
		case class[c]&isDigit != 0:
			digits++
			hex++
		case class[c]&isAlpha == 0:
			return ""
		case c|0x20 <= 'f':
			hex++
		}
	}
	switch {
	case digits == 0 || digits < 4 && hex < uuidLen-4:
		return ""
	case hex == uuidLen-4:
		return "uuid"
	}
	return "opaque"
}

// random returns the kind of a part that looks random, empty for one that does not.
func random(v []byte) string {
	n := len(v)
	if n < 6 {
		return ""
	}
	var sum, lowers, uppers, digits, hex, swaps int
	digit, last := score.Symbol[v[0]] == score.Symbols-1, uint8(0)
	for _, c := range v {
		s := score.Symbol[c]
		sum += int(score.Bigrams[int(last)*score.Symbols+int(s)])
		last = s
		if (s == score.Symbols-1) != digit {
			digit = !digit
			swaps++
		}
		switch {
		case s == score.Symbols-1:
			digits++
			hex++
		case s > 26:
			uppers++
			if s <= 32 {
				hex++
			}
		default:
			lowers++
			if s <= 6 {
				hex++
			}
		}
	}
	// What of random parts stays below the limit is one in two hundred or fewer; what of names is above it, as few.
	limit := 0
	switch {
	case lowers+uppers == 0:
		return ""
	case hex == n && digits >= 2 && (lowers == 0 || uppers == 0):
		return "hash"
	case n <= maxHex64 && v[0] == '0' && v[1]|0x20 == 'x' && hex == n-1:
		return "" // a number
	case n >= leastRun && digits*2 >= n && swaps >= 4 && lowers+uppers >= 4:
		return "opaque"
	case lowers > 0 && uppers > 0 && digits > 0:
		limit = 5*noise + 8
	case digits > 0:
		limit = 4*noise + 10
	case lowers > 0 && uppers > 0:
		limit = 5*noise + 14
	default:
		limit = 5*noise + 5
	}
	if sum < limit*n {
		return ""
	}
	return "opaque"
}
