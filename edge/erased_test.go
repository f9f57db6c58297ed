// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"os"
	"strings"
	"testing"

	"github.com/headrace/headrace/internal/web"
)

func TestNoCopyOfTheHubsBlobsBringsBackWhatWasWithdrawn(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	taken, stays := one("1", "portal"), one("2", "gateway")
	l.send(e, taken, stays)
	l.turn(e)
	l.turnHub()
	id, other := l.sentID("alder-bank", taken.ID), l.sentID("alder-bank", stays.ID)
	backup := t.TempDir()
	l.ok(os.CopyFS(backup, os.DirFS(l.path("hub", "blobs"))))
	if found := traces(t, l.path("hub", "blobs"), []string{id}); len(found) == 0 {
		t.Fatal("the hub holds nothing that could be taken back")
	}

	_, err := e.Withdraw(t.Context(), "steward", web.Scope{Session: taken.Session})
	l.ok(err)
	l.turn(e)
	l.turnHub()
	l.turn(e)
	for _, f := range l.certificate("alder-bank").Fates {
		if (f.Kind == "bundle" || f.Kind == "snapshot") && !strings.HasPrefix(f.Fate, "erased; key destroyed") {
			t.Errorf("the certificate says of %s %s: %s", f.Kind, f.Artifact, f.Fate)
		}
	}
	// All that the hub ever had is put back beside what it has.
	l.ok(l.hub.Close())
	list, err := os.ReadDir(backup + "/sha256")
	l.ok(err)
	for _, f := range list {
		b, err := os.ReadFile(backup + "/sha256/" + f.Name())
		l.ok(err)
		l.ok(os.WriteFile(l.path("hub", "blobs", "sha256", f.Name()), b, 0o600))
	}
	for path := range traces(t, l.path("hub", "blobs"), []string{id}) {
		if b := plainly(t, path); !strings.Contains(string(b), "withdrawal") { // the signed list of what is taken back
			t.Errorf("%s is there again, in %s", id, path)
		}
	}
	l.openHub()
	eps, _ := l.count("alder-bank")
	if eps[id] != 0 || eps[other] != 1 {
		t.Errorf("at the hub: %v", eps)
	}
}
