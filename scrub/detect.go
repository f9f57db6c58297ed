// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"encoding/base64"
)

// jwt looks at "eyJ", which is how {" begins in base64: a JSON web token with its parts, or a blob of JSON.
func (w *worker) jwt(_ *rule, start, end int) {
	b := w.buf
	if string(b[start:end]) != "eyJ" || at(b, start-1)&isAlnum != 0 || end <= w.valueEnd {
		return
	}
	e, dots := run(b, end, len(b), isBase64), 0
	first := e - start
	for dots < 4 && ch(b, e) == '.' && (at(b, e+1)&isBase64 != 0 || ch(b, e+1) == '.') {
		e, dots = run(b, e+1, len(b), isBase64), dots+1
	}
	switch {
	case dots >= 1 && first >= 12 && e-start >= 20:
		w.add(start, e, "jwt")
	case dots == 0 && first >= 24:
		w.add(start, e, "token")
	default:
		return
	}
	w.valueEnd = max(w.valueEnd, e)
}

// bearer looks at the credentials after "Bearer ".
func (w *worker) bearer(_ *rule, start, end int) {
	if at(w.buf, start-1)&isAlnum != 0 || end <= w.valueEnd {
		return
	}
	b := w.buf
	e := run(b, end, len(b), isBase64)
	for ch(b, e) == '.' && at(b, e+1)&isBase64 != 0 {
		e = run(b, e+1, len(b), isBase64)
	}
	v := b[end:e]
	if f := shapeOf(v); len(v) >= 6 && f.digits > 0 && f.lower+f.upper > 0 || len(v) >= 20 && !f.words() {
		w.add(end, e, "token")
		w.valueEnd = max(w.valueEnd, e)
	}
}

// basic looks at the credentials after "Basic ": base64 of name:password.
func (w *worker) basic(_ *rule, start, end int) {
	if at(w.buf, start-1)&isAlnum != 0 || end <= w.valueEnd {
		return
	}
	e := run(w.buf, end, end+4096, isBase64)
	v := bytes.TrimRight(w.buf[end:e], "=")
	f := shapeOf(v) // what is no word is one by its shape alone
	text, err := base64.RawStdEncoding.AppendDecode(nil, v)
	if (e-end)%4 == 0 && len(v) >= 8 && (f.digits > 0 || f.swap > 2) || err == nil && len(v) >= 6 && bytes.IndexByte(text, ':') >= 0 {
		w.add(end, e, "basic_auth")
		w.valueEnd = max(w.valueEnd, e)
	}
}

// pem looks at a PEM block: private keys and their like go, header to footer; certificates and public keys stay. A
// block that was cut off goes as far as its body.
func (w *worker) pem(_ *rule, start, end int) {
	b := w.buf
	if string(b[start:end]) != "-----BEGIN" || end <= w.valueEnd {
		return
	}
	head := b[end:min(len(b), end+64)]
	i := bytes.Index(head, []byte("----"))
	if i < 0 || !bytes.Contains(head[:i], []byte("PRIVATE")) && !bytes.Contains(head[:i], []byte("SECRET")) &&
		!bytes.Contains(head[:i], []byte("SEED")) {
		return
	}
	body := runOf(b, end+i, '-')
	e := body
	if next := bytes.Index(b[body:], []byte("----")); next >= 0 && bytes.HasPrefix(bytes.TrimLeft(b[body+next:], "-"), []byte("END")) {
		e = body + next
		e = runOf(b, e, '-')
		if tail := bytes.Index(b[e:min(len(b), e+64)], []byte("-----")); tail >= 0 {
			e = runOf(b, e+tail, '-')
		}
	} else {
		for e < len(b) && (class[b[e]]&isBase64 != 0 && b[e] != '-' || bytes.IndexByte([]byte(" \t\r\n\\\"',:+.;#*|>"), b[e]) >= 0) {
			e++
		}
		for e > body && class[b[e-1]]&isBase64 == 0 {
			e--
		}
	}
	w.add(start, e, "private_key")
	w.valueEnd = max(w.valueEnd, e)
}

func runOf(b []byte, i int, c byte) int {
	for i < len(b) && b[i] == c {
		i++
	}
	return i
}

// isCard reports a number of a card network, with a right check digit.
func isCard(d []byte) bool {
	if len(d) < 13 || len(d) > 19 {
		return false
	}
	p := int(d[0])*1000 + int(d[1])*100 + int(d[2])*10 + int(d[3])
	n := len(d)
	switch {
	case d[0] == 4 && (n == 13 || n == 16 || n == 19):
	case (p >= 5100 && p <= 5599 || p >= 2221 && p <= 2720) && n == 16:
	case (p/100 == 34 || p/100 == 37) && n == 15:
	case (p == 6011 || p/100 == 65 || p >= 6440 && p <= 6499 || p/100 == 62 || p >= 3528 && p <= 3589) && n >= 16:
	case (p/100 == 36 || p/100 == 38 || p/100 == 39 || p >= 3000 && p <= 3059) && n >= 14:
	case (p/100 == 50 || p/100 >= 56 && p/100 <= 58 || p/100 == 63 || p/100 == 67) && n >= 16:
	default:
		return false
	}
	return luhn(d)
}

// luhn reports whether the last digit is the check of the others.
func luhn(d []byte) bool {
	sum := 0
	for i := range d {
		v := int(d[len(d)-1-i])
		if i%2 == 1 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	return sum%10 == 0
}
