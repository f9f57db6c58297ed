// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Editors that run agents by the Agent Client Protocol name each agent's command in their settings. Put before it, headrace
// acp sees what the two say to each other.

func zed(p *planner) {
	p.agents(filepath.Join(p.home(), "settings.json"))
	p.note("agents that Zed brings along itself have no command in its settings: add them as agents of your own to have them recorded")
}

func jetbrains(p *planner) { p.agents(filepath.Join(p.home(), "acp.json")) }

// agents puts headrace acp before the command of each agent in the file.
func (p *planner) agents(path string) {
	if !p.withContent("what agents and editor say to each other") {
		return
	}
	found := 0
	p.edit(path, func(d *draft) {
		found = 0
		const servers = "agent_servers"
		for _, name := range names(d.get(servers)) {
			var agent struct {
				Command string   `json:"command"`
				Args    []string `json:"args"`
			}
			if err := json.Unmarshal(d.get(servers, name), &agent, jsontext.AllowDuplicateNames(true)); err != nil || agent.Command == "" {
				continue // one that the editor brings along, or of a form that is not known
			}
			found++
			before := slices.Concat(p.o.Program[1:], []string{"acp", "--"})
			if agent.Command == p.o.Program[0] && len(agent.Args) > len(before) && slices.Equal(agent.Args[:len(before)], before) {
				d.replaced(servers, name, "command")
				d.replaced(servers, name, "args")
				continue
			}
			d.replace(slices.Concat(before, []string{agent.Command}, agent.Args), servers, name, "args")
			d.replace(p.o.Program[0], servers, name, "command")
		}
	})
	if found == 0 {
		p.note("%s names no agent by its command yet; add one, and connect again", path)
	}
}

// names are the names of an object's members, each once, in their order.
func names(object jsontext.Value) (all []string) {
	if object.Kind() != '{' {
		return nil
	}
	dec := jsontext.NewDecoder(bytes.NewReader(object), jsontext.AllowDuplicateNames(true))
	if _, err := dec.ReadToken(); err != nil {
		return nil
	}
	for dec.PeekKind() == '"' {
		t, err := dec.ReadToken()
		if err != nil {
			break
		}
		name := t.String()
		if err := dec.SkipValue(); err != nil {
			break
		}
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

// replace puts a value in the place of the person's, which is written down to be given back; or where there is none.
func (d *draft) replace(v any, path ...string) {
	have, want := d.get(path...), value(v)
	if have == nil {
		d.member(v, path...)
		return
	}
	e := edit{Kind: "replacement", Path: path, Value: want, Was: have}
	d.wanted = append(d.wanted, e)
	j := &jsonc{d.text}
	if !j.replace(path, have, want) {
		d.err = fmt.Errorf("%s cannot be replaced", e.what())
	}
	if d.err == nil {
		d.text = j.text
		d.made = append(d.made, e)
	}
}

// replaced says that what was put at path before is still wanted.
func (d *draft) replaced(path ...string) {
	prior, _ := d.p.manifest.of(d.p.tool.Name, d.path)
	for _, e := range prior.Edits {
		if slices.Equal(e.Path, path) {
			d.wanted = append(d.wanted, e)
		}
	}
}

// replace puts another value in the place of the one at path. It reports whether that was there; otherwise nothing changes.
func (j *jsonc) replace(path []string, have, want jsontext.Value) bool {
	root, err := j.parse()
	if err != nil {
		return false
	}
	v := find(&root, path)
	if v == nil || !same(standard(v), have) {
		return false
	}
	text := j.style(root).render("", want, len(path))
	j.text = slices.Concat(j.text[:v.StartOffset], []byte(text), j.text[v.EndOffset:])
	return true
}
