// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// tomlMark stands above what we put into a TOML file. Nothing stands below: when Codex writes its settings it adds to a
// table, and tables to the file, before the comment that comes next, and so into the middle of what is ours.
const tomlMark = "# headrace connect put this here; --undo takes it out"

// tomlFile is a TOML file: its values, and where its tables begin.
type tomlFile struct {
	values  map[string]any
	headers []header
}

type header struct {
	name       string
	start, end int // of its line
}

func parseTOML(b []byte) (*tomlFile, error) {
	t := &tomlFile{values: map[string]any{}}
	if err := toml.Unmarshal(b, &t.values); err != nil {
		return nil, err
	}
	var p unstable.Parser
	p.Reset(b)
	for p.NextExpression() {
		e := p.Expression()
		if e.Kind != unstable.Table && e.Kind != unstable.ArrayTable {
			continue
		}
		var name []string
		at := -1
		for key := e.Key(); key.Next(); {
			if at < 0 {
				at = int(key.Node().Raw.Offset)
			}
			name = append(name, string(key.Node().Data))
		}
		h := header{name: strings.Join(name, "."), start: bytes.LastIndexByte(b[:at], '\n') + 1, end: len(b)}
		if i := bytes.IndexByte(b[at:], '\n'); i >= 0 {
			h.end = at + i + 1
		}
		if e.Kind == unstable.ArrayTable {
			h.name += "[]"
		}
		t.headers = append(t.headers, h)
	}
	return t, p.Error()
}

// table is a table at the root, empty where there is none.
func (t *tomlFile) table(name string) map[string]any {
	m, _ := t.values[name].(map[string]any)
	return m
}

// block is what lines become in the file.
func (d *draft) block(lines string) string { return tomlMark + "\n" + lines }

// has reports whether the block is there, as it is wanted.
func (d *draft) has(lines string) bool {
	text := d.block(lines)
	if !bytes.Contains(d.text, []byte(text)) {
		return false
	}
	d.wanted = append(d.wanted, edit{Kind: "text", Text: text})
	return true
}

// tomlEnd puts lines at the end of the file: a table of their own.
func (d *draft) tomlEnd(lines string) {
	text := d.block(lines)
	if n := len(d.text); n > 0 {
		text = "\n" + text
		if d.text[n-1] != '\n' {
			text = "\n" + text
		}
	}
	d.tomlInsert(len(d.text), text)
}

// tomlRoot puts lines before the first table, and what is said above it.
func (d *draft) tomlRoot(lines string) {
	now, err := parseTOML(d.text)
	if err != nil {
		d.err = err
		return
	}
	if len(now.headers) == 0 {
		d.tomlEnd(lines)
		return
	}
	at := now.headers[0].start
	for at > 0 {
		above := bytes.LastIndexByte(d.text[:at-1], '\n') + 1
		if line := bytes.TrimSpace(d.text[above : at-1]); len(line) > 0 && line[0] != '#' {
			break
		}
		at = above
	}
	d.tomlInsert(at, d.block(lines))
}

// tomlAfter puts lines right after the header of a table.
func (d *draft) tomlAfter(t *tomlFile, table, lines string) {
	i := slices.IndexFunc(t.headers, func(h header) bool { return h.name == table })
	if i < 0 {
		d.err = fmt.Errorf("%s is not written as a table of its own", table)
		return
	}
	text := d.block(lines)
	if end := t.headers[i].end; end == len(d.text) && !bytes.HasSuffix(d.text, []byte("\n")) {
		text = "\n" + text
	}
	d.tomlInsert(t.headers[i].end, text)
}

// tomlInsert puts text in and checks that all that was there means what it meant.
func (d *draft) tomlInsert(at int, text string) {
	before, err := parseTOML(d.text)
	if err == nil {
		out := slices.Insert(bytes.Clone(d.text), at, []byte(text)...)
		var after *tomlFile
		if after, err = parseTOML(out); err == nil && !within(before.values, after.values) {
			err = fmt.Errorf("what is there would mean something else")
		}
		if err == nil {
			d.text = out
			e := edit{Kind: "text", Text: text}
			d.made, d.wanted = append(d.made, e), append(d.wanted, e)
			return
		}
	}
	d.err = err
}

// within reports whether all of a is in b: values as they are, lists at the beginning of a longer one.
func within(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		m, ok := b.(map[string]any)
		for k, v := range a {
			ok = ok && within(v, m[k])
		}
		return ok
	case []any:
		l, ok := b.([]any)
		if ok = ok && len(a) <= len(l); ok {
			for i := range a {
				ok = ok && within(a[i], l[i])
			}
		}
		return ok
	}
	return reflect.DeepEqual(a, b)
}
