// SPDX-License-Identifier: Apache-2.0

package hookprog

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/headrace/headrace/internal/seal"
)

// The queue holds no more than this; what comes then is counted and let go. The agent empties it.
const (
	maxQueueBytes = 64 << 20
	maxQueueFiles = 10_000

	dropped    = "dropped"
	unfinished = ".new-" // begins the name of a file that is being written
	staleAfter = time.Hour
)

// queue is what lies in the agent's folder: edge.pub; hooks/ with one sealed event a file, named by its time, the process
// and a random number, and a file dropped with the number of those that were let go; hooks.tally with the sizes of what is
// kept; told/ with an empty file for each tool whose user has seen the notice.
type queue struct{ dir string }

// put seals a payload and leaves it for the agent. It is there as a whole or not at all: it is written under another name
// and renamed. It is not synced: the tool waits, and its history tells the same after a crash.
func (q *queue) put(key seal.Public, payload []byte, at time.Time) bool {
	hooks := filepath.Join(q.dir, "hooks")
	if os.MkdirAll(hooks, 0o700) != nil || !q.room(len(payload)+seal.Overhead, at) {
		q.drop()
		return false
	}
	sealed, err := key.Seal(payload)
	if err != nil {
		return false
	}
	random := make([]byte, 8)
	rand.Read(random)
	name := at.Format("20060102T150405.000000000Z") + "-" + strconv.Itoa(os.Getpid()) + "-" + hex.EncodeToString(random)
	file := filepath.Join(hooks, unfinished+name)
	if write(file, sealed) != nil || os.Rename(file, filepath.Join(hooks, name)) != nil {
		os.Remove(file)
		q.drop()
		return false
	}
	return true
}

func write(file string, b []byte) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if c := f.Close(); err == nil {
		err = c
	}
	return err
}

// room reports whether that many bytes more may be kept. To look at thousands of files would take longer than all else, so
// each event that is kept adds its size to a tally, and the folder is looked at only when the tally says that it is full:
// the agent, which empties it, leaves the tally alone.
func (q *queue) room(more int, now time.Time) bool {
	file := filepath.Join(q.dir, "hooks.tally")
	fits := func(tally []byte) bool {
		total := int64(more)
		for i := 0; i+4 <= len(tally); i += 4 {
			total += int64(binary.LittleEndian.Uint32(tally[i:]))
		}
		return len(tally)/4 < maxQueueFiles && total <= maxQueueBytes
	}
	tally, _ := os.ReadFile(file) // none yet: nothing is kept
	if !fits(tally) {
		full := filepath.Join(q.dir, "hooks.full")
		if fi, err := os.Stat(full); err == nil && now.Sub(fi.ModTime()) < time.Second {
			return false // it was looked at just now, and is full indeed
		}
		tally = q.count(now)
		if os.WriteFile(file, tally, 0o600) != nil {
			return false
		}
		if !fits(tally) {
			os.WriteFile(full, []byte{'\n'}, 0o600) // if it cannot be written, it is looked at again
			return false
		}
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return false
	}
	_, err = f.Write(binary.LittleEndian.AppendUint32(nil, uint32(more)))
	return f.Close() == nil && err == nil
}

// count makes the tally of what is kept. It clears away what a hook left unfinished that was killed.
func (q *queue) count(now time.Time) (tally []byte) {
	d, err := os.Open(filepath.Join(q.dir, "hooks"))
	if err != nil {
		return nil
	}
	defer d.Close()
	list, _ := d.ReadDir(maxQueueFiles) // more would not fit either
	for _, e := range list {
		fi, err := e.Info()
		switch {
		case err != nil || e.Name() == dropped: // the agent took it meanwhile; or it is not one of them
		case strings.HasPrefix(e.Name(), unfinished) && now.Sub(fi.ModTime()) > staleAfter:
			os.Remove(filepath.Join(d.Name(), e.Name()))
		default:
			tally = binary.LittleEndian.AppendUint32(tally, uint32(min(fi.Size(), maxQueueBytes)))
		}
	}
	return tally
}

// drop adds one to the number of events that were let go.
func (q *queue) drop() {
	os.MkdirAll(filepath.Join(q.dir, "hooks"), 0o700) // if it cannot be made, the next line says so
	f, err := os.OpenFile(filepath.Join(q.dir, "hooks", dropped), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return
	}
	defer f.Close() // and the lock with it
	if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		return // others are counting: a few may be missed, but nobody waits
	}
	b := make([]byte, 20)
	n, _ := f.ReadAt(b, 0)
	count, _ := strconv.ParseUint(strings.TrimSpace(string(b[:n])), 10, 63)
	f.WriteAt([]byte(strconv.FormatUint(count+1, 10)+"\n"), 0)
}

// first reports, once for each tool, that its user has not been told yet.
func (q *queue) first(tool string) bool {
	told := filepath.Join(q.dir, "told")
	if os.MkdirAll(told, 0o700) != nil {
		return false
	}
	return write(filepath.Join(told, tool), nil) == nil
}
