// SPDX-License-Identifier: Apache-2.0

package hub_test

import (
	"bytes"
	"crypto/ed25519"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/hub"
)

func TestWhatWasUploadedAndIsNamedByNothingDoesNotStay(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	h, err := hub.New(t.Context(), hub.Config{Dir: dir, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	key, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	ans, err := h.Enlist(t.Context(), "alder-bank", key, false)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(h.Handler())
	defer srv.Close()
	put := func(place string, b []byte) (status int, path string) {
		d := episode.Digest(b)
		req, err := http.NewRequest(http.MethodPost, srv.URL+"/v2/alder-bank/"+place+"/blobs/uploads/?digest="+d, bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+ans.Token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode, filepath.Join(dir, "blobs", "sha256", strings.TrimPrefix(d, "sha256:"))
	}
	before := now.Add(-25 * time.Hour)
	for _, place := range []string{"bundles", "withdrawals", "passages", "agreements", "returns"} {
		first, old := put(place, []byte("a layer of a push that was cut, of "+place))
		second, fresh := put(place, []byte("a layer of one that is under way, of "+place))
		if first != http.StatusCreated || second != http.StatusCreated {
			t.Fatal(first, second)
		}
		if err := os.Chtimes(old, before, before); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(fresh, now, now); err != nil {
			t.Fatal(err)
		}
		now = now.Add(7 * time.Hour)
		if err := h.Turn(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(old); err == nil {
			t.Errorf("%s: what nobody asked for is there after a day", place)
		}
		if _, err := os.Stat(fresh); err != nil {
			t.Errorf("%s: a push that is under way has lost a layer", place)
		}
	}
	// No quota counts the bytes of withdrawals: there, nothing larger than one may come.
	large := make([]byte, 16<<20+1)
	if status, path := put("withdrawals", large); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a withdrawal of %d bytes: %d", len(large), status)
	} else if _, err := os.Stat(path); err == nil {
		t.Error("what was refused is there")
	}
	if status, _ := put("bundles", large); status != http.StatusCreated {
		t.Errorf("a layer of %d bytes: %d", len(large), status)
	}
}
