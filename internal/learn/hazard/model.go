// SPDX-License-Identifier: Apache-2.0

package hazard

import (
	"fmt"
	"math"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/learn/portable"
)

const (
	format     = "headrace-hazard/1"
	maxModel   = 64 << 10 // bytes
	maxPeriods = 1024
	maxNumbers = 256
)

// Model is a discrete-time hazard: the chance that it happens in a period, to one to whom it has not happened before, is
// 1/(1+e^−η), η = Periods[period] + Σ Weights·x. It is the model file itself, one JSON object, and must not be changed.
type Model struct {
	Format  string    `json:"format"`
	Periods []float64 `json:"periods"`
	Weights []float64 `json:"weights"`
}

// Hazard is the chance that it happens within a period, given that it has not before. Missing features count as 0.
func (m *Model) Hazard(period int, x []float64) float64 {
	eta := m.Periods[period]
	for j, w := range m.Weights {
		if j < len(x) {
			eta += float64(w * x[j])
		}
	}
	return portable.Sigmoid(eta)
}

// Survival is the chance that it has not happened before period to, given that it has not before period from.
func (m *Model) Survival(x []float64, from, to int) float64 {
	s := 1.0
	for p := max(from, 0); p < min(to, len(m.Periods)); p++ {
		s = float64(s * (1 - m.Hazard(p, x)))
	}
	return s
}

// MarshalBinary returns the model file: the same bytes for the same model.
func (m *Model) MarshalBinary() ([]byte, error) {
	b, err := json.Marshal(m, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("encode hazard model: %w", err)
	}
	return append(b, '\n'), nil
}

// UnmarshalBinary reads a model file. Unknown fields and numbers that make no sense are refused.
func (m *Model) UnmarshalBinary(b []byte) error {
	var g Model
	if len(b) > maxModel {
		return bad(fmt.Errorf("longer than %d bytes", maxModel))
	}
	if err := json.Unmarshal(b, &g, json.RejectUnknownMembers(true)); err != nil {
		return bad(err)
	}
	switch {
	case g.Format != format:
		return bad(fmt.Errorf("format %.40q is not %s", g.Format, format))
	case len(g.Periods) == 0 || len(g.Periods) > maxPeriods || len(g.Weights) > maxNumbers:
		return bad(fmt.Errorf("%d periods and %d weights", len(g.Periods), len(g.Weights)))
	}
	for _, v := range append(g.Periods[:len(g.Periods):len(g.Periods)], g.Weights...) {
		if math.Abs(v) > 1e6 {
			return bad(fmt.Errorf("a weight of %v", v))
		}
	}
	*m = g
	return nil
}

func bad(err error) error {
	return &episode.Problem{Code: "hazard/bad-model", Message: "not a hazard model that this version can run", Hint: "fit it again", Err: err}
}
