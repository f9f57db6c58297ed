// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/headrace/headrace/episode"
)

// mistake is what is wrong on a line of a file; hint is empty where the file's own will do.
type mistake struct {
	line          int
	message, hint string
}

func (m *mistake) Error() string { return fmt.Sprintf("line %d: %s", m.line, m.message) }

func mistakef(n ast.Node, format string, a ...any) *mistake {
	return &mistake{line: line(n), message: fmt.Sprintf(format, a...)}
}

// kindOfFile is how its mistakes are told.
type kindOfFile struct{ name, code, hint string }

// problem makes a mistake in such a file a Problem.
func (k kindOfFile) problem(err error) error {
	m, ok := errors.AsType[*mistake](err)
	if !ok {
		return err
	}
	p := &episode.Problem{Code: k.code, Message: fmt.Sprintf("%s line %d: %s", k.name, m.line, m.message), Hint: m.hint}
	if p.Hint == "" {
		p.Hint = k.hint
	}
	return p
}

// document reads a file that is one YAML document, a mapping with these keys.
func document(b []byte, what string, fields map[string]any) error {
	f, err := parser.ParseBytes(b, 0)
	if err != nil {
		return yamlMistake(err)
	}
	if len(f.Docs) != 1 || f.Docs[0].Body == nil {
		return mistakef(nil, "%s is one YAML document with %s", what, keys(fields))
	}
	c := new(plain)
	if ast.Walk(c, f.Docs[0].Body); c.err != nil {
		return c.err
	}
	return mapping(f.Docs[0].Body, what, fields)
}

// plain looks for what makes a file mean something else than it says at that place. The YAML package also panics at some
// tags.
type plain struct{ err error }

// Visit is called for each node.
func (c *plain) Visit(n ast.Node) ast.Visitor {
	switch n.(type) {
	case *ast.TagNode, *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		c.err = mistakef(n, "tags, anchors and aliases are not taken here: write out what is meant")
	}
	if c.err != nil {
		return nil
	}
	return c
}

func keys(fields map[string]any) string { return strings.Join(slices.Sorted(maps.Keys(fields)), ", ") }

// mapping reads a YAML mapping into fields by key: a pointer to decode into, or an *ast.Node to take as it is.
func mapping(n ast.Node, what string, fields map[string]any) error {
	m, ok := n.(*ast.MappingNode)
	if !ok {
		return mistakef(n, "%s is a mapping of key: value", what)
	}
	seen := map[string]bool{}
	for _, kv := range m.Values {
		key := kv.Key.GetToken().Value
		dst, known := fields[key]
		if !known {
			return mistakef(kv.Key, "unknown key %q; %s has: %s", key, what, keys(fields))
		}
		if seen[key] {
			return mistakef(kv.Key, "key %q is there twice", key)
		}
		seen[key] = true
		if _, empty := kv.Value.(*ast.NullNode); empty { // not the same as a key left out: a slip must not widen
			return mistakef(kv.Key, "%q has no value: write one, or take the key out", key)
		}
		if node, ok := dst.(*ast.Node); ok {
			*node = kv.Value
		} else if err := value(kv.Value, dst); err != nil {
			return err
		}
	}
	return nil
}

func each(n ast.Node, what string, add func(ast.Node) error) error {
	s, ok := n.(*ast.SequenceNode)
	if !ok || len(s.Values) == 0 {
		return mistakef(n, "%s is a list of one or more", what)
	}
	for _, item := range s.Values {
		if err := add(item); err != nil {
			return err
		}
	}
	return nil
}

func value(n ast.Node, dst any) error {
	if err := yaml.NodeToValue(n, dst, yaml.Strict()); err != nil {
		return yamlMistake(err)
	}
	return nil
}

// yamlMistake takes the line and the first sentence from the YAML package's error.
func yamlMistake(err error) error {
	m := &mistake{line: 1}
	m.message, _, _ = strings.Cut(err.Error(), "\n")
	if y, ok := errors.AsType[yaml.Error](err); ok {
		m.message = y.GetMessage()
		if t := y.GetToken(); t != nil && t.Position != nil {
			m.line = t.Position.Line
		}
	}
	return m
}

func line(n ast.Node) int {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return 1
	}
	return n.GetToken().Position.Line
}

func oneOf(n ast.Node, key, got string, allowed ...string) error {
	if slices.Contains(allowed, got) {
		return nil
	}
	return mistakef(n, "%s is %q; allowed: %s", key, got, strings.Join(allowed, ", "))
}

// purposesIn checks what stands under purposes.
func purposesIn(n ast.Node, list []episode.Purpose) error {
	for _, p := range list {
		if err := oneOf(n, "purposes", string(p), "evaluate", "reward", "finetune", "distil"); err != nil {
			return err
		}
	}
	return nil
}
