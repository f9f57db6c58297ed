// SPDX-License-Identifier: Apache-2.0

package web

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/login"
)

// begun is a login on its way: what the provider must prove to know, and where the person wanted to go.
type begun struct {
	login.Begun
	to    string
	until time.Time
}

const (
	loginCookie = "_login"         // holds the secret that binds a login to the browser in which it was begun
	loginTakes  = 10 * time.Minute // at most, at the provider
	maxBegun    = 10_000           // logins on their way; anybody may begin one
)

func newLogin(cfg access.Config) (*login.Code, error) {
	secret, err := cfg.Secret()
	if err != nil {
		return nil, err
	}
	scopes := cfg.Scopes
	if len(scopes) == 0 {
		scopes = []string{"openid", "email", "profile"}
	}
	return login.NewCode(login.CodeConfig{Issuer: login.Issuer{URL: cfg.Issuer, ClientID: cfg.ClientID, Scopes: scopes}, Secret: secret,
		Redirect: strings.TrimSuffix(cfg.URL, "/") + "/login/callback", Claim: cfg.Claim, Groups: cfg.GroupsClaim})
}

// remember keeps a login by its state until it comes back, or is too old.
func (d *door) remember(state string, b begun) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.begun) >= maxBegun {
		now := time.Now()
		for k, old := range d.begun {
			if now.After(old.until) {
				delete(d.begun, k)
			}
		}
		for k := range d.begun { // all are young: some must begin again
			if len(d.begun) < maxBegun {
				break
			}
			delete(d.begun, k)
		}
	}
	d.begun[state] = b
}

// take is the login of a state, once.
func (d *door) take(state string) (begun, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	b, ok := d.begun[state]
	delete(d.begun, state)
	return b, ok && time.Now().Before(b.until)
}

// signIn sends a person to the identity provider. The state that comes back is the digest of a secret in their browser's
// cookie: who sees the state on its way, or makes another's browser open it, has not the cookie.
func (s *Site) signIn(w http.ResponseWriter, r *http.Request) {
	d, q := s.door, r.URL.Query()
	if d.login == nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	if wait := d.tries.Take(access.Address(r), 1); wait > 0 {
		s.tooMany(w, r, wait)
		return
	}
	// The provider sends people back to one address. The cookie must be that one's.
	if r.Host != d.cfg.Host() && !q.Has("moved") {
		http.Redirect(w, r, strings.TrimSuffix(d.cfg.URL, "/")+"/login?"+url.Values{"to": {within(q.Get("to"))}, "moved": {""}}.Encode(), http.StatusSeeOther)
		return
	}
	secret := rand.Text() + rand.Text()
	b, err := d.login.Begin(r.Context(), digest(secret))
	if err != nil {
		s.problem(w, r, err)
		return
	}
	d.remember(digest(secret), begun{b, within(q.Get("to")), time.Now().Add(loginTakes)})
	http.SetCookie(w, d.cookie(r, loginCookie, secret, loginTakes))
	http.Redirect(w, r, b.Address, http.StatusSeeOther)
}

var errNotBegun = &episode.Problem{Code: "login/not-begun", Message: "this sign-in was not begun in this browser, was used before, or took too long", Hint: "open Headrace and sign in again"}

// signedIn is where the identity provider sends a person back to.
func (s *Site) signedIn(w http.ResponseWriter, r *http.Request) {
	d, q := s.door, r.URL.Query()
	if d.login == nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	if wait := d.tries.Take(access.Address(r), 1); wait > 0 {
		s.tooMany(w, r, wait)
		return
	}
	c, err := r.Cookie(d.cookieName(r, loginCookie))
	if err != nil || digest(c.Value) != q.Get("state") {
		s.problem(w, r, errNotBegun)
		return
	}
	http.SetCookie(w, d.cookie(r, loginCookie, "", 0))
	b, ok := d.take(q.Get("state"))
	if !ok {
		s.problem(w, r, errNotBegun)
		return
	}
	who, err := d.login.Finish(r.Context(), b.Begun, q)
	if err != nil {
		s.problem(w, r, errors.Join(err, d.refuse(r, "somebody", "the identity provider does not vouch for them")))
		return
	}
	now := time.Now()
	session := access.Session{Issuer: d.cfg.Issuer, Name: who.Name, Groups: d.cfg.Known(who.Groups), OpenedAt: now, SeenAt: now, EndsAt: now.Add(access.SessionFor)}
	p, ok := d.cfg.PersonOf(session)
	if !ok {
		if err := d.refuse(r, who.Name, "none of their groups has a role here"); err != nil {
			s.problem(w, r, err)
			return
		}
		s.problem(w, r, &episode.Problem{Code: "login/no-role", Message: "you are signed in as " + who.Name + " at your identity provider, and none of your groups has a role here",
			Hint: "ask whoever runs Headrace which group leads to yours (access: in its configuration), then sign in again"})
		return
	}
	if err := d.open(w, r, p, session); err != nil {
		s.problem(w, r, err)
		return
	}
	http.Redirect(w, r, b.to, http.StatusSeeOther)
}

// signOut ends the session here; what a person has at the identity provider goes on.
func (s *Site) signOut(w http.ResponseWriter, r *http.Request) {
	if err := s.door.end(r); err != nil {
		s.problem(w, r, err)
		return
	}
	http.SetCookie(w, s.door.cookie(r, "", "", 0))
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// within is an address of this site that somebody wanted to go to, or the overview: nothing that a browser could take for
// an address elsewhere.
func within(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") ||
		!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsFunc(to+u.Path, func(r rune) bool { return r == '\\' || unicode.IsControl(r) }) {
		return "/"
	}
	return (&url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}).String()
}
