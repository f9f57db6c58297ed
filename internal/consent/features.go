// SPDX-License-Identifier: Apache-2.0

package consent

import "strings"

// Coarsener makes features as coarse as they leave, so that a model sees the same when it is asked as when it learned. It is safe for
// concurrent use.
type Coarsener struct {
	t    *tables
	list map[string]*Feature
}

// Feature is one that may leave.
type Feature struct {
	// Name is what the table of the open standard calls it.
	Name string

	kind   string
	values map[string]any // of one that is listed: each as it leaves
}

// NewCoarsener reads the tables of the open standard.
func NewCoarsener() (Coarsener, error) {
	t, err := parseTables()
	if err != nil {
		return Coarsener{}, err
	}
	c := Coarsener{t, make(map[string]*Feature, len(t.features))}
	for name, typ := range t.features {
		f := &Feature{Name: name, kind: typ}
		if list, isEnum := strings.CutPrefix(typ, "enum:"); isEnum {
			f.values = make(map[string]any, len(t.lists[list]))
			for v := range t.lists[list] {
				f.values[v] = v
			}
		}
		c.list[name] = f
	}
	return c, nil
}

// Features returns the features that may leave, as they leave.
func (c Coarsener) Features(in map[string]any) map[string]any {
	out := make(map[string]any, len(in))
	for name, v := range in {
		if v, ok := c.t.feature(name, v); ok {
			out[name] = v
		}
	}
	return out
}

// Feature returns the feature of a name, nil for one that may not leave. With it a value that is read is made coarse without a
// string of its own: the methods below return what [Coarsener.Features] has, and ok is false where the value may not leave.
func (c Coarsener) Feature(name []byte) *Feature { return c.list[string(name)] }

// Number is a number as it leaves.
func (f *Feature) Number(v float64) (leaves any, ok bool) {
	if f.kind != "number" {
		return nil, false
	}
	return round(v), true
}

// Bool is a yes or no as it leaves.
func (f *Feature) Bool(v bool) (leaves any, ok bool) { return v, f.kind == "bool" }

// Enum is a listed value as it leaves.
func (f *Feature) Enum(v []byte) (leaves any, ok bool) {
	leaves, ok = f.values[string(v)]
	return leaves, ok
}
