// SPDX-License-Identifier: Apache-2.0

package episode

import (
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// appendPlain appends e where a plan can write it.
func appendPlain(dst []byte, e *Episode, canonical bool) (out []byte, ok bool) {
	if e == nil {
		return dst, false
	}
	if dst == nil {
		const usual = 1 << 10 // bytes; else it would grow to that in many steps
		dst = make([]byte, 0, usual)
	}
	return episodePlan.write(dst, reflect.ValueOf(e).Elem(), canonical)
}

// asItIs says which bytes stand in a JSON string as they are: those of ASCII but for control characters, quotes and
// backslashes.
var asItIs = func() (t [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

func appendString(dst []byte, s string) ([]byte, bool) {
	dst = append(dst, '"')
	from, ascii := 0, true
	for i := range len(s) {
		c := s[i]
		if asItIs[c] {
			continue
		}
		if c >= utf8.RuneSelf {
			ascii = false
			continue
		}
		dst = append(append(dst, s[from:i]...), '\\')
		from = i + 1
		switch c {
		case '\n':
			dst = append(dst, 'n')
		case '\t':
			dst = append(dst, 't')
		case '\r':
			dst = append(dst, 'r')
		case '\b':
			dst = append(dst, 'b')
		case '\f':
			dst = append(dst, 'f')
		case '"', '\\':
			dst = append(dst, c)
		default:
			const hex = "0123456789abcdef"
			dst = append(dst, 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(append(dst, s[from:]...), '"'), ascii || utf8.ValidString(s)
}

// appendInt gives up on a canonical number that a double may not hold.
func appendInt(dst []byte, n int64, canonical bool) ([]byte, bool) {
	const exact = 1e15
	return strconv.AppendInt(dst, n, 10), !canonical || -exact < n && n < exact
}

// appendFloat writes a number as ECMAScript does.
func appendFloat(dst []byte, v float64, canonical bool) ([]byte, bool) {
	const exact = 1e15
	abs := math.Abs(v)
	switch {
	case v == 0 && canonical:
		return append(dst, '0'), true // also for -0
	case v != 0 && abs < exact && v == math.Trunc(v):
		return strconv.AppendInt(dst, int64(v), 10), true
	case abs == 0 || abs >= 1e-6 && abs < 1e21:
		return strconv.AppendFloat(dst, v, 'f', -1, 64), true
	}
	return dst, false
}

func appendBool(dst []byte, b bool) []byte { return strconv.AppendBool(dst, b) }

// writeTime gives up on other zones than UTC.
func writeTime(dst []byte, v reflect.Value, _ bool) ([]byte, bool) {
	at := v.Addr().Interface().(*time.Time)
	if y := at.Year(); at.Location() != time.UTC || y < 0 || y > 9999 {
		return dst, false
	}
	return append(at.AppendFormat(append(dst, '"'), time.RFC3339Nano), '"'), true
}

func writeFeatures(dst []byte, v reflect.Value, canonical bool) ([]byte, bool) {
	return writeMap(dst, v.Interface().(map[string]any), canonical, func(dst []byte, v any) ([]byte, bool) {
		switch v := v.(type) {
		case float64:
			return appendFloat(dst, v, canonical)
		case string:
			return appendString(dst, v)
		case bool:
			return appendBool(dst, v), true
		case int:
			return appendInt(dst, int64(v), canonical)
		}
		return dst, false
	})
}

func writeCounts(dst []byte, v reflect.Value, canonical bool) ([]byte, bool) {
	return writeMap(dst, v.Interface().(map[string]int), canonical, func(dst []byte, n int) ([]byte, bool) {
		return appendInt(dst, int64(n), canonical)
	})
}

// writeMap gives up on canonical keys beyond ASCII, which sort by UTF-16.
func writeMap[V any](dst []byte, m map[string]V, canonical bool, value func([]byte, V) ([]byte, bool)) ([]byte, bool) {
	type entry struct {
		key   string
		value V
	}
	var few [16]entry
	entries := few[:0]
	for k, v := range m {
		entries = append(entries, entry{k, v})
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	dst = append(dst, '{')
	ok := true
	for i, e := range entries {
		if canonical && !isASCII(e.key) {
			return dst, false
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, ok = appendString(dst, e.key); !ok {
			return dst, false
		}
		if dst, ok = value(append(dst, ':'), e.value); !ok {
			return dst, false
		}
	}
	return append(dst, '}'), true
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
