// SPDX-License-Identifier: Apache-2.0

package learn_test

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/reward"
)

// What is taken most may last least: which of it is learned is for the reward to say.
func TestAFilterExpectsWhatItsRewardPays(t *testing.T) {
	decided := time.Date(2026, 9, 7, 12, 0, 0, 0, time.UTC)
	lasts := func(mid bool) float64 { return map[bool]float64{true: 0.1, false: 0.9}[mid] }
	accept := func(mid bool) float64 { return map[bool]float64{true: 0.6, false: 0.4}[mid] }
	outcomes := rand.New(rand.NewPCG(3, 4))
	rows := decisions(40_000, func(rng *rand.Rand, d *dataset.Decision) float64 {
		mid := rng.IntN(2) == 0
		d.Day = decided.Unix() / 86400
		d.Features = map[string]any{"mid_line": mid}
		return accept(mid)
	})
	for i := range rows {
		if d := &rows[i]; reward.Taken(d) {
			value := 0.0
			if outcomes.Float64() < lasts(d.Features["mid_line"].(bool)) {
				value = 1
			}
			d.Outcomes = []episode.Outcome{{Kind: episode.OutcomeKept, Value: value, Window: "7d", ObservedAt: decided.AddDate(0, 0, 8)}}
		}
	}
	spec := reward.Spec{Format: "headrace-reward/1", Name: "lasting", Version: 1, Cost: 0.2, Parts: []reward.Part{
		{Name: "taken", From: "taken", Weight: 0.2}, {Name: "lasting", From: "kept", After: "7d", Within: "14d", Weight: 1}}}
	learned := func(o learn.Options) *learn.Filter {
		f, _, err := learn.Fit(t.Context(), rows, o)
		if err != nil {
			t.Fatal(err)
		}
		b, err := f.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		m, err := learn.Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := m.MarshalBinary(); err != nil || !bytes.Equal(b, again) {
			t.Errorf("read back it is %s, not %s", again, b)
		}
		return m.(*learn.Filter)
	}
	now, later := learned(learn.Options{}), learned(learn.Options{Reward: reward.Fit(spec, rows, decided.Unix()/86400+20)})
	for _, mid := range []bool{true, false} {
		for name, c := range map[string]struct {
			f    *learn.Filter
			want float64
		}{
			"immediate": {now, accept(mid) - 0.25},
			"lasting":   {later, -0.2 + accept(mid)*(0.2+lasts(mid))},
		} {
			context := map[string]any{"mid_line": mid}
			values := c.f.Values(nil, context, []episode.Action{{ID: dataset.ActionShow}, {ID: dataset.ActionHide}})
			show, _ := c.f.Decide(context)
			if math.Abs(values[0]-c.want) > 0.02 || values[1] != 0 || show != (values[0] > 0) {
				t.Errorf("%s, mid line %v: to show is worth %.3f, truly %.3f; shown: %v", name, mid, values[0], c.want, show)
			}
		}
	}
	if show, _ := now.Decide(map[string]any{"mid_line": true}); !show {
		t.Error("what is taken most is not shown for the reward of the moment")
	}
	if show, _ := later.Decide(map[string]any{"mid_line": true}); show {
		t.Error("what does not last is shown for a reward of what lasts")
	}
}
