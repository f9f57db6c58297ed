// SPDX-License-Identifier: Apache-2.0

package consent

// Coarsener makes features as coarse as they leave, so that a model sees the same when it is asked as when it learned.
type Coarsener struct{ t *tables }

// NewCoarsener reads the tables of the open standard.
func NewCoarsener() (Coarsener, error) {
	t, err := parseTables()
	return Coarsener{t}, err
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
