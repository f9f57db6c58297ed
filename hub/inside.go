// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/memory"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/errcode"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/exchange"
	"github.com/headrace/headrace/internal/registry"
)

// carrying is a push into the hub's own registry of what a contributor left elsewhere. It takes the same way as a push of the
// contributor's own: the same quotas, the same verification, the same scan. Only who pushes is known by a signature that was
// verified, and not by a token.
type carrying struct {
	h           *Hub
	contributor string
	admitted    error // why the hub did not admit what was pushed, as admit said it
}

type carryingKey struct{}

// carriedIn returns the push that a request belongs to; nil for one that came over the network.
func carriedIn(ctx context.Context) *carrying {
	c, _ := ctx.Value(carryingKey{}).(*carrying)
	return c
}

// repository is one of the hub's own, for this push.
func (c *carrying) repository(name string) (*remote.Repository, error) {
	repo, err := remote.NewRepository("hub.invalid/" + name)
	if err != nil {
		return nil, &episode.Problem{Code: "exchange/bad-name", Message: fmt.Sprintf("%.80q cannot be a repository here", name), Err: err}
	}
	repo.Client, repo.PlainHTTP, repo.SkipReferrersGC = c, true, true
	return repo, repo.SetReferrersCapability(true)
}

// Do answers a request without a network.
func (c *carrying) Do(r *http.Request) (*http.Response, error) {
	r = r.WithContext(context.WithValue(r.Context(), carryingKey{}, c))
	if r.Body == nil {
		r.Body = http.NoBody
	}
	defer r.Body.Close()
	a := &answer{header: http.Header{}, code: http.StatusOK}
	c.h.reg.ServeHTTP(a, r)
	return &http.Response{StatusCode: a.code, Status: fmt.Sprint(a.code, " ", http.StatusText(a.code)), Header: a.header, Body: io.NopCloser(&a.body),
		ContentLength: int64(a.body.Len()), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r}, nil
}

// answer is a ResponseWriter in memory. What a push is answered with is short.
type answer struct {
	header  http.Header
	code    int
	written bool
	body    bytes.Buffer
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(code int) {
	if !a.written {
		a.code, a.written = code, true
	}
}

func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

// why makes of a failed push the Problem that refuses it, or a *registry.Wait where it may come again as it is.
func (c *carrying) why(err error) error {
	if c.admitted != nil {
		return c.admitted
	}
	r, ok := errors.AsType[*errcode.ErrorResponse](err)
	if !ok || r.StatusCode >= http.StatusInternalServerError || len(r.Errors) == 0 {
		return err
	}
	p := &episode.Problem{Code: "exchange/not-taken", Message: r.Errors[0].Message, Hint: "leave it there once more; if it is refused again, ask the hub's operator"}
	switch {
	case r.StatusCode == http.StatusTooManyRequests:
		return &registry.Wait{Problem: p}
	case r.Errors[0].Code == "DIGEST_INVALID" || r.Errors[0].Code == "SIZE_INVALID":
		p.Code = "exchange/damaged"
	}
	return p
}

// opened is the bundle that is in a sealed one, as it would be had it come in the clear.
func (h *Hub) opened(ctx context.Context, p exchange.Place, m ocispec.Manifest, envelope []byte, digest string) (*memory.Store, ocispec.Descriptor, error) {
	var root ocispec.Descriptor
	id, err := h.ring.Age()
	if err != nil {
		return nil, root, err
	}
	payload, err := exchange.OpenSealed(ctx, p, m, bundle.MaxPayload, id)
	if err != nil {
		return nil, root, err
	}
	raw, err := bundle.OCIManifest(envelope, payload)
	if err != nil {
		return nil, root, err
	}
	if episode.Digest(raw) != digest {
		return nil, root, &episode.Problem{Code: "exchange/other-bundle", Message: "the encrypted records are not those of the bundle that it says it holds", Hint: "let the sender leave it once more"}
	}
	var inner ocispec.Manifest
	if err := json.Unmarshal(raw, &inner); err != nil {
		return nil, root, err
	}
	root = content.NewDescriptorFromBytes(inner.MediaType, raw)
	store := memory.New()
	for _, b := range []struct {
		desc ocispec.Descriptor
		b    []byte
	}{{inner.Config, []byte("{}")}, {inner.Layers[0], envelope}, {inner.Layers[1], payload}, {root, raw}} {
		if err := store.Push(ctx, b.desc, bytes.NewReader(b.b)); err != nil {
			return nil, root, fmt.Errorf("open %s: %w", digest, err)
		}
	}
	return store, root, nil
}
