// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/headrace/headrace/internal/killtest"
)

// A decision that was once known to be durable outlives a kill, with all that were given out before it. Of those that the kill took
// nothing is learned: what comes of them is refused.
func TestAKillTakesNoDecisionThatWasDurable(t *testing.T) {
	program, home, dir := theProgram(t), t.TempDir(), t.TempDir()
	life := func() (*killtest.Process, func(path, body string) (int, string, error)) {
		t.Helper()
		p, err := killtest.Start(t.Context(), regexp.MustCompile(`Tools send to (http://localhost:\d+)/v1/`), home, program,
			"up", "--dir", dir, "--listen", "127.0.0.1:0", "--otlp", "", "--agent", "none")
		if err != nil {
			t.Fatal(err)
		}
		token, err := os.ReadFile(filepath.Join(dir, "edge", "keys", "token"))
		if err != nil {
			t.Fatal(err)
		}
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
		t.Cleanup(client.CloseIdleConnections)
		return p, func(path, body string) (int, string, error) {
			r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodPost, p.Ready[1]+path, strings.NewReader(body))
			if err != nil {
				return 0, "", err
			}
			r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
			res, err := client.Do(r)
			if err != nil {
				return 0, "", err
			}
			defer res.Body.Close()
			b, err := io.ReadAll(res.Body)
			return res.StatusCode, string(b), err
		}
	}
	// tell sends what came of a decision, again where a busy machine asks for that.
	tell := func(post func(path, body string) (int, string, error), id string) (status int, body string, err error) {
		status = http.StatusServiceUnavailable
		for range 20 {
			if status, body, err = post("/v1/decisions", `{"decision_id":"`+id+`","verdict":"accepted","by":"person"}`); err != nil || status != http.StatusServiceUnavailable {
				break
			}
		}
		return status, body, err
	}
	decide := func(post func(path, body string) (int, string, error), n int) (id string, err error) {
		status, body, err := post("/v1/decide", fmt.Sprintf(`{"developer":"ada","features":{"language":"go","lines":%d}}`, n))
		if err != nil {
			return "", err
		}
		var a struct {
			ID string `json:"decision_id"`
		}
		if err := json.Unmarshal([]byte(body), &a); err != nil || status != http.StatusOK || a.ID == "" {
			return "", fmt.Errorf("%d %s: %w", status, body, err)
		}
		return a.ID, nil
	}

	p, post := life()
	var durable, late []string
	for n := range 200 {
		id, err := decide(post, n)
		if err != nil {
			t.Fatal(err)
		}
		durable = append(durable, id)
	}
	if status, body, err := tell(post, durable[len(durable)-1]); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s %v", status, body, err)
	}
	var mu sync.Mutex
	var askers sync.WaitGroup
	begun := make(chan struct{})
	for range 4 {
		askers.Go(func() {
			for n := 0; ; n++ { // until it is killed
				id, err := decide(post, n)
				if err != nil {
					return
				}
				mu.Lock()
				if late = append(late, id); len(late) == 100 {
					close(begun)
				}
				mu.Unlock()
			}
		})
	}
	<-begun
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	askers.Wait()

	p, post = life()
	for _, id := range durable {
		if status, body, err := tell(post, id); err != nil || status != http.StatusOK {
			t.Errorf("%s was durable before the kill: %d %s %v", id, status, body, err)
		}
	}
	lost := 0
	for _, id := range late {
		status, body, err := tell(post, id)
		if err != nil || status != http.StatusOK && !strings.Contains(body, "is not in the log") {
			t.Errorf("%s: %d %s %v", id, status, body, err)
		}
		if status != http.StatusOK {
			lost++
		}
	}
	t.Logf("of %d that were answered last %d were lost", len(late), lost)
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
}
