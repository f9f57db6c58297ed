// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/tailscale/hujson"
)

// jsonc is a settings file in JSON, with comments where there are any. It is edited as text, at the places that the parser
// names, so that nothing but what goes in changes.
type jsonc struct{ text []byte }

// parse reads the text; an empty file is an empty object.
func (j *jsonc) parse() (hujson.Value, error) {
	if len(bytes.TrimSpace(j.text)) == 0 {
		j.text = []byte("{\n}\n")
	}
	text, _ := bytes.CutPrefix(j.text, []byte("\xef\xbb\xbf"))
	v, err := hujson.Parse(bytes.Clone(text)) // it keeps what it is given
	if err != nil {
		return v, err
	}
	if _, ok := v.Value.(*hujson.Object); !ok {
		return v, fmt.Errorf("it holds no object")
	}
	if len(text) < len(j.text) { // the offsets are those of the text with its mark
		for p := range v.All() {
			p.StartOffset += len(j.text) - len(text)
			p.EndOffset += len(j.text) - len(text)
		}
	}
	return v, nil
}

// find returns the value at a path of names, or nil. Of the same name twice, the last counts.
func find(v *hujson.Value, path []string) *hujson.Value {
	for _, name := range path {
		obj, ok := v.Value.(*hujson.Object)
		if !ok {
			return nil
		}
		v = nil
		for i := range obj.Members {
			if lit, ok := obj.Members[i].Name.Value.(hujson.Literal); ok && lit.String() == name {
				v = &obj.Members[i].Value
			}
		}
		if v == nil {
			return nil
		}
	}
	return v
}

// get returns the value at a path as plain JSON, nil where there is none.
func (j *jsonc) get(path ...string) jsontext.Value {
	root, err := j.parse()
	if err != nil {
		return nil
	}
	if v := find(&root, path); v != nil {
		return standard(v)
	}
	return nil
}

func standard(v *hujson.Value) jsontext.Value {
	c := v.Clone()
	c.Minimize()
	return jsontext.Value(bytes.TrimSpace(c.Pack()))
}

// same reports whether two values are one but for their form.
func same(a, b jsontext.Value) bool {
	a, b = a.Clone(), b.Clone()
	if a.Canonicalize(jsontext.AllowDuplicateNames(true)) != nil || b.Canonicalize(jsontext.AllowDuplicateNames(true)) != nil {
		return false
	}
	return bytes.Equal(a, b)
}

// style is how the file is written.
type style struct{ newline, unit string }

func (j *jsonc) style(root hujson.Value) style {
	s := style{"\n", "  "}
	if bytes.Contains(j.text, []byte("\r\n")) {
		s.newline = "\r\n"
	}
	if obj := root.Value.(*hujson.Object); len(obj.Members) > 0 {
		before := string(obj.Members[0].Name.BeforeExtra)
		if i := strings.LastIndexByte(before, '\n'); i >= 0 && strings.Trim(before[i+1:], " \t") == "" && i+1 < len(before) {
			s.unit = before[i+1:]
		}
	}
	return s
}

// insert puts a member (name and value) or an element (value alone) at the end of the object or array at path.
func (j *jsonc) insert(path []string, name string, value jsontext.Value) error {
	root, err := j.parse()
	if err != nil {
		return err
	}
	v := find(&root, path)
	if v == nil {
		return fmt.Errorf("there is no %s", strings.Join(path, "."))
	}
	last, trailing := -1, false // where the last one ends, and whether a comma follows it
	switch c := v.Value.(type) {
	case *hujson.Object:
		if n := len(c.Members); n > 0 {
			last, trailing = c.Members[n-1].Value.EndOffset, hasComma(j.text, c.Members[n-1].Value, v.EndOffset)
		}
	case *hujson.Array:
		if n := len(c.Elements); n > 0 {
			last, trailing = c.Elements[n-1].EndOffset, hasComma(j.text, c.Elements[n-1], v.EndOffset)
		}
	default:
		return fmt.Errorf("%s is neither an object nor a list", strings.Join(path, "."))
	}
	st := j.style(root)
	depth := len(path)
	text := st.newline + strings.Repeat(st.unit, depth+1) + st.render(name, value, depth+1)
	if trailing {
		text += ","
	}
	end := v.EndOffset - 1 // the closing brace
	at := len(bytes.TrimRight(j.text[:end], " \t\r\n"))
	if !bytes.ContainsRune(j.text[at:end], '\n') {
		text += st.newline + strings.Repeat(st.unit, depth)
	}
	out := slices.Insert(bytes.Clone(j.text), at, []byte(text)...)
	if last >= 0 && !trailing {
		out = slices.Insert(out, last, ',')
	}
	j.text = out
	return nil
}

// hasComma reports whether a comma follows the last value before the end of what holds it.
func hasComma(text []byte, last hujson.Value, end int) bool {
	i := last.EndOffset + len(last.AfterExtra)
	return i < end && text[i] == ','
}

func (s style) render(name string, value jsontext.Value, depth int) string {
	v := value.Clone()
	if err := v.Indent(jsontext.WithIndentPrefix(strings.Repeat(s.unit, depth)), jsontext.WithIndent(s.unit)); err != nil {
		v = value
	}
	text := strings.ReplaceAll(string(v), "\n", s.newline)
	if name == "" {
		return text
	}
	return string(quote(name)) + ": " + text
}

// remove takes the member at path out, or the element with that value out of the list at path. It reports whether it was
// there as it was put; otherwise nothing changes.
func (j *jsonc) remove(path []string, value jsontext.Value, element bool) bool {
	root, err := j.parse()
	if err != nil {
		return false
	}
	holder := path
	if !element {
		holder = path[:len(path)-1]
	}
	v := find(&root, holder)
	if v == nil {
		return false
	}
	start, end, prev, next := -1, -1, -1, false // prev is where the comma before it stands
	comma := func(v hujson.Value) int { return v.EndOffset + len(v.AfterExtra) }
	switch c := v.Value.(type) {
	case *hujson.Object:
		for i := range c.Members {
			m := &c.Members[i]
			if lit, ok := m.Name.Value.(hujson.Literal); !element && ok && lit.String() == path[len(path)-1] && same(standard(&m.Value), value) {
				start, end, next = m.Name.StartOffset, m.Value.EndOffset, hasComma(j.text, m.Value, v.EndOffset)
				if prev = -1; i > 0 {
					prev = comma(c.Members[i-1].Value)
				}
				if next {
					end = comma(m.Value) + 1
				}
			}
		}
	case *hujson.Array:
		for i := range c.Elements {
			if e := &c.Elements[i]; element && start < 0 && same(standard(e), value) {
				start, end, next = e.StartOffset, e.EndOffset, hasComma(j.text, *e, v.EndOffset)
				if i > 0 {
					prev = comma(c.Elements[i-1])
				}
				if next {
					end = comma(*e) + 1
				}
			}
		}
	}
	if start < 0 {
		return false
	}
	from := len(bytes.TrimRight(j.text[:start], " \t\r\n"))
	for _, from := range [...]int{from, start} { // the space before it goes too, unless a comment needs it
		out := slices.Concat(j.text[:from], j.text[end:])
		if prev >= 0 && !next {
			out = slices.Delete(out, prev, prev+1)
		}
		left, err := (&jsonc{out}).parse()
		if h := find(&left, holder); err == nil && h != nil && children(h) == children(v)-1 {
			j.text = out
			return true
		}
	}
	return false
}

func children(v *hujson.Value) int {
	switch c := v.Value.(type) {
	case *hujson.Object:
		return len(c.Members)
	case *hujson.Array:
		return len(c.Elements)
	}
	return 0
}

// value makes JSON of ours.
func value(v any) jsontext.Value {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		panic(err) // it is ours
	}
	return b
}

func quote(s string) []byte {
	b, err := jsontext.AppendQuote(nil, strings.ToValidUTF8(s, "\uFFFD"))
	if err != nil {
		panic(err) // valid text can be quoted
	}
	return b
}
