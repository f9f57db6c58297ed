// SPDX-License-Identifier: Apache-2.0

//go:build linux

package edge_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
)

// smallDisk mounts a file system of a few megabytes, where this process may.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("no small disk: mount: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestFullDiskRefusesAndLosesNothing(t *testing.T) {
	disk := smallDisk(t, "32m")
	l := newLoop(t)
	l.conf = func(c *edge.Config) { c.Dir = disk }
	e := l.edge("alder-bank")
	api := e.Handler(func(*http.Request) edge.Principal { return edge.Principal{Authenticated: true} })
	post := func(body []byte) (int, string) {
		w := httptest.NewRecorder()
		api.ServeHTTP(w, httptest.NewRequest("POST", "/v1/episodes", bytes.NewReader(body)))
		var p episode.Problem
		json.Unmarshal(w.Body.Bytes(), &p)
		return w.Code, p.Code
	}
	ballast := filepath.Join(disk, "ballast")
	l.ok(os.WriteFile(ballast, make([]byte, 28<<20), 0o600))
	var acknowledged []string
	full := 0
	for i := 0; full < 3 && i < 1000; i++ {
		ep := one(strconv.Itoa(i), "portal")
		ep.Suggestions[0].After = randomText(100 << 10)
		switch status, code := post(lines(t, ep)); {
		case status == http.StatusOK:
			acknowledged = append(acknowledged, ep.ID)
		case status == http.StatusServiceUnavailable && code == "spool/disk-full":
			full++
		default:
			t.Fatalf("record %d: status %d, %q; want 200, or 503 with spool/disk-full", i, status, code)
		}
	}
	if full == 0 || len(acknowledged) == 0 {
		t.Fatalf("%d acknowledged, %d refused: the disk never filled", len(acknowledged), full)
	}
	if err := e.Turn(t.Context()); err == nil {
		t.Log("a turn on a full disk went through")
	}
	l.close(e)
	l.ok(os.Remove(ballast))
	e = l.edge("alder-bank")
	for range 3 {
		l.turn(e)
	}
	eps, _ := l.count("alder-bank")
	for _, id := range acknowledged {
		if n := eps[l.sentIDIn(disk, id)]; n != 1 {
			t.Errorf("%s was acknowledged and is %d times at the hub", id, n)
		}
	}
	// A disk that is full stops neither reading nor, once there is room again, writing in the same process.
	l.ok(os.WriteFile(ballast, make([]byte, 1<<20), 0o600))
	l.ok(os.Remove(ballast))
	if status, code := post(nil); status != http.StatusOK {
		t.Errorf("status %d, %q", status, code)
	}
}

// On a full disk tools get their answers. What came of them is refused, because nobody knows any more what was asked.
func TestAFullDiskKeepsNoToolWaiting(t *testing.T) {
	disk := smallDisk(t, "32m")
	l := newLoop(t)
	l.conf = func(c *edge.Config) { c.Dir = disk }
	e := l.edge("alder-bank")
	defer running(t, e)()
	before := e.Decide(edge.Principal{Name: "ada"}, edge.DecideRequest{})
	tell := func(id string) (int, string) {
		return said(t, e, "ada", "/v1/decisions", `{"decision_id":"`+id+`","verdict":"accepted","by":"person"}`)
	}
	if status, body := tell(before.DecisionID); status != http.StatusOK { // it is durable now
		t.Fatalf("%d %s", status, body)
	}
	f, err := os.Create(filepath.Join(disk, "ballast"))
	l.ok(err)
	for _, size := range []int{1 << 20, 1 << 12, 1} { // to the last byte
		for err = nil; err == nil; _, err = f.Write(make([]byte, size)) {
		}
	}
	f.Close()
	var lost []string
	for range 100 {
		a := e.Decide(edge.Principal{Name: "ada"}, edge.DecideRequest{Features: map[string]any{"language": "go"}})
		if a.Chosen != "show" || a.Propensity() != 1 {
			t.Fatalf("%+v", a)
		}
		lost = append(lost, a.DecisionID)
	}
	refused := 0
	for _, id := range lost {
		if status, _ := tell(id); status != http.StatusOK {
			refused++
		}
	}
	l.ok(os.Remove(filepath.Join(disk, "ballast")))
	if refused < len(lost)/2 {
		t.Errorf("of %d decisions on a full disk what came of %d was refused", len(lost), refused)
	}
	after := e.Decide(edge.Principal{Name: "ada"}, edge.DecideRequest{})
	if status, body := tell(after.DecisionID); status != http.StatusOK {
		t.Errorf("with room again: %d %s", status, body)
	}
}
