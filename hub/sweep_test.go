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

func TestWhatWasUploadedAndBecameNoBundleDoesNotStay(t *testing.T) {
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
	put := func(b []byte) string {
		d := episode.Digest(b)
		req, err := http.NewRequest(http.MethodPost, srv.URL+"/v2/alder-bank/bundles/blobs/uploads/?digest="+d, bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+ans.Token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusCreated {
			t.Fatal(resp.Status)
		}
		return filepath.Join(dir, "blobs", "sha256", strings.TrimPrefix(d, "sha256:"))
	}
	old, fresh := put([]byte("a layer of a push that was cut")), put([]byte("a layer of one that is under way"))
	before := now.Add(-25 * time.Hour)
	if err := os.Chtimes(old, before, before); err != nil {
		t.Fatal(err)
	}
	if err := h.Turn(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old); err == nil {
		t.Error("what nobody asked for is there after a day")
	}
	if _, err := os.Stat(fresh); err != nil {
		t.Error("a push that is under way has lost a layer")
	}
}
