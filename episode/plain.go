// SPDX-License-Identifier: Apache-2.0

package episode

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Most records are plain: they hold no field that this version does not know and no tool's own JSON. Those are written
// and read here, several times faster than package json does it, by plans made once from the record's types. A plan
// gives up on whatever else it meets, and package json, which says what is right, takes the whole record: a plan never
// gives other bytes or another episode than it, and never an error.

// codec is how values of one type are written and read; false means that the plan gives up.
type codec struct {
	// write appends v; canonical means as RFC 8785 has it.
	write func(dst []byte, v reflect.Value, canonical bool) ([]byte, bool)
	// read sets v, which is zero.
	read func(r *plainReader, v reflect.Value) bool
}

// plan is the codec of a struct.
type plan struct {
	fields  []planField
	ordered []planField // the same, by name
	sorted  []int       // indices of fields, by name
	byName  map[string]int
	unknown int // index of the Go field that keeps what is not known
}

type planField struct {
	codec
	name  string
	place int                      // in sorted
	index int                      // of the Go field
	key   string                   // quoted, with its colon
	omit  func(reflect.Value) bool // nil where it is always written
	text  bool                     // a string that is left out where it is empty: most fields are
}

// episodePlan is made once and never changed.
var episodePlan = newPlan(reflect.TypeFor[Episode]())

func newPlan(t reflect.Type) *plan {
	p := &plan{byName: map[string]int{}, unknown: -1}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			p.unknown = i
			continue
		}
		p.byName[name] = len(p.fields)
		p.sorted = append(p.sorted, len(p.fields))
		p.fields = append(p.fields, planField{codec: newCodec(f.Type), name: name, index: i, key: fmt.Sprintf("%q:", name), omit: omission(options, f.Type),
			text: options == "omitzero" && f.Type.Kind() == reflect.String})
	}
	slices.SortFunc(p.sorted, func(a, b int) int { return cmp.Compare(p.fields[a].name, p.fields[b].name) })
	for place, i := range p.sorted {
		p.fields[i].place = place
		p.ordered = append(p.ordered, p.fields[i])
	}
	return p
}

// omission reports when a field with these options is left out.
func omission(options string, t reflect.Type) func(reflect.Value) bool {
	switch {
	case options == "omitempty":
		return func(v reflect.Value) bool { return v.Len() == 0 }
	case options == "omitzero" && t == reflect.TypeFor[time.Time]():
		return func(v reflect.Value) bool { return v.Addr().Interface().(*time.Time).IsZero() }
	case options == "omitzero" && t.Kind() == reflect.String:
		return func(v reflect.Value) bool { return v.Len() == 0 }
	case options == "omitzero":
		return reflect.Value.IsZero
	}
	return nil
}

func newCodec(t reflect.Type) codec {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return codec{writeTime, readTime}
	case t == reflect.TypeFor[map[string]any]():
		return codec{writeFeatures, readFeatures}
	case t == reflect.TypeFor[map[string]int]():
		return codec{writeCounts, readCounts}
	}
	switch t.Kind() {
	case reflect.String:
		return codec{
			func(dst []byte, v reflect.Value, _ bool) ([]byte, bool) { return appendString(dst, v.String()) },
			func(r *plainReader, v reflect.Value) bool { s, ok := r.string(); v.SetString(s); return ok },
		}
	case reflect.Int, reflect.Int32, reflect.Int64:
		return codec{
			func(dst []byte, v reflect.Value, canonical bool) ([]byte, bool) {
				return appendInt(dst, v.Int(), canonical)
			},
			func(r *plainReader, v reflect.Value) bool {
				n, ok := r.int()
				if !ok || v.OverflowInt(n) {
					return false
				}
				v.SetInt(n)
				return true
			},
		}
	case reflect.Float64:
		return codec{
			func(dst []byte, v reflect.Value, canonical bool) ([]byte, bool) {
				return appendFloat(dst, v.Float(), canonical)
			},
			func(r *plainReader, v reflect.Value) bool { f, ok := r.float(); v.SetFloat(f); return ok },
		}
	case reflect.Bool:
		return codec{
			func(dst []byte, v reflect.Value, _ bool) ([]byte, bool) { return appendBool(dst, v.Bool()), true },
			func(r *plainReader, v reflect.Value) bool { b, ok := r.bool(); v.SetBool(b); return ok },
		}
	case reflect.Struct:
		p := newPlan(t)
		return codec{p.write, p.read}
	case reflect.Pointer:
		return pointerCodec(t)
	case reflect.Slice:
		if t.Elem().Kind() != reflect.Uint8 {
			return sliceCodec(t)
		}
	}
	return codec{
		func(dst []byte, _ reflect.Value, _ bool) ([]byte, bool) { return dst, false },
		func(*plainReader, reflect.Value) bool { return false },
	}
}

func pointerCodec(t reflect.Type) codec {
	elem := newCodec(t.Elem())
	return codec{
		func(dst []byte, v reflect.Value, canonical bool) ([]byte, bool) {
			if v.IsNil() {
				return dst, false
			}
			return elem.write(dst, v.Elem(), canonical)
		},
		func(r *plainReader, v reflect.Value) bool {
			p := reflect.New(t.Elem())
			v.Set(p)
			return elem.read(r, p.Elem())
		},
	}
}

func sliceCodec(t reflect.Type) codec {
	elem := newCodec(t.Elem())
	return codec{
		func(dst []byte, v reflect.Value, canonical bool) ([]byte, bool) {
			dst = append(dst, '[')
			ok := true
			for i := range v.Len() {
				if i > 0 {
					dst = append(dst, ',')
				}
				if dst, ok = elem.write(dst, v.Index(i), canonical); !ok {
					return dst, false
				}
			}
			return append(dst, ']'), true
		},
		func(r *plainReader, v reflect.Value) bool {
			if !r.take('[') {
				return false
			}
			if r.take(']') {
				v.Set(reflect.MakeSlice(t, 0, 0))
				return true
			}
			for n := 0; ; n++ {
				if n == v.Cap() {
					v.Grow(1)
				}
				v.SetLen(n + 1)
				if !elem.read(r, v.Index(n)) {
					return false
				}
				if !r.take(',') {
					return r.take(']')
				}
			}
		},
	}
}

func (p *plan) write(dst []byte, v reflect.Value, canonical bool) ([]byte, bool) {
	if p.unknown >= 0 && !v.Field(p.unknown).IsNil() {
		return dst, false
	}
	fields := p.fields
	if canonical {
		fields = p.ordered
	}
	dst = append(dst, '{')
	empty, ok := len(dst), true
	for i := range fields {
		f := &fields[i]
		x := v.Field(f.index)
		switch {
		case f.text && x.String() == "", !f.text && f.omit != nil && f.omit(x):
			continue
		case len(dst) > empty:
			dst = append(dst, ',')
		}
		if dst = append(dst, f.key...); f.text {
			dst, ok = appendString(dst, x.String())
		} else {
			dst, ok = f.write(dst, x, canonical)
		}
		if !ok {
			return dst, false
		}
	}
	return append(dst, '}'), true
}

// find returns the index of the field of this name, -1 for none. It looks from next on first, in the record's order or in
// that of names: fields come in one of the two.
func (p *plan) find(name []byte, next int, sorted bool) int {
	for ; next < len(p.fields); next++ {
		i := next
		if sorted {
			i = p.sorted[next]
		}
		if p.fields[i].name == string(name) {
			return i
		}
	}
	if i, ok := p.byName[string(name)]; ok {
		return i
	}
	return -1
}

func (p *plan) read(r *plainReader, v reflect.Value) bool {
	if !r.take('{') {
		return false
	}
	if r.take('}') {
		return true
	}
	seen, next := uint64(0), 0
	for {
		key, ok := r.text()
		if !ok {
			return false
		}
		if r.start {
			r.start, r.sorted = false, string(key) != p.fields[0].name
		}
		i := p.find(key, next, r.sorted)
		if i < 0 || seen&(1<<i) != 0 || !r.take(':') {
			return false
		}
		if seen, next = seen|1<<i, i+1; r.sorted {
			next = p.fields[i].place + 1
		}
		if f := &p.fields[i]; !f.read(r, v.Field(f.index)) {
			return false
		}
		if !r.take(',') {
			return r.take('}')
		}
	}
}
