// SPDX-License-Identifier: Apache-2.0

package boost

import (
	"fmt"
	"math"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/learn/portable"
)

// Format names the model file.
const Format = "headrace-trees/1"

// Bounds of a model file: an evaluation visits at most maxTrees times maxLeaves nodes.
const (
	maxFile  = 8 << 20 // bytes
	maxNodes = 60_000  // of all trees
)

// Model is the model file itself, one JSON object. A model from Fit or UnmarshalBinary is complete; it is safe for
// concurrent use and must not be changed.
type Model struct {
	Format   string    `json:"format"`
	Loss     Loss      `json:"loss"`
	Features []Feature `json:"features"`
	Base     float64   `json:"base"` // the score without trees
	Trees    []Tree    `json:"trees"`

	nodes []step // of all trees, one after the other
	roots []int32
}

// Feature is how a feature is read: as a number (yes is 1, no is 0) where it has no Values, else as one of these.
type Feature struct {
	Name   string   `json:"name"`
	Values []string `json:"values,omitempty"`
}

// Tree is a list of nodes, each followed by all of its left part and then, at Right, by its right part. Feature is −1 at a
// leaf, whose value is Cut. Elsewhere a number goes left where it is at most Cut, and a listed value where the bit of its
// place is set in Cut; what is missing, unknown, of another type or not finite goes left where Missing is 1.
type Tree struct {
	Feature []int     `json:"feature"`
	Cut     []float64 `json:"cut"`
	Right   []int     `json:"right"`
	Missing []int     `json:"missing"`
}

// step is a node, made for walking.
type step struct {
	cut     float64
	mask    uint32
	right   int32
	feature int16
	missing bool
}

// Score returns the sum of the trees for a suggestion with these features. It does not allocate.
func (m *Model) Score(features map[string]any) float64 {
	var values [maxFeatures]float64
	x := values[:len(m.Features)]
	for i := range m.Features {
		x[i] = m.Features[i].read(features)
	}
	return m.walk(x)
}

// Predict returns the score, or with logistic loss the probability.
func (m *Model) Predict(features map[string]any) float64 {
	if s := m.Score(features); m.Loss == Logistic {
		return portable.Sigmoid(s)
	} else {
		return s
	}
}

// read returns the number of a feature, the place of its value, or NaN.
func (f *Feature) read(features map[string]any) float64 {
	switch v := features[f.Name].(type) {
	case float64:
		if f.Values == nil && !missing(v) {
			return v
		}
	case bool:
		if f.Values == nil && v {
			return 1
		} else if f.Values == nil {
			return 0
		}
	case string:
		for i, known := range f.Values {
			if v == known {
				return float64(i)
			}
		}
	}
	return math.NaN()
}

// Row returns the score of one example of a table with the model's columns.
func (m *Model) Row(e *Examples, i int) float64 {
	var values [maxFeatures]float64
	x := values[:len(m.Features)]
	for j := range e.Columns {
		c := &e.Columns[j]
		x[j] = math.NaN()
		if c.Number != nil && !missing(c.Number[i]) {
			x[j] = c.Number[i]
		} else if c.Level != nil && c.Level[i] >= 0 {
			x[j] = float64(c.Level[i])
		}
	}
	return m.walk(x)
}

func (m *Model) walk(x []float64) float64 {
	score := m.Base
	for _, at := range m.roots {
		n := &m.nodes[at]
		for n.feature >= 0 {
			v := x[n.feature]
			left := v <= n.cut
			if v != v {
				left = n.missing
			} else if n.mask != 0 {
				left = n.mask>>uint(v)&1 == 1
			}
			if left {
				at++
			} else {
				at = n.right
			}
			n = &m.nodes[at]
		}
		score += n.cut
	}
	return score
}

// MarshalBinary returns the model file. The same model gives the same bytes.
func (m *Model) MarshalBinary() ([]byte, error) {
	b, err := json.Marshal(m, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("encode trees: %w", err)
	}
	return append(b, '\n'), nil
}

// UnmarshalBinary reads a model file. Unknown fields, names out of order, and trees that are none are refused.
func (m *Model) UnmarshalBinary(b []byte) error {
	var g Model
	if len(b) > maxFile {
		return badModel(fmt.Errorf("longer than %d bytes", maxFile))
	}
	if err := json.Unmarshal(b, &g, json.RejectUnknownMembers(true)); err != nil {
		return badModel(err)
	}
	if err := g.Check(); err != nil {
		return badModel(err)
	}
	*m = g
	return nil
}

func badModel(err error) error {
	return &episode.Problem{Code: "learn/bad-model", Message: "not trees that this version can run",
		Hint: "fetch the release again; if it stays so, the maker must train it again", Err: err}
}

// Check refuses a model that is none, and makes another one ready to be evaluated.
func (m *Model) Check() error {
	if m.Format != Format || m.Loss != Logistic && m.Loss != Squared {
		return fmt.Errorf("format %q with loss %q is not %s", m.Format, m.Loss, Format)
	}
	if len(m.Features) > maxFeatures || len(m.Trees) > maxTrees || missing(m.Base) {
		return fmt.Errorf("%d features, %d trees, base %v", len(m.Features), len(m.Trees), m.Base)
	}
	for i, f := range m.Features {
		if i > 0 && m.Features[i-1].Name >= f.Name {
			return fmt.Errorf("feature %q is not in order", f.Name)
		}
		for j, v := range f.Values {
			if len(f.Values) > maxLevels || j > 0 && f.Values[j-1] >= v {
				return fmt.Errorf("feature %q has no good list of values", f.Name)
			}
		}
		if f.Values != nil && len(f.Values) == 0 {
			m.Features[i].Values = nil
		}
	}
	m.nodes, m.roots = nil, nil
	for i := range m.Trees {
		t := &m.Trees[i]
		n := len(t.Feature)
		if n < 1 || n > 2*maxLeaves-1 || len(t.Cut) != n || len(t.Right) != n || len(t.Missing) != n || len(m.nodes)+n > maxNodes {
			return fmt.Errorf("tree %d has %d nodes, %d cuts, %d right parts and %d sides", i, n, len(t.Cut), len(t.Right), len(t.Missing))
		}
		root := len(m.nodes)
		m.roots = append(m.roots, int32(root))
		end, err := m.plant(t, 0, root)
		if err != nil {
			return fmt.Errorf("tree %d: %w", i, err)
		}
		if end != n {
			return fmt.Errorf("tree %d goes on after its end", i)
		}
	}
	return nil
}

// plant appends the part of a tree that begins at a node, and returns where it ends. It goes no deeper than there are nodes.
func (m *Model) plant(t *Tree, at, root int) (end int, err error) {
	if at >= len(t.Feature) {
		return 0, fmt.Errorf("a part is not there")
	}
	s := step{cut: t.Cut[at], feature: -1, missing: t.Missing[at] == 1}
	place := len(m.nodes)
	switch j := t.Feature[at]; {
	case missing(s.cut) || t.Missing[at] != 0 && t.Missing[at] != 1:
		return 0, fmt.Errorf("node %d has no good cut or side", at)
	case j == -1 && t.Right[at] == 0 && !s.missing:
		m.nodes = append(m.nodes, s)
		return at + 1, nil
	case j < 0 || j >= len(m.Features):
		return 0, fmt.Errorf("node %d is about feature %d", at, j)
	case m.Features[j].Values != nil:
		all := uint64(1)<<len(m.Features[j].Values) - 1
		if !(s.cut >= 0 && s.cut <= float64(all)) || s.cut != math.Floor(s.cut) {
			return 0, fmt.Errorf("node %d parts values by %v", at, s.cut)
		}
		if s.mask = uint32(s.cut); s.mask == 0 {
			s.cut = -1 // no value goes left
		}
		fallthrough
	default:
		s.feature = int16(j)
	}
	m.nodes = append(m.nodes, s)
	middle, err := m.plant(t, at+1, root)
	if err != nil {
		return 0, err
	}
	if t.Right[at] != middle {
		return 0, fmt.Errorf("the right part of node %d is at %d, not at %d", at, middle, t.Right[at])
	}
	m.nodes[place].right = int32(root + middle)
	return m.plant(t, middle, root)
}
