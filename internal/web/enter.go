// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/login"
)

// codeLife is how long a link lets somebody in.
const codeLife = 24 * time.Hour

// door lets people in: with a link that works once, or with a login where there is an identity provider (signin.go). Who
// is in, the store of sessions knows. Of each secret given out only a digest is kept, so that none can be read or guessed by
// timing; links and logins on their way are in memory only, and a restart ends them.
type door struct {
	cfg      access.Config
	sessions access.Sessions
	login    *login.Code // nil: by link

	tries, looks, requests *access.Limiter

	mu    sync.Mutex // guards what follows
	links map[string]link
	begun map[string]begun // logins on their way, by their state
}

type link struct {
	who   string
	until time.Time
}

func newDoor(cfg access.Config, sessions access.Sessions) (*door, error) {
	if sessions == nil {
		sessions = access.NewMemory()
	}
	l := cfg.Limits
	d := &door{cfg: cfg, sessions: sessions, links: map[string]link{}, begun: map[string]begun{}, tries: access.NewLimiter(l.Logins, access.DefaultLogins, time.Minute),
		looks: access.NewLimiter(l.RawLooks, access.DefaultRawLooks, time.Hour), requests: access.NewLimiter(l.Requests, access.DefaultRequests, time.Minute)}
	if !cfg.On() {
		return d, nil
	}
	var err error
	d.login, err = newLogin(cfg)
	return d, err
}

func digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// Link returns a path ("/enter?code=…") that signs who in as the person at the machine, once, within a day. Where people log
// in with an identity provider there is no such person, and the path is that of the overview.
func (s *Site) Link(who string) string {
	d := s.door
	if d.login != nil {
		return "/"
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	for k, l := range d.links {
		if now.After(l.until) {
			delete(d.links, k)
		}
	}
	code := rand.Text()
	d.links[digest(code)] = link{who, now.Add(codeLife)}
	return "/enter?" + url.Values{"code": {code}}.Encode()
}

// Open is the address at which somebody opens the pages that are reached at base: with a link that signs who in, or where
// people log in.
func (s *Site) Open(base, who string) string {
	if s.door.login != nil {
		return s.cfg.Access.URL
	}
	return base + s.Link(who)
}

// ByLink says that a link lets people in.
func (s *Site) ByLink() bool { return s.door.login == nil }

// use is whom a link was for; it is spent.
func (d *door) use(code string) (who string, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	k := digest(code)
	l, ok := d.links[k]
	delete(d.links, k)
	return l.who, ok && time.Now().Before(l.until)
}

// enterData is what the page says to somebody who is not signed in.
type enterData struct {
	Said  string
	Login bool   // with an identity provider
	To    string // where to go on afterwards
}

func (s *Site) enter(w http.ResponseWriter, r *http.Request) {
	if wait := s.door.tries.Take(access.Address(r), 1); wait > 0 {
		s.tooMany(w, r, wait)
		return
	}
	who, ok := s.door.use(r.URL.Query().Get("code"))
	if !ok || s.door.login != nil {
		if s.door.login == nil {
			if err := s.door.refuse(r, "somebody", "a link that was used before, is too old or never was"); err != nil {
				s.problem(w, r, err)
				return
			}
		}
		s.renderEnter(w, r, "This link was used before, or is too old.")
		return
	}
	now := time.Now()
	if err := s.door.open(w, r, access.Local(who), access.Session{Name: who, OpenedAt: now, SeenAt: now, EndsAt: now.Add(access.LocalFor)}); err != nil {
		s.problem(w, r, err)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (s *Site) renderEnter(w http.ResponseWriter, r *http.Request, said string) {
	d := enterData{Said: said, Login: s.door.login != nil, To: "/"}
	if r.Method == http.MethodGet {
		d.To = within(r.URL.RequestURI())
	}
	s.render(w, r, http.StatusUnauthorized, view{Page: "enter", Title: "Sign in", Data: d})
}

// open begins a session for whoever has just proven who they are. Its secret is new: one that the browser brought, by whatever
// way it came there, is never taken over, and what it stood for ends.
func (d *door) open(w http.ResponseWriter, r *http.Request, p access.Person, session access.Session) error {
	if err := d.end(r); err != nil {
		return err
	}
	secret := rand.Text() + rand.Text()
	session.Digest = digest(secret)
	if err := d.sessions.AddSession(access.With(r.Context(), p), session); err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	http.SetCookie(w, d.cookie(r, "", secret, session.EndsAt.Sub(session.OpenedAt)))
	return nil
}

// refuse has it noted that somebody was not let in. What was not even begun here is not noted: anybody could fill the trail.
func (d *door) refuse(r *http.Request, who, why string) error {
	return d.sessions.RefuseSession(r.Context(), who, why+", from "+access.Address(r))
}

// end ends the session that a request brings.
func (d *door) end(r *http.Request) error {
	c, err := r.Cookie(d.cookieName(r, ""))
	if err != nil {
		return nil
	}
	return d.sessions.EndSession(r.Context(), digest(c.Value))
}

// secure says that a request came by TLS, to us or to the proxy before us.
func (d *door) secure(r *http.Request) bool { return r.TLS != nil || d.cfg.Secure() }

// cookieName differs by port: browsers share cookies between the ports of a host, and two Headraces may run. Where TLS is
// spoken, the prefix makes browsers refuse one that was set without TLS, or by another host of the domain.
func (d *door) cookieName(r *http.Request, what string) string {
	name := "headrace" + what
	if _, port, err := net.SplitHostPort(r.Host); err == nil {
		name += "_" + port
	}
	if d.secure(r) {
		name = "__Host-" + name
	}
	return name
}

// cookie is one that scripts and other sites do not get. Lax is for those who come back from their identity provider, which
// is another site; a link is opened from none.
func (d *door) cookie(r *http.Request, what, value string, life time.Duration) *http.Cookie {
	same := http.SameSiteStrictMode
	if d.login != nil {
		same = http.SameSiteLaxMode
	}
	age := int(life.Seconds())
	if age <= 0 {
		age = -1 // forget it
	}
	return &http.Cookie{Name: d.cookieName(r, what), Value: value, Path: "/", HttpOnly: true, SameSite: same, Secure: d.secure(r), MaxAge: age}
}

// person is who has the session that a request brings; false where it brings none that is good.
func (d *door) person(r *http.Request) (p access.Person, ok bool, err error) {
	c, err := r.Cookie(d.cookieName(r, ""))
	if err != nil {
		return p, false, nil
	}
	session, err := d.sessions.Session(r.Context(), digest(c.Value))
	if errors.Is(err, access.ErrNoSession) {
		return p, false, nil
	}
	if err != nil {
		return p, false, fmt.Errorf("look who is signed in: %w", err)
	}
	now := time.Now()
	good, note := session.Good(now)
	if !good {
		return p, false, d.sessions.EndSession(r.Context(), session.Digest)
	}
	// What a page fetches by itself, while nobody may be looking, keeps nobody signed in.
	if note && r.Header.Get("Sec-Fetch-Dest") != "empty" {
		if err := d.sessions.SeeSession(context.WithoutCancel(r.Context()), session.Digest, now); err != nil {
			return p, false, err
		}
	}
	p, ok = d.cfg.PersonOf(session)
	return p, ok, nil
}

// who is the name of the person who is signed in.
func who(r *http.Request) string { p, _ := access.Of(r.Context()); return p.Name }

// knowing puts the person who is signed in into the request's context. Whether they may is for the mux to say.
func (s *Site) knowing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/static/") {
			next.ServeHTTP(w, r)
			return
		}
		p, ok, err := s.door.person(r)
		if err != nil {
			s.problem(w, r, err)
			return
		}
		if ok {
			if wait := s.door.requests.Take(p.Contributor+"\x00"+p.Name, 1); wait > 0 {
				s.tooMany(w, r, wait)
				return
			}
			r = r.WithContext(access.With(r.Context(), p))
		}
		next.ServeHTTP(w, r)
	})
}

// refuse answers whoever may not: to sign in first, or that the page is not theirs.
func (s *Site) refuse(w http.ResponseWriter, r *http.Request) {
	p, in := access.Of(r.Context())
	if !in {
		s.renderEnter(w, r, "")
		return
	}
	s.render(w, r, http.StatusForbidden, view{Page: "forbidden", Title: "Not yours to see", Data: p})
}

// look counts n raw records that a person may open at once against what they may in an hour.
func (s *Site) look(p access.Person, n int) error {
	if wait := s.door.looks.Take(p.Name, n); wait > 0 {
		return limited{wait, "you have opened as many raw records as one person may in an hour"}
	}
	return nil
}

// limited is an error for what was asked for too often.
type limited struct {
	wait time.Duration
	what string
}

// Error says what.
func (l limited) Error() string { return l.what }

// tooMany says that a limit is reached, and when to ask again.
func (s *Site) tooMany(w http.ResponseWriter, r *http.Request, wait time.Duration) {
	s.problem(w, r, limited{wait, "this was asked for too often"})
}
