// SPDX-License-Identifier: Apache-2.0

// Package registrytest is the suite that every [registry.Index] must pass.
//
// Call [Index] from a test of the implementation, with a function that makes an empty one. It checks what the
// registry relies on: a repository sees only its own, a tag moves, lists are ordered, and doing a thing twice is
// harmless.
package registrytest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/headrace/headrace/internal/registry"
)

func digest(c string) string { return "sha256:" + strings.Repeat(c, 64) }

// Index runs the suite against the implementation that open makes, empty each time.
func Index(t *testing.T, open func(t *testing.T) registry.Index) {
	manifest := func(repo, d string) registry.Manifest {
		return registry.Manifest{Repo: repo, Digest: d, MediaType: "application/x", ArtifactType: "type/" + d[7:8], Size: 7,
			Annotations: map[string]string{"k": "v"}}
	}
	t.Run("a blob is visible where it was linked and nowhere else", func(t *testing.T) {
		x, ctx := open(t), t.Context()
		for range 2 {
			if err := x.LinkBlob(ctx, "acme", digest("a")); err != nil {
				t.Fatal(err)
			}
		}
		for repo, want := range map[string]bool{"acme": true, "acme/x": false, "bolt": false} {
			if got, err := x.HasBlob(ctx, repo, digest("a")); err != nil || got != want {
				t.Errorf("%s: %v, %v; want %v", repo, got, err, want)
			}
		}
		if got, err := x.HasBlob(ctx, "acme", digest("b")); err != nil || got {
			t.Errorf("never linked: %v, %v", got, err)
		}
	})
	t.Run("a manifest is found by digest and tag, and a tag moves", func(t *testing.T) {
		x, ctx := open(t), t.Context()
		a, b := manifest("acme", digest("a")), manifest("acme", digest("b"))
		for _, put := range []struct {
			m   registry.Manifest
			tag string
		}{{a, "v1"}, {a, "v1"}, {a, ""}, {b, "v2"}, {b, "v1"}} {
			if err := x.PutManifest(ctx, put.m, put.tag); err != nil {
				t.Fatal(err)
			}
		}
		for ref, want := range map[string]registry.Manifest{digest("a"): a, digest("b"): b, "v1": b, "v2": b} {
			got, err := x.Manifest(ctx, "acme", ref)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%s: %v\n%s", ref, err, diff)
			}
		}
		for _, k := range [][2]string{{"acme", "v3"}, {"acme", digest("c")}, {"bolt", "v1"}, {"bolt", digest("a")}} {
			if _, err := x.Manifest(ctx, k[0], k[1]); !errors.Is(err, registry.ErrNotFound) {
				t.Errorf("%v: got %v, want ErrNotFound", k, err)
			}
		}
	})
	t.Run("tags come in byte order, page by page", func(t *testing.T) {
		x, ctx := open(t), t.Context()
		for _, tag := range []string{"b", "Z", "a", "10", "2"} {
			if err := x.PutManifest(ctx, manifest("acme", digest("a")), tag); err != nil {
				t.Fatal(err)
			}
		}
		var got []string
		for last := ""; ; last = got[len(got)-1] {
			page, err := x.Tags(ctx, "acme", last, 2)
			if err != nil || len(page) > 2 {
				t.Fatalf("%q, %v", page, err)
			}
			if got = append(got, page...); len(page) < 2 {
				break
			}
		}
		if diff := cmp.Diff([]string{"10", "2", "Z", "a", "b"}, got); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("referrers come in order of digest, from the same repository", func(t *testing.T) {
		x, ctx := open(t), t.Context()
		for _, k := range [][2]string{{"acme", "c"}, {"acme", "b"}, {"bolt", "d"}, {"acme", "b"}} {
			m := manifest(k[0], digest(k[1]))
			m.Subject = digest("a")
			if err := x.PutManifest(ctx, m, ""); err != nil {
				t.Fatal(err)
			}
		}
		list, err := x.Referrers(ctx, "acme", digest("a"))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range list {
			got = append(got, m.Digest, m.ArtifactType, m.Annotations["k"])
		}
		if diff := cmp.Diff([]string{digest("b"), "type/b", "v", digest("c"), "type/c", "v"}, got); diff != "" {
			t.Error(diff)
		}
		if list, err := x.Referrers(ctx, "acme", digest("b")); err != nil || len(list) > 0 {
			t.Errorf("nothing refers to b: %v, %v", list, err)
		}
	})
	t.Run("many may write at one time", func(t *testing.T) {
		x, ctx := open(t), t.Context()
		var g errgroup.Group
		for i := range 16 {
			g.Go(func() error {
				return errors.Join(x.LinkBlob(ctx, "acme", digest("a")), x.PutManifest(ctx, manifest("acme", digest("a")), fmt.Sprintf("t%02d", i)))
			})
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		if tags, err := x.Tags(ctx, "acme", "", 100); err != nil || len(tags) != 16 {
			t.Errorf("%d tags, %v; want 16", len(tags), err)
		}
	})
}
