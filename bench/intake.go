// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/sim"
)

const (
	intakeClients = 16
	intakeLines   = 2048 // different records, sent again and again under new ids
)

// measureIntake posts episodes to "headrace up", which answers after the fsync, and the same requests to a handler that
// only reads them. The peer is measured first: nothing of ours is busy beside it.
func measureIntake(ctx context.Context, b *bench) ([]row, error) {
	warm, length := 2*time.Second, 10*time.Second
	if b.quick {
		warm, length = 500*time.Millisecond, 2*time.Second
	}
	lines, err := simulated(intakeLines)
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, per := range []int{1, 50} {
		syscall.Sync()
		peer, addr, err := startEmpty(ctx)
		if err != nil {
			return rows, err
		}
		empty, err := (&target{addr: addr, path: "/v1/episodes", next: requests(lines, per)}).closed(ctx, intakeClients, warm, length)
		peer.stop()
		if err != nil {
			return rows, err
		}
		dir := filepath.Join(b.temp, fmt.Sprintf("intake-%d", per))
		c, addr, err := b.up(ctx, dir, "--otlp=", "--settle", "100000h") // assembled, never screened
		if err != nil {
			return rows, err
		}
		token, err := os.ReadFile(filepath.Join(dir, "edge", "keys", "token"))
		if err != nil {
			c.stop()
			return rows, err
		}
		ours, err := (&target{addr: addr, path: "/v1/episodes", token: strings.TrimSpace(string(token)), next: requests(lines, per),
			want: fmt.Appendf(nil, `"accepted":%d`, per)}).closed(ctx, intakeClients, warm, length)
		c.stop()
		if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
			return rows, err
		}
		unit := "requests/s"
		if per > 1 {
			unit = "records/s"
		}
		rows = append(rows, row{ID: fmt.Sprintf("intake-%d", per), Ours: figure(ours.rate() * float64(per)), Unit: unit, Peer: figure(empty.rate() * float64(per)), PeerName: emptyName,
			N: ours.requests, Seed: 1, Note: fmt.Sprintf("%d connections, %d record(s) of %d bytes on average a request, %v; p50 %.2f ms, p99 %.2f ms; peer p99 %.2f ms", intakeClients, per,
				len(bytes.Join(lines, nil))/len(lines), length, ms(ours.quantile(0.5)), ms(ours.quantile(0.99)), ms(empty.quantile(0.99)))})
	}
	return rows, nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

var errEnough = errors.New("enough")

// simulated returns so many raw episodes of the simulator, one a line.
func simulated(n int) (lines [][]byte, err error) {
	err = episodes(n, func(e *episode.Episode) error {
		line, err := episode.Append(nil, e)
		lines = append(lines, append(line, '\n'))
		return err
	})
	return lines, err
}

// episodes draws so many episodes of the demo's first contributor.
func episodes(n int, emit func(*episode.Episode) error) error {
	w, err := sim.New(sim.Config{Seed: 1, Gain: 0.2, Decisions: max(demoDecisions, 4*n)})
	if err != nil {
		return err
	}
	err = w.Episodes(w.Contributors()[0], func(e *episode.Episode) error {
		if n--; n < 0 {
			return errEnough
		}
		return emit(e)
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// requests makes bodies of so many lines each. A line keeps its length and gets an id that was never sent before, so that
// no connection waits for another and nothing is seen twice.
func requests(lines [][]byte, per int) func(connection int) []byte {
	type sender struct {
		body []byte
		sent int
		_    [64]byte // of one connection only: keep them on different cache lines
	}
	senders := make([]sender, intakeClients)
	return func(connection int) []byte {
		s := &senders[connection]
		s.body = s.body[:0]
		for range per {
			from := len(s.body)
			s.body = append(s.body, lines[(s.sent*intakeClients+connection)%len(lines)]...)
			s.sent++
			if i := bytes.Index(s.body[from:], []byte(`"id":"ep_`)); i >= 0 {
				copy(s.body[from+i+len(`"id":"ep_`):], fmt.Sprintf("%04x%012x", connection, s.sent))
			}
		}
		return s.body
	}
}
