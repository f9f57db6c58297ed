// SPDX-License-Identifier: Apache-2.0

package registry_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/blob"
	"github.com/headrace/headrace/internal/registry"
)

// TestAnswersAreThoseOfTheDistributionSpec follows the sections of the specification's conformance list.
func TestAnswersAreThoseOfTheDistributionSpec(t *testing.T) {
	s := serve(t, func(c *registry.Config) { c.MaxBlob = 1 << 20 })
	data := []byte("0123456789")
	d := episode.Digest(data)
	zero := "sha256:" + strings.Repeat("0", 64)
	check := func(got response, want int, code string) {
		t.Helper()
		if got.StatusCode != want || !strings.Contains(got.body, code) {
			t.Errorf("%s %s: %d %s; want %d %s", got.Request.Method, got.Request.URL.Path, got.StatusCode, got.body, want, code)
		}
	}
	chunk := func(path, contentRange string, b []byte) response {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), "PATCH", s.URL+path, bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Range", contentRange)
		return send(t, req)
	}

	// Push: POST then PUT.
	up := s.do(t, "POST", "/v2/a/b/blobs/uploads/", "", nil)
	check(up, 202, "")
	done := s.do(t, "PUT", up.Header.Get("Location")+"?digest="+d, "", data)
	check(done, 201, "")
	if got := s.do(t, "GET", done.Header.Get("Location"), "", nil); got.body != string(data) || got.Header.Get("Docker-Content-Digest") != d {
		t.Errorf("pulled %q, %v", got.body, got.Header)
	}
	check(s.do(t, "PUT", up.Header.Get("Location")+"?digest="+d, "", data), 404, "BLOB_UPLOAD_UNKNOWN")

	// Push: in chunks, one out of order, then going on where it stands.
	up = s.do(t, "POST", "/v2/a/b/blobs/uploads/", "", nil)
	at := up.Header.Get("Location")
	check(chunk(at, "0-3", data[:4]), 202, "")
	check(chunk(at, "6-9", data[6:]), 416, "BLOB_UPLOAD_INVALID")
	if got := s.do(t, "GET", at, "", nil); got.StatusCode != 204 || got.Header.Get("Range") != "0-3" {
		t.Errorf("status: %d %s", got.StatusCode, got.Header.Get("Range"))
	}
	check(chunk(at, "4-9", data[4:]), 202, "")
	check(s.do(t, "GET", strings.Replace(at, "/a/b/", "/other/", 1), "", nil), 404, "BLOB_UPLOAD_UNKNOWN")
	check(s.do(t, "PUT", at+"?digest="+d, "", nil), 201, "")

	// Push: refused.
	check(s.do(t, "POST", "/v2/a/b/blobs/uploads/?digest="+zero, "", data), 400, "DIGEST_INVALID")
	check(s.do(t, "POST", "/v2/a/b/blobs/uploads/?digest=sha256:../../x", "", data), 400, "DIGEST_INVALID")
	check(s.do(t, "POST", "/v2/a/b/blobs/uploads/?digest="+zero, "", make([]byte, 1<<20+1)), 413, "SIZE_INVALID")
	check(s.do(t, "POST", "/v2/A/blobs/uploads/", "", nil), 404, "NAME_INVALID")
	up = s.do(t, "POST", "/v2/a/b/blobs/uploads/", "", nil)
	check(s.do(t, "DELETE", up.Header.Get("Location"), "", nil), 204, "")
	check(s.do(t, "GET", up.Header.Get("Location"), "", nil), 404, "BLOB_UPLOAD_UNKNOWN")

	// Pull.
	check(s.do(t, "GET", "/v2/", "", nil), 200, "")
	check(s.do(t, "GET", "/v2/a/b/blobs/"+zero, "", nil), 404, "BLOB_UNKNOWN")
	check(s.do(t, "GET", "/v2/a/b/blobs/md5:0", "", nil), 400, "DIGEST_INVALID")
	check(s.do(t, "GET", "/v2/a/b/manifests/none", "", nil), 404, "MANIFEST_UNKNOWN")
	if got := s.do(t, "HEAD", "/v2/a/b/blobs/"+d, "", nil); got.StatusCode != 200 || got.ContentLength != 10 {
		t.Errorf("head: %d, %d bytes", got.StatusCode, got.ContentLength)
	}
	req, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+"/v2/a/b/blobs/"+d, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Range", "bytes=2-4")
	if got := send(t, req); got.StatusCode != 206 || got.body != "234" {
		t.Errorf("range: %d %q", got.StatusCode, got.body)
	}

	// Manifests.
	man := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":"a/b","digest":%q,"size":10},"layers":[],"subject":{"mediaType":"c/d","digest":%q,"size":1}}`,
		ocispec.MediaTypeImageManifest, d, zero)
	put := s.do(t, "PUT", "/v2/a/b/manifests/v1", ocispec.MediaTypeImageManifest, man)
	check(put, 201, "")
	if put.Header.Get("OCI-Subject") != zero || put.Header.Get("Docker-Content-Digest") != episode.Digest(man) {
		t.Errorf("put: %v", put.Header)
	}
	check(s.do(t, "PUT", "/v2/a/b/manifests/"+zero, ocispec.MediaTypeImageManifest, man), 400, "DIGEST_INVALID")
	check(s.do(t, "PUT", "/v2/a/b/manifests/v1", "application/json", man), 400, "MANIFEST_INVALID")
	check(s.do(t, "PUT", "/v2/a/b/manifests/v1", ocispec.MediaTypeImageManifest, bytes.Replace(man, []byte(`"size":10`), []byte(`"size":11`), 1)), 400, "SIZE_INVALID")
	check(s.do(t, "PUT", "/v2/a/b/manifests/v1", ocispec.MediaTypeImageManifest, bytes.Replace(man, []byte(`"layers"`), []byte(`"config":null,"layers"`), 1)), 400, "MANIFEST_INVALID")
	check(s.do(t, "PUT", "/v2/a/b/manifests/v1", ocispec.MediaTypeImageManifest, make([]byte, 4<<20+1)), 413, "MANIFEST_INVALID")
	check(s.do(t, "DELETE", "/v2/a/b/manifests/v1", "", nil), 405, "UNSUPPORTED")
	check(s.do(t, "DELETE", "/v2/a/b/blobs/"+d, "", nil), 405, "UNSUPPORTED")
	if got := s.do(t, "HEAD", "/v2/a/b/manifests/v1", "", nil); got.StatusCode != 200 || got.ContentLength != int64(len(man)) || got.body != "" {
		t.Errorf("head manifest: %d, %d bytes", got.StatusCode, got.ContentLength)
	}

	// Lists.
	for _, tag := range []string{"v2", "v3"} {
		check(s.do(t, "PUT", "/v2/a/b/manifests/"+tag, ocispec.MediaTypeImageManifest, man), 201, "")
	}
	page := s.do(t, "GET", "/v2/a/b/tags/list?n=2", "", nil)
	check(page, 200, `{"name":"a/b","tags":["v1","v2"]}`)
	next, _, _ := strings.Cut(strings.TrimPrefix(page.Header.Get("Link"), "<"), ">")
	check(s.do(t, "GET", next, "", nil), 200, `{"name":"a/b","tags":["v3"]}`)
	check(s.do(t, "GET", "/v2/a/b/tags/list?n=-1", "", nil), 400, "UNSUPPORTED")
	check(s.do(t, "GET", "/v2/none/tags/list", "", nil), 200, `"tags":[]`)
	check(s.do(t, "GET", "/v2/a/b/referrers/"+zero, "", nil), 200, `"digest":"`+episode.Digest(man))
	check(s.do(t, "GET", "/v2/none/referrers/"+zero, "", nil), 200, `"manifests":[]`)
}

func TestUploadsHaveALimit(t *testing.T) {
	s := serve(t, func(c *registry.Config) { c.MaxUploads = 2 })
	first := s.do(t, "POST", "/v2/a/blobs/uploads/", "", nil)
	s.do(t, "POST", "/v2/a/blobs/uploads/", "", nil)
	if got := s.do(t, "POST", "/v2/a/blobs/uploads/", "", nil); got.StatusCode != 429 {
		t.Errorf("third upload: %d", got.StatusCode)
	}
	s.do(t, "DELETE", first.Header.Get("Location"), "", nil)
	if got := s.do(t, "POST", "/v2/a/blobs/uploads/", "", nil); got.StatusCode != 202 {
		t.Errorf("after one ended: %d", got.StatusCode)
	}
}

// FuzzPutManifest: whatever is sent, the answer is the protocol's, and only what Admit saw becomes visible.
func FuzzPutManifest(f *testing.F) {
	blobs, err := blob.Open(f.TempDir(), f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	admitted := ""
	g, err := registry.New(registry.Config{Blobs: blobs, Index: newIndex(),
		Authorize: func(*http.Request, string, bool) error { return nil },
		Admit:     func(_ context.Context, m registry.Manifest) error { admitted = m.Digest; return nil }})
	if err != nil {
		f.Fatal(err)
	}
	index := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"manifests":[]}`, ocispec.MediaTypeImageIndex)
	f.Add("v1", ocispec.MediaTypeImageIndex, []byte(index))
	f.Add("..", ocispec.MediaTypeImageManifest, []byte(`{"mediaType":"`+ocispec.MediaTypeImageManifest+`","config":{"digest":"sha256:../x"}}`))
	f.Add("sha256:", "", []byte("null"))
	f.Fuzz(func(t *testing.T, ref, mediaType string, body []byte) {
		do := func(method, ref string, body []byte) *httptest.ResponseRecorder {
			r := httptest.NewRequest(method, "/v2/a/manifests/x", bytes.NewReader(body))
			r.URL.Path = "/v2/a/manifests/" + ref
			r.Header["Content-Type"] = []string{mediaType}
			w := httptest.NewRecorder()
			g.ServeHTTP(w, r)
			return w
		}
		admitted = ""
		put := do("PUT", ref, body)
		if put.Code >= 500 || put.Code == 201 != (admitted != "") {
			t.Fatalf("%d %s, admitted %q", put.Code, put.Body, admitted)
		}
		if get := do("GET", episode.Digest(body), nil); get.Code == 200 && !bytes.Equal(get.Body.Bytes(), body) {
			t.Fatal("other bytes came out")
		}
	})
}
