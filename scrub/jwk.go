// SPDX-License-Identifier: Apache-2.0

package scrub

import "slices"

const (
	leastNumber = 20   // letters of a private number of a JSON web key
	maxNumber   = 4096 // and most of them
	maxNumbers  = 7    // of one key
)

// privateNumbers are the names of the private members of a JSON web key (RFC 7518, section 6).
func privateNumbers() [maxNumbers]string {
	return [...]string{"d", "p", "q", "dp", "dq", "qi", "k"}
}

// jwkRules are the ways that a name of a private number is written, with the sign after it.
func jwkRules() (rs []rule) {
	for _, k := range privateNumbers() {
		for _, keyword := range []string{`"` + k + `"`, `"` + k + `\"`, k + `: "`, k + `: '`, k + `:"`, k + `:'`} {
			rs = append(rs, rule{keyword: keyword, detect: (*worker).jwk})
		}
	}
	return rs
}

// jwk looks at a private number of a JSON web key, and at those that follow it: side by side they are one secret.
func (w *worker) jwk(_ *rule, start, _ int) {
	b := w.buf
	if start < w.valueEnd || b[start] != '"' && at(b, start-1)&isIdent != 0 {
		return
	}
	from, end := privateNumber(b, start)
	if end == 0 {
		return
	}
	for range maxNumbers - 1 {
		next := end
		for ch(b, next) == '\\' {
			next++
		}
		if next++; ch(b, blanks(b, next)) != ',' {
			break
		}
		next = blanks(b, blanks(b, next)+1)
		if ch(b, next) == '\\' && newline(b, next+1) == 0 {
			next++
		}
		_, e := privateNumber(b, next)
		if e == 0 {
			break
		}
		end = e
	}
	w.add(from, end, "private_key")
	w.valueEnd = max(w.valueEnd, end)
}

// privateNumber reads the name of a private number at i and its value, and returns where the value stands; end is 0
// where there is none.
func privateNumber(b []byte, i int) (start, end int) {
	bare := ch(b, i) != '"'
	if !bare {
		i++
	}
	e := run(b, i, i+3, isLower)
	if names := privateNumbers(); !slices.Contains(names[:], string(b[i:e])) {
		return 0, 0
	}
	if q, after := quoteAt(b, e); q != 0 && !bare {
		e = after
	}
	if e = blanks(b, e); ch(b, e) != ':' {
		return 0, 0
	}
	q, start := quoteAt(b, blanks(b, e+1))
	if q == 0 {
		return 0, 0
	}
	end = run(b, start, start+maxNumber, isBase64)
	f := shapeOf(b[start:min(end, start+64)])
	if end-start < leastNumber || f.digits == 0 || f.lower+f.upper == 0 || bare && (f.lower == 0 || f.upper == 0 || ch(b, end) != q) {
		return 0, 0
	}
	return start, end
}
