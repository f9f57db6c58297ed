// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/headrace/headrace/edge"
)

// decideDurable measures how long after its answer a decision is durable, with 2,000 others a second. Feedback on a decision that the log
// does not have is refused once all that was given out before it is durable: that long an answer to it takes, with what it costs
// to ask.
func decideDurable(ctx context.Context, d *demo, dir string, asked []edge.DecideRequest, samples int) (r row, err error) {
	e, err := openEdge(ctx, d, dir)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	ctx, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	who := edge.Principal{Authenticated: true}
	running.Go(func() { e.Run(ctx) })
	running.Go(func() {
		n := 0
		for begin := time.Now(); ctx.Err() == nil; time.Sleep(time.Millisecond) {
			for ; n < int(time.Since(begin).Seconds()*decideRate); n++ {
				e.Decide(who, asked[n%len(asked)])
			}
		}
	})
	api := e.Handler(func(*http.Request) edge.Principal { return who })
	var took loaded
	for k := range samples {
		time.Sleep(time.Duration(k%17) * time.Millisecond)
		a := e.Decide(who, asked[k%len(asked)])
		if a.DecisionID == "" {
			return r, errors.New("the log is too far behind")
		}
		absent := a.DecisionID[:len(a.DecisionID)-1] + "-"
		begin, w := time.Now(), httptest.NewRecorder()
		api.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodPost, "/v1/decisions", bytes.NewReader(fmt.Appendf(nil, `{"decision_id":%q,"verdict":"accepted"}`, absent))))
		took.took = append(took.took, time.Since(begin))
		if !strings.Contains(w.Body.String(), "is not in the log") {
			return r, fmt.Errorf("feedback on no decision was answered %d: %s", w.Code, w.Body)
		}
	}
	slices.Sort(took.took)
	return row{ID: "decide/durable", Ours: figure(us(took.quantile(0.99)) / 1000), Unit: "ms", N: samples, Seed: d.seed,
		Note: fmt.Sprintf("from the answer until it is on the disk, p99, with %d others a second; p50 %.1f ms, largest %.1f ms", decideRate, us(took.quantile(0.5))/1000, us(took.quantile(1))/1000)}, nil
}
