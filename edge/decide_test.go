// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/headrace/headrace/edge"
)

// A decision that was given out is logged, whatever the process was at when it ended.
func TestDecisionsAreLoggedOnce(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	const n = 3000
	ids := map[string]bool{}
	for range n {
		ids[e.Decide(edge.Principal{Name: "ada"}, edge.DecideRequest{Features: map[string]any{"language": "go"}}).DecisionID] = true
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	l.close(e)
	l.pass(5 * 24 * time.Hour) // longer than raw text rests
	e = l.edge("alder-bank")
	for range 2 {
		l.turn(e)
		if logged, err := l.edgeDB("alder-bank").DecisionCount(t.Context()); err != nil || logged != n || len(ids) != n {
			t.Errorf("%d of %d decisions are logged, %v", logged, len(ids), err)
		}
	}
}
