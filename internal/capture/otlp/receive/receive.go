// SPDX-License-Identifier: Apache-2.0

// Package receive speaks the two protocols by which OpenTelemetry is sent: OTLP/HTTP and OTLP/gRPC, for logs, traces and
// metrics. It knows how to answer, not what to do with what came: a [Keep] does that, and the sender has its answer after
// it returns.
//
// Start with [HTTP] for one request and [Register] for a gRPC server. A request that can be sent again as it is (nothing
// was kept) is told apart from one that never will be taken; of one that is taken in part, the answer says which part.
package receive

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"

	"google.golang.org/grpc/codes"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/otlp"
	"github.com/headrace/headrace/internal/capture/otlp/wire"
)

// Keep stores what came of one request and returns after it is durable. An error means that it is not, and that the
// request should be sent again later.
type Keep func(ctx context.Context, s wire.Signal, c wire.Checked) error

// retryAfter is how long a sender should wait where nothing was kept, in seconds.
const retryAfter = 5

// Signals are the signals, each with the path that OTLP/HTTP sends it to.
func Signals() map[wire.Signal]string {
	return map[wire.Signal]string{wire.Logs: "/v1/logs", wire.Traces: "/v1/traces", wire.Metrics: "/v1/metrics"}
}

// HTTP takes in one request of OTLP/HTTP and answers it, in the encoding of the request.
func HTTP(w http.ResponseWriter, r *http.Request, s wire.Signal, keep Keep) {
	contentType := r.Header.Get("Content-Type")
	media, _, _ := mime.ParseMediaType(contentType)
	a := answer{w, media != "application/x-protobuf"}
	body, err := read(w, r)
	if err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			a.status(http.StatusRequestEntityTooLarge, codes.InvalidArgument, fmt.Sprintf("the request is larger than %d bytes", otlp.MaxBody))
		} else {
			a.status(http.StatusBadRequest, codes.InvalidArgument, "the request ends before its end")
		}
		return
	}
	c, err := otlp.Decode(s, contentType, r.Header.Get("Content-Encoding"), body)
	if err != nil {
		code := http.StatusBadRequest
		switch p, _ := errors.AsType[*episode.Problem](err); p.Code {
		case "otlp/content-type", "otlp/encoding":
			code = http.StatusUnsupportedMediaType
		case "otlp/too-large":
			code = http.StatusRequestEntityTooLarge
		}
		a.status(code, codes.InvalidArgument, explain(err))
		return
	}
	if err := keep(r.Context(), s, c); err != nil {
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
		a.status(http.StatusServiceUnavailable, codes.Unavailable, notKept(err))
		return
	}
	a.taken(s, c)
}

func read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	var b bytes.Buffer
	if n := r.ContentLength; n > 0 {
		b.Grow(int(min(n, 1<<20)) + bytes.MinRead)
	}
	_, err := io.Copy(&b, http.MaxBytesReader(w, r.Body, otlp.MaxBody))
	return b.Bytes(), err
}

// explain is an error for the sender's log: what is wrong, and what to do.
func explain(err error) string {
	if p, ok := errors.AsType[*episode.Problem](err); ok && p.Hint != "" {
		return p.Error() + " (" + p.Hint + ")"
	}
	return err.Error()
}

// notKept says by the problem's code why nothing was kept: its words may name a place on this machine.
func notKept(err error) string {
	if p, ok := errors.AsType[*episode.Problem](err); ok {
		return "nothing was kept (" + p.Code + "); send it again later"
	}
	return "nothing was kept; send it again later"
}

// answer is an answer of OTLP/HTTP.
type answer struct {
	w    http.ResponseWriter
	json bool
}

func (a answer) write(code int, body []byte) {
	a.w.Header().Set("Content-Type", "application/x-protobuf")
	if a.json {
		a.w.Header().Set("Content-Type", "application/json")
	}
	a.w.WriteHeader(code)
	a.w.Write(body)
}

// status answers with a google.rpc.Status.
func (a answer) status(code int, c codes.Code, message string) {
	if a.json {
		b, err := json.Marshal(struct {
			Code    codes.Code `json:"code"`
			Message string     `json:"message"`
		}{c, message})
		if err != nil {
			b = []byte("{}")
		}
		a.write(code, b)
		return
	}
	b := binary.AppendUvarint([]byte{1 << 3}, uint64(c))
	a.write(code, text(b, 2, message))
}

// taken answers with an Export…ServiceResponse.
func (a answer) taken(s wire.Signal, c wire.Checked) {
	if !a.json {
		a.write(http.StatusOK, response(c))
		return
	}
	if c.Rejected == 0 {
		a.write(http.StatusOK, []byte("{}"))
		return
	}
	name := [...]string{"rejectedLogRecords", "rejectedSpans", "rejectedDataPoints"}[s]
	b, err := json.Marshal(map[string]any{"partialSuccess": map[string]string{name: strconv.Itoa(c.Rejected), "errorMessage": c.Reason.Error()}})
	if err != nil {
		b = []byte("{}")
	}
	a.write(http.StatusOK, b)
}

// response is an Export…ServiceResponse: of all signals it has the same numbers.
func response(c wire.Checked) []byte {
	if c.Rejected == 0 {
		return nil
	}
	partial := binary.AppendUvarint([]byte{1 << 3}, uint64(c.Rejected))
	return text(nil, 1, string(text(partial, 2, c.Reason.Error())))
}

// text appends a field that holds text, or a message.
func text(dst []byte, number byte, s string) []byte {
	return append(binary.AppendUvarint(append(dst, number<<3|2), uint64(len(s))), s...)
}
