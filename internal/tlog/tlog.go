// SPDX-License-Identifier: Apache-2.0

// Package tlog writes the hub's append-only log: one entry for each receipt, release and withdrawal.
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
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
	"k8s.io/klog/v2"

	"github.com/headrace/headrace/internal/tlog/proof"
)

const (
	batchAge           = 5 * time.Millisecond   // how long an entry waits for company
	batchSize          = 256                    // one tile's width
	checkpointInterval = 100 * time.Millisecond // the shortest that the driver takes
	pollInterval       = 2 * time.Millisecond   // how often Append looks for its checkpoint
)

// Config says where the log is and who signs it.
type Config struct {
	Dir string
	// Origin names the log in its checkpoints: a host and path such as "hub.example/log", without spaces or "+". It
	// never changes during a log's life.
	Origin string
	Key    ed25519.PrivateKey
}

// Log is a log open for writing. It is safe for concurrent use; only one process may have it open.
type Log struct {
	dir      string
	vkey     string
	appender *tessera.Appender
	reader   tessera.LogReader
	shutdown func(context.Context) error
	stop     context.CancelFunc // ends Tessera's goroutines
}

// Open opens the log in cfg.Dir, making it on first use. After a crash it goes on from the last entry that was
// integrated; what Append had not yet answered may or may not be there.
func Open(ctx context.Context, cfg Config) (*Log, error) {
	vkey, err := proof.VerifierKey(cfg.Origin, cfg.Key.Public().(ed25519.PublicKey))
	if err != nil {
		return nil, fmt.Errorf("open log %s: %w", cfg.Dir, err)
	}
	signer, err := newSigner(vkey, cfg.Key)
	if err != nil {
		return nil, fmt.Errorf("open log %s: %w", cfg.Dir, err)
	}
	// Tessera tells of everyday things on standard error; what matters it returns.
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	l := &Log{dir: cfg.Dir, vkey: vkey}
	// A log that another key signed must not be continued: everyone who follows it would see a fork.
	if cp, err := l.Checkpoint(); err == nil {
		if _, err := proof.Open(cp, vkey); err != nil {
			return nil, fmt.Errorf("open log %s: %w", cfg.Dir, err)
		}
	}
	// Tessera's goroutines live until Close, whatever becomes of the context that opened the log.
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	driver, err := posix.New(run, posix.Config{Path: cfg.Dir})
	if err == nil {
		l.appender, l.shutdown, l.reader, err = tessera.NewAppender(run, driver, tessera.NewAppendOptions().
			WithCheckpointSigner(signer).WithBatching(batchSize, batchAge).WithCheckpointInterval(checkpointInterval))
	}
	if err != nil {
		stop()
		return nil, fmt.Errorf("open log %s: %w", cfg.Dir, err)
	}
	l.stop = stop
	return l, nil
}

// newSigner gives the key the form that signed notes use; the hash that names it is in the verifier key.
func newSigner(vkey string, key ed25519.PrivateKey) (note.Signer, error) {
	const algEd25519 = 1
	origin, rest, _ := strings.Cut(vkey, "+")
	hash, _, _ := strings.Cut(rest, "+")
	seed := base64.StdEncoding.EncodeToString(append([]byte{algEd25519}, key.Seed()...))
	return note.NewSigner("PRIVATE+KEY+" + origin + "+" + hash + "+" + seed)
}

// VerifierKey returns what others verify this log with.
func (l *Log) VerifierKey() string { return l.vkey }

// Append adds an entry and returns its index once a published checkpoint covers it. When it returns an error the entry
// may still have been added: see Find.
func (l *Log) Append(ctx context.Context, kind string, commitment []byte) (uint64, error) {
	at, err := l.appender.Add(ctx, tessera.NewEntry(proof.Entry(kind, commitment)))()
	if err != nil {
		return 0, fmt.Errorf("append to log: %w", err)
	}
	t := time.NewTicker(pollInterval)
	defer t.Stop()
	for {
		size, err := l.Size()
		if err != nil {
			return 0, fmt.Errorf("append to log: %w", err)
		}
		if size > at.Index {
			return at.Index, nil
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("append to log: wait for checkpoint: %w", ctx.Err())
		case <-t.C:
		}
	}
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
	return proof.Open(raw, l.vkey)
}

// Inclusion proves that the entry at index is in the log.
func (l *Log) Inclusion(ctx context.Context, index uint64) (proof.Inclusion, error) {
	raw, pb, size, err := l.builder(ctx)
	if err != nil {
		return proof.Inclusion{}, err
	}
	if index >= size {
		return proof.Inclusion{}, fmt.Errorf("prove entry %d: the log has %d", index, size)
	}
	hashes, err := pb.InclusionProof(ctx, index)
	if err != nil {
		return proof.Inclusion{}, fmt.Errorf("prove entry %d: %w", index, err)
	}
	return proof.Inclusion{Index: index, Checkpoint: raw, Hashes: hashes}, nil
}

// Consistency proves that the log still holds its first `from` entries as they were.
func (l *Log) Consistency(ctx context.Context, from uint64) (proof.Consistency, error) {
	raw, pb, size, err := l.builder(ctx)
	if err != nil {
		return proof.Consistency{}, err
	}
	if from > size {
		return proof.Consistency{}, fmt.Errorf("prove consistency from %d: the log has %d entries", from, size)
	}
	var hashes [][]byte
	if from > 0 && from < size { // the proof from nothing or from itself is empty
		if hashes, err = pb.ConsistencyProof(ctx, from, size); err != nil {
			return proof.Consistency{}, fmt.Errorf("prove consistency from %d: %w", from, err)
		}
	}
	return proof.Consistency{Checkpoint: raw, Hashes: hashes}, nil
}

func (l *Log) builder(ctx context.Context) ([]byte, *client.ProofBuilder, uint64, error) {
	raw, err := l.Checkpoint()
	if err != nil {
		return nil, nil, 0, err
	}
	cp, err := proof.Open(raw, l.vkey)
	if err != nil {
		return nil, nil, 0, err
	}
	pb, err := client.NewProofBuilder(ctx, cp.Size, l.reader.ReadTile)
	if err != nil {
		return nil, nil, 0, fmt.Errorf("read log: %w", err)
	}
	return raw, pb, cp.Size, nil
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
