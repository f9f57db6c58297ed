// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

func TestEveryCountedRequestWasAnswered(t *testing.T) {
	var asked atomic.Int64
	addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if b, _ := io.ReadAll(r.Body); string(b) == "line\n" && r.Header.Get("Authorization") == "Bearer secret" {
			asked.Add(1)
		}
		io.WriteString(w, `{"accepted":1}`)
	})
	to := &target{addr: addr, path: "/v1/episodes", token: "secret", next: func(int) []byte { return []byte("line\n") }, want: []byte(`"accepted":1`)}
	got, err := to.closed(context.Background(), 4, 0, 100*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if got.requests == 0 || int64(got.requests) > asked.Load() || len(got.took) != got.requests {
		t.Errorf("counted %d requests, timed %d, served %d", got.requests, len(got.took), asked.Load())
	}
}

func TestAnswerThatIsNotWantedEndsTheLoad(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"refused":   func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusServiceUnavailable) },
		"set aside": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"accepted":0}`) },
	} {
		to := &target{addr: serve(t, h), path: "/", next: func(int) []byte { return nil }, want: []byte(`"accepted":1`)}
		if _, err := to.closed(context.Background(), 1, 0, time.Second); err == nil {
			t.Errorf("%s: counted as answered", name)
		}
	}
}

func TestOpenLoadKeepsItsRateAndCountsWaiting(t *testing.T) {
	var n atomic.Int64
	addr := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if n.Add(1) == 50 {
			time.Sleep(100 * time.Millisecond) // one answer is late: those due meanwhile on its connection waited too
		}
		io.WriteString(w, "{}")
	})
	to := &target{addr: addr, path: "/", next: func(int) []byte { return nil }}
	got, err := to.open(context.Background(), 1, 200, 0, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if got.requests < 190 || got.requests > 201 {
		t.Errorf("%d requests in a second at 200/s", got.requests)
	}
	if q := got.quantile(0.93); q < 10*time.Millisecond {
		t.Errorf("about 20 of 200 requests were due while one took 100 ms; the 93rd percentile is %v", q)
	}
}

func TestNoTwoRequestsCarryTheSameEpisode(t *testing.T) {
	lines, err := simulated(8)
	if err != nil {
		t.Fatal(err)
	}
	next, seen := requests(lines, 3), map[string]bool{}
	for i := range 40 {
		for line := range strings.SplitSeq(strings.TrimSpace(string(next(i%intakeClients))), "\n") {
			_, id, _ := strings.Cut(line, `"id":"ep_`)
			if id = id[:32]; seen[id] {
				t.Fatalf("episode %s twice", id)
			} else {
				seen[id] = true
			}
		}
	}
	if len(seen) != 120 {
		t.Errorf("%d episodes in 120 lines", len(seen))
	}
}
