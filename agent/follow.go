// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"encoding/json"
	"errors"
	"hash/maphash"
	"os"
	"path/filepath"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/gitlog"
	"github.com/headrace/headrace/internal/capture/rules"
	"github.com/headrace/headrace/internal/capture/tools"
)

const (
	lookEvery = 2 * time.Second // at the size and time of each known file
	findEvery = time.Minute     // for tools that are new
	findSoon  = 5 * time.Second // and for new files, once a folder of known ones has changed
	// quiet is how long a file must not have grown before it is read, and patient how long that may put it off.
	quiet   = time.Second
	patient = time.Minute
	// share is how much of its time the agent may spend on reading a file that grows: one part in so many.
	share = 50
	// forget is how long after its last change the episodes of a file are remembered.
	forget = 2 * time.Hour
	// cold files have not changed for an hour: they are looked at every coldEvery-th time only.
	cold      = time.Hour
	coldEvery = 5
)

// follower reads histories as they grow. A file is read anew as a whole: episodes have the same ids each time, and only
// those that changed are delivered. It looks at sizes and times instead of asking the system for events: that works on any
// file system, and costs a few milliseconds for thousands of files.
type follower struct {
	cfg     Config
	files   map[string]*followed
	done    map[string]stamp // as of the last delivery, by path; it outlives the process
	changed bool             // done is not as in the file
	seed    maphash.Seed
	folders map[string]int64 // of the files, and theirs: when each last changed
	found   time.Time
	rounds  int
	clones  *gitlog.Clones
	rules   *rules.Finder
}

// stamp is how a file looked.
type stamp struct {
	Size int64 `json:"size"`
	Time int64 `json:"time"` // of its last change, in nanoseconds since 1970
}

// followed is a file that is followed.
type followed struct {
	now     stamp
	since   time.Time // it has looked like this
	waiting time.Time // since when there is something new in it; zero where there is not
	readAt  time.Time
	cost    time.Duration     // of the last reading
	seen    map[string]uint64 // digest of each episode that was delivered
}

// What the follower has done, and what it has told of git.
const (
	doneFile = "read.json"
	gitFile  = "git.json"
)

func newFollower(cfg Config) (*follower, error) {
	f := &follower{cfg: cfg, files: map[string]*followed{}, done: map[string]stamp{}, seed: maphash.MakeSeed(), rules: rules.New(cfg.Home, cfg.Getenv)}
	b, err := os.ReadFile(filepath.Join(cfg.Dir, doneFile))
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return nil, err
	case json.Unmarshal(b, &f.done) != nil:
		f.done = map[string]stamp{} // damaged: all is read again, and the edge knows what it has
	}
	b, err = os.ReadFile(filepath.Join(cfg.Dir, gitFile))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	f.clones = gitlog.NewClones(b)
	return f, nil
}

// run follows until ctx ends.
func (f *follower) run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if err := f.look(ctx); err != nil && ctx.Err() == nil {
			f.cfg.Log.Error("what was read is not delivered, and will be read again", "err", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// look looks once at every file and reads those that are due.
func (f *follower) look(ctx context.Context) error {
	now := f.cfg.Now()
	if since := now.Sub(f.found); since >= findEvery || since >= findSoon && f.foldersChanged() {
		f.find(ctx)
		f.found = now
	}
	var errs []error
	f.rounds++
	for path, file := range f.files {
		if f.rounds%coldEvery != 0 && file.waiting.IsZero() && now.Sub(time.Unix(0, file.now.Time)) > cold {
			continue
		}
		s, ok := look(path)
		if !ok {
			delete(f.files, path)
			continue
		}
		if s != file.now {
			file.now, file.since = s, now
			if file.waiting.IsZero() {
				file.waiting = now
			}
		}
		switch {
		case file.waiting.IsZero():
			if now.Sub(file.since) > forget {
				file.seen = nil
			}
		case now.Sub(file.since) < quiet && now.Sub(file.waiting) < patient, now.Sub(file.readAt) < share*file.cost:
		default:
			errs = append(errs, f.read(ctx, path, file))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(append(errs, f.save())...)
}

// foldersChanged reports whether something was made, renamed or removed beside a known file.
func (f *follower) foldersChanged() bool {
	for dir, then := range f.folders {
		if changedAt(dir) != then {
			return true
		}
	}
	return false
}

func changedAt(dir string) int64 {
	info, err := os.Stat(dir)
	if err != nil {
		return 0
	}
	return info.ModTime().UnixNano()
}

// look is how a file looks; an SQLite database's log is a part of it.
func look(path string) (s stamp, ok bool) {
	info, err := os.Stat(path)
	if err != nil {
		return s, false
	}
	s = stamp{info.Size(), info.ModTime().UnixNano()}
	if ext := filepath.Ext(path); ext == ".db" || ext == ".vscdb" {
		if log, err := os.Stat(path + "-wal"); err == nil {
			s.Size, s.Time = s.Size+log.Size(), max(s.Time, log.ModTime().UnixNano())
		}
	}
	return s, true
}

func (f *follower) find(ctx context.Context) {
	found, problems := tools.Find(ctx, f.cfg.Home, f.cfg.Getenv)
	for _, p := range problems {
		f.cfg.Log.Warn("a place of histories is passed over", "err", p)
	}
	now := f.cfg.Now()
	f.folders = map[string]int64{}
	for _, t := range found {
		for _, path := range t.Files {
			for dir := filepath.Dir(path); dir != f.cfg.Home && len(dir) > len(f.cfg.Home); dir = filepath.Dir(dir) {
				if _, known := f.folders[dir]; known {
					break
				}
				f.folders[dir] = changedAt(dir)
			}
			if f.files[path] != nil {
				continue
			}
			s, ok := look(path)
			if !ok {
				continue
			}
			file := &followed{now: s, since: now}
			if f.done[path] != s {
				file.since, file.waiting = time.Time{}, now
			}
			f.files[path] = file
		}
	}
}

// read reads a file and delivers what is new in it.
func (f *follower) read(ctx context.Context, path string, file *followed) error {
	before, start := file.now, time.Now()
	if file.seen == nil {
		file.seen = map[string]uint64{}
	}
	d := delivery{ctx: ctx, deliver: f.cfg.deliver}
	var failed error
	_, err := capture.Read(ctx, tools.All(), "", path, func(e *episode.Episode) error {
		f.rules.Add(ctx, e)
		line, err := episode.Append(nil, e)
		if err != nil {
			return err
		}
		if digest := maphash.Bytes(f.seed, line); file.seen[e.ID] != digest {
			file.seen[e.ID] = digest
			f.clones.AddWork(e)
			failed = d.add(line)
		}
		return failed
	})
	if failed == nil && (err == nil || !errors.Is(err, ctx.Err()) || ctx.Err() == nil) {
		failed = d.flush()
	}
	file.readAt, file.cost = f.cfg.Now(), time.Since(start)
	if failed != nil || ctx.Err() != nil {
		file.seen = nil // all of it again
		return errors.Join(failed, ctx.Err())
	}
	if err != nil && !errors.Is(err, notHistory) {
		f.cfg.Log.Warn("a history is read in part", "err", err)
	}
	file.waiting = time.Time{}
	f.done[path], f.changed = before, true
	return nil
}

// save keeps how far each file was read.
func (f *follower) save() error {
	if !f.changed {
		return nil
	}
	b, err := json.Marshal(f.done)
	if err != nil {
		return err
	}
	if err := replace(filepath.Join(f.cfg.Dir, doneFile), b); err != nil {
		return err
	}
	f.changed = false
	return nil
}

// saveClones keeps which commits were told.
func (f *follower) saveClones() error {
	b, err := f.clones.Save()
	if err != nil {
		return err
	}
	return replace(filepath.Join(f.cfg.Dir, gitFile), b)
}

// replace writes a file so that there is always the old one or the new one. It is not synced: after a crash of the
// machine the old one does as well.
func replace(path string, b []byte) error {
	temp := path + ".new"
	if err := os.WriteFile(temp, b, 0o600); err != nil {
		return err
	}
	return os.Rename(temp, path)
}

// Remember keeps in dir, for Run, that what Read has delivered need not be read again until it changes.
func (a *Agent) Remember(dir string) error {
	f := follower{cfg: Config{Dir: dir}, done: a.read, changed: true, clones: a.clones}
	return errors.Join(os.MkdirAll(dir, 0o700), f.save(), f.saveClones())
}

// ReadSoFar returns what tells of a file whether it was delivered as it is now, by the agent whose folder is dir.
func ReadSoFar(dir string) func(path string) bool {
	f, err := newFollower(Config{Dir: dir})
	if err != nil {
		return func(string) bool { return false }
	}
	return func(path string) bool {
		now, ok := look(path)
		return ok && f.done[path] == now
	}
}
