// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/link"
)

// agreements are what an edge keeps of the terms that its hub has countersigned.
func (l *loop) agreements(name string) (files []string) {
	l.t.Helper()
	files, err := filepath.Glob(l.path(name, "agreements", "*", "*.json"))
	l.ok(err)
	return files
}

// Before the first record goes under some terms the hub has signed them, too: once, and again where the file that says so was touched.
func TestTheHubCountersignsTheTermsBeforeTheFirstRecord(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	l.send(e, one("1", "portal"))
	l.turn(e)
	l.send(e, one("2", "portal"))
	l.turn(e)
	files := l.agreements("alder-bank")
	if len(files) != 1 || len(l.atHub("alder-bank")) != 2 {
		t.Fatalf("%d agreements, %d records", len(files), len(l.atHub("alder-bank")))
	}
	raw, err := os.ReadFile(files[0])
	l.ok(err)
	var both link.Agreed
	l.ok(json.Unmarshal(raw, &both))
	payload, _, err := bundle.OpenDocument(both.Agreement, bundle.TypeAgreement, bundle.NewTrust(bundle.TrustedKey{Key: e.Public()}))
	l.ok(err)
	var a bundle.Agreement
	l.ok(bundle.DecodeDocument(payload, &a))
	if a.Contributor != "alder-bank" || a.Recipient != maker || len(a.Terms) != 1 || a.Terms[0].RetentionDays != 365 {
		t.Errorf("the edge signed %s", payload)
	}
	payload, _, err = bundle.OpenDocument(both.Countersignature, bundle.TypeCountersignature, bundle.NewTrust(bundle.TrustedKey{Key: l.hub.Public()}))
	l.ok(err)
	var c bundle.Countersignature
	l.ok(bundle.DecodeDocument(payload, &c))
	if c.Agreement != episode.Digest(both.Agreement) || c.Day != "2026-11-02" {
		t.Errorf("the hub signed %s", payload)
	}

	touched := strings.Replace(string(raw), `"agreement":{"payload":"`, `"agreement":{"payload":"AAAA`, 1)
	if touched == string(raw) {
		t.Fatal("nothing was touched")
	}
	l.ok(os.WriteFile(files[0], []byte(touched), 0o600))
	l.send(e, one("3", "portal"))
	l.turn(e)
	if again, err := os.ReadFile(files[0]); err != nil || string(again) != string(raw) || len(l.atHub("alder-bank")) != 3 {
		t.Errorf("it was not agreed on anew: %s, %v", again, err)
	}
}

// A hub that does not countersign gets nothing.
func TestNothingIsSentUnderTermsThatTheHubHasNotSigned(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	signs := false
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !signs && strings.Contains(r.URL.Path, "/agreements/") {
			http.Error(w, "no", http.StatusNotFound)
			return
		}
		if !signs && strings.Contains(r.URL.Path, "/bundles/blobs/") {
			t.Errorf("%s %s: a byte of a bundle came", r.Method, r.URL.Path)
		}
		l.hub.Handler().ServeHTTP(w, r)
	}))
	defer srv.Close()
	ans, err := l.hub.Enlist(t.Context(), "alder-bank", e.Public(), false)
	l.ok(err)
	l.ok(e.Connect(t.Context(), edge.Hub{Name: maker, URL: srv.URL, Token: ans.Token, Public: l.hub.Public()}))
	l.send(e, one("1", "portal"))
	if err := e.Turn(t.Context()); err == nil || !strings.Contains(err.Error(), "agree on terms") {
		t.Errorf("a hub that does not sign: %v", err)
	}
	if n := len(l.agreements("alder-bank")); n != 0 {
		t.Errorf("%d agreements are kept", n)
	}
	signs = true
	l.turn(e)
	if n, m := len(l.atHub("alder-bank")), len(l.agreements("alder-bank")); n != 1 || m != 1 {
		t.Errorf("%d records, %d agreements", n, m)
	}
}
