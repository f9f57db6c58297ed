// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// visit is called for each text of a value, with the key it stands under, and returns what is to stand there.
type visit func(key, text string) (string, error)

// visitJSON visits every key, string and number of a JSON value, decoded, and returns the value with what visit
// returned; where nothing changed, it is the same bytes. A number that changes becomes a string.
func visitJSON(raw jsontext.Value, key string, v visit) (jsontext.Value, error) {
	dec := jsontext.NewDecoder(bytes.NewReader(raw))
	var out bytes.Buffer
	enc := jsontext.NewEncoder(&out)
	changed := false
	keys := []string{key} // of each open object or array
	for {
		depth := dec.StackDepth()
		kind, n := dec.StackIndex(depth)
		tok, err := dec.ReadToken()
		if err != nil {
			if dec.StackDepth() == 0 && out.Len() > 0 {
				break
			}
			return nil, fmt.Errorf("read JSON: %w", err)
		}
		isKey := kind == '{' && n%2 == 0
		switch k := tok.Kind(); {
		case k == '"' || k == '0':
			text := tok.String()
			under := keys[len(keys)-1]
			if isKey {
				under = ""
			}
			clean, err := v(under, text)
			if err != nil {
				return nil, err
			}
			if isKey {
				keys[len(keys)-1] = text
			}
			if clean != text {
				tok, changed = jsontext.String(clean), true
			}
		case k == '{' || k == '[':
			keys = append(keys, keys[len(keys)-1])
		case k == '}' || k == ']':
			keys = keys[:len(keys)-1]
		}
		if err := enc.WriteToken(tok); err != nil {
			return nil, fmt.Errorf("%w: write JSON: %w", ErrUnsafe, err)
		}
		if dec.StackDepth() == 0 {
			break
		}
	}
	if !changed {
		return raw, nil
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// visitAny does the same for a value decoded into any; numbers and bools stay.
func visitAny(x any, key string, v visit) (any, error) {
	var err error
	switch x := x.(type) {
	case string:
		return v(key, x)
	case []any:
		for i := range x {
			if x[i], err = visitAny(x[i], key, v); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		return visitMap(x, v)
	}
	return x, nil
}

func visitMap(m map[string]any, v visit) (map[string]any, error) {
	keys := slices.AppendSeq(make([]string, 0, len(m)), maps.Keys(m))
	slices.Sort(keys)
	for _, k := range keys {
		clean, err := v("", k)
		if err != nil {
			return nil, err
		}
		x, err := visitAny(m[k], k, v)
		if err != nil {
			return nil, err
		}
		if clean != k {
			delete(m, k)
		}
		m[clean] = x
	}
	return m, nil
}

// wordOf returns what a key says about the values under it; its kind is empty for nothing.
func (w *worker) wordOf(key string) (best word) {
	if len(key) > 4*maxName {
		return word{}
	}
	b := []byte(key)
	w.s.auto.each(&w.places, b, func(r *rule, start, end int) {
		if r.word.kind != "" && (best.kind == "" || r.word.strength > best.strength) &&
			bounded(b, start, end, r.word.whole) && !innocent(b[end:]) && !w.inMark(b, start, len(b)) {
			best = r.word
		}
	})
	return best
}
