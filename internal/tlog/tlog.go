// SPDX-License-Identifier: Apache-2.0

// Package tlog writes the hub's append-only log: one entry for each bundle and document.
//
// [Log] keeps a Merkle log in plain files (Tessera's POSIX driver, C2SP tlog-tiles). [Log.Append] returns once the
// entry is durable and a signed checkpoint covers it, so that an index given out can be proven at once. The files are
// also the interface to auditors: [Log.ServeHTTP] serves them for reading, and package proof verifies them.
//
// The log does not look for duplicates. A caller that must append once keeps commitment → index in its own store,
// and [Log.Size] with the commitment before it calls Append; after a crash between the two it asks [Log.Find] from
// that size on, and appends only what is not there. For the hub only: Tessera must not reach the edge's imports.
package tlog

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/storage/posix"
	"k8s.io/klog/v2"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/tlog/proof"
)

const (
	batchAge           = 5 * time.Millisecond   // how long an entry waits for company
	batchSize          = 256                    // one tile's width
	checkpointInterval = 100 * time.Millisecond // the shortest that the driver takes
	pollInterval       = 2 * time.Millisecond   // how often Append looks for its checkpoint
	witnessPatience    = 5 * time.Second        // how long an entry may wait for witnesses
	republish          = time.Minute            // how soon a witness that was away is asked again
)

// Config says where the log is and who signs it.
type Config struct {
	Dir string
	// Origin names the log in its checkpoints: a host and path such as "hub.example/log", without spaces or "+". It
	// never changes during a log's life.
	Origin string
	// Key is an ed25519 key. While it does not sign, entries wait for their checkpoint.
	Key crypto.Signer
	// Witnesses are asked to cosign each checkpoint. One that does not answer in time is left out: the log goes on, and
	// that checkpoint is not witnessed by it.
	Witnesses []Witness
}

// Witness is one that somebody else runs (C2SP tlog-witness).
type Witness struct {
	// Key is its verifier key, as headrace witness prints it.
	Key string `yaml:"key"`
	// URL is where it answers; the protocol's add-checkpoint is appended.
	URL string `yaml:"url"`
}

// Log is a log open for writing. It is safe for concurrent use; only one process may have it open.
type Log struct {
	dir      string
	signer   *signer
	known    *proof.Log
	asked    []string // names of witnesses
	appender *tessera.Appender
	reader   tessera.LogReader
	shutdown func(context.Context) error
	stop     context.CancelFunc // ends Tessera's goroutines
}

// Open opens the log in cfg.Dir, making it on first use. After a crash it goes on from the last entry that was
// integrated; what Append had not yet answered may or may not be there.
func Open(ctx context.Context, cfg Config) (*Log, error) {
	own, err := proof.NewSigner(cfg.Origin, cfg.Key)
	if err != nil {
		return nil, fmt.Errorf("open log %s: %w", cfg.Dir, err)
	}
	signer := &signer{Signer: own}
	opts := tessera.NewAppendOptions().WithCheckpointSigner(signer).WithBatching(batchSize, batchAge).WithCheckpointInterval(checkpointInterval)
	if len(cfg.Witnesses) > 0 {
		group, err := groupOf(cfg.Witnesses)
		if err != nil {
			return nil, err
		}
		// A checkpoint that a witness missed is shown to it again, though the log has not grown.
		opts = opts.WithWitnesses(group, &tessera.WitnessOptions{Timeout: witnessPatience, FailOpen: true}).WithCheckpointRepublishInterval(republish)
	}
	var keys, names []string
	for _, w := range cfg.Witnesses {
		name, _, _ := strings.Cut(w.Key, "+")
		keys, names = append(keys, w.Key), append(names, name)
	}
	known, err := proof.NewLog(own.VerifierKey(), keys...)
	if err != nil {
		return nil, err
	}
	// Tessera tells of everyday things on standard error; what matters it returns.
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	l := &Log{dir: cfg.Dir, signer: signer, known: known, asked: names}
	// A log that another key signed must not be continued: everyone who follows it would see a fork.
	if cp, err := l.Checkpoint(); err == nil {
		if _, err := known.Open(cp); err != nil {
			return nil, fmt.Errorf("open log %s: %w", cfg.Dir, err)
		}
	}
	// Tessera's goroutines live until Close, whatever becomes of the context that opened the log.
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	driver, err := posix.New(run, posix.Config{Path: cfg.Dir})
	if err == nil {
		l.appender, l.shutdown, l.reader, err = tessera.NewAppender(run, driver, opts)
	}
	if err != nil {
		stop()
		if _, why := signer.failures(); why != nil {
			err = why // the driver keeps only its words
		}
		return nil, fmt.Errorf("open log %s: %w", cfg.Dir, err)
	}
	l.stop = stop
	return l, nil
}

// groupOf is all of the witnesses: each is waited for, but not for long.
func groupOf(list []Witness) (tessera.WitnessGroup, error) {
	group := tessera.WitnessGroup{N: len(list)}
	for _, w := range list {
		u, err := url.Parse(w.URL)
		if err != nil || u.Host == "" {
			return group, &episode.Problem{Code: "log/witness", Message: fmt.Sprintf("%q is not the address of a witness", w.URL), Hint: "give it as https://host or http://host:port"}
		}
		one, err := tessera.NewWitness(w.Key, u)
		if err != nil {
			return group, &episode.Problem{Code: "log/witness", Message: fmt.Sprintf("%.100q is not the key of a witness", w.Key), Err: err, Hint: "copy it as headrace witness prints it"}
		}
		group.Components = append(group.Components, one)
	}
	return group, nil
}

// signer remembers how signing went, for those who wait for a checkpoint.
type signer struct {
	*proof.Signer
	mu     sync.Mutex // guards what follows
	failed int        // how often
	why    error      // the last time
}

// Sign signs a checkpoint.
func (s *signer) Sign(text []byte) ([]byte, error) {
	signature, err := s.Signer.Sign(text)
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.failed, s.why = s.failed+1, err
	}
	return signature, err
}

func (s *signer) failures() (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed, s.why
}

// VerifierKey returns what others verify this log with.
func (l *Log) VerifierKey() string { return l.signer.VerifierKey() }

// Append adds an entry and returns its index once a published checkpoint covers it. When it returns an error the entry
// may still have been added: see Find.
func (l *Log) Append(ctx context.Context, kind string, commitment []byte) (uint64, error) {
	before, _ := l.signer.failures()
	at, err := l.appender.Add(ctx, tessera.NewEntry(proof.Entry(kind, commitment)))()
	if err != nil {
		return 0, fmt.Errorf("append to log: %w", err)
	}
	if err := l.covered(ctx, at.Index, before); err != nil {
		return 0, fmt.Errorf("append to log: %w", err)
	}
	return at.Index, nil
}

// covered waits until a published checkpoint covers the entry at index, or until signing one fails anew.
func (l *Log) covered(ctx context.Context, index uint64, failed int) error {
	t := time.NewTicker(pollInterval)
	defer t.Stop()
	for {
		size, err := l.Size()
		if err != nil || size > index {
			return err
		}
		if n, why := l.signer.failures(); n > failed {
			return fmt.Errorf("wait for checkpoint: %w", why)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for checkpoint: %w", ctx.Err())
		case <-t.C:
		}
	}
}

// Unwitnessed returns the witnesses that have not cosigned the last checkpoint.
func (l *Log) Unwitnessed() ([]string, error) {
	cp, err := l.state()
	return slices.DeleteFunc(slices.Clone(l.asked), func(name string) bool { return slices.Contains(cp.Witnesses, name) }), err
}

// Size returns the number of entries that the last checkpoint covers.
func (l *Log) Size() (uint64, error) {
	cp, err := l.state()
	return cp.Size, err
}

func (l *Log) state() (proof.Checkpoint, error) {
	raw, err := l.Checkpoint()
	if err != nil {
		return proof.Checkpoint{}, err
	}
	return l.known.Open(raw)
}

// Inclusion proves that the entry at index is in the log, under the newest checkpoint. The caller adds the salt.
func (l *Log) Inclusion(ctx context.Context, index uint64) (proof.Inclusion, error) {
	cp, err := l.state()
	if err != nil {
		return proof.Inclusion{}, err
	}
	if index >= cp.Size {
		return proof.Inclusion{}, fmt.Errorf("prove entry %d: the log has %d", index, cp.Size)
	}
	pb, err := client.NewProofBuilder(ctx, cp.Size, l.reader.ReadTile)
	if err != nil {
		return proof.Inclusion{}, fmt.Errorf("read log: %w", err)
	}
	hashes, err := pb.InclusionProof(ctx, index)
	if err != nil {
		return proof.Inclusion{}, fmt.Errorf("prove entry %d: %w", index, err)
	}
	return proof.Inclusion{Index: index, Checkpoint: cp.Signed, Hashes: hashes}, nil
}

// Consistency proves that this log's checkpoint to, such as that of an [Log.Inclusion], holds all that from held, the
// checkpoint that somebody else keeps of this log; empty: none. It refuses what this log never signed, and cannot prove a
// fork.
func (l *Log) Consistency(ctx context.Context, from, to []byte) (proof.Consistency, error) {
	var old proof.Checkpoint
	if len(from) > 0 {
		var err error
		if old, err = l.known.Open(from); err != nil {
			return proof.Consistency{}, err
		}
	}
	now, err := l.known.Open(to)
	if err != nil {
		return proof.Consistency{}, err
	}
	p := proof.Consistency{Checkpoint: now.Signed}
	if old.Size > 0 && old.Size < now.Size { // the proof from nothing or from itself is empty
		pb, err := client.NewProofBuilder(ctx, now.Size, l.reader.ReadTile)
		if err != nil {
			return p, fmt.Errorf("read log: %w", err)
		}
		if p.Hashes, err = pb.ConsistencyProof(ctx, old.Size, now.Size); err != nil {
			return p, fmt.Errorf("prove consistency from %d: %w", old.Size, err)
		}
	}
	return p, proof.Grown(old, now, p.Hashes)
}

// Close waits until everything that was appended is covered by a checkpoint, then stops the log.
func (l *Log) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := l.shutdown(ctx)
	l.stop()
	if err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("close log: %w", err)
	}
	return nil
}
