// SPDX-License-Identifier: Apache-2.0

package access

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// How long somebody stays signed in: at most, and without asking for anything. The person at the machine stays longer: a new
// link means to go to its terminal.
const (
	SessionFor   = 8 * time.Hour
	IdleFor      = time.Hour
	LocalFor     = 7 * 24 * time.Hour
	seenAtLatest = time.Minute // so often at most it is noted that somebody asked for something
)

// ErrNoSession is what a store says of a session that it does not have.
var ErrNoSession = errors.New("no such session")

// Session is somebody who is signed in, as it is stored. Who they are to us follows from Groups and the configuration of the
// moment, so that a role which is taken from a group is taken at once.
type Session struct {
	Digest                   string // of the secret in the person's cookie, which is nowhere else
	Issuer                   string // who vouches for them; empty: a link opened at the machine
	Name                     string
	Groups                   []string
	OpenedAt, SeenAt, EndsAt time.Time
}

// Sessions keep who is signed in. Those that outlive the process note in the role's audit trail who came, who was refused, who went.
type Sessions interface {
	// AddSession keeps one, and forgets those that ended before it was opened.
	AddSession(context.Context, Session) error
	// Session returns one, or ErrNoSession.
	Session(ctx context.Context, digest string) (Session, error)
	SeeSession(ctx context.Context, digest string, at time.Time) error
	// EndSession forgets one. That there is none is no error.
	EndSession(ctx context.Context, digest string) error
	// RefuseSession tells of somebody who was not let in, and why: nothing is kept of them.
	RefuseSession(ctx context.Context, who, why string) error
}

// Good says that a session lets in at now, and whether it is time to note that it was used.
func (s Session) Good(now time.Time) (good, note bool) {
	idle := now.Sub(s.SeenAt)
	good = now.Before(s.EndsAt) && (s.Issuer == "" || idle < IdleFor)
	return good, good && idle >= seenAtLatest
}

// Person is who has a session; false where the configuration lets nobody in as whom it was opened.
func (c Config) PersonOf(s Session) (Person, bool) {
	if s.Issuer != c.Issuer {
		return Person{}, false // another provider's, or a link's since when there is a provider
	}
	if !c.On() {
		return Local(s.Name), true
	}
	p := c.Person(s.Name, s.Groups)
	return p, p.Roles != 0
}

// Memory keeps sessions until the process ends.
type Memory struct {
	mu sync.Mutex
	of map[string]Session
}

// NewMemory makes one.
func NewMemory() *Memory { return &Memory{of: map[string]Session{}} }

// AddSession keeps one.
func (m *Memory) AddSession(_ context.Context, s Session) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for k, old := range m.of {
		if !s.OpenedAt.Before(old.EndsAt) {
			delete(m.of, k)
		}
	}
	s.Groups = slices.Clone(s.Groups)
	m.of[s.Digest] = s
	return nil
}

// Session returns one.
func (m *Memory) Session(_ context.Context, digest string) (Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.of[digest]
	if !ok {
		return s, ErrNoSession
	}
	return s, nil
}

// SeeSession notes that one was used.
func (m *Memory) SeeSession(_ context.Context, digest string, at time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s, ok := m.of[digest]; ok {
		s.SeenAt = at
		m.of[digest] = s
	}
	return nil
}

// EndSession forgets one.
func (m *Memory) EndSession(_ context.Context, digest string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.of, digest)
	return nil
}

// RefuseSession tells nobody.
func (m *Memory) RefuseSession(context.Context, string, string) error { return nil }
