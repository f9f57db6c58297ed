// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content/oci"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/errcode"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/exchange"
	"github.com/headrace/headrace/internal/sqlstore"
)

// The hub's repositories, each under its contributor's name but the releases, which are for all.
const (
	repoBundles     = "/bundles"
	repoWithdrawals = "/withdrawals"
	repoStatements  = "/statements"
	repoReleases    = "releases"

	tagLatest = "latest"
)

// contribute pushes what is packed and fetches the hub's signed receipts. A push that was cut off is done again: blobs
// that arrived are not sent twice, and the hub admits a bundle once.
func (e *Edge) contribute(ctx context.Context) error {
	if err := e.PolicyHeld(); err != nil {
		return err
	}
	if now := e.cfg.Now(); now.Before(e.waitUntil) && e.waitUntil.Sub(now) <= longestWait {
		return nil // the hub asked for it; the pages say so
	}
	rows, err := e.db.Bundles(ctx, "packed")
	if err != nil {
		return err
	}
	var errs []error
	for _, b := range rows {
		if b.Recipient != e.cfg.Recipient {
			continue // it was made for another hub: it waits until that one is joined again
		}
		start := time.Now()
		err := e.unpackExpired(ctx, b)
		if err == nil {
			err = e.db.Sending(ctx, b.ID, e.cfg.Now())
		}
		if errors.Is(err, sqlstore.ErrChanged) {
			continue // a withdrawal stopped it, or its terms have expired
		}
		if err == nil {
			err = e.push(ctx, b)
		}
		if err == nil && e.visiting != nil {
			continue // its receipt comes with a later visit
		}
		if inc, ok := errors.AsType[*incidentError](err); ok {
			if err = e.refuse(ctx, b, inc.envelope); err == nil {
				continue
			}
		}
		if err != nil {
			if ctx.Err() != nil {
				return err
			}
			errs = append(errs, err)
			// One bundle that does not arrive holds up no other; the page shows why.
			if err := e.db.NoteBundle(ctx, b.ID, err.Error()); err != nil {
				return err
			}
			if w, ok := errors.AsType[*waitError](err); ok {
				e.waitUntil = e.cfg.Now().Add(w.after) // for all of them: a quota is the contributor's
				break
			}
			continue
		}
		e.stats.Push.add(b.Records, start)
	}
	return errors.Join(errs...)
}

// unpackExpired undoes a bundle whose terms have run out before the hub had it, and says [sqlstore.ErrChanged]: what may still
// leave is packed anew.
func (e *Edge) unpackExpired(ctx context.Context, b sqlstore.BundleRow) error {
	m, _, _, err := bundle.ReadManifest(e.bundleDir(b.ID), bundle.NewTrust(bundle.TrustedKey{Name: e.cfg.Contributor, Key: e.Public()}))
	if err != nil {
		return fmt.Errorf("open bundle %s: %w", b.ID, err)
	}
	expired := m.Expired(e.cfg.Now())
	if expired == nil {
		return nil
	}
	if e.visiting != nil && b.Sent {
		return sqlstore.ErrChanged // it lies in this exchange, or in another that is under way: it is not left once more
	}
	repo, err := e.repository(e.cfg.Contributor + repoBundles)
	if err != nil {
		return err
	}
	if _, err := repo.Resolve(ctx, b.ID); err == nil {
		return nil // it arrived in time: only its receipt is missing
	} else if !errors.Is(err, errdef.ErrNotFound) {
		return e.explain(err)
	}
	e.log.Warn("terms expired before a bundle was sent; it is packed anew without them", "bundle", b.ID, "err", expired)
	if err := e.db.Unpack(ctx, b.ID); err != nil {
		return err
	}
	return sqlstore.ErrChanged
}

func (e *Edge) push(ctx context.Context, b sqlstore.BundleRow) error {
	if e.visiting != nil {
		return e.leaveBundle(ctx, e.bundleDir(b.ID), b.ID)
	}
	repo, err := e.repository(e.cfg.Contributor + repoBundles)
	if err != nil {
		return err
	}
	layout, err := oci.NewFromFS(ctx, os.DirFS(e.bundleDir(b.ID)))
	if err != nil {
		return fmt.Errorf("open bundle %s: %w", b.ID, err)
	}
	root, err := layout.Resolve(ctx, b.ID)
	if err != nil {
		return fmt.Errorf("open bundle %s: %w", b.ID, err)
	}
	opts := oras.DefaultCopyGraphOptions
	opts.Concurrency = 2
	if err := oras.CopyGraph(ctx, layout, repo, root, opts); err != nil {
		return fmt.Errorf("push bundle %s: %w", b.ID, e.explain(err))
	}
	receipt, err := e.answerTo(ctx, repo, root, bundle.TypeReceipt, nil)
	if err != nil {
		return fmt.Errorf("receipt of bundle %s: %w", b.ID, err)
	}
	m, _, _, err := bundle.ReadManifest(e.bundleDir(b.ID), bundle.NewTrust(bundle.TrustedKey{Name: e.cfg.Contributor, Key: e.Public()}))
	if err != nil {
		return fmt.Errorf("open bundle %s: %w", b.ID, err)
	}
	r, err := e.checkReceipt(ctx, b.ID, m, receipt)
	if err != nil {
		return fmt.Errorf("receipt of bundle %s: %w", b.ID, err)
	}
	if err := e.keepReceipt(b.ID, r); err != nil {
		return err
	}
	return e.db.SetReceipt(ctx, b.ID, r.Receipt)
}

// openFromHub opens a document that the hub must have signed.
func (e *Edge) openFromHub(envelope []byte, payloadType string, v any) error {
	payload, err := e.payloadFromHub(envelope, payloadType)
	if err != nil {
		return err
	}
	return bundle.DecodeDocument(payload, v)
}

func (e *Edge) payloadFromHub(envelope []byte, payloadType string) ([]byte, error) {
	if e.cfg.Hub == nil {
		return nil, &episode.Problem{Code: "hub/none", Message: "this edge has no hub, so what a hub signed cannot be checked", Hint: "join one: headrace edge join URL CODE"}
	}
	payload, _, err := bundle.OpenDocument(envelope, payloadType, bundle.NewTrust(bundle.TrustedKey{Key: e.cfg.Hub.Public}))
	return payload, err
}

// repository returns a client for one of the hub's repositories, or the exchange that is visited.
func (e *Edge) repository(name string) (store, error) {
	if e.visiting != nil {
		return e.visiting, nil
	}
	u, err := url.Parse(e.cfg.Hub.URL)
	if err != nil || u.Host == "" {
		return nil, &episode.Problem{Code: "hub/bad-address", Message: fmt.Sprintf("%q is not the address of a hub", e.cfg.Hub.URL), Hint: "give it as http://host:port"}
	}
	repo, err := remote.NewRepository(u.Host + "/" + name)
	if err != nil {
		return nil, fmt.Errorf("hub repository %s: %w", name, err)
	}
	repo.PlainHTTP = u.Scheme == "http"
	if repo.Client, err = e.speak(); err != nil {
		return nil, err
	}
	repo.SkipReferrersGC = true
	return repo, repo.SetReferrersCapability(true)
}

// speak returns what speaks to the hub.
func (e *Edge) speak() (*Client, error) {
	e.speaking.Lock()
	defer e.speaking.Unlock()
	h := e.cfg.Hub
	if h.client == nil {
		m := h.Member
		if m == nil {
			m = &Membership{URL: h.URL, Token: h.Token, Contributor: e.cfg.Contributor}
		}
		c, err := newClient(m, h.TokenFile, e.cfg.now)
		if err != nil {
			return nil, err
		}
		h.client = c
	}
	return h.client, nil
}

// hangUp closes connections to the hub that nobody uses.
func (e *Edge) hangUp() {
	e.speaking.Lock()
	defer e.speaking.Unlock()
	if h := e.cfg.Hub; h != nil && h.client != nil {
		h.client.http.CloseIdleConnections()
	}
}

// explain makes of a hub's answer what a person can act on.
func (e *Edge) explain(err error) error {
	if e.visiting != nil {
		return exchange.Explain(e.visiting, err)
	}
	if r, ok := errors.AsType[*errcode.ErrorResponse](err); ok && (r.StatusCode == http.StatusUnauthorized || r.StatusCode == http.StatusForbidden) {
		// What it answers to HEAD has no words.
		return &episode.Problem{Code: "hub/no-access", Message: "the hub does not let this edge in: it was revoked, or its token or certificate is not good any more", Err: err,
			Hint: "nothing is lost: what is packed waits; ask the hub's operator, and join again with a new invite"}
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		if p := explainTLS(err, e.cfg.now()); p != nil {
			return p
		}
		return &episode.Problem{Code: "hub/unreachable", Message: "the hub at " + e.cfg.Hub.URL + " does not answer", Err: u.Err,
			Hint: "nothing is lost: what is packed is sent when the hub is back"}
	}
	return err
}

// answerTo returns the layers of the artifact of a type that refers to subject: how the hub answers what it was sent. Others may
// leave answers in an exchange, too: the first counts that the hub signed and that fits, where a caller says what does.
func (e *Edge) answerTo(ctx context.Context, repo store, subject ocispec.Descriptor, artifactType string, fits func([][]byte) error) ([][]byte, error) {
	found, err := exchange.Answers(ctx, repo, subject, artifactType)
	if err != nil {
		return nil, e.explain(err)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("the hub has not answered yet: %w", errdef.ErrNotFound)
	}
	var first error
	for _, f := range found {
		layers, err := e.layers(ctx, repo, f)
		if err == nil {
			_, err = e.payloadFromHub(layers[0], artifactType)
		}
		if err == nil && fits != nil {
			err = fits(layers)
		}
		if err == nil {
			return layers, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// maxReturn bounds what a hub can make an edge read: a model or a document.
const maxReturn = 64 << 20

// layers fetches an artifact's layers, digests checked.
func (e *Edge) layers(ctx context.Context, repo store, desc ocispec.Descriptor) ([][]byte, error) {
	layers, err := exchange.Layers(ctx, repo, desc, maxReturn)
	return layers, e.explain(err)
}
