// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/headrace/headrace/episode"
	captured "github.com/headrace/headrace/internal/capture/gateway"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/gateway"
)

// kindGateway is what a payload holds that passed through the gateway: JSON Lines.
const kindGateway = "gateway"

// Gateway serves tools that ask models; nil where none is configured.
func (e *Edge) Gateway() http.Handler {
	if e.gateway == nil {
		return nil
	}
	return e.gateway
}

func (e *Edge) openGateway() error {
	if !e.cfg.Gateway.On() {
		return nil
	}
	token, err := e.Token()
	if err != nil {
		return err
	}
	g, err := gateway.New(e.cfg.Gateway, token, e.gatewayToken, e.cfg.Gateway.Local(), e.chooseModel)
	if p, is := errors.AsType[*episode.Problem](err); is && p.Code == "gateway/key" {
		e.keyless = err // what does not serve needs no key
		return nil
	}
	e.gateway = g
	return err
}

// GatewayToken is what proves to the gateway that a request is of that developer, named as /as/NAME does.
func (e *Edge) GatewayToken(developer string) (string, error) {
	if developer == "" || printable(developer, maxName) != developer {
		return "", &episode.Problem{Code: "gateway/developer", Message: fmt.Sprintf("%q is no developer's name", developer), Hint: "give the name as your records have it"}
	}
	return e.gatewayToken(developer), nil
}

func (e *Edge) gatewayToken(developer string) string {
	return base64.RawURLEncoding.EncodeToString(e.ring.Derive("gateway", developer))
}

// chooseModel asks what POST /v1/decide is asked, in this process. The actions are the route's models by their places.
func (e *Edge) chooseModel(q gateway.Question) gateway.Choice {
	p := sender(q.Developer, q.Proven)
	surface := episode.SurfaceChat
	switch {
	case q.Completion:
		surface = episode.SurfaceCompletion
	case q.Tools:
		surface = episode.SurfaceAgent
	}
	req := DecideRequest{Kind: kindOfRoute, Developer: p.Name, Suggestion: q.Subject, Features: map[string]any{"surface": string(surface), "streaming": q.Streaming, "request_chars": float64(q.Chars)}}
	for i := range q.Options {
		req.Actions = append(req.Actions, Offered{ID: fmt.Sprintf("option-%d", i+1)})
	}
	a := e.Decide(p, req)
	at := slices.IndexFunc(req.Actions, func(o Offered) bool { return o.ID == a.Chosen })
	return gateway.Choice{Option: max(0, at), Decision: a.DecisionID}
}

// sender is who asks for a model.
func sender(developer string, proven bool) Principal {
	if !proven {
		return Principal{Name: "unauthenticated"}
	}
	return Principal{Name: printable(developer, maxName), Authenticated: true}
}

// listeners is how many read what passed through the gateway: they share their fsyncs.
const listeners = 8

// listen keeps what passes through the gateway, until ctx ends. Answers never wait for it.
func (e *Edge) listen(ctx context.Context) {
	if e.gateway == nil {
		return
	}
	kept := context.WithoutCancel(ctx) // what was answered, to its end
	var wg sync.WaitGroup
	var proven, claimed captured.Folders // what nobody has proven tells nothing of others' sessions
	hear := func(s *gateway.Seen) {
		if s.Folders = &claimed; s.Proven {
			s.Folders = &proven
		}
		e.hear(kept, s)
		s.Done()
	}
	for range listeners {
		wg.Go(func() {
			for ctx.Err() == nil {
				select {
				case s := <-e.gateway.Seen():
					hear(s)
				case <-ctx.Done():
				}
			}
			for {
				select {
				case s := <-e.gateway.Seen():
					hear(s)
				default:
					return
				}
			}
		})
	}
	wg.Wait()
}

// hear keeps what one request told, if the policy lets it be recorded: it is asked before anything rests.
func (e *Edge) hear(ctx context.Context, s *gateway.Seen) {
	n := e.gateway.Stats()
	p := sender(s.Developer, s.Proven)
	ep, err := s.Episode()
	switch {
	case err != nil:
		n.Unread.Add(1)
		return
	case ep == nil:
		n.Nothing.Add(1)
		return
	}
	for _, name := range [...]string{p.Name, printable(s.Developer, maxName)} { // whom it is said to be of, too: off for either is off
		records, err := e.policy().RecordsWithin(consent.Facts{Tool: ep.Tool.Name, Surface: string(ep.Tool.Surface), Repository: ep.Repository, Developer: name})
		if err != nil || !records {
			n.Off.Add(1)
			return
		}
	}
	line, err := episode.Append(nil, ep)
	if err != nil {
		n.Unread.Add(1)
		return
	}
	if err := e.keep(ctx, kindGateway, p, line); err != nil {
		if n.Lost.Add(1) == 1 {
			e.log.Error("what passes through the gateway cannot be kept; it is answered all the same", "err", err, "hint", episode.HintOf(err))
		}
		return
	}
	n.Captured.Add(1)
}

// GatewaySaid is what the gateway did since the edge was started, in a line; empty where there is none.
func (e *Edge) GatewaySaid() string {
	if e.gateway == nil {
		return ""
	}
	n := e.gateway.Stats()
	said := fmt.Sprintf("gateway: %d requests passed on, %d captured, %d told nothing, %d not recorded by the policy", n.Passed.Load(), n.Captured.Load(), n.Nothing.Load(), n.Off.Load())
	if missed := n.Large.Load() + n.Behind.Load() + n.Unread.Load() + n.Lost.Load() + n.Broken.Load(); missed > 0 {
		said += fmt.Sprintf("; %d answered and not captured: %d too large, %d while too much waited, %d of a form that is not read, %d not stored, %d broken off by the upstream", missed, n.Large.Load(), n.Behind.Load(), n.Unread.Load(), n.Lost.Load(), n.Broken.Load())
	}
	return said
}
