// SPDX-License-Identifier: Apache-2.0

package registry_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/registry"
)

func TestAnUploadThatStallsIsCutAndGoesOnWhereItWas(t *testing.T) {
	s := serve(t, func(c *registry.Config) { c.Idle = 2 * time.Second })
	do := func(method, path string, body io.Reader) *http.Response {
		t.Helper()
		req, err := http.NewRequest(method, s.URL+path, body)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp
	}
	place := do(http.MethodPost, "/v2/acme/bundles/blobs/uploads/", nil).Header.Get("Location")
	first, second := "the first half, ", "and the second"
	stalled, hold := io.Pipe()
	t.Cleanup(func() { hold.Close() })
	go io.WriteString(hold, first) // and then nothing, for ever
	start := time.Now()
	if resp := do(http.MethodPatch, place, stalled); resp.StatusCode != http.StatusRequestTimeout {
		t.Errorf("a stalled upload: %s", resp.Status)
	}
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("it was waited for %v", took)
	}
	if got := do(http.MethodGet, place, nil).Header.Get("Range"); got != "0-15" {
		t.Errorf("what arrived is %s, want 0-15", got)
	}
	digest := episode.Digest([]byte(first + second))
	if resp := do(http.MethodPut, place+"?digest="+digest, strings.NewReader(second)); resp.StatusCode != http.StatusCreated {
		t.Errorf("going on: %s", resp.Status)
	}
}
