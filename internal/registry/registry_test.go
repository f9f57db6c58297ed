// SPDX-License-Identifier: Apache-2.0

package registry_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/memory"
	"oras.land/oras-go/v2/content/oci"
	"oras.land/oras-go/v2/registry/remote"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/blob"
	"github.com/headrace/headrace/internal/registry"
)

// served is a registry on a real store behind a real server.
type served struct {
	*httptest.Server
	blobs    *blob.Store
	uploaded atomic.Int64 // upload requests
}

func serve(t testing.TB, change func(*registry.Config)) *served {
	t.Helper()
	blobs, err := blob.Open(t.TempDir(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	cfg := registry.Config{Blobs: blobs, Index: newIndex(),
		Authorize: func(*http.Request, string, bool) error { return nil },
		Admit:     func(context.Context, registry.Manifest) error { return nil }}
	if change != nil {
		change(&cfg)
	}
	g, err := registry.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := &served{blobs: blobs}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/uploads/") {
			s.uploaded.Add(1)
		}
		g.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *served) repo(t testing.TB, name string) *remote.Repository {
	t.Helper()
	r, err := remote.NewRepository(strings.TrimPrefix(s.URL, "http://") + "/" + name)
	if err != nil {
		t.Fatal(err)
	}
	r.PlainHTTP = true
	return r
}

// pack puts a manifest with one layer into any target.
func pack(t testing.TB, to oras.Target, kind string, layer []byte, subject *ocispec.Descriptor) ocispec.Descriptor {
	t.Helper()
	l, err := oras.PushBytes(t.Context(), to, "application/x-layer", layer)
	if err != nil {
		t.Fatal(err)
	}
	m, err := oras.PackManifest(t.Context(), to, oras.PackManifestVersion1_1, kind, oras.PackManifestOptions{
		Layers: []ocispec.Descriptor{l}, Subject: subject, ManifestAnnotations: map[string]string{ocispec.AnnotationCreated: "2026-01-01T00:00:00Z"}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestLayoutCopiedInComesOutTheSame(t *testing.T) {
	s := serve(t, nil)
	layout, err := oci.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	desc := pack(t, layout, "application/vnd.test.bundle", bytes.Repeat([]byte("payload "), 1<<18), nil)
	if err := layout.Tag(t.Context(), desc, "b1"); err != nil {
		t.Fatal(err)
	}
	repo := s.repo(t, "acme/bundles")
	if _, err := oras.Copy(t.Context(), layout, "b1", repo, "b1", oras.DefaultCopyOptions); err != nil {
		t.Fatal(err)
	}
	back := memory.New()
	got, err := oras.Copy(t.Context(), repo, "b1", back, "b1", oras.DefaultCopyOptions)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(desc.Digest, got.Digest); diff != "" {
		t.Error(diff)
	}
	want, err := content.FetchAll(t.Context(), layout, desc)
	if err != nil {
		t.Fatal(err)
	}
	have, err := content.FetchAll(t.Context(), back, got)
	if err != nil || !bytes.Equal(want, have) {
		t.Errorf("manifest differs: %v", err)
	}
}

func TestSecondPushSendsNoBlobAgain(t *testing.T) {
	s := serve(t, nil)
	src := memory.New()
	desc := pack(t, src, "application/vnd.test.bundle", []byte("payload"), nil)
	repo := s.repo(t, "acme")
	for range 2 {
		before := s.uploaded.Load()
		if err := oras.CopyGraph(t.Context(), src, repo, desc, oras.DefaultCopyGraphOptions); err != nil {
			t.Fatal(err)
		}
		if before > 0 && s.uploaded.Load() != before {
			t.Errorf("%d upload requests the second time", s.uploaded.Load()-before)
		}
	}
}

func TestReferrersAreListedByTheirType(t *testing.T) {
	s := serve(t, nil)
	repo := s.repo(t, "acme")
	subject := pack(t, repo, "application/vnd.test.bundle", []byte("payload"), nil)
	receipt := pack(t, repo, "application/vnd.test.receipt", []byte("receipt"), &subject)
	note := pack(t, repo, "application/vnd.test.note", []byte("note"), &subject)
	for kind, want := range map[string]int{"": 2, "application/vnd.test.receipt": 1, "application/vnd.test.note": 1, "application/vnd.test.none": 0} {
		var got []string
		err := repo.Referrers(t.Context(), subject, kind, func(l []ocispec.Descriptor) error {
			for _, d := range l {
				got = append(got, string(d.Digest))
			}
			return nil
		})
		if err != nil || len(got) != want {
			t.Errorf("%q: %d referrers, %v; want %d (of %s, %s)", kind, len(got), err, want, receipt.Digest, note.Digest)
		}
	}
}

func TestContributorCannotReachAnothersBlobByItsDigest(t *testing.T) {
	s := serve(t, nil)
	secret := []byte("what acme sent")
	pack(t, s.repo(t, "acme"), "application/vnd.test.bundle", secret, nil)
	d := episode.Digest(secret)
	if got := s.do(t, "GET", "/v2/acme/blobs/"+d, "", nil); got.StatusCode != 200 || got.body != string(secret) {
		t.Fatalf("acme's own: %d %q", got.StatusCode, got.body)
	}
	for _, c := range [][2]string{
		{"GET", "/v2/bolt/blobs/" + d}, {"HEAD", "/v2/bolt/blobs/" + d}, {"GET", "/v2/bolt/manifests/" + d},
		{"GET", "/v2/acme/manifests/" + d}, // a blob is not a manifest either
	} {
		if got := s.do(t, c[0], c[1], "", nil); got.StatusCode != 404 {
			t.Errorf("%s %s: %d", c[0], c[1], got.StatusCode)
		}
	}
	if got := s.do(t, "POST", "/v2/bolt/blobs/uploads/?mount="+d+"&from=acme", "", nil); got.StatusCode != 202 {
		t.Errorf("mount: %d, want an upload (202)", got.StatusCode)
	}
	if got := s.do(t, "POST", "/v2/bolt/blobs/uploads/?digest="+d, "", nil); got.StatusCode != 400 {
		t.Errorf("the digest without the bytes: %d", got.StatusCode)
	}
	m := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":"a/b","digest":%q,"size":%d},"layers":[]}`,
		ocispec.MediaTypeImageManifest, d, len(secret))
	if got := s.do(t, "PUT", "/v2/bolt/manifests/x", ocispec.MediaTypeImageManifest, m); got.StatusCode != 404 || !strings.Contains(got.body, "MANIFEST_BLOB_UNKNOWN") {
		t.Errorf("a manifest of another's blob: %d %s", got.StatusCode, got.body)
	}
	if got := s.do(t, "HEAD", "/v2/bolt/blobs/"+d, "", nil); got.StatusCode != 404 {
		t.Errorf("after all that: %d", got.StatusCode)
	}
}

func TestRefusedManifestNeverBecomesVisible(t *testing.T) {
	no := &episode.Problem{Code: "bundle/unknown-signer", Message: "nobody we know signed it", Hint: "ask for an invite"}
	refuse := true
	s := serve(t, func(c *registry.Config) {
		c.Admit = func(_ context.Context, m registry.Manifest) error {
			if m.Repo != "acme" || m.Tag != "b1" || episode.Digest(m.Raw) != m.Digest || m.ArtifactType != "application/vnd.test.bundle" {
				return fmt.Errorf("asked about %+v", m)
			}
			if refuse {
				return fmt.Errorf("admit: %w", no)
			}
			return nil
		}
	})
	src := memory.New()
	desc := pack(t, src, "application/vnd.test.bundle", []byte("payload"), nil)
	raw, err := content.FetchAll(t.Context(), src, desc)
	if err != nil {
		t.Fatal(err)
	}
	put := func() response { return s.do(t, "PUT", "/v2/acme/manifests/b1", desc.MediaType, raw) }
	for _, b := range [][]byte{[]byte("payload"), []byte("{}")} {
		if got := s.do(t, "POST", "/v2/acme/blobs/uploads/?digest="+episode.Digest(b), "", b); got.StatusCode != 201 {
			t.Fatalf("upload: %d %s", got.StatusCode, got.body)
		}
	}
	if got := put(); got.StatusCode != 400 || !strings.Contains(got.body, `"detail":{"code":"bundle/unknown-signer"`) || !strings.Contains(got.body, no.Hint) {
		t.Errorf("refusal: %d %s", got.StatusCode, got.body)
	}
	for _, ref := range []string{"b1", string(desc.Digest)} {
		if got := s.do(t, "GET", "/v2/acme/manifests/"+ref, "", nil); got.StatusCode != 404 {
			t.Errorf("%s is visible: %d", ref, got.StatusCode)
		}
	}
	refuse = false
	if got := put(); got.StatusCode != 201 {
		t.Errorf("admitted: %d %s", got.StatusCode, got.body)
	}
	if got := s.do(t, "GET", "/v2/acme/manifests/b1", "", nil); got.body != string(raw) {
		t.Errorf("pulled: %d %s", got.StatusCode, got.body)
	}
}

func TestReadAndWriteAreAuthorisedApart(t *testing.T) {
	s := serve(t, func(c *registry.Config) {
		c.Authorize = func(r *http.Request, repo string, write bool) error {
			user, _, ok := r.BasicAuth()
			switch {
			case !ok:
				return registry.ErrNoCredentials
			case repo != "" && (user != "reader" || write):
				return errors.New("not yours")
			}
			return nil
		}
	})
	ask := func(method, path, user string) response {
		req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if user != "" {
			req.SetBasicAuth(user, "x")
		}
		return send(t, req)
	}
	for _, c := range []struct {
		method, path, user string
		want               int
	}{
		{"GET", "/v2/", "", 401}, {"GET", "/v2/", "reader", 200}, {"GET", "/v2/acme/tags/list", "", 401},
		{"GET", "/v2/acme/tags/list", "reader", 200}, {"GET", "/v2/acme/tags/list", "other", 403},
		{"POST", "/v2/acme/blobs/uploads/", "reader", 403}, {"DELETE", "/v2/acme/manifests/x", "reader", 403},
	} {
		got := ask(c.method, c.path, c.user)
		if got.StatusCode != c.want || got.StatusCode == 401 && got.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s %s as %q: %d, want %d", c.method, c.path, c.user, got.StatusCode, c.want)
		}
	}
}

func TestConcurrentPushesAllArrive(t *testing.T) {
	s := serve(t, nil)
	var g errgroup.Group
	for i := range 24 {
		g.Go(func() error {
			src, repo := memory.New(), s.repo(t, fmt.Sprintf("c%d", i%3))
			desc := pack(t, src, "application/vnd.test.bundle", fmt.Appendf(nil, "payload %d", i/2), nil) // some the same
			tag := fmt.Sprintf("t%d", i)
			if err := src.Tag(t.Context(), desc, tag); err != nil {
				return err
			}
			_, err := oras.Copy(t.Context(), src, tag, repo, tag, oras.DefaultCopyOptions)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	for i := range 24 {
		if _, err := oras.Copy(t.Context(), s.repo(t, fmt.Sprintf("c%d", i%3)), fmt.Sprintf("t%d", i), memory.New(), "", oras.DefaultCopyOptions); err != nil {
			t.Error(err)
		}
	}
}

type response struct {
	*http.Response
	body string
}

func (s *served) do(t testing.TB, method, path, contentType string, body []byte) response {
	t.Helper()
	u := path
	if strings.HasPrefix(path, "/") {
		u = s.URL + path
	}
	req, err := http.NewRequestWithContext(t.Context(), method, u, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	return send(t, req)
}

func send(t testing.TB, req *http.Request) response {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response{resp, string(b)}
}
