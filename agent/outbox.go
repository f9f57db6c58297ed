// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/spool"
)

// Outbox keeps sealed payloads on disk until the edge has them: the agent works while the edge is away.
type Outbox struct {
	dir   string
	spool *spool.Spool
	edge  *Edge
	log   *slog.Logger
	wake  chan struct{}
}

const sentFile = "sent"

// OpenOutbox opens the outbox in the agent's folder.
func OpenOutbox(dir string, edge *Edge, log *slog.Logger) (*Outbox, error) {
	var done uint64
	b, err := os.ReadFile(filepath.Join(dir, sentFile))
	if err == nil {
		done, err = strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		log.Warn("what was sent already is not known: it is sent again, and the edge takes it once", "err", err)
	}
	s, err := spool.Open(filepath.Join(dir, "spool"), done)
	if err != nil {
		return nil, err
	}
	return &Outbox{dir: dir, spool: s, edge: edge, log: log, wake: make(chan struct{}, 1)}, nil
}

// Close closes the outbox; what waits stays.
func (o *Outbox) Close() error { return o.spool.Close() }

// Waiting is how many payloads wait.
func (o *Outbox) Waiting() int { return o.spool.Len() }

// Send keeps payloads, and returns once they are durable.
func (o *Outbox) Send(_ context.Context, sealed [][]byte) error {
	for _, s := range sealed {
		if err := o.spool.Append(s); err != nil {
			return err
		}
	}
	select {
	case o.wake <- struct{}{}:
	default:
	}
	return nil
}

const (
	sendBytes  = 8 << 20
	retryMost  = 5 * time.Minute
	wordsEvery = 5 * time.Minute // instructions, from the edge: what was stopped there ends here
)

// Run delivers what waits until ctx ends, renews the machine's certificate in time, and asks for the developer's instructions.
func (o *Outbox) Run(ctx context.Context) error {
	var wait, retry time.Duration
	var asked time.Time
	for {
		err := o.edge.renew(ctx)
		if !errors.Is(err, ErrOver) { // without a certificate there is nobody who could deliver
			err = errors.Join(err, o.deliver(ctx))
		}
		if err == nil && time.Since(asked) >= wordsEvery {
			asked = time.Now()
			words, failed := o.edge.words(ctx)
			if failed == nil {
				failed = KeepWords(o.dir, words)
			}
			if failed != nil && ctx.Err() == nil {
				o.log.Warn("which instructions are this developer's is not known", "err", failed)
			}
		}
		switch {
		case err == nil:
			wait, retry = time.Minute, 0
		case ctx.Err() != nil:
			return ctx.Err()
		default:
			hint := "what is captured is kept until it is"
			if p, ok := errors.AsType[*episode.Problem](err); ok && p.Hint != "" {
				hint = p.Hint
			}
			o.log.Warn("not delivered yet", "err", err, "hint", hint)
			retry = min(max(2*retry, 2*time.Second), retryMost)
			wait = retry
		}
		wake := o.wake
		if err != nil {
			wake = nil // more to send is no reason to try sooner
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-wake:
		case <-time.After(wait):
		}
	}
}

// deliver sends all that waits.
func (o *Outbox) deliver(ctx context.Context) error {
	for {
		b, err := o.spool.Next()
		if err != nil || len(b.Payloads) == 0 && b.Damaged == 0 {
			return err
		}
		if b.Damaged > 0 {
			o.log.Error("a part of what was kept cannot be read: the disk's fault, or what a crash cut off before it was acknowledged")
		}
		var body []byte
		for i, p := range b.Payloads {
			body = append(binary.BigEndian.AppendUint32(body, uint32(len(p))), p...)
			if len(body) > sendBytes || i == len(b.Payloads)-1 {
				if err := o.edge.sealed(ctx, body); err != nil {
					return err
				}
				body = body[:0]
			}
		}
		if err := replace(filepath.Join(o.dir, sentFile), []byte(strconv.FormatUint(b.Last, 10)+"\n")); err != nil {
			return err
		}
		if err := o.spool.Done(b); err != nil {
			return err
		}
	}
}

// sealed posts frames to the edge.
func (e *Edge) sealed(ctx context.Context, frames []byte) error {
	var ans struct {
		SetAside []struct {
			Line  int    `json:"line"`
			Error string `json:"error"`
		} `json:"set_aside"`
	}
	if err := e.post(ctx, "/v1/sealed", "application/octet-stream", frames, &ans); err != nil {
		return err
	}
	for _, bad := range ans.SetAside {
		e.log.Error("the edge set a payload aside", "err", bad.Error)
	}
	return nil
}

// post sends a body and reads the answer.
func (e *Edge) post(ctx context.Context, path, contentType string, body []byte, answer any) error {
	return e.ask(ctx, http.MethodPost, path, contentType, body, answer)
}

// maxAnswer bounds what an edge answers: a record of one's own with its raw text is the largest.
const maxAnswer = 64 << 20

// ask sends a request and reads the answer, which is JSON. An error is the edge's own Problem where it says one.
func (e *Edge) ask(ctx context.Context, method, path, contentType string, body []byte, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(e.URL, "/")+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := e.client.Do(req)
	if err != nil {
		return &episode.Problem{Code: "edge/unreachable", Message: "the edge at " + e.URL + " does not answer", Err: err, Hint: "is the address right, and is the edge running? What is captured is kept until then"}
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		p := new(episode.Problem)
		if json.Unmarshal(b, p) != nil || p.Code == "" {
			p = &episode.Problem{Code: "edge/answer", Message: fmt.Sprintf("the edge at %s answered %s", e.URL, res.Status), Hint: "is this the address of an edge's machines, as headrace edge invite printed it?"}
		}
		return p
	}
	return json.Unmarshal(b, answer)
}
