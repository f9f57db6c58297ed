// SPDX-License-Identifier: Apache-2.0

package trusttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/tlog/proof"
	"github.com/headrace/headrace/internal/tlog/seen"
)

// IntakeOptions says how much is sent and how often something breaks.
type IntakeOptions struct {
	Options
	Contributors int // 5
	Bundles      int // of all together; 200
	Records      int // in each; 3
	Kills        int // of the hub, of senders, and cut connections together; 20
}

// IntakeReport is what came out.
type IntakeReport struct {
	Held
	Ledger      *Ledger // what was sent, to be counted again
	HubKills    int
	SenderKills int
	Cuts        int
	Tries       int           // how often a bundle was sent until all had their receipts
	Restart     time.Duration // the longest start of the hub after a kill
	Continued   int           // bundles that carried a checkpoint
}

// Intake sends bundles through kills and cuts until each has its receipt, and counts. The error is about the trial or a
// process that did not come back.
func Intake(ctx context.Context, o IntakeOptions) (r IntakeReport, err error) {
	for v, d := range map[*int]int{&o.Contributors: 5, &o.Bundles: 200, &o.Records: 3, &o.Kills: 20} {
		if *v == 0 {
			*v = d
		}
	}
	m, err := newMaker(ctx, o.Options)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	s := &sending{o: o, m: m, hubKills: o.Kills * 3 / 10, senderKills: o.Kills * 3 / 10, rng: rand.New(rand.NewPCG(o.Seed, 3))}
	s.cuts = o.Kills - s.hubKills - s.senderKills
	var all []*contributor
	for i := range o.Contributors {
		c, err := m.join(ctx, fmt.Sprintf("enterprise-%d", i))
		if err != nil {
			return r, err
		}
		all = append(all, c)
	}
	s.report.Ledger = newLedger(all[0])
	if err := s.run(ctx, all); err != nil {
		return s.report, err
	}
	s.report.Cuts = m.line.Cuts()
	if err := m.stop(); err != nil {
		return s.report, err
	}
	s.report.Held, err = s.report.Ledger.Count(ctx, o.HubDir())
	return s.report, err
}

// sending is a trial under way.
type sending struct {
	o IntakeOptions
	m *maker

	mu                          sync.Mutex // guards what follows
	rng                         *rand.Rand
	hubKills, senderKills, cuts int // still to come
	sent                        int // bundles that have their receipts
	report                      IntakeReport
}

// senders is how many contributors send at the same time.
const senders = 4

// run has contributors send what they have while a hand breaks things, spread over all that is sent.
func (s *sending) run(ctx context.Context, all []*contributor) error {
	life := ctx
	ctx, done := context.WithCancel(ctx)
	defer done()
	var hand errgroup.Group
	hand.Go(func() error {
		err := s.breakThings(ctx, life)
		if err != nil {
			done()
		}
		return err
	})
	g, sendCtx := errgroup.WithContext(ctx)
	g.SetLimit(senders)
	for i, c := range all {
		n := s.o.Bundles / len(all)
		if i < s.o.Bundles%len(all) {
			n++
		}
		g.Go(func() error {
			for k := range n {
				if err := s.contribute(sendCtx, c, k); err != nil {
					return fmt.Errorf("%s, bundle %d: %w", c.name, k, err)
				}
			}
			return nil
		})
	}
	err := g.Wait()
	done()
	if broken := hand.Wait(); broken != nil {
		return broken
	}
	return err
}

// breakThings kills the hub and cuts lines, each when the share of bundles that belongs to it has been sent, until ctx ends. A hub
// that was killed is started again in any case.
func (s *sending) breakThings(ctx, life context.Context) error {
	kills, cuts := s.hubKills, s.cuts
	for killed, cut := 0, 0; killed < kills || cut < cuts; {
		s.mu.Lock()
		sent, wait := s.sent, time.Duration(s.rng.IntN(60))*time.Millisecond
		s.mu.Unlock()
		if cut < cuts && sent >= cut*s.o.Bundles/cuts && s.m.line.Cuts() == cut {
			cut++
			s.m.line.Cut(1)
		}
		if killed < kills && sent >= killed*s.o.Bundles/kills {
			sleep(ctx, wait)
			if ctx.Err() != nil {
				break
			}
			if err := s.m.kill(); err != nil {
				return err
			}
			killed++
			begin := time.Now()
			if err := s.m.start(life); err != nil {
				return err
			}
			s.mu.Lock()
			s.report.HubKills, s.report.Restart = killed, max(s.report.Restart, time.Since(begin))
			s.o.log("hub killed %d of %d times; %d of %d bundles sent", killed, kills, sent, s.o.Bundles)
			s.mu.Unlock()
		}
		sleep(ctx, 3*time.Millisecond)
		if ctx.Err() != nil {
			break
		}
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// contribute packs a bundle and sends it with "headrace push", a process that may be killed, until that prints the receipt.
func (s *sending) contribute(ctx context.Context, c *contributor, k int) error {
	var lines [][]byte
	for i := range s.o.Records {
		line, err := record(fmt.Sprintf("ep_%s_%d_%d", c.name, k, i), func(e *episode.Episode) { e.Revision = 1 })
		if err != nil {
			return err
		}
		lines = append(lines, line)
	}
	checkpoint, err := c.lastSeen()
	if err != nil {
		return err
	}
	dir := filepath.Join(c.dir, fmt.Sprint("bundle-", k))
	_, digest, err := bundle.Pack(dir, lines, bundle.Options{Signer: c.ring.Signing(), Contributor: c.name, Recipient: hubName, Checkpoint: checkpoint})
	if err != nil {
		return err
	}
	path := filepath.Join(c.dir, fmt.Sprintf("receipt-%d.json", k))
	var last error
	const tries = 500
	for range tries {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		out, err := s.push(ctx, c, dir)
		if err == nil {
			if err := os.WriteFile(path, out, 0o600); err != nil {
				return err
			}
			if err := s.report.Ledger.enter(c.name, digest, path, lines); err != nil {
				return err
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			s.sent++
			if checkpoint != "" {
				s.report.Continued++
			}
			return os.RemoveAll(dir)
		}
		last = err
		sleep(ctx, 20*time.Millisecond)
	}
	return fmt.Errorf("not taken after %d tries: %w", tries, last)
}

// lastSeen is the checkpoint that the contributor's pushes have seen so far, as an edge would have it carried.
func (c *contributor) lastSeen() (string, error) {
	known, err := proof.Of(c.Hub, c.PublicKey)
	if err != nil {
		return "", err
	}
	cp, err := seen.Open(link.LogDir(c.edgeDir(), c.PublicKey), known).Last()
	return string(cp.Signed), err
}

// push runs the command once; where a kill is due, it is killed at some moment of its work.
func (s *sending) push(ctx context.Context, c *contributor, dir string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, s.o.Binary, "push", "--dir", c.dir, dir)
	cmd.Env = append(os.Environ(), "HOME="+s.m.home())
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.report.Tries++
	var after time.Duration
	if s.senderKills > 0 && s.sent >= (s.o.Kills*3/10-s.senderKills)*s.o.Bundles/max(1, s.o.Kills*3/10) {
		s.senderKills--
		s.report.SenderKills++
		after = time.Duration(10+s.rng.IntN(120)) * time.Millisecond
	}
	s.mu.Unlock()
	if after > 0 {
		t := time.AfterFunc(after, func() { cmd.Process.Kill() })
		defer t.Stop()
	}
	if err := cmd.Wait(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, &said)
	}
	return out.Bytes(), nil
}
