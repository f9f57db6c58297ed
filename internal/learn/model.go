// SPDX-License-Identifier: Apache-2.0

package learn

import (
	"encoding"
	"fmt"
	"math"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/learn/bandit"
	"github.com/headrace/headrace/internal/learn/rank"
)

// Model is a control model. It is safe for concurrent use, and its file is the same bytes for the same rows.
type Model interface {
	// Values appends to into what each action is expected to be worth in a context, in the unit of the reward that the
	// model was learned for; NaN for an action that it knows nothing of. Context and features are number (float64),
	// bool or enum (string), as coarse as they leave. It does not allocate where into has room.
	Values(into []float64, context map[string]any, actions []episode.Action) []float64
	encoding.BinaryMarshaler
}

// Greedy returns the index of the action that is worth most, the first of those that are equal, or -1 where the model
// knows none of them.
func Greedy(values []float64) int {
	best := -1
	for i, v := range values {
		if !math.IsNaN(v) && (best < 0 || v > values[best]) {
			best = i
		}
	}
	return best
}

// Chooses names what a model chooses, as releases do: "filter" whether to show, "route" among what it is asked about; empty for
// one that only ranks.
func Chooses(m Model) string {
	switch m.(type) {
	case *Filter:
		return "filter"
	case *bandit.Route:
		return "route"
	}
	return ""
}

// Decode reads a model file by its format.
func Decode(b []byte) (Model, error) {
	var head struct {
		Format string `json:"format"`
	}
	if len(b) > maxModel {
		return nil, badModel(fmt.Errorf("longer than %d bytes", maxModel))
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, badModel(err)
	}
	switch head.Format {
	case filterFormat:
		f := new(Filter)
		return f, f.UnmarshalBinary(b)
	case rank.Format:
		r := new(rank.Model)
		return r, r.UnmarshalBinary(b)
	case bandit.RouteFormat:
		r := new(bandit.Route)
		return r, r.UnmarshalBinary(b)
	}
	return nil, badModel(fmt.Errorf("format %q is not one this version knows", head.Format))
}

// Values are those of showing and hiding: the reward that its share promises, and 0.
func (f *Filter) Values(into []float64, context map[string]any, actions []episode.Action) []float64 {
	for i := range actions {
		switch actions[i].ID {
		case dataset.ActionShow:
			_, p := f.Decide(context)
			value := p - f.Threshold
			if f.Scale > 0 {
				value *= f.Scale
			}
			into = append(into, value)
		case dataset.ActionHide:
			into = append(into, 0)
		default:
			into = append(into, math.NaN())
		}
	}
	return into
}
