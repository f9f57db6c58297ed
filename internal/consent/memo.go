// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"encoding/binary"
	"maps"
	"slices"
	"strconv"

	"cel.dev/cel-go/cel"
)

// Many records share repository, tool, team and licence, so that most conditions give an answer that was given before.
// Rules that read the same shared facts are a group; a memo keeps, for each set of values of these facts, what the rules of
// the group say to it. Where a condition also reads facts of the record's own, its answer is often settled without them
// ("a && b" is no where a is); only where it is not, it is evaluated in full.

// group is the rules that read the same shared facts.
type group struct {
	facts []string
	rules []*rule
}

// verdict is what a rule's condition says when only shared facts are known.
type verdict byte

const (
	open verdict = iota // evaluate it in full: it depends on more, or cannot be evaluated
	no
	yes
)

// memo is one goroutine's at a time.
type memo struct {
	p     *Policy
	facts facts
	key   []byte
	seen  []map[string][]verdict // by group
	now   [][]verdict            // by group, of the record at hand; nil where nobody asked yet
	all   cel.PartialActivation  // the facts, the record's own ones unknown
}

// memoLimit is how many sets of values a group remembers before it begins anew.
const memoLimit = 1 << 15

func newMemo(p *Policy) *memo {
	m := &memo{p: p, seen: make([]map[string][]verdict, len(p.groups)), now: make([][]verdict, len(p.groups))}
	for i := range m.seen {
		m.seen[i] = map[string][]verdict{}
	}
	var unknown []*cel.AttributePatternType
	for _, name := range ownNames() {
		unknown = append(unknown, cel.AttributePattern(name))
	}
	m.all, _ = cel.PartialVars(cel.Activation(&m.facts), unknown...) // an error only where the first is no activation
	return m
}

// group gives each rule its place in a memo.
func (p *Policy) group(rules []*rule) {
	for _, r := range rules {
		shared := r.shared()
		r.group = slices.IndexFunc(p.groups, func(g group) bool { return slices.Equal(g.facts, shared) })
		if r.group < 0 {
			r.group = len(p.groups)
			p.groups = append(p.groups, group{facts: shared})
		}
		g := &p.groups[r.group]
		r.slot = len(g.rules)
		g.rules = append(g.rules, r)
	}
}

// first returns the first of the rules that fits the facts at hand, or nil.
func (m *memo) first(rules []*rule) (*rule, error) {
	for _, r := range rules {
		said := m.now[r.group]
		if said == nil {
			said = m.ask(r.group)
		}
		switch said[r.slot] {
		case yes:
			return r, nil
		case open:
			if fits, err := r.matches(&m.facts); err != nil || fits {
				return r, err
			}
		}
	}
	return nil, nil
}

// ask returns what the group's rules say to the facts at hand.
func (m *memo) ask(i int) []verdict {
	g := &m.p.groups[i]
	m.key = m.key[:0]
	for _, name := range g.facts {
		m.key = m.facts.appendKey(m.key, name)
	}
	said, known := m.seen[i][string(m.key)]
	if !known {
		said = make([]verdict, len(g.rules))
		for j, r := range g.rules {
			said[j] = m.sketch(r)
		}
		if len(m.seen[i]) >= memoLimit {
			clear(m.seen[i])
		}
		m.seen[i][string(m.key)] = said
	}
	m.now[i] = said
	return said
}

func (m *memo) sketch(r *rule) verdict {
	program, vars := r.when, cel.Activation(&m.facts)
	if r.sketch != nil {
		program, vars = r.sketch, m.all
	}
	v, _, err := program.Eval(vars)
	if err != nil {
		return open
	}
	switch v.Value() {
	case true:
		return yes
	case false:
		return no
	}
	return open
}

// appendKey adds a shared fact to the key, so that no two rows of facts have the same.
func (f *facts) appendKey(key []byte, name string) []byte {
	switch name {
	case "languages":
		key = binary.AppendUvarint(key, uint64(len(f.e.Languages)))
		for _, l := range f.e.Languages {
			key = appendText(key, l)
		}
		return key
	case "findings":
		key = binary.AppendUvarint(key, uint64(len(f.e.Local.Findings)))
		for _, kind := range slices.Sorted(maps.Keys(f.e.Local.Findings)) {
			key = binary.AppendVarint(appendText(key, kind), int64(f.e.Local.Findings[kind]))
		}
		return key
	case "unauthenticated":
		return strconv.AppendBool(key, f.e.Local.Unauthenticated)
	}
	text, _ := f.text(name)
	return appendText(key, text)
}

func appendText(key []byte, s string) []byte {
	return append(binary.AppendUvarint(key, uint64(len(s))), s...)
}

// forget ends the work on a record: nothing of it stays, and the next one asks anew.
func (m *memo) forget() {
	clear(m.facts.values)
	m.facts = facts{values: m.facts.values}
	clear(m.now)
}
