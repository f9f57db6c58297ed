// SPDX-License-Identifier: Apache-2.0

// Package link is the end of one hub at whoever contributes to it: an edge, or a hub that passes on.
//
// Start from [Link]. [Link.Watch] makes sure that the hub's log keeps its promise, [Link.Push] sends a bundle and returns the
// hub's receipt, [Link.Withdraw] takes data back and returns the certificate, [Link.Release] and [Link.Statement] fetch what the
// hub has for us. [Link.At] has an exchange stand in the hub's place. [Join] uses up an invite; [Memberships] are the hubs that were
// joined.
//
// The hub is known only as an OCI registry with a public key: all that it says is verified before it is returned, and the last
// checkpoint of its log is kept in the folder log. What is to be sent, and what becomes of an answer, is for the caller to say.
package link

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/errcode"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/exchange"
	"github.com/headrace/headrace/internal/keyring"
)

// The hub's repositories, each under its contributor's name but the releases, which are for all.
const (
	Bundles      = "/bundles"
	Withdrawals  = "/withdrawals"
	Statements   = "/statements"
	Instructions = "/instructions"
	releases     = "releases"

	tagLatest = "latest"
)

// Hub is how to reach a hub and how to know it.
type Hub struct {
	// Name is the hub's, as terms and policies call it.
	Name string
	// Contributor is the name by which the hub knows who contributes.
	Contributor string
	URL         string            // http://host:port
	Token       string            // names the contributor to the hub
	Public      ed25519.PublicKey // signs receipts, releases, statements, certificates; nil: not joined

	// Member is what joining settled, where the hub is elsewhere: how to know it by TLS, and the certificate to show.
	Member *Membership
	// TokenFile holds a token of the enterprise's identity provider that is sent in place of Token; empty for none.
	TokenFile string
	// Witnesses are the verifier keys of those whose cosignature makes the hub's log count as witnessed.
	Witnesses []string
	// Channel is the release channel to follow: early or stable.
	Channel string
	// Exchange is where bundles, withdrawals and their answers go in place of the hub's registry.
	Exchange Exchange
	// Left says that the hub was left: what it signed can still be verified, and nothing is sent there.
	Left bool
}

// Joined says that there is somebody to speak to.
func (h Hub) Joined() bool { return h.Public != nil && !h.Left }

// Config is what a link needs beside its hub.
type Config struct {
	// Dir keeps what was seen of the hub's log, receipts and certificates.
	Dir string
	// Ring signs; nil where nothing is signed.
	Ring *keyring.Ring
	Log  *slog.Logger
	Now  func() time.Time
}

// Link is the end of one hub. It is safe for concurrent use, but for a visit.
type Link struct {
	Hub
	// Visit is the exchange that stands in the hub's place for as long as [Link.At] lasts; else nil.
	Visit *Visit

	dir  string
	ring *keyring.Ring
	log  *slog.Logger
	now  func() time.Time

	speaking sync.Mutex // guards what follows
	client   *Client
}

// New returns the end of a hub.
func New(h Hub, c Config) *Link {
	l := &Link{Hub: h, dir: c.Dir, ring: c.Ring, log: c.Log, now: c.Now}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	if l.now == nil {
		l.now = time.Now
	}
	return l
}

// Remote returns the end of the hub that the edge in dir has joined, for a command that needs none of an edge's state. The word of
// these witnesses counts.
func (m *Membership) Remote(dir string, witnesses []string) *Link {
	h := m.Known()
	h.Witnesses = witnesses
	return New(h, Config{Dir: dir})
}

// Known is the hub as joining settled it.
func (m *Membership) Known() Hub {
	return Hub{Name: m.Hub, Contributor: m.Contributor, URL: m.URL, Token: m.Token, Public: m.PublicKey, Member: m, Channel: m.Channel, Left: m.Left}
}

// Open opens a document that the hub must have signed.
func (l *Link) Open(envelope []byte, payloadType string, v any) error {
	payload, err := l.payload(envelope, payloadType)
	if err != nil {
		return err
	}
	return bundle.DecodeDocument(payload, v)
}

func (l *Link) payload(envelope []byte, payloadType string) ([]byte, error) {
	if l.Public == nil {
		return nil, ErrNotJoined
	}
	payload, _, err := bundle.OpenDocument(envelope, payloadType, bundle.NewTrust(bundle.TrustedKey{Key: l.Public}))
	return payload, err
}

// Signer names the hub's key, as pages show it.
func (l *Link) Signer() string {
	if l.Public == nil {
		return ""
	}
	return bundle.KeyIDOf(l.Public).Short()
}

// Store is one of the hub's repositories, or the exchange that stands in the place of all of them.
type Store interface {
	oras.GraphTarget
	registry.TagLister
}

// Repository returns one of the hub's repositories, or the exchange that is visited.
func (l *Link) Repository(name string) (Store, error) {
	if l.Visit != nil {
		return l.Visit, nil
	}
	u, err := url.Parse(l.URL)
	if err != nil || u.Host == "" {
		return nil, badAddress(l.URL)
	}
	repo, err := remote.NewRepository(u.Host + "/" + name)
	if err != nil {
		return nil, fmt.Errorf("hub repository %s: %w", name, err)
	}
	repo.PlainHTTP = u.Scheme == "http"
	if repo.Client, err = l.speak(); err != nil {
		return nil, err
	}
	repo.SkipReferrersGC = true
	return repo, repo.SetReferrersCapability(true)
}

func badAddress(address string) error {
	return &episode.Problem{Code: "hub/bad-address", Message: fmt.Sprintf("%q is not the address of a hub", address), Hint: "give it as https://host or http://host:port"}
}

// speak returns what speaks to the hub.
func (l *Link) speak() (*Client, error) {
	l.speaking.Lock()
	defer l.speaking.Unlock()
	if l.client == nil {
		m := l.Member
		if m == nil {
			m = &Membership{URL: l.URL, Token: l.Token, Contributor: l.Contributor}
		}
		c, err := newClient(m, l.TokenFile, l.now)
		if err != nil {
			return nil, err
		}
		l.client = c
	}
	return l.client, nil
}

// HangUp closes connections to the hub that nobody uses.
func (l *Link) HangUp() {
	l.speaking.Lock()
	defer l.speaking.Unlock()
	if l.client != nil {
		l.client.http.CloseIdleConnections()
	}
}

// Renew renews the certificate that the hub is shown, when it has little time left.
func (l *Link) Renew(ctx context.Context) error {
	c, err := l.speak()
	if err != nil {
		return err
	}
	return c.renew(ctx, l.dir, l.ring, l.now())
}

// Explain makes of a hub's answer what a person can act on.
func (l *Link) Explain(err error) error {
	if l.Visit != nil {
		return exchange.Explain(l.Visit, err)
	}
	if r, ok := errors.AsType[*errcode.ErrorResponse](err); ok && (r.StatusCode == http.StatusUnauthorized || r.StatusCode == http.StatusForbidden) {
		// What it answers to HEAD has no words.
		return &episode.Problem{Code: "hub/no-access", Message: "the hub does not let this edge in: it was revoked, or its token or certificate is not good any more", Err: err,
			Hint: "nothing is lost: what is packed waits; ask the hub's operator, and join again with a new invite"}
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		if p := explainTLS(err, l.now()); p != nil {
			return p
		}
		return &episode.Problem{Code: "hub/unreachable", Message: "the hub at " + l.URL + " does not answer", Err: u.Err,
			Hint: "nothing is lost: what is packed is sent when the hub is back"}
	}
	return err
}

// answerTo returns the layers of the artifact of a type that refers to subject: how the hub answers what it was sent. Others may
// leave answers in an exchange, too: the first counts that the hub signed and that fits, where a caller says what does.
func (l *Link) answerTo(ctx context.Context, repo Store, subject ocispec.Descriptor, artifactType string, fits func([][]byte) error) ([][]byte, error) {
	found, err := exchange.Answers(ctx, repo, subject, artifactType)
	if err != nil {
		return nil, l.Explain(err)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("the hub has not answered yet: %w", errdef.ErrNotFound)
	}
	var first error
	for _, f := range found {
		layers, err := l.layers(ctx, repo, f)
		if err == nil {
			_, err = l.payload(layers[0], artifactType)
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

// maxReturn bounds what a hub can make us read: a model or a document.
const maxReturn = 64 << 20

// layers fetches an artifact's layers, digests checked.
func (l *Link) layers(ctx context.Context, repo Store, desc ocispec.Descriptor) ([][]byte, error) {
	layers, err := exchange.Layers(ctx, repo, desc, maxReturn)
	return layers, l.Explain(err)
}

// tagged fetches what a tag names, or nothing where there is no such tag yet.
func (l *Link) tagged(ctx context.Context, name, tag string) (digest string, layers [][]byte, err error) {
	repo, err := l.Repository(name)
	if err != nil {
		return "", nil, err
	}
	desc, err := oras.Resolve(ctx, repo, tag, oras.DefaultResolveOptions)
	if errors.Is(err, errdef.ErrNotFound) {
		return "", nil, nil
	}
	if err != nil {
		return "", nil, l.Explain(err)
	}
	layers, err = l.layers(ctx, repo, desc)
	return desc.Digest.String(), layers, err
}

// fresh are the tags of a repository that are wanted. There is none where nothing was ever put.
func (l *Link) fresh(ctx context.Context, repo Store, wanted func(tag string) bool) (list []string, err error) {
	err = repo.Tags(ctx, "", func(tags []string) error {
		for _, t := range tags {
			if wanted(t) {
				list = append(list, t)
			}
		}
		return nil
	})
	if errors.Is(err, errdef.ErrNotFound) {
		return nil, nil
	}
	return list, l.Explain(err)
}

// PushDocument pushes a signed document as an artifact of one layer.
func (l *Link) PushDocument(ctx context.Context, repo Store, payloadType string, envelope []byte) (ocispec.Descriptor, error) {
	layer, err := oras.PushBytes(ctx, repo, payloadType, envelope)
	if err != nil && !errors.Is(err, errdef.ErrAlreadyExists) {
		return layer, l.Explain(err)
	}
	desc, err := oras.PackManifest(ctx, repo, oras.PackManifestVersion1_1, payloadType, oras.PackManifestOptions{
		Layers: []ocispec.Descriptor{layer},
		// A fixed creation time: the same withdrawal sent twice is the same artifact.
		ManifestAnnotations: map[string]string{ocispec.AnnotationCreated: "1970-01-01T00:00:00Z"},
	})
	if err != nil {
		return desc, fmt.Errorf("push: %w", l.Explain(err))
	}
	return desc, nil
}
