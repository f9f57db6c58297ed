// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
)

// edit is one thing that we put into a file, so that it can be taken out again.
type edit struct {
	// Kind is member, element, container or replacement (of what was) in a JSON file, text of any other, or file: all of it.
	Kind  string         `json:"kind"`
	Path  []string       `json:"path,omitempty"`
	Value jsontext.Value `json:"value,omitzero"`
	Was   jsontext.Value `json:"was,omitzero"`
	Text  string         `json:"text,omitempty"`
}

// what names the edit for a person.
func (e *edit) what() string {
	if e.Kind == "text" {
		line, _, _ := strings.Cut(strings.TrimSpace(e.Text), "\n")
		return fmt.Sprintf("%q", line)
	}
	return strings.Join(e.Path, ".")
}

// planner works out a plan for one tool.
type planner struct {
	o        *Options
	tool     Tool
	manifest *manifest
	plan     *Plan
	anew     bool // what was written before is taken out first
	wanted   map[string][]edit
	err      error
}

func newPlanner(t Tool, o *Options, m *manifest) *planner {
	return &planner{o: o, tool: t, manifest: m, plan: &Plan{Tool: t, manifest: m}, wanted: map[string][]edit{}}
}

// stale reports whether something was put in before that is not wanted any more.
func (p *planner) stale() bool {
	for _, e := range p.manifest.Tools[p.tool.Name] {
		for _, put := range e.Edits {
			if put.Kind != "container" && !slices.ContainsFunc(p.wanted[e.Path], func(w edit) bool { return put.is(w) }) {
				return true
			}
		}
	}
	return false
}

func (e *edit) is(w edit) bool {
	return e.Kind == w.Kind && strings.TrimSpace(e.Text) == strings.TrimSpace(w.Text) && slices.Equal(e.Path, w.Path) && (len(e.Value)+len(w.Value) == 0 || same(e.Value, w.Value))
}

func (p *planner) home() string { return p.tool.home(p.o) }

func (p *planner) note(format string, a ...any) {
	p.plan.Notes = append(p.plan.Notes, fmt.Sprintf(format, a...))
}

// clash says that something of the person's is in the way; each thing once.
func (p *planner) clash(code, message, hint string) {
	pr := &episode.Problem{Code: "connect/" + code, Message: message, Hint: hint}
	if !slices.ContainsFunc(p.plan.Problems, func(q *episode.Problem) bool { return *q == *pr }) {
		p.plan.Problems = append(p.plan.Problems, pr)
	}
}

// draft is a file that is being edited.
type draft struct {
	p    *planner
	path string
	text []byte
	made []edit
	// wanted is what should be in it, whether it had to be put there or not.
	wanted []edit
	err    error
}

// maxSettings is the most that a settings file may hold.
const maxSettings = 8 << 20

// load reads a settings file. A link is the file that it points to: many keep their settings elsewhere.
func load(path string) (text []byte, mode uint32, exists bool, err error) {
	fi, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(path); err == nil {
			return nil, 0, false, &episode.Problem{Code: "connect/no-file", Message: path + " points to a file that is not there", Hint: "remove the link, or make the file, and try again"}
		}
		return nil, 0, false, nil
	}
	if err != nil {
		return nil, 0, false, fmt.Errorf("look at settings: %w", err)
	}
	if !fi.Mode().IsRegular() || fi.Size() > maxSettings {
		return nil, 0, false, &episode.Problem{Code: "connect/no-file", Message: path + " is not a settings file", Hint: "move it away and try again"}
	}
	if text, err = os.ReadFile(path); err != nil {
		return nil, 0, false, fmt.Errorf("read settings: %w", err)
	}
	return text, uint32(fi.Mode().Perm()), true, nil
}

// real is the path without links, as far as it is there: the same before a file is made and after.
func real(path string) string {
	if r, err := filepath.EvalSymlinks(path); err == nil {
		return r
	}
	if dir := filepath.Dir(path); dir != path {
		return filepath.Join(real(dir), filepath.Base(path))
	}
	return path
}

// edit plans a change of the file at path; do makes it. A file that cannot be read as what it should be stays as it is.
func (p *planner) edit(path string, do func(d *draft)) {
	if p.err != nil {
		return
	}
	path = real(path)
	current, mode, exists, err := load(path)
	if err != nil {
		p.err = err
		return
	}
	prior, known := p.manifest.of(p.tool.Name, path)
	base, there := current, exists
	if p.anew && known && exists {
		base, there, _ = p.manifest.without(prior, current)
	}
	d := &draft{p: p, path: path, text: bytes.Clone(base)}
	do(d)
	p.wanted[path] = append(p.wanted[path], d.wanted...)
	if d.err != nil {
		p.clash("unreadable", fmt.Sprintf("%s cannot be edited: %v", path, d.err), "correct the file, or move it away, and try again")
		return
	}
	if len(d.made) == 0 { // what is read may have been filled in to be an object
		d.text = base
	}
	if bytes.Equal(d.text, current) && (there == exists || len(d.made) > 0) {
		return
	}
	c := Change{Path: path, Before: current, After: d.text, Create: !exists, mode: mode, base: base, entry: prior}
	if len(d.made) == 0 {
		c.back, c.Remove = true, !there
	} else {
		c.entry = entry{Path: path, Existed: there, Mode: mode, After: episode.Digest(d.text), Edits: d.made, Folders: prior.Folders}
	}
	if mode == 0 {
		c.mode, c.entry.Mode = 0o600, 0o600 // there may be a token in it
	}
	p.plan.Changes = append(p.plan.Changes, c)
}

// whole plans a file that is all ours.
func (p *planner) whole(path string, mode uint32, content []byte) {
	before := len(p.plan.Changes)
	p.edit(path, func(d *draft) {
		d.wanted = []edit{{Kind: "file", Text: episode.Digest(content)}}
		switch {
		case bytes.Equal(d.text, content):
			return
		case len(d.text) > 0:
			p.clash("not-ours", fmt.Sprintf("%s is there already, and not ours", path), "move it away, or have it run the hook program as well: "+p.command("EVENT"))
			return
		}
		d.text = content
		d.made = d.wanted
	})
	if len(p.plan.Changes) > before {
		p.plan.Changes[before].mode = mode
		p.plan.Changes[before].entry.Mode = mode
	}
}

// member sets a member of a JSON file, unless there is one. It reports whether the value is there now.
func (d *draft) member(v any, path ...string) bool {
	have, want := d.get(path...), value(v)
	d.wanted = append(d.wanted, edit{Kind: "member", Path: path, Value: want})
	if d.err != nil || have != nil {
		return d.err == nil && same(have, want)
	}
	if !d.container("{}", path[:len(path)-1]...) {
		return false
	}
	j := &jsonc{d.text}
	if d.err = j.insert(path[:len(path)-1], path[len(path)-1], want); d.err != nil {
		return false
	}
	d.text = j.text
	d.made = append(d.made, edit{Kind: "member", Path: path, Value: want})
	return true
}

// container makes the objects on the way to path, and what is empty at its end.
func (d *draft) container(empty string, path ...string) bool {
	for i := 1; i <= len(path); i++ {
		if d.get(path[:i]...) != nil || d.err != nil {
			continue
		}
		kind := "{}"
		if i == len(path) {
			kind = empty
		}
		j := &jsonc{d.text}
		if d.err = j.insert(path[:i-1], path[i-1], jsontext.Value(kind)); d.err != nil {
			return false
		}
		d.text = j.text
		d.made = append(d.made, edit{Kind: "container", Path: path[:i], Value: jsontext.Value(kind)})
	}
	return d.err == nil
}

func (d *draft) get(path ...string) jsontext.Value {
	j := &jsonc{d.text}
	if _, err := j.parse(); err != nil {
		d.err = err
		return nil
	}
	if d.text = j.text; len(path) == 0 {
		return jsontext.Value("{}")
	}
	return j.get(path...)
}

// element adds to a list of a JSON file what is not in it.
func (d *draft) element(v any, path ...string) {
	want := value(v)
	have := d.get(path...)
	d.wanted = append(d.wanted, edit{Kind: "element", Path: path, Value: want})
	if d.err != nil {
		return
	}
	if have != nil && have.Kind() != '[' {
		d.err = fmt.Errorf("%s is no list", strings.Join(path, "."))
		return
	}
	for _, e := range elements(have) {
		switch {
		case same(e, want):
			return
		case bytes.Contains(e, []byte("headrace-hook")) || bytes.Contains(e, []byte("headrace hook")):
			d.p.clash("another", fmt.Sprintf("%s runs the hook of another Headrace already", d.path), "undo that one first, from where it was connected, or take the entry out by hand")
			return
		}
	}
	if !d.container("[]", path...) {
		return
	}
	j := &jsonc{d.text}
	if d.err = j.insert(path, "", want); d.err == nil {
		d.text = j.text
		d.made = append(d.made, edit{Kind: "element", Path: path, Value: want})
	}
}

func elements(list jsontext.Value) (all []jsontext.Value) {
	if list.Kind() != '[' {
		return nil
	}
	dec := jsontext.NewDecoder(bytes.NewReader(list), jsontext.AllowDuplicateNames(true))
	for _, err := dec.ReadToken(); err == nil && dec.PeekKind() != ']'; {
		var v jsontext.Value
		if v, err = dec.ReadValue(); err == nil {
			all = append(all, v.Clone())
		}
	}
	return all
}

// undo takes the edits out of the text, the last first. What the person has changed since stays, and is named.
func undo(text []byte, edits []edit) (_ []byte, left []string) {
	for _, e := range slices.Backward(edits) {
		ok := true
		j := &jsonc{text}
		switch e.Kind {
		case "member":
			ok = j.remove(e.Path, e.Value, false)
		case "element":
			ok = j.remove(e.Path, e.Value, true)
		case "replacement":
			ok = j.replace(e.Path, e.Value, e.Was)
		case "container":
			j.remove(e.Path, e.Value, false) // if it is empty again
		case "text":
			for _, t := range [...]string{e.Text, strings.TrimLeft(e.Text, "\n")} { // the line before it may have changed
				if ok = bytes.Count(j.text, []byte(t)) == 1; ok {
					j.text = bytes.Replace(j.text, []byte(t), nil, 1)
					break
				}
			}
		case "file":
			ok = false // it has been changed: it is the person's now
		}
		if text = j.text; !ok {
			left = append(left, e.what())
		}
	}
	return text, left
}
