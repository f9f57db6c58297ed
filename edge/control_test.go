// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"errors"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/reward"
)

func TestAReleaseHoldsTheKindOfModelThatItIsCalled(t *testing.T) {
	filter, err := (&learn.Filter{Format: "headrace-filter/1", Reward: reward.Immediate().Name, Threshold: 0.5, Weights: []float64{1}}).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	of := func(kind release.Kind) error {
		_, err := controlOf(nil, &link.Release{Release: &release.Release{Kind: kind}, Payload: filter})
		return err
	}
	if err := of(release.Filter); err != nil {
		t.Error(err)
	}
	if err := of(release.Route); !errors.Is(err, &episode.Problem{Code: "release/other-kind"}) {
		t.Errorf("a filter that is called a route: %v", err)
	}
}
