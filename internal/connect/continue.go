// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// continueDev adds a destination for its development data to config.yaml. The same is on disk, and read from there: this
// way it comes at once.
func continueDev(p *planner) {
	level := "all"
	if p.o.NoContent {
		level = "noCode"
	}
	p.edit(filepath.Join(p.home(), "config.yaml"), func(d *draft) {
		if len(bytes.TrimSpace(d.text)) == 0 {
			p.clash("no-config", d.path+" is not there", "start Continue once, which makes it, and connect again; its data is read from disk all the same")
			return
		}
		lines := []string{"name: Headrace", "destination: " + string(quote(p.o.Endpoint+"/v1/continue")), "schema: 0.2.0", "level: " + level}
		if p.o.Token != "" {
			lines = append(lines, "apiKey: "+string(quote(p.o.Token)))
		}
		d.err = d.yamlItem("data", lines)
	})
}

// yamlItem adds an item to the list of that name at the root of a YAML file.
func (d *draft) yamlItem(list string, lines []string) error {
	var before map[string]any
	if err := yaml.Unmarshal(d.text, &before); err != nil {
		return fmt.Errorf("it is no YAML: %s", strings.SplitN(err.Error(), "\n", 2)[0])
	}
	f, err := parser.ParseBytes(d.text, 0)
	if err != nil || len(f.Docs) != 1 {
		return fmt.Errorf("it is not one YAML document")
	}
	indent, at, head := "  ", len(d.text), list+":\n"
	if _, there := before[list]; there {
		seq := sequence(f.Docs[0].Body, list)
		if seq == nil || seq.IsFlowStyle || len(seq.Values) == 0 {
			return fmt.Errorf("%s is not written as a list, an item a line", list)
		}
		indent, head = strings.Repeat(" ", seq.Start.Position.Column-1), ""
		at = lineStart(d.text, seq.Start.Position.Line)
	}
	item := indent + "- " + strings.Join(lines, "\n"+indent+"  ") + "\n"
	text := head + item
	if at == len(d.text) && at > 0 && d.text[at-1] != '\n' {
		text = "\n" + text
	}
	if bytes.Contains(d.text, []byte(item)) {
		d.wanted = append(d.wanted, edit{Kind: "text", Text: text})
		if head == "" { // which of the two it was put in with cannot be seen
			d.wanted = append(d.wanted, edit{Kind: "text", Text: list + ":\n" + item})
		}
		return nil
	}
	if bytes.Contains(d.text, []byte("name: Headrace\n")) {
		d.p.clash("another", d.path+" has a destination of the name Headrace already", "undo that one first, or take it out by hand")
		return nil
	}
	out := slices.Insert(bytes.Clone(d.text), at, []byte(text)...)
	var after map[string]any
	if err := yaml.Unmarshal(out, &after); err != nil {
		return fmt.Errorf("the item does not fit in: %s", strings.SplitN(err.Error(), "\n", 2)[0])
	}
	items, _ := after[list].([]any)
	if had, _ := before[list].([]any); len(items) != len(had)+1 || !within(had, items[1:]) {
		return fmt.Errorf("what is there would mean something else")
	}
	delete(after, list)
	delete(before, list)
	if !within(before, after) {
		return fmt.Errorf("what is there would mean something else")
	}
	d.text = out
	e := edit{Kind: "text", Text: text}
	d.made, d.wanted = append(d.made, e), append(d.wanted, e)
	return nil
}

// sequence finds the list of that name at the root.
func sequence(root ast.Node, name string) *ast.SequenceNode {
	m, ok := root.(*ast.MappingNode)
	if !ok {
		return nil
	}
	for _, v := range m.Values {
		if v.Key.String() == name {
			seq, _ := v.Value.(*ast.SequenceNode)
			return seq
		}
	}
	return nil
}

// lineStart is where a line begins, counted from 1.
func lineStart(b []byte, line int) int {
	at := 0
	for ; line > 1; line-- {
		i := bytes.IndexByte(b[at:], '\n')
		if i < 0 {
			return len(b)
		}
		at += i + 1
	}
	return at
}
