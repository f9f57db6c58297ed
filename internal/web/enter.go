// SPDX-License-Identifier: Apache-2.0

package web

import (
	"crypto/rand"
	"crypto/sha256"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/headrace/headrace/internal/access"
)

const (
	codeLife    = 24 * time.Hour
	sessionLife = 7 * 24 * time.Hour
)

// door knows the one-time codes given out and the sessions that they opened, in memory only: a restart closes all. It
// keeps digests, so that neither can be read or guessed by timing.
type door struct {
	mu       sync.Mutex
	codes    map[[32]byte]pass
	sessions map[[32]byte]pass
}

type pass struct {
	who   string
	until time.Time
}

func newDoor() door {
	return door{codes: map[[32]byte]pass{}, sessions: map[[32]byte]pass{}}
}

// issue makes a secret that stands for who until its life is over, and forgets those whose life is.
func issue(in map[[32]byte]pass, who string, life time.Duration) string {
	now := time.Now()
	for k, p := range in {
		if now.After(p.until) {
			delete(in, k)
		}
	}
	secret := rand.Text()
	in[sha256.Sum256([]byte(secret))] = pass{who, now.Add(life)}
	return secret
}

// Link returns a path ("/enter?code=…") that signs who in, once, within a day.
func (s *Site) Link(who string) string {
	s.door.mu.Lock()
	defer s.door.mu.Unlock()
	return "/enter?" + url.Values{"code": {issue(s.door.codes, who, codeLife)}}.Encode()
}

// exchange turns a code into a session; the code is spent.
func (d *door) exchange(code string) (session string, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	k := sha256.Sum256([]byte(code))
	p, ok := d.codes[k]
	delete(d.codes, k)
	if !ok || time.Now().After(p.until) {
		return "", false
	}
	return issue(d.sessions, p.who, sessionLife), true
}

func (d *door) session(secret string) (who string, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, ok := d.sessions[sha256.Sum256([]byte(secret))]
	return p.who, ok && time.Now().Before(p.until)
}

// cookieName differs by port: browsers share cookies between the ports of a host, and two Headraces may run.
func cookieName(r *http.Request) string {
	if _, port, err := net.SplitHostPort(r.Host); err == nil {
		return "headrace_" + port
	}
	return "headrace"
}

func (s *Site) enter(w http.ResponseWriter, r *http.Request) {
	session, ok := s.door.exchange(r.URL.Query().Get("code"))
	if !ok {
		s.render(w, r, http.StatusUnauthorized, view{Page: "enter", Title: "Sign in", Data: "This link was used before, or is too old."})
		return
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName(r), Value: session, Path: "/", HttpOnly: true,
		SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil, MaxAge: int(sessionLife.Seconds())})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// who is the name of the person who is signed in.
func who(r *http.Request) string { p, _ := access.Of(r.Context()); return p.Name }

// knowing puts the person who is signed in into the request's context. Whether they may is for the mux to say.
func (s *Site) knowing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, err := r.Cookie(cookieName(r)); err == nil {
			if who, ok := s.door.session(c.Value); ok {
				r = r.WithContext(access.With(r.Context(), access.Local(who)))
			}
		}
		next.ServeHTTP(w, r)
	})
}

// refuse answers whoever may not: to sign in first, or that the page is not theirs.
func (s *Site) refuse(w http.ResponseWriter, r *http.Request) {
	p, in := access.Of(r.Context())
	if !in {
		s.render(w, r, http.StatusUnauthorized, view{Page: "enter", Title: "Sign in"})
		return
	}
	s.render(w, r, http.StatusForbidden, view{Page: "forbidden", Title: "Not yours to see", Data: p})
}
