// SPDX-License-Identifier: Apache-2.0

package registry_test

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/headrace/headrace/internal/registry"
	"github.com/headrace/headrace/internal/registry/registrytest"
)

// index is an Index in memory, so that this package is tested without SQL; package sqlstore passes the same suite.
type index struct {
	mu        sync.Mutex
	blobs     map[[2]string]bool
	manifests map[[2]string]registry.Manifest
	tags      map[[2]string]string
}

func newIndex() *index {
	return &index{blobs: map[[2]string]bool{}, manifests: map[[2]string]registry.Manifest{}, tags: map[[2]string]string{}}
}

func (x *index) LinkBlob(_ context.Context, repo, digest string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.blobs[[2]string{repo, digest}] = true
	return nil
}

func (x *index) HasBlob(_ context.Context, repo, digest string) (bool, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.blobs[[2]string{repo, digest}], nil
}

func (x *index) PutManifest(_ context.Context, m registry.Manifest, tag string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.manifests[[2]string{m.Repo, m.Digest}] = m
	if tag != "" {
		x.tags[[2]string{m.Repo, tag}] = m.Digest
	}
	return nil
}

func (x *index) Manifest(_ context.Context, repo, ref string) (registry.Manifest, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !strings.Contains(ref, ":") {
		ref = x.tags[[2]string{repo, ref}]
	}
	m, ok := x.manifests[[2]string{repo, ref}]
	if !ok {
		return m, registry.ErrNotFound
	}
	return m, nil
}

func (x *index) Tags(_ context.Context, repo, last string, n int) ([]string, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	var out []string
	for k := range x.tags {
		if k[0] == repo && k[1] > last {
			out = append(out, k[1])
		}
	}
	slices.Sort(out)
	return out[:min(n, len(out))], nil
}

func (x *index) Referrers(_ context.Context, repo, subject string) ([]registry.Manifest, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	var out []registry.Manifest
	for k, m := range x.manifests {
		if k[0] == repo && m.Subject == subject {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(a, b registry.Manifest) int { return cmp.Compare(a.Digest, b.Digest) })
	return out, nil
}

func TestIndexInMemoryPassesTheSuite(t *testing.T) {
	registrytest.Index(t, func(*testing.T) registry.Index { return newIndex() })
}
