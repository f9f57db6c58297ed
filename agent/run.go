// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/headrace/headrace/internal/seal"
)

// Config is what a running agent needs to know.
type Config struct {
	// Dir is the agent's folder: what it keeps, and the queue of the hook program.
	Dir    string
	Home   string
	Getenv func(string) string
	// SealTo is the edge's key: only the edge opens what is kept here.
	SealTo seal.Public
	// Send keeps or delivers sealed payloads, and returns once they are durable.
	Send func(ctx context.Context, sealed [][]byte) error
	// Listen is where tools send OpenTelemetry, on this machine; nil for nowhere. Token proves that a tool is this person's.
	Listen net.Listener
	Token  string
	Log    *slog.Logger
	Now    func() time.Time
}

// Folders and files that the hook program knows too.
const (
	hooksDir   = "hooks"
	SealToFile = "edge.pub"
)

// Run follows, picks up and receives until ctx ends.
func Run(ctx context.Context, cfg Config) error {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if err := os.MkdirAll(filepath.Join(cfg.Dir, hooksDir), 0o700); err != nil {
		return fmt.Errorf("the agent's folder: %w", err)
	}
	if err := replace(filepath.Join(cfg.Dir, SealToFile), []byte(cfg.SealTo.String()+"\n")); err != nil {
		return fmt.Errorf("the agent's folder: %w", err)
	}
	f, err := newFollower(cfg)
	if err != nil {
		return fmt.Errorf("the agent's folder: %w", err)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return f.run(ctx) })
	g.Go(func() error { return cfg.pickUp(ctx) })
	g.Go(func() error { return f.scan(ctx) })
	if cfg.Listen != nil {
		g.Go(func() error { return cfg.receive(ctx) })
	}
	return g.Wait()
}

// head is the first line of a payload: what it is. The edge and the hook program have the same.
type head struct {
	Kind string `json:"kind"`
}

// seal closes one payload.
func (cfg *Config) seal(kind string, body []byte) ([]byte, error) {
	first, err := json.Marshal(head{kind})
	if err != nil {
		return nil, err
	}
	return cfg.SealTo.Seal(slices.Concat(first, []byte{'\n'}, body))
}

// deliver sends episodes.
func (cfg *Config) deliver(ctx context.Context, lines []byte) error {
	sealed, err := cfg.seal("episodes", lines)
	if err != nil {
		return err
	}
	return cfg.Send(ctx, [][]byte{sealed})
}

const (
	scanEvery = 5 * time.Minute // the repositories that tools worked in, for new commits
	scanSoon  = 2 * time.Second // for repositories that are new
)

// scan tells of the commits of repositories that tools worked in.
func (f *follower) scan(ctx context.Context) error {
	tick := time.NewTicker(scanSoon)
	defer tick.Stop()
	var last time.Time
	for {
		if now := f.cfg.Now(); now.Sub(last) >= scanEvery || f.clones.Waiting() {
			last = now
			changed, err := f.clones.Tell(ctx, now, func(ctx context.Context, body []byte) error {
				sealed, err := f.cfg.seal("commits", body)
				if err != nil {
					return err
				}
				return f.cfg.Send(ctx, [][]byte{sealed})
			})
			if changed {
				err = errors.Join(err, f.saveClones())
			}
			if err != nil && ctx.Err() == nil {
				f.cfg.Log.Warn("of some commits nothing is told yet", "err", err)
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

const (
	pickUpEvery = time.Second
	pickUpBytes = 8 << 20
)

// pickUp sends what the hook program has written, oldest first, and removes it.
func (cfg *Config) pickUp(ctx context.Context) error {
	for {
		if err := cfg.pickUpOnce(ctx); err != nil && ctx.Err() == nil {
			cfg.Log.Error("what hooks told is not delivered yet", "err", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pickUpEvery):
		}
	}
}

func (cfg *Config) pickUpOnce(ctx context.Context) error {
	dir := filepath.Join(cfg.Dir, hooksDir)
	entries, err := os.ReadDir(dir) // in the order of their names, which begin with the time
	if err != nil {
		return err
	}
	var sealed [][]byte
	var paths []string
	size := 0
	flush := func() error {
		if len(sealed) == 0 {
			return nil
		}
		if err := cfg.Send(ctx, sealed); err != nil {
			return err
		}
		var errs []error
		for _, p := range paths {
			errs = append(errs, os.Remove(p))
		}
		sealed, paths, size = nil, nil, 0
		return errors.Join(errs...)
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if !e.Type().IsRegular() || strings.HasPrefix(e.Name(), ".") || strings.HasSuffix(e.Name(), ".new") || e.Name() == "dropped" {
			continue
		}
		b, err := readAtMost(path, 64<<20)
		if err != nil {
			cfg.Log.Warn("what a hook told cannot be read", "err", err)
			continue
		}
		sealed, paths, size = append(sealed, b), append(paths, path), size+len(b)
		if size > pickUpBytes {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

func readAtMost(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most))
}
