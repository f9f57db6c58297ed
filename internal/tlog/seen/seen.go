// SPDX-License-Identifier: Apache-2.0

// Package seen keeps the last checkpoint that somebody saw of a log, and what shows that the log broke its promise.
//
// Start from [Open]. [Log.Advance] takes a checkpoint up if it is of the log that was seen before; where it is not, the
// last one stays and both are kept as files, so that they can be shown to anybody. One that the log does not show to be of
// either kind is kept, too: what comes later must hold it. An edge, an auditor and a witness each have one for a log. It
// only compares and keeps: whoever calls brings the proof.
package seen

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/headrace/headrace/internal/statedir"
	"github.com/headrace/headrace/internal/tlog/proof"
)

const (
	last     = "checkpoint" // the last that was taken up
	unproven = "unproven"   // one that the key signed, and that the log has not shown to hold the last: it must be held, too

	// A folder of evidence has these files; the first two are checkpoints as they were signed.
	evidence = "evidence-"
	kept     = "kept"
	shown    = "shown"
	why      = "why.txt"

	maxEvidence = 32
)

// Log is what was seen of a log. It is safe for concurrent use, by any number of processes.
type Log struct {
	known *proof.Log
	dir   string
}

// Open returns what was seen of a log in dir, which belongs to this log alone. Nothing is written before something is
// taken up.
func Open(dir string, known *proof.Log) *Log { return &Log{known: known, dir: dir} }

// Last is the last checkpoint that was taken up, of size 0 and without a signature where there is none.
func (l *Log) Last() (proof.Checkpoint, error) { return l.read(last) }

func (l *Log) read(name string) (proof.Checkpoint, error) {
	b, err := os.ReadFile(filepath.Join(l.dir, name))
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
	return l.advance(signed, 0, prove)
}

// Newest is Advance for the checkpoint that the log says is its newest: one older than what was seen before it was asked for
// is a rollback. Meanwhile another process may have seen a newer one.
func (l *Log) Newest(ask func() ([]byte, error), prove Prove) (proof.Checkpoint, error) {
	before, err := l.all()
	if err != nil {
		return before[0], err
	}
	signed, err := ask()
	if err != nil {
		return proof.Checkpoint{}, err
	}
	return l.advance(signed, max(before[0].Size, before[1].Size), prove)
}

// all is what the log must hold: the last checkpoint, and the one that is unproven.
func (l *Log) all() (all [2]proof.Checkpoint, err error) {
	for i, name := range []string{last, unproven} {
		if all[i], err = l.read(name); err != nil {
			return all, err
		}
	}
	return all, nil
}

// advance takes up a checkpoint that holds all that was seen. What was seen before it was asked for has atLeast entries.
func (l *Log) advance(signed []byte, atLeast uint64, prove Prove) (proof.Checkpoint, error) {
	now, err := l.known.Open(signed)
	if err != nil {
		return now, err // the key did not sign it, so it says nothing of the log
	}
	for {
		before, err := l.all()
		if err != nil {
			return now, err
		}
		if err = l.follows(before[0], now, atLeast, prove); err == nil && before[1].Signed != nil {
			if err = l.follows(before[1], now, atLeast, prove); contradict(err) {
				err = errors.Join(err, l.remove(unproven)) // it is evidence now
			}
		}
		if contradict(err) {
			return now, err
		}
		if kept, keeping := l.keep(before, now, err == nil); kept || keeping != nil {
			return now, errors.Join(err, keeping)
		}
	}
}

// follows says whether a checkpoint is of the log of one seen before. Where the key signed two that contradict each other,
// both are kept.
func (l *Log) follows(old, now proof.Checkpoint, atLeast uint64, prove Prove) (err error) {
	switch {
	case now.Size < min(old.Size, atLeast):
		err = proof.RolledBack(old, now)
	case now.Size < old.Size:
		err = prove(now, old)
	default:
		err = prove(old, now)
	}
	if old.Signed != nil && contradict(err) {
		_, keeping := l.Accuse(old, now, err)
		return errors.Join(err, keeping)
	}
	return err
}

// contradict says that a log's key signed two checkpoints that do not go together: what anybody can be shown. All else may
// be the work of whoever is between.
func contradict(err error) bool {
	return errors.Is(err, proof.ErrFork) || errors.Is(err, proof.ErrRollback)
}

// keep writes down what was seen, unless another process saw more since before was read.
func (l *Log) keep(before [2]proof.Checkpoint, now proof.Checkpoint, proven bool) (kept bool, err error) {
	lock, err := statedir.Wait(l.dir)
	if err != nil {
		return false, err
	}
	defer lock.Close()
	have, err := l.all()
	if err != nil {
		return false, err
	}
	for i := range have {
		if !bytes.Equal(have[i].Signed, before[i].Signed) {
			return false, nil
		}
	}
	old, owed := have[0], have[1]
	switch {
	case !proven && now.Size > old.Size && owed.Signed == nil:
		return true, statedir.Write(filepath.Join(l.dir, unproven), now.Signed)
	case !proven:
		return true, nil
	}
	if now.Size > old.Size || old.Signed == nil || now.Size == old.Size && len(now.Witnesses) > len(old.Witnesses) {
		if err := statedir.Write(filepath.Join(l.dir, last), now.Signed); err != nil {
			return true, err
		}
	}
	if owed.Signed != nil && owed.Size <= now.Size { // the last one holds it
		return true, l.remove(unproven)
	}
	return true, nil
}

func (l *Log) remove(name string) error {
	if err := os.Remove(filepath.Join(l.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Accuse keeps two checkpoints that the log's key signed, and what is wrong with them, in a folder of their own, once, and
// returns the folder: none where there are too many.
func (l *Log) Accuse(a, b proof.Checkpoint, reason error) (string, error) {
	sum := sha256.Sum256(slices.Concat(a.Signed, b.Signed))
	dir := filepath.Join(l.dir, evidence+hex.EncodeToString(sum[:6]))
	if _, err := os.Stat(filepath.Join(dir, why)); err == nil {
		return dir, nil
	}
	if have, err := l.Alarms(); err != nil || len(have) >= maxEvidence {
		return "", err // a log could fill the disk with more
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
