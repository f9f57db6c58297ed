// SPDX-License-Identifier: Apache-2.0

// Package killtest shows that a kill loses nothing: it starts a real headrace process, sends it records, kills it with
// SIGKILL again and again while it works, starts it anew on the same folder each time, and counts at the end what
// reached the hub.
//
// Start from [Run]. A record is sent until it is acknowledged, as an honest client does; from the acknowledgement on it
// must be found at the hub exactly once, and each later outcome once. Where a kill fell is not taken from a plan but
// read from what it left on disk, so that the report's spread is what really happened.
//
// It is for tests and measurements: nothing that Headrace does needs it.
package killtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/sim"
)

// Options says what to do; only Binary and Dir must be set.
type Options struct {
	// Binary is a headrace program.
	Binary string
	// Dir is an empty folder for all state.
	Dir     string
	Kills   int // 10
	Seed    uint64
	Records int          // at least; sending goes on for as long as there are kills to come, up to this many: 200 a kill
	Log     func(string) // progress; nil is silent
}

// Report is what came out.
type Report struct {
	Kills        int            `json:"kills"`
	Acknowledged int            `json:"acknowledged"`  // episodes
	Outcomes     int            `json:"outcomes"`      // acknowledged later facts
	Lost         []string       `json:"lost"`          // acknowledged, not at the hub
	Twice        []string       `json:"twice"`         // more than once at the hub
	Spread       map[string]int `json:"spread"`        // kills by the work they left unfinished; one kill may leave several
	Idle         int            `json:"idle"`          // kills that left nothing unfinished
	Restart      time.Duration  `json:"restart_nanos"` // the longest start after a kill, until it answered
	Drain        time.Duration  `json:"drain_nanos"`   // from the last start until all was at the hub
	Snapshots    int            `json:"snapshots"`
	Releases     int            `json:"releases"`
}

// Run kills and counts. The error is about the harness or a process that did not come back; what was lost or came twice
// is in the report.
func Run(ctx context.Context, o Options) (Report, error) {
	if o.Kills == 0 {
		o.Kills = 10
	}
	if o.Records == 0 {
		o.Records = 200 * o.Kills
	}
	if o.Log == nil {
		o.Log = func(string) {}
	}
	r := Report{Spread: map[string]int{}}
	records, err := history(o)
	if err != nil {
		return r, err
	}
	if err := prepare(o.Dir); err != nil {
		return r, err
	}
	rng := rand.New(rand.NewPCG(o.Seed, 1))
	sender := newSender(records, o.Kills)
	for r.Kills < o.Kills {
		p, err := start(ctx, o)
		if err != nil {
			return r, fmt.Errorf("start %d: %w", r.Kills+1, err)
		}
		r.Restart = max(r.Restart, p.took)
		moment := moments[rng.IntN(len(moments))]
		lifeCtx, end := context.WithCancel(ctx)
		var g errgroup.Group
		g.Go(func() error { sender.run(lifeCtx, p); return nil })
		moment.wait(ctx, o.Dir, rng)
		err = p.kill()
		end()
		g.Wait()
		if err != nil {
			return r, err
		}
		r.Kills++
		sender.allow(r.Kills)
		left, err := unfinished(ctx, o.Dir)
		if err != nil {
			return r, fmt.Errorf("look at what kill %d left: %w", r.Kills, err)
		}
		for _, what := range left {
			r.Spread[what]++
		}
		if len(left) == 0 {
			r.Idle++
		}
		o.Log(fmt.Sprintf("kill %d of %d, aimed at %s: left %v; %d acknowledged", r.Kills, o.Kills, moment.name, left, sender.acknowledged()))
	}
	return r, finish(ctx, o, sender, &r)
}

// finish starts the process once more, lets it do what is left, ends it in order, and counts.
func finish(ctx context.Context, o Options, sender *sender, r *Report) error {
	p, err := start(ctx, o)
	if err != nil {
		return fmt.Errorf("the last start: %w", err)
	}
	begin := time.Now()
	r.Restart = max(r.Restart, p.took)
	sender.allow(o.Kills + 1)
	sender.run(ctx, p)
	ids, outcomes := sender.all()
	r.Acknowledged, r.Outcomes = len(ids), outcomes
	err = settled(ctx, o.Dir, 2*time.Minute)
	r.Drain = time.Since(begin)
	if err = errors.Join(err, p.stop()); err != nil {
		return err
	}
	return r.count(ctx, o.Dir, ids)
}

// history is what will be sent: episodes of a simulated enterprise, each with what became known of it later.
func history(o Options) (list []*record, err error) {
	w, err := sim.New(sim.Config{Seed: int64(o.Seed), Gain: 0.6, Decisions: 2 * o.Records, Developers: max(60, o.Records/8)})
	if err != nil {
		return nil, err
	}
	name := w.Contributors()[0]
	byID := map[string]*record{}
	err = w.Episodes(name, func(ep *episode.Episode) error {
		if byID[ep.ID] != nil {
			return nil
		}
		r := &record{episode: ep.Clone()}
		byID[ep.ID], list = r, append(list, r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(o.Seed, 2)) // developers mixed: a training needs many
	rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	list = list[:min(len(list), o.Records)]
	clear(byID)
	for _, r := range list {
		byID[r.episode.ID] = r
	}
	err = w.Late(name, func(ep *episode.Episode) error {
		if r := byID[ep.ID]; r != nil {
			r.late = ep.Clone()
		}
		return nil
	})
	return list, err
}

// policy lets everything leave by itself: what is tested is that it does, once.
const policy = `version: 1
recipients:
  - name: killtest-maker
    kind: maker
rules:
  - name: all-by-itself
    when: "true"
    level: signal
    purposes: [evaluate, reward]
    recipients: [killtest-maker]
    retention_days: 365
    approval: auto
`

const recipient = "killtest-maker"

func prepare(dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, "home"), 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "policy.yaml"), []byte(policy), 0o600)
}

// moment is a kind of work that a kill aims at.
type moment struct {
	name string
	// wait returns when the process should be killed.
	wait func(ctx context.Context, dir string, rng *rand.Rand)
}

// moments are chosen from evenly. The hub gathers for a second before it turns, so that the last two aim by time.
var moments = []moment{
	{"intake", func(ctx context.Context, dir string, rng *rand.Rand) { sleep(ctx, rng, 5, 150) }},
	{"pack", func(ctx context.Context, dir string, rng *rand.Rand) {
		changed(ctx, filepath.Join(dir, "state", "edge", "bundles"))
		sleep(ctx, rng, 0, 6)
	}},
	{"push", func(ctx context.Context, dir string, rng *rand.Rand) {
		changed(ctx, filepath.Join(dir, "state", "hub", "blobs", "sha256"))
		sleep(ctx, rng, 0, 8)
	}},
	{"curate", func(ctx context.Context, dir string, rng *rand.Rand) {
		changed(ctx, filepath.Join(dir, "state", "hub", "blobs", "sha256"))
		sleep(ctx, rng, 950, 1300)
	}},
	{"release", func(ctx context.Context, dir string, rng *rand.Rand) {
		changed(ctx, filepath.Join(dir, "state", "hub", "blobs", "sha256"))
		sleep(ctx, rng, 1050, 1900)
	}},
}

func sleep(ctx context.Context, rng *rand.Rand, from, to int) {
	select {
	case <-ctx.Done():
	case <-time.After(time.Duration(from)*time.Millisecond + time.Duration(rng.Int64N(int64(to-from)*int64(time.Millisecond)))):
	}
}

// changed waits until the entries of a folder change, or for two seconds.
func changed(ctx context.Context, dir string) {
	was := modified(dir)
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end) && ctx.Err() == nil; {
		if modified(dir) != was {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func modified(dir string) time.Time {
	fi, err := os.Stat(dir)
	if err != nil {
		return time.Time{}
	}
	return fi.ModTime()
}

// record is one episode and what became known of it later.
type record struct {
	episode, late *episode.Episode
}

// sender sends every record until it is acknowledged, across the lives of the process.
type sender struct {
	lives int

	mu    sync.Mutex // guards what follows
	queue []*job
	limit int // how many jobs may have been taken by now
	taken int
	acked map[string]bool // episode ids
	late  int
	total int
}
