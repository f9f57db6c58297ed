// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/spool"
)

// What a payload holds.
const (
	kindEpisodes = "episodes" // JSON Lines
	kindProxied  = "proxied"  // JSON Lines: what headrace acp saw
	kindCommits  = "commits"  // JSON Lines: a repository, then its commits
	kindHook     = "hook"     // what a tool wrote to its hook program
)

// MaxRequest is the largest request body that is taken in, in bytes.
const MaxRequest = 64 << 20

// Principal is who sent something, proven outside the payload.
type Principal struct {
	// Name is the developer; empty for a service that may speak for developers, whose payloads name them.
	Name          string
	Authenticated bool
}

// Answer tells a sender what became of each line.
type Answer struct {
	Accepted int       `json:"accepted"`
	SetAside []BadLine `json:"set_aside,omitempty"`
}

// BadLine is a line that was not taken, and why.
type BadLine struct {
	Line  int    `json:"line"`
	Error string `json:"error"`
}

// Receive takes in episodes as JSON Lines and returns after they are durable. Bad lines are set aside and reported; the
// rest goes on.
func (e *Edge) Receive(ctx context.Context, p Principal, body []byte) (Answer, error) {
	start := time.Now()
	var ans Answer
	bad := map[int]bool{}
	n := 0
	for line := range bytes.Lines(body) {
		n++
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if _, err := episode.Decode(line); err != nil {
			ans.SetAside, bad[n] = append(ans.SetAside, BadLine{n, err.Error()}), true
			continue
		}
		ans.Accepted++
	}
	good := body
	if len(bad) > 0 {
		good, n = nil, 0
		for line := range bytes.Lines(body) {
			if n++; !bad[n] {
				good = append(good, line...)
			}
		}
	}
	if ans.Accepted == 0 {
		return ans, nil
	}
	err := e.keep(ctx, kindEpisodes, p, good)
	e.stats.Intake.add(ans.Accepted, start)
	return ans, err
}

// Deliver takes in n episodes that this process has read and encoded itself, one a line, and returns after they are
// durable: they need no second look.
func (e *Edge) Deliver(ctx context.Context, p Principal, lines []byte, n int) error {
	if n == 0 {
		return nil
	}
	defer e.stats.Intake.add(n, time.Now())
	return e.keep(ctx, kindEpisodes, p, lines)
}

// payload is what one request brought, as it rests in the inbox.
type payload struct {
	Kind string `json:"kind"`
	// Principal is who sent it, proven by token or certificate.
	Principal     string    `json:"principal,omitempty"`
	Authenticated bool      `json:"authenticated,omitempty"`
	ReceivedAt    time.Time `json:"received_at"`
	// Tool and Event say whose hook it was, and At when; of other kinds of payload they are empty.
	Tool  string    `json:"tool,omitempty"`
	Event string    `json:"event,omitempty"`
	At    time.Time `json:"at,omitzero"`

	body []byte // after the first line, which is the rest of this
}

// keep seals a payload and stores it. It returns after the fsync: from then on it is never lost.
func (e *Edge) keep(ctx context.Context, kind string, p Principal, body []byte) error {
	return e.keepPayload(ctx, payload{Kind: kind}, p, body)
}

// keepPayload keeps a payload of which more is known than its kind.
func (e *Edge) keepPayload(ctx context.Context, about payload, p Principal, body []byte) error {
	about.Principal, about.Authenticated, about.ReceivedAt = p.Name, p.Authenticated, e.cfg.Now()
	head, err := json.Marshal(about)
	if err != nil {
		return err
	}
	sealed, err := e.sealFor(ctx, spoolInbox, slices.Concat(head, []byte{'\n'}, body))
	if err != nil {
		return err
	}
	if err := e.inbox.Append(sealed); err != nil {
		return err
	}
	e.Wake()
	return nil
}

// openPayload opens what keep stored.
func (e *Edge) openPayload(ctx context.Context, sealed []byte) (p payload, err error) {
	plain, err := e.openFrom(ctx, spoolInbox, sealed)
	if err != nil {
		return p, err
	}
	head, body, _ := bytes.Cut(plain, []byte{'\n'})
	if err := json.Unmarshal(head, &p); err != nil {
		return p, fmt.Errorf("the head of a payload: %w", errDamaged)
	}
	p.body = body
	return p, nil
}

// sealFor seals what is to rest in a spool, all but the day whose key opens it.
func (e *Edge) sealFor(ctx context.Context, spool string, plain []byte) ([]byte, error) {
	today := day(e.cfg.Now())
	key, err := e.vault.inbox(ctx, today)
	if err != nil {
		return nil, err
	}
	dst := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(plain)+key.Overhead()), uint64(today))
	return key.Seal(dst, nil, plain, []byte(spool)), nil
}

// openFrom opens what sealFor sealed.
func (e *Edge) openFrom(ctx context.Context, spool string, sealed []byte) ([]byte, error) {
	if len(sealed) < 8 {
		return nil, errDamaged
	}
	return e.vault.unseal(ctx, "", int64(binary.BigEndian.Uint64(sealed)), spool, sealed[8:])
}

// drain makes of what waits in a spool what each is for, segment by segment. use gets the payloads, and must keep the
// number of the last in the commit that stores what it made of them.
func (e *Edge) drain(s *spool.Spool, use func(payloads [][]byte, last uint64) error) error {
	for {
		b, err := s.Next()
		if err != nil || len(b.Payloads) == 0 && b.Damaged == 0 {
			return err
		}
		if b.Damaged > 0 {
			e.setAside("a part of a spool cannot be read: the disk's fault, or what a crash cut off before it was acknowledged", nil)
		}
		if len(b.Payloads) > 0 {
			if err := use(b.Payloads, b.Last); err != nil {
				return err
			}
		}
		if err := s.Done(b); err != nil {
			return err
		}
	}
}

// setAside says that something could not be used, and why.
func (e *Edge) setAside(what string, err error) {
	e.log.Error(what, "err", err)
	e.stats.SetAside.Add(1)
}

// Handler serves the tools: POST /v1/episodes, /v1/decisions and /v1/outcomes (JSON Lines or CloudEvents), POST /v1/logs
// (OTLP), POST /v1/junit, POST /v1/decide. The caller has
// proven who asks.
func (e *Edge) Handler(who func(*http.Request) Principal) http.Handler {
	mux := access.NewMux(access.Forbidden())
	for path, what := range map[string]string{"/v1/episodes": sendsEpisodes, "/v1/decisions": sendsDecisions, "/v1/outcomes": sendsOutcomes} {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) { e.serveAPI(w, r, who(r), what) })
	}
	e.handleOTLP(mux, who)
	mux.HandleFunc("POST /v1/junit", func(w http.ResponseWriter, r *http.Request) { e.serveJUnit(w, r, who(r)) })
	mux.HandleFunc("POST /v1/decide", func(w http.ResponseWriter, r *http.Request) { e.serveDecide(w, r, who(r)) })
	return mux
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	r.Body = http.MaxBytesReader(w, r.Body, MaxRequest)
	if r.ContentLength > 0 && r.ContentLength <= MaxRequest {
		b := make([]byte, r.ContentLength)
		_, err := io.ReadFull(r.Body, b)
		return b, err
	}
	return io.ReadAll(r.Body)
}

func answer(w http.ResponseWriter, code int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		code, b = http.StatusInternalServerError, []byte(`{}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	w.Write(append(b, '\n'))
}

// refuse answers with the Problem in err, or with its text.
func refuse(w http.ResponseWriter, code int, err error) {
	p, ok := errors.AsType[*episode.Problem](err)
	if !ok {
		p = &episode.Problem{Code: "intake/bad-request", Message: err.Error()}
	}
	answer(w, code, p)
}

// unavailable says that nothing was acknowledged and that the sender should try again.
func (e *Edge) unavailable(w http.ResponseWriter, err error) {
	e.log.Error("intake", "err", err)
	w.Header().Set("Retry-After", "5")
	p, ok := errors.AsType[*episode.Problem](err)
	if !ok {
		p = &episode.Problem{Code: "intake/not-stored", Message: "the request was not stored", Hint: "send it again later"}
	}
	answer(w, http.StatusServiceUnavailable, p)
}
