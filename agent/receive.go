// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/otlp"
)

// receive takes OpenTelemetry from tools on this machine until ctx ends. It answers after what it took is kept: a tool that
// gets no answer sends again.
func (cfg *Config) receive(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/logs", func(w http.ResponseWriter, r *http.Request) {
		cfg.take(w, r, "otlp-logs", func(contentType, encoding string, body []byte) ([]byte, error) {
			logs, err := otlp.Decode(contentType, encoding, body)
			if err != nil {
				return nil, err
			}
			return (&plog.ProtoMarshaler{}).MarshalLogs(logs)
		})
	})
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	stop := context.AfterFunc(ctx, func() { srv.Close() })
	defer stop()
	if err := srv.Serve(cfg.Listen); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return ctx.Err()
}

// take takes one export request: decode checks it and gives it as protobuf.
func (cfg *Config) take(w http.ResponseWriter, r *http.Request, kind string, decode func(contentType, encoding string, body []byte) ([]byte, error)) {
	given, want := sha256.Sum256([]byte(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))), sha256.Sum256([]byte(cfg.Token))
	if subtle.ConstantTimeCompare(given[:], want[:]) != 1 {
		refuse(w, http.StatusUnauthorized, &episode.Problem{Code: "agent/token", Message: "the token is missing or wrong", Hint: "headrace connect TOOL writes it into the tool's settings"})
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, otlp.MaxBody))
	if err == nil {
		body, err = decode(r.Header.Get("Content-Type"), r.Header.Get("Content-Encoding"), body)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	sealed, err := cfg.seal(kind, body)
	if err == nil {
		err = cfg.Send(r.Context(), [][]byte{sealed})
	}
	if err != nil {
		cfg.Log.Error("telemetry is not kept", "err", err)
		w.Header().Set("Retry-After", "5")
		refuse(w, http.StatusServiceUnavailable, &episode.Problem{Code: "agent/not-kept", Message: "the request was not kept", Hint: "send it again later"})
		return
	}
	// OTLP/HTTP 1.x: the response is an empty message in the encoding of the request.
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, "{}")
		return
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func refuse(w http.ResponseWriter, code int, err error) {
	p, ok := errors.AsType[*episode.Problem](err)
	if !ok {
		p = &episode.Problem{Code: "agent/bad-request", Message: err.Error()}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(p)
}
