// SPDX-License-Identifier: Apache-2.0

// Package seen keeps the last checkpoint that somebody saw of a log, and what shows that the log broke its promise.
//
// Start from [Open]. [Log.Advance] takes a checkpoint up if it is of the log that was seen before; where it is not, the
// last one stays and both are kept as files, so that they can be shown to anybody. An edge, an auditor and a witness each
// have one for a log. It only compares and keeps: whoever calls brings the proof.
package seen

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/headrace/headrace/internal/statedir"
	"github.com/headrace/headrace/internal/tlog/proof"
)

const (
	last = "checkpoint" // the last that was taken up

	// A folder of evidence has these files; the first two are checkpoints as they were signed.
	evidence = "evidence-"
	kept     = "kept"
	shown    = "shown"
	why      = "why.txt"

	maxEvidence   = 32
	maxCheckpoint = 64 << 10
)

// Log is what was seen of a log. It is safe for concurrent use.
type Log struct {
	known *proof.Log
	dir   string
	mu    sync.Mutex // one at a time looks at the last checkpoint and replaces it
}

// Open returns what was seen of a log in dir, which belongs to this log alone. Nothing is written before something is
// taken up.
func Open(dir string, known *proof.Log) *Log { return &Log{known: known, dir: dir} }

// Last is the last checkpoint that was taken up, of size 0 and without a signature where there is none.
func (l *Log) Last() (proof.Checkpoint, error) {
	b, err := os.ReadFile(filepath.Join(l.dir, last))
	if errors.Is(err, fs.ErrNotExist) {
		return proof.Checkpoint{}, nil
	}
	if err != nil {
		return proof.Checkpoint{}, fmt.Errorf("read the checkpoint kept from before: %w", err)
	}
	cp, err := l.known.Open(b)
	if err != nil {
		return cp, fmt.Errorf("the checkpoint kept from before: %w", err)
	}
	return cp, nil
}

// Prove says whether the tree of now holds all that the tree of old held.
type Prove func(old, now proof.Checkpoint) error

// Advance checks that a checkpoint is of the log that was seen before, and takes it up where it is newer. An older one
// that the last one holds is fine, and changes nothing. What is not of that log is kept beside the last as evidence.
func (l *Log) Advance(signed []byte, prove Prove) (proof.Checkpoint, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.advance(signed, func(old, now proof.Checkpoint) error {
		if now.Size < old.Size {
			return prove(now, old)
		}
		return prove(old, now)
	})
}

// Newest is Advance for the checkpoint that the log says is its newest: one older than the last was before it was asked for
// is a rollback. Meanwhile another process may have seen a newer one.
func (l *Log) Newest(ask func() ([]byte, error), prove Prove) (proof.Checkpoint, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before, err := l.Last()
	if err != nil {
		return before, err
	}
	signed, err := ask()
	if err != nil {
		return proof.Checkpoint{}, err
	}
	return l.advance(signed, func(old, now proof.Checkpoint) error {
		switch {
		case now.Size < before.Size:
			return proof.RolledBack(before, now)
		case now.Size < old.Size:
			return prove(now, old)
		}
		return prove(old, now)
	})
}

func (l *Log) advance(signed []byte, holds Prove) (proof.Checkpoint, error) {
	old, err := l.Last()
	if err != nil {
		return old, err
	}
	now, err := l.known.Open(signed)
	if err == nil {
		err = holds(old, now)
	} else {
		now = proof.Checkpoint{Signed: signed}
	}
	if proof.Broken(err) && old.Signed != nil {
		_, keeping := l.Accuse(old, now, err)
		return now, errors.Join(err, keeping)
	}
	fresh := now.Size > old.Size || old.Signed == nil || now.Size == old.Size && len(now.Witnesses) > len(old.Witnesses)
	if err != nil || !fresh {
		return now, err
	}
	return now, statedir.Write(filepath.Join(l.dir, last), now.Signed)
}

// Accuse keeps two checkpoints and what is wrong with them in a folder of their own, once, and returns the folder.
func (l *Log) Accuse(a, b proof.Checkpoint, reason error) (string, error) {
	sum := sha256.Sum256(slices.Concat(a.Signed, b.Signed))
	dir := filepath.Join(l.dir, evidence+hex.EncodeToString(sum[:6]))
	if _, err := os.Stat(filepath.Join(dir, why)); err == nil {
		return dir, nil
	}
	if have, err := l.Alarms(); err != nil || len(have) >= maxEvidence || len(b.Signed) > maxCheckpoint {
		return l.dir, err // whoever is between could fill the disk with more
	}
	// The reason last: with it, the folder is whole.
	return dir, errors.Join(statedir.Write(filepath.Join(dir, kept), a.Signed), statedir.Write(filepath.Join(dir, shown), b.Signed),
		statedir.Write(filepath.Join(dir, why), []byte(reason.Error()+"\n")))
}

// Alarm is kept evidence that a log broke its promise. It stands until a person moves its folder away.
type Alarm struct {
	At  time.Time
	Why string
	Dir string // holds both checkpoints
}

// Alarms returns all, newest first.
func (l *Log) Alarms() ([]Alarm, error) {
	list, err := os.ReadDir(l.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read evidence: %w", err)
	}
	var alarms []Alarm
	for _, f := range list {
		if !strings.HasPrefix(f.Name(), evidence) {
			continue
		}
		a := Alarm{Dir: filepath.Join(l.dir, f.Name())}
		b, err := os.ReadFile(filepath.Join(a.Dir, why))
		if err != nil {
			continue // a crash came before it was whole; it is found again
		}
		if fi, err := os.Stat(filepath.Join(a.Dir, why)); err == nil {
			a.At = fi.ModTime()
		}
		a.Why = strings.TrimSpace(string(b))
		alarms = append(alarms, a)
	}
	slices.SortStableFunc(alarms, func(a, b Alarm) int { return b.At.Compare(a.At) })
	return alarms, nil
}
