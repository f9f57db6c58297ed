// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/headrace/headrace/internal/spool"
	"github.com/headrace/headrace/internal/sqlstore"
)

// TestAKilledGatewayKeepsWhatItSaidWasCaptured asks for models through an edge of its own process, kills it while it answers, and looks for
// what it had counted as captured. Neither keys nor texts are in anything that it printed.
func TestAKilledGatewayKeepsWhatItSaidWasCaptured(t *testing.T) {
	var n atomic.Int64
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		for _, word := range []string{"answer ", "to-", "remember"} {
			fmt.Fprintf(w, "data: {\"id\":\"c%d\",\"choices\":[{\"delta\":{\"content\":%q}}]}\n\n", n.Add(1), word)
			w.(http.Flusher).Flush()
		}
	}))
	defer up.Close()
	a := newApart(t)
	at := freeAddr(t)
	os.WriteFile(filepath.Join(a.hubDir, "hub.yaml"), []byte("name: acme-tools\n"), 0o600)
	os.WriteFile(filepath.Join(a.edgeDir, "key"), []byte("sk-key-to-remember\n"), 0o600)
	os.WriteFile(filepath.Join(a.edgeDir, "edge.yaml"), []byte("gateway: {listen: \""+at+"\", upstreams: [{name: ours, kind: openai, url: \""+up.URL+"\", key_file: key}]}\n"), 0o600)
	a.startHub()
	invite := a.run(a.hubDir, "hub", "invite", "alder-bank")
	line, _, _ := strings.Cut(invite, "#")
	a.run(a.edgeDir, strings.Fields(strings.TrimPrefix(line, "headrace "))...)
	a.startEdge()
	token, err := os.ReadFile(filepath.Join(a.edgeDir, "edge", "keys", "token"))
	if err != nil {
		t.Fatal(err)
	}
	ask := func(i int) (int, error) {
		r, err := http.NewRequest("POST", "http://"+at+"/as/ada/v1/chat/completions", strings.NewReader(fmt.Sprintf(`{"model":"m","messages":[{"role":"user","content":"question-to-remember %d"}]}`, i)))
		if err != nil {
			return 0, err
		}
		r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			return 0, err
		}
		defer res.Body.Close()
		_, err = io.Copy(io.Discard, res.Body)
		return res.StatusCode, err
	}
	var asked atomic.Int64
	var askers sync.WaitGroup
	for range 4 {
		askers.Go(func() {
			for { // until it is killed
				if status, err := ask(int(asked.Add(1))); err != nil {
					return
				} else if status != http.StatusOK {
					t.Errorf("answered %d", status)
					return
				}
			}
		})
	}
	captured := regexp.MustCompile(`(\d+) captured`)
	least := 0
	a.eventually("a hundred are captured", func() bool {
		said, err := control(t.Context(), filepath.Join(a.edgeDir, "edge"), "gateway", "")
		if m := captured.FindStringSubmatch(said); err == nil && m != nil {
			least, _ = strconv.Atoi(m[1])
		}
		return least >= 100
	})
	a.kill(a.edgeProcess)
	askers.Wait()
	printed := a.edgeProcess.Stderr.(*lockedBuffer).String()
	a.startEdge()
	db := a.store(sqlstore.RoleEdge)
	a.eventually("all is assembled", func() bool {
		done, _ := db.SpoolDone(t.Context(), "inbox")
		waits, err := spool.Count(filepath.Join(a.edgeDir, "edge", "inbox"), done)
		return err == nil && waits == 0
	})
	if said := a.run(a.edgeDir, "doctor"); !strings.Contains(said, "gateway: 0 requests passed on") {
		t.Error(said)
	}
	a.stop(a.edgeProcess)
	printed += a.edgeProcess.Stderr.(*lockedBuffer).String()
	_, kept, err := db.ListEpisodes(t.Context(), sqlstore.EpisodeFilter{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	if kept < least || kept > int(asked.Load()) {
		t.Errorf("%d episodes of %d that were captured and %d that were asked", kept, least, asked.Load())
	}
	if strings.Contains(printed, "to-remember") || strings.Contains(printed, strings.TrimSpace(string(token))) {
		t.Errorf("printed: %s", printed)
	}
}
