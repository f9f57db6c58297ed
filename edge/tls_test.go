// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/hub"
	"github.com/headrace/headrace/internal/keyring"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/release"
)

// secured is a loop whose hub speaks TLS with a certificate of its own.
func secured(t *testing.T, in hub.Intake) (l *loop, address string) {
	t.Helper()
	l = newLoop(t)
	l.now.Store(time.Now().UnixNano())
	l.in = in
	l.restartHub()
	conf, err := l.hub.ServerTLS(nil)
	l.ok(err)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { l.hub.Handler().ServeHTTP(w, r) }))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.Listener = tls.NewListener(srv.Listener, conf)
	srv.Start()
	t.Cleanup(srv.Close)
	return l, "https://" + srv.Listener.Addr().String()
}

// joined is an edge that has joined by an invite.
func (l *loop) joined(address, name string) (*edge.Edge, *link.Membership) {
	l.t.Helper()
	code, _, err := l.hub.Invite(context.Background(), name, "")
	l.ok(err)
	m, err := link.Join(context.Background(), l.path(name), address, link.Invite(code, l.hub.Public(), l.hub.Pin()), keyring.Signing{})
	l.ok(err)
	return l.reopened(m), m
}

func (l *loop) reopened(m *link.Membership) *edge.Edge {
	l.t.Helper()
	e := l.edge(m.Contributor, joinedAlready)
	l.ok(e.Connect(context.Background(), edge.Hub{Name: maker, URL: m.URL, Token: m.Token, Public: l.hub.Public(), Member: m}))
	return e
}

func code(err error) string {
	if p, ok := errors.AsType[*episode.Problem](err); ok {
		return p.Code
	}
	return ""
}

func TestAnInvitePinsTheHubAndTheEdgeShowsACertificate(t *testing.T) {
	l, address := secured(t, hub.Intake{TLS: hub.TLS{Self: true, Clients: "required"}})
	e, m := l.joined(address, "alder-bank")
	if m.Certificate == "" || m.Pin == "" {
		t.Fatalf("joined without a certificate or a pin: %+v", m)
	}
	l.send(e, one("1", "portal"))
	l.turn(e)
	if n := len(l.atHub("alder-bank")); n != 1 {
		t.Fatalf("%d records at the hub", n)
	}

	// The token alone is not enough, nor with another's certificate.
	_, other := l.joined(address, "birch-telecom")
	without, stolen := *m, *m
	without.Certificate, without.CertificateKey = "", ""
	stolen.Certificate, stolen.CertificateKey = other.Certificate, other.CertificateKey
	for name, bad := range map[string]link.Membership{"without a certificate": without, "with another's": stolen} {
		if _, _, err := edge.Pull(t.Context(), bad.Remote(t.TempDir(), nil), release.Filter); err == nil {
			t.Errorf("the hub answers %s", name)
		}
	}
	// Another hub does not pass for this one.
	_, elsewhere := secured(t, hub.Intake{TLS: hub.TLS{Self: true}})
	moved := *m
	moved.URL = elsewhere
	if _, _, err := edge.Pull(t.Context(), moved.Remote(t.TempDir(), nil), release.Filter); code(err) != "hub/other-hub" {
		t.Errorf("another hub: %v", err)
	}

	// It renews by itself.
	l.pass(20 * 24 * time.Hour)
	l.close(e)
	e = l.reopened(m)
	l.send(e, one("2", "portal"))
	l.turn(e)
	if n := len(l.atHub("alder-bank")); n != 2 {
		t.Errorf("%d records at the hub after a renewal", n)
	}
	kept, err := link.MembershipOf(l.path("alder-bank"), "")
	if err != nil || kept.Certificate == m.Certificate {
		t.Errorf("the next certificate is not kept: %v", err)
	}

	// Once revoked, nothing works: not the token, not the certificate, not the key.
	l.ok(l.hub.Revoke(t.Context(), "alder-bank"))
	l.send(e, one("3", "portal"))
	if err := e.Turn(t.Context()); err == nil || len(l.atHub("alder-bank")) != 2 {
		t.Errorf("a revoked contributor sends: %v", err)
	}
	rows, err := l.edgeDB("alder-bank").Bundles(t.Context(), "received")
	l.ok(err)
	if len(rows) != 2 {
		t.Errorf("%d receipts of before stay, want 2", len(rows))
	}
	l.now.Store(time.Now().UnixNano()) // a command's clock is the machine's
	l.restartHub()
	again, _, err := l.hub.Invite(t.Context(), "alder-bank", "")
	l.ok(err)
	invite := link.Invite(again, l.hub.Public(), l.hub.Pin())
	if _, err := link.Join(t.Context(), l.path("alder-bank"), address, invite, keyring.Signing{}); code(err) != "enrol/revoked-key" {
		t.Errorf("a revoked key joins: %v", err)
	}
	l.close(e)
	l.ok(os.Remove(l.path("alder-bank", "keys", "signing.key")))
	m, err = link.Join(t.Context(), l.path("alder-bank"), address, invite, keyring.Signing{})
	l.ok(err)
	e = l.reopened(m)
	l.send(e, one("4", "portal"))
	e.Turn(t.Context()) // what the old key signed stays behind
	if n := len(l.atHub("alder-bank")); n != 3 {
		t.Errorf("%d records at the hub, want one more with the new key", n)
	}
}

func TestACertificateThatHasEndedIsRenewedAllTheSame(t *testing.T) {
	l, address := secured(t, hub.Intake{TLS: hub.TLS{Self: true}})
	e, m := l.joined(address, "alder-bank")
	l.pass(29*24*time.Hour + 23*time.Hour) // the server's own is good for as long; its clock is not ours
	l.send(e, one("1", "portal"))
	l.turn(e)
	if kept, err := link.MembershipOf(l.path("alder-bank"), ""); err != nil || kept.Certificate == m.Certificate || len(l.atHub("alder-bank")) != 1 {
		t.Errorf("the next certificate is not kept: %v", err)
	}
}

func TestEveryWrongTurnOfAnInviteSaysWhatToDo(t *testing.T) {
	l, address := secured(t, hub.Intake{TLS: hub.TLS{Self: true}})
	made := func() string {
		c, _, err := l.hub.Invite(t.Context(), "alder-bank", "")
		l.ok(err)
		return c
	}
	whole := func(c string) string { return link.Invite(c, l.hub.Public(), l.hub.Pin()) }
	used, late := made(), made()
	_, err := link.Join(t.Context(), t.TempDir(), address, whole(used), keyring.Signing{})
	l.ok(err)
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	ring, err := keyring.Open(t.TempDir())
	l.ok(err)
	good := made()
	for _, c := range []struct{ name, address, invite, code string }{
		{"cut", address, whole(good)[:50], "join/code"},
		{"a letter too much", address, whole(good + "B"), "enrol/no-invite"},
		{"used", address, whole(used), "enrol/used"},
		{"without https", strings.Replace(address, "https", "http", 1), whole(good), "join/not-tls"},
		{"no address", "hub.example", whole(good), "hub/bad-address"},
		{"nobody there", "https://127.0.0.1:1", whole(good), "hub/unreachable"},
		{"no TLS there", strings.Replace(plain.URL, "http", "https", 1), whole(good), "hub/no-tls"},
		{"another server", address, link.Invite(good, l.hub.Public(), strings.Repeat("A", 32)), "hub/other-hub"},
		{"an authority that nobody knows", address, link.Invite(good, l.hub.Public(), ""), "hub/unknown-authority"},
		{"no hub there", plain.URL, link.Invite(good, l.hub.Public(), ""), "join/refused"},
		{"another hub's key", address, link.Invite(good, ring.Public(), l.hub.Pin()), "join/other-hub"},
	} {
		_, err := link.Join(t.Context(), t.TempDir(), c.address, c.invite, keyring.Signing{})
		if p, ok := errors.AsType[*episode.Problem](err); !ok || p.Code != c.code || p.Hint == "" {
			t.Errorf("%s: %v, want %s with a hint", c.name, err, c.code)
		}
	}
	l.pass(8 * 24 * time.Hour)
	if _, err := link.Join(t.Context(), t.TempDir(), address, whole(late), keyring.Signing{}); code(err) != "enrol/expired" {
		t.Errorf("late: %v", err)
	}
}

func TestAClockThatIsOffIsNamedAsWhatIsWrong(t *testing.T) {
	l, _ := secured(t, hub.Intake{TLS: hub.TLS{Self: true}})
	l.pass(-2 * 365 * 24 * time.Hour) // for the hub it is another year
	conf, err := l.hub.ServerTLS(nil)
	l.ok(err)
	srv := httptest.NewUnstartedServer(l.hub.Handler())
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.Listener = tls.NewListener(srv.Listener, conf)
	srv.Start()
	t.Cleanup(srv.Close)
	made, _, err := l.hub.Invite(t.Context(), "alder-bank", "")
	l.ok(err)
	_, err = link.Join(t.Context(), t.TempDir(), "https://"+srv.Listener.Addr().String(), link.Invite(made, l.hub.Public(), l.hub.Pin()), keyring.Signing{})
	if p, ok := errors.AsType[*episode.Problem](err); !ok || p.Code != "hub/clock" || !strings.Contains(p.Hint, "clock") || !strings.Contains(p.Hint, "not spent") {
		t.Errorf("the clocks differ by years: %v", err)
	}
}
