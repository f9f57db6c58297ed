// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/hex"
	"io"
)

// leastPacked is how many letters compressed text has at least.
const leastPacked = 24

// packings are how gzip and zlib begin, in base64 and in hex.
func packings() []rule {
	var rs []rule
	for _, k := range []string{"H4sI", "eJw", "eJx", "eJy", "eJz", "eNo", "eNp", "eNq", "eNr", "eAE", "eAF", "eAG", "eAH", "eF4", "eF5",
		"eF6", "eF7", "1f8b08", "789c", "78da", "785e"} {
		rs = append(rs, rule{keyword: k, detect: (*worker).packed})
	}
	return rs
}

// packed notes what may be compressed text.
func (w *worker) packed(r *rule, start, end int) {
	b := w.buf
	exact := string(b[start:end]) == r.keyword || r.keyword[0] < 'A' && bytes.EqualFold(b[start:end], []byte(r.keyword))
	if p := ch(b, start-1); !exact || start < w.packedEnd || class[p]&isAlnum != 0 && !(p == 'n' && ch(b, start-2) == '\\') {
		return
	}
	e := run(b, end, len(b), isBase64)
	if w.packedEnd = e; e-start >= leastPacked {
		w.packs = append(w.packs, span{start: start, end: e})
	}
}

// unpack looks at what may be compressed text, and records all of it, line by line, where anything is found in it.
func (w *worker) unpack() {
	end := 0
	for _, p := range w.packs {
		if p.start < end {
			continue
		}
		var letters []byte
		letters, end = w.gather(p.start, p.end)
		text, more, ok := w.inflate(letters)
		if !ok {
			continue
		}
		found := more || !w.affords(len(text))
		if !found {
			w.inside(text, false, func(span) { found = true })
		}
		if found {
			for _, l := range w.lines {
				w.add(l.start, l.end, "opaque")
			}
		}
	}
}

// inflate decodes and decompresses as far as the bounds allow; more says that there is more. What breaks off is looked
// at as far as it goes.
func (w *worker) inflate(letters []byte) (text []byte, more, ok bool) {
	var packed io.Reader = bytes.NewReader(letters)
	switch {
	case letters[0] < 'A':
		packed = hex.NewDecoder(packed)
	case bytes.ContainsAny(letters, "-_"):
		packed = base64.NewDecoder(base64.RawURLEncoding, bytes.NewReader(bytes.TrimRight(letters, "=")))
	default:
		packed = base64.NewDecoder(base64.RawStdEncoding, bytes.NewReader(bytes.TrimRight(letters, "=")))
	}
	var plain io.Reader
	var err error
	if letters[0] == 'H' || letters[0] == '1' {
		plain, err = gzip.NewReader(packed)
	} else {
		plain, err = zlib.NewReader(packed)
	}
	if err != nil {
		return nil, false, false
	}
	limit := max(0, min(window, maxDecoded-*w.decoded))
	text, err = io.ReadAll(io.LimitReader(plain, int64(limit)+1))
	return text, len(text) > limit, len(text) > 0 || err == nil
}
