// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/link"
)

// Hub is how to reach a hub and how to know it.
type Hub = link.Hub

// Exchange is a place where edge and hub leave things for each other, in place of the hub's own registry.
type Exchange = link.Exchange

// hub is one of the hubs that what is approved may go to. What goes to one is packed, sent, proved and taken back apart from what goes
// to another.
type hub struct {
	*Edge
	link      *link.Link
	waitUntil time.Time              // it asked not to be sent more before
	tellUntil time.Time              // it refused counts for now, and is told none before
	done      Carried                // in the exchange that is visited
	others    map[string]bool        // what lies in exchanges and is not ours
	standing  atomic.Pointer[string] // the channel that its last statement lets us follow; nil before the first
}

func (e *Edge) newHub(h Hub) *hub {
	if h.Channel == "" {
		h.Channel = "stable"
	}
	return &hub{Edge: e, others: map[string]bool{}, link: link.New(h, link.Config{Dir: e.cfg.Dir, Ring: e.ring, Log: e.log, Now: e.cfg.now})}
}

// signer is the id of the hub's key. What it signs is numbered by that, and not by its name, which one that is set up anew may have, too.
func (h *hub) signer() string { return string(bundle.KeyIDOf(h.link.Public)) }

// Connect tells the edge of one of its hubs, once both run in one process, and takes up the release that was in force. It comes
// before anything is served: pages and tools read which hubs there are without a lock.
func (e *Edge) Connect(ctx context.Context, h Hub) error {
	e.turning.Lock()
	defer e.turning.Unlock()
	i := slices.IndexFunc(e.hubs, func(x *hub) bool { return x.link.Name == h.Name })
	if i < 0 {
		return fmt.Errorf("connect: this edge has no recipient %q", h.Name)
	}
	was := e.hubs[i].link
	was.HangUp()
	if h.Contributor == "" {
		h.Contributor = was.Contributor
	}
	h.Channel, h.Exchange, h.Witnesses = was.Channel, was.Exchange, was.Witnesses
	e.hubs[i] = e.newHub(h)
	return errors.Join(e.hubs[i].readStanding(ctx), e.arrange(ctx))
}

// hubOf is the hub of a name, with which it still may not be joined.
func (e *Edge) hubOf(name string) (*hub, error) {
	for _, h := range e.hubs {
		if h.link.Name == name {
			return h, nil
		}
	}
	return nil, &episode.Problem{Code: "hub/unknown", Message: fmt.Sprintf("this edge knows no hub %q", name), Hint: "it has those that it joined: " + strings.Join(e.recipients(), ", ")}
}

// theHub is the hub that a person means who names one or, where there is only one, none.
func (e *Edge) theHub(name string) (*hub, error) {
	joined := slices.DeleteFunc(slices.Clone(e.hubs), func(h *hub) bool { return !h.link.Joined() })
	switch {
	case len(joined) == 0:
		return nil, link.ErrNotJoined
	case name != "":
		i := slices.IndexFunc(joined, func(h *hub) bool { return h.link.Name == name })
		if i < 0 {
			return nil, &episode.Problem{Code: "hub/unknown", Message: fmt.Sprintf("this edge has joined no hub %q", name), Hint: "those that it has: " + strings.Join(e.recipients(), ", ")}
		}
		return joined[i], nil
	case len(joined) == 1:
		return joined[0], nil
	}
	return nil, &episode.Problem{Code: "hub/which", Message: fmt.Sprintf("this edge has joined %d hubs", len(joined)), Hint: "say which is meant: --hub " + strings.Join(e.recipients(), ", or --hub ")}
}

// recipients are the names of the hubs to which something may leave, in order.
func (e *Edge) recipients() []string {
	var names []string
	for _, h := range e.hubs {
		if !h.link.Left {
			names = append(names, h.link.Name)
		}
	}
	return names
}

// contributor is the name by which hubs know this edge: that of the first where they know it by several.
func (e *Edge) contributor() string {
	for _, h := range e.hubs {
		if !h.link.Left {
			return h.link.Contributor
		}
	}
	if len(e.hubs) > 0 {
		return e.hubs[0].link.Contributor // all were left
	}
	return ""
}

// meetHubs sends to each hub what is packed for it and fetches what it has for us, one beside the other: a hub that is away holds up
// nobody else.
func (e *Edge) meetHubs(ctx context.Context) error {
	errs := make([]error, len(e.hubs))
	var wg sync.WaitGroup
	for i, h := range e.hubs {
		if !h.link.Joined() {
			continue
		}
		wg.Go(func() {
			if errs[i] = h.meet(ctx); errs[i] != nil && len(e.hubs) > 1 {
				errs[i] = fmt.Errorf("%s: %w", h.link.Name, errs[i])
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// meet is a turn's way to one hub and back.
func (h *hub) meet(ctx context.Context) error {
	if h.link.Exchange.Place != "" {
		_, err := h.at(ctx, h.link.Exchange, true, h.exchange)
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, link.VisitFor)
	defer cancel()
	if err := h.link.Renew(ctx); err != nil {
		h.log.Error("the certificate for the hub is not renewed", "hub", h.link.Name, "err", err)
	}
	sent := h.link.Watch(ctx)
	back := h.fetchCertificates(ctx) // what is withdrawn is said before what it may be about is sent
	if sent == nil && !h.stuck {
		sent = errors.Join(h.contribute(ctx), h.tellCounts(ctx))
	}
	return errors.Join(sent, back, h.fetch(ctx), h.tellBack(ctx)) // what cannot be sent holds up nothing on the way back
}
