// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/exchange"
	"github.com/headrace/headrace/internal/registry"
)

// Exchange is a place where contributors leave what they do not push here, and where the answers go.
type Exchange struct {
	// Place is a repository of a registry, as registry.example/headrace, or a folder.
	Place string `yaml:"place"`
	// Credentials is a file in docker's form with what the registry asks for; empty for none.
	Credentials string `yaml:"credentials_file,omitempty"`
}

// Received is what became of what lay in a place.
type Received struct {
	Place       string          `json:"place"`
	Bundles     int             `json:"bundles"`     // taken in now
	Withdrawals int             `json:"withdrawals"` // taken in now
	Returns     int             `json:"returns"`     // releases taken back there, heard of now
	Counts      int             `json:"counts"`      // taken in now
	Waiting     int             `json:"waiting"`     // for a quota, or for the turn that certifies it
	Refused     []ReceivedError `json:"refused"`
	Answers     int             `json:"answers"` // left in the place now: receipts, incidents, refusals, certificates
}

// ReceivedError is something that was not taken in, and why.
type ReceivedError struct {
	Artifact string `json:"artifact"`
	*episode.Problem
}

// visitFor is how long a place may hold up a turn each way: what did not arrive by then goes on with the next.
const visitFor = 15 * time.Minute

// maxEnvelope is the largest that is read to find out from whom something is.
const maxEnvelope = 16 << 20

// left is something that a contributor left in a place.
type left struct {
	tag         string
	desc        ocispec.Descriptor // where it lies
	contributor string             // as it says, until it is verified
	repo        string             // our own, where it belongs
	digest      string             // of the artifact there
	verified    bool               // a key of the contributor's signed it
	refusal     *episode.Problem
	waits       bool
	fresh       bool // taken in now
}

func (l left) bundle() bool { return l.is(exchange.Bundles) }

// is reports whether its tag says that it is of a kind.
func (l left) is(kind string) bool { return strings.HasPrefix(l.tag, kind) }

// Receive takes in what lies in a place and has no answer yet, and leaves the answers there. Where something is taken back,
// a turn erases it first, so that the certificate can go back with the same visit.
func (h *Hub) Receive(ctx context.Context, x Exchange) (r Received, err error) {
	h.turning.Lock()
	defer h.turning.Unlock()
	clear(h.places.refused) // a person asks: look again
	clear(h.places.settled)
	return h.exchange(ctx, x, func() error {
		open, err := h.db.OpenWithdrawals(ctx)
		if err != nil || len(open) == 0 {
			return err
		}
		return h.turn(ctx)
	})
}

// exchange takes in, does what is to be done between, and leaves the answers. turning is held.
func (h *Hub) exchange(ctx context.Context, x Exchange, between func() error) (r Received, err error) {
	p, err := exchange.Open(x.Place, exchange.Access{Credentials: x.Credentials, Log: h.log})
	if err != nil {
		return r, err
	}
	defer p.Close()
	r.Place, r.Refused = p.String(), []ReceivedError{}
	in, cancel := context.WithTimeout(ctx, visitFor)
	list, took := h.takeIn(in, p)
	cancel()
	done := between()
	if list != nil {
		out, cancel := context.WithTimeout(ctx, visitFor)
		took = errors.Join(took, h.answerAll(out, p, list, &r))
		cancel()
	}
	for _, l := range list {
		switch {
		case l.refusal != nil:
			r.Refused = append(r.Refused, ReceivedError{l.desc.Digest.String(), l.refusal})
		case l.waits:
			r.Waiting++
		case l.fresh && l.bundle():
			r.Bundles++
		case l.fresh && l.is(exchange.Counts):
			r.Counts++
		case l.fresh && l.is(exchange.Withdrawals):
			r.Withdrawals++
		case l.fresh:
			r.Returns++
		}
	}
	return r, errors.Join(exchange.Explain(p, took), done)
}

// visit does a turn between taking in what lies in these places and leaving the answers. A place that cannot be reached holds
// up nothing. turning is held.
func (h *Hub) visit(ctx context.Context, places []Exchange, turn func() error) error {
	if len(places) == 0 {
		return turn()
	}
	turned := false
	_, err := h.exchange(ctx, places[0], func() error {
		turned = true
		return h.visit(ctx, places[1:], turn)
	})
	if !turned {
		err = errors.Join(err, h.visit(ctx, places[1:], turn))
	}
	return err
}

// takeIn takes in what lies in a place: nil where that cannot be asked. One thing that cannot be read holds up no other.
func (h *Hub) takeIn(ctx context.Context, p exchange.Place) (list []left, err error) {
	tags, err := exchange.Named(ctx, p, exchange.Bundles, exchange.Withdrawals, exchange.Returns, exchange.Counts)
	if err != nil {
		return nil, err
	}
	list = []left{}
	var errs []error
	for _, tag := range tags {
		key := p.String() + "\x00" + tag
		if h.alone(key) {
			continue
		}
		l := left{tag: tag}
		err := h.take(ctx, p, &l)
		wait, waits := errors.AsType[*registry.Wait](err)
		problem, refused := errors.AsType[*episode.Problem](err)
		switch {
		case waits:
			h.log.Warn("something in an exchange waits for a quota", "place", p.String(), "tag", tag, "why", wait.Problem)
			l.waits = true
		case refused && l.desc.Digest != "" && !ownTrouble(problem):
			h.log.Warn("something in an exchange is refused", "place", p.String(), "tag", tag, "why", problem)
			l.refusal, h.places.refused[key] = problem, h.cfg.Now()
		case err != nil:
			errs = append(errs, fmt.Errorf("take in %s: %w", tag, err))
			if ctx.Err() != nil {
				return list, errors.Join(errs...)
			}
			continue
		}
		list = append(list, l)
	}
	return list, errors.Join(errs...)
}

// ownTrouble says that something was not taken in for a reason that lies here and is nothing to tell its sender: it is tried again.
func ownTrouble(p *episode.Problem) bool {
	part, _, _ := strings.Cut(p.Code, "/")
	return part == "store" || part == "state" || part == "keys"
}

// take takes in one thing, as if its contributor had pushed it here, unless it is here. Nothing large is fetched before a
// known key is seen to have signed it.
func (h *Hub) take(ctx context.Context, p exchange.Place, l *left) (err error) {
	if l.desc, err = p.Resolve(ctx, l.tag); err != nil {
		return err
	}
	m, _, err := exchange.Manifest(ctx, p, l.desc)
	if err != nil {
		return err
	}
	where, payloadType := "", ""
	switch {
	case l.bundle() && (m.ArtifactType == bundle.ArtifactType || m.ArtifactType == exchange.TypeSealed) && len(m.Layers) == 2:
		where, payloadType = "/bundles", bundle.TypeBundle
	case l.is(exchange.Counts) && m.ArtifactType == bundle.TypeCounts && len(m.Layers) == 1:
		where, payloadType = "/counts", bundle.TypeCounts
	case l.is(exchange.Withdrawals) && m.ArtifactType == bundle.TypeWithdrawal && len(m.Layers) == 1:
		where, payloadType = "/withdrawals", bundle.TypeWithdrawal
	case l.is(exchange.Returns) && m.ArtifactType == bundle.TypeTakenBack && len(m.Layers) == 1:
		where, payloadType = "/returns", bundle.TypeTakenBack
	default:
		return &episode.Problem{Code: "exchange/not-taken", Message: fmt.Sprintf("an artifact %.80q of %d layers is not what the tag %s says", m.ArtifactType, len(m.Layers), l.tag), Hint: "leave bundles, withdrawals and what was taken back there with headrace push --to"}
	}
	envelope, err := exchange.Blob(ctx, p, m.Layers[0], maxEnvelope)
	if err != nil {
		return err
	}
	if l.contributor, err = bundle.Claimed(envelope, payloadType); err != nil {
		return err
	}
	trust, err := h.trust(ctx, l.contributor)
	if err != nil {
		return err
	}
	if _, _, err := bundle.OpenDocument(envelope, payloadType, trust); err != nil {
		return err
	}
	l.verified = true
	if l.bundle() && (m.Config.Digest != ocispec.DescriptorEmptyJSON.Digest || m.Config.Size != ocispec.DescriptorEmptyJSON.Size || m.Layers[1].Size > bundle.MaxPayload) {
		// Its contributor's quota pays for what comes of it, and a manifest is not signed.
		return &episode.Problem{Code: "exchange/bad-manifest", Message: "the manifest is not the one that belongs to the bundle's envelope", Hint: "let the sender leave it once more"}
	}
	l.repo, l.digest = l.contributor+where, exchange.Holds(l.desc, m)
	if l.digest == "" {
		return &episode.Problem{Code: "exchange/bad-manifest", Message: "an encrypted bundle does not say which one it holds", Hint: "let the sender leave it once more"}
	}
	_, here := h.db.RegistryIndex().Manifest(ctx, l.repo, l.digest)
	if here == nil {
		return nil
	} else if !errors.Is(here, registry.ErrNotFound) {
		return here
	}
	answers, err := h.db.RegistryIndex().Referrers(ctx, l.repo, l.digest)
	if err != nil || slices.ContainsFunc(answers, func(m registry.Manifest) bool { return m.ArtifactType == bundle.TypeIncident }) {
		return err // an incident: it is not looked at again
	}
	in := &carrying{h: h, contributor: l.contributor}
	own, err := in.repository(l.repo)
	if err != nil {
		return err
	}
	var from content.ReadOnlyStorage = p
	root := l.desc
	if m.ArtifactType == exchange.TypeSealed {
		if from, root, err = h.opened(ctx, p, m, envelope, l.digest); err != nil {
			return err
		}
	}
	if err := oras.CopyGraph(ctx, from, own, root, oras.DefaultCopyGraphOptions); err != nil {
		err = in.why(err)
		if _, ok := errors.AsType[*incidentError](err); ok {
			return nil // it is answered with the incident
		}
		return err
	}
	l.fresh = true
	return nil
}

// answerAll leaves what we have to say to each thing in a place, and what proves that it is all of one log.
func (h *Hub) answerAll(ctx context.Context, p exchange.Place, list []left, r *Received) error {
	told := &toldLog{h: h}
	for i := range list {
		l := &list[i]
		if l.contributor != "" && l.refusal == nil {
			h.sender(p, l.contributor)
		}
		n, last, err := h.answerOne(ctx, p, l, told)
		if err != nil {
			return err
		}
		r.Answers += n
		if last {
			h.places.settled[p.String()+"\x00"+l.tag] = h.cfg.Now()
		} else if l.fresh && l.is(exchange.Withdrawals) {
			l.waits = true
		}
	}
	for _, name := range h.places.senders[p.String()] {
		n, err := h.answerExpired(ctx, p, name, told)
		if err != nil {
			return err
		}
		r.Answers += n
	}
	return told.leave(ctx, p)
}

// answerOne leaves the answers to one thing, and says whether there will be no other.
func (h *Hub) answerOne(ctx context.Context, place exchange.Place, l *left, told *toldLog) (n int, last bool, err error) {
	if l.refusal != nil {
		n, err := h.leaveRefusal(ctx, place, l)
		return n, false, err
	}
	if l.repo == "" {
		return 0, false, nil // it waits
	}
	answers, err := h.db.RegistryIndex().Referrers(ctx, l.repo, l.digest)
	if err != nil {
		return 0, false, err
	}
	for _, a := range answers {
		layers, err := h.layersOf(ctx, a.Digest)
		if err != nil {
			return n, false, err
		}
		left, err := leaveAnswer(ctx, place, exchange.Document{Type: a.ArtifactType, Subject: &l.desc, Layers: layers})
		if err != nil {
			return n, false, err
		}
		told.of(layers)
		n += left
	}
	return n, len(answers) > 0 || l.is(exchange.Returns) || l.is(exchange.Counts), nil // to what was taken back there, and to counts, there is nothing to say
}

// leaveAnswer leaves an answer, unless it is there, and counts it.
func leaveAnswer(ctx context.Context, p exchange.Place, d exchange.Document) (int, error) {
	if lies, err := exchange.Lies(ctx, p, "", d); lies || err != nil {
		return 0, err
	}
	_, err := exchange.Put(ctx, p, "", d)
	return 1, err
}

// answerExpired leaves what was erased because its terms had run out, each with its certificate, once.
func (h *Hub) answerExpired(ctx context.Context, p exchange.Place, contributor string, told *toldLog) (n int, err error) {
	repo, index := contributor+"/withdrawals", h.db.RegistryIndex()
	for last := tagExpired; ; {
		tags, err := index.Tags(ctx, repo, last, 100)
		if err != nil || len(tags) == 0 || !strings.HasPrefix(tags[0], tagExpired) {
			return n, err
		}
		for _, tag := range tags {
			last = tag
			key := p.String() + "\x00" + tag
			if !strings.HasPrefix(tag, tagExpired) || h.alone(key) {
				continue
			}
			m, err := index.Manifest(ctx, repo, tag)
			if err != nil {
				return n, err
			}
			layers, err := h.layersOf(ctx, m.Digest)
			if err != nil {
				return n, err
			}
			l := left{tag: tag, repo: repo, digest: m.Digest}
			if l.desc, err = exchange.Put(ctx, p, tag, exchange.Document{Type: m.ArtifactType, Layers: layers}); err != nil {
				return n, err
			}
			k, done, err := h.answerOne(ctx, p, &l, told)
			if err != nil {
				return n, err
			}
			if n += k; done {
				h.places.settled[key] = h.cfg.Now()
			}
		}
	}
}

// layersOf reads the layers of one of our own artifacts.
func (h *Hub) layersOf(ctx context.Context, digest string) ([][]byte, error) {
	raw, err := h.blobs.Get(ctx, digest)
	if err != nil {
		return nil, err
	}
	var m ocispec.Manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, err
	}
	layers := make([][]byte, len(m.Layers))
	for i, l := range m.Layers {
		if layers[i], err = h.blobs.Get(ctx, l.Digest.String()); err != nil {
			return nil, err
		}
	}
	return layers, nil
}
