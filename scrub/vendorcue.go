// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	_ "embed"
	"strings"
)

// vendorNames are names of services whose credentials are nothing but letters and digits: the name beside them is all
// that tells.
//
//go:embed vendornames.txt
var vendorNames string

const (
	cueReach = 64 // bytes between a cue and the credential that it announces
	cueSteps = 5  // words between them
)

// cues are the rules for words that announce a credential without a sign between: "datadog 0123…", "X-KEY-0123…",
// "private key\n0123…". Where a sign is, assigned has looked before.
func cues() []rule {
	var rs []rule
	for _, k := range []string{"token", "secret", "key", "access", "private", "password", "passwd", "passcode", "credential",
		"pwd", "_pat", "-pat", " pat", "login", "oauth", "licence", "license", "sid", "auth"} {
		rs = append(rs, rule{keyword: k, detect: (*worker).cue})
	}
	rs = append(rs, rule{keyword: "contribsys__com", detect: (*worker).assigned, word: word{kind: "credential", strength: strong}})
	for _, line := range strings.Split(vendorNames, "\n") {
		if !strings.HasPrefix(line, "#") {
			for _, k := range strings.Fields(line) {
				rs = append(rs, rule{keyword: k, detect: (*worker).name})
			}
		}
	}
	return rs
}

// cue looks for a credential after a sensitive word.
func (w *worker) cue(_ *rule, _, end int) {
	if end > w.valueEnd {
		w.near(end, false)
	}
}

// name looks for a credential after the name of a service.
func (w *worker) name(_ *rule, start, end int) {
	if end > w.valueEnd && at(w.buf, start-1)&isAlnum == 0 {
		w.near(end, true)
	}
}

// near looks after a cue, over a few words and signs, for a run that looks like a credential. Only words without digits
// are passed over, and one line end.
func (w *worker) near(i int, named bool) {
	b := w.buf
	if i = run(b, i, i+20, isLower); at(b, i)&isAlnum != 0 && !(at(b, i)&isUpper != 0 && at(b, i+1)&isLower != 0) {
		return // in the middle of something else
	}
	lines, limit := 0, min(len(b), i+cueReach)
	for range cueSteps {
		sep := i
		for ; i < limit && class[b[i]]&isAlnum == 0 && b[i] < 0x80; i++ {
			switch b[i] {
			case '\n':
				if lines++; lines > 1 {
					return
				}
			case ';', '{', '}', '<', '#', '$', '@':
				if b[i] != '<' || ch(b, i+1) != '/' {
					return
				}
			}
		}
		if i >= limit {
			return
		}
		e := run(b, i, i+256, isDotted)
		for e < i+256 && (ch(b, e) == ':' && at(b, e+1)&isAlnum != 0 || at(b, e)&isBase64 != 0) && (b[e] != '/' || credible(b[i:e], named)) {
			e = run(b, e+1, i+256, isDotted)
		}
		first := i
		for first < e && class[b[first]]&isAlpha != 0 {
			first++
		}
		if first < e && !bytes.ContainsAny(b[first:e], "0123456789") { // words, joined
			i = e
			continue
		}
		if first == e || first-i <= 20 && class[b[first]]&isDigit == 0 && !credible(b[i:e], false) { // a word
			if f := shapeOf(b[i:first]); w.strict && f.n >= 20 && (f.lower == 0 || f.upper == 0) && !f.same && !w.inMark(b, i, e) {
				w.addNear(sep, i, e)
				return
			}
			i = first
			continue
		}
		if w.inMark(b, i, e) {
			return
		}
		if v := b[i:e]; credible(v, named) && (w.strict || len(v) >= 16 && shapeOf(v).opaque(16)) {
			w.addNear(sep, i, e)
		}
		return
	}
}

// addNear records a credential, and a dash that joins it to the words before: it may be part of it.
func (w *worker) addNear(sep, start, end int) {
	b := w.buf
	for end > start && at(b, end-1)&isAlnum == 0 && b[end-1] != '=' {
		end--
	}
	if start-sep == 1 && b[sep] == '-' {
		start--
	}
	w.add(start, end, "key")
}

// credible reports whether a run of letters, digits and a few signs looks drawn by chance: digits and letters in turns,
// in a part of at least eight without a sign. Beside the name of a service less is enough.
func credible(v []byte, named bool) bool {
	longest, part := 0, 0
	var digits, letters, groups, hex, n int
	for i, c := range v {
		k := class[c]
		if k&isAlnum == 0 {
			part = 0
			continue
		}
		n++
		part++
		longest = max(longest, part)
		if k&isHexa != 0 {
			hex++
		}
		if k&isDigit == 0 {
			letters++
			continue
		}
		digits++
		if i == 0 || class[v[i-1]]&isDigit == 0 {
			groups++
		}
	}
	switch {
	case longest < 8 && (longest < 5 || n < 16 || groups < 3 || letters < 6) || n < 10 || n < len(v)*3/4:
		return false
	case hex == n && n >= 16 && letters > 0 && digits > 0:
		return true
	case letters == 0:
		return n >= 20 || named && n >= 15
	case named:
		return digits >= 2 && letters >= 2 || n >= 12 && digits >= 1 && letters >= 4 && shapeOf(v).swap >= 3
	}
	return n >= 12 && letters >= 2 && digits >= 2 && (groups >= 2 && (n >= 14 || digits >= 4) || n >= 14 && digits >= 4)
}
