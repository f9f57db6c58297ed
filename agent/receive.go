// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"bytes"
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

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/continuedev"
	"github.com/headrace/headrace/internal/capture/otlp"
	"github.com/headrace/headrace/internal/capture/otlp/receive"
	"github.com/headrace/headrace/internal/capture/otlp/wire"
)

// receive takes OpenTelemetry from tools on this machine until ctx ends. It answers after what it took is kept: a tool that
// gets no answer sends again.
func (cfg *Config) receive(ctx context.Context) error {
	mux := http.NewServeMux()
	for s, path := range receive.Signals() {
		take := func(w http.ResponseWriter, r *http.Request) { cfg.take(w, r, s) }
		mux.HandleFunc("POST "+path, take)
		mux.HandleFunc("POST /t/{token}"+path, take) // for tools that can send no header
	}
	mux.HandleFunc("POST /v1/continue", cfg.takeContinue)
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	stop := context.AfterFunc(ctx, func() { srv.Close() })
	defer stop()
	if err := srv.Serve(cfg.Listen); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return ctx.Err()
}

// take takes one export request.
func (cfg *Config) take(w http.ResponseWriter, r *http.Request, s wire.Signal) {
	if !cfg.proven(w, r) {
		return
	}
	receive.HTTP(w, r, s, func(ctx context.Context, s wire.Signal, c wire.Checked) error {
		if c.Records == 0 {
			return nil
		}
		sealed, err := cfg.seal("otlp-"+s.String(), c.Body)
		if err == nil {
			err = cfg.Send(ctx, [][]byte{sealed})
		}
		if err != nil {
			cfg.Log.Error("telemetry is not kept", "err", err)
		}
		return err
	})
}

// proven reports whether a request has this person's token, and refuses it where it has not.
func (cfg *Config) proven(w http.ResponseWriter, r *http.Request) bool {
	token := r.PathValue("token")
	if token == "" {
		token = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	}
	given, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(cfg.Token))
	if subtle.ConstantTimeCompare(given[:], want[:]) != 1 || cfg.Token == "" {
		refuse(w, http.StatusUnauthorized, &episode.Problem{Code: "agent/token", Message: "the token is missing or wrong", Hint: "headrace connect TOOL writes it into the tool's settings"})
		return false
	}
	return true
}

// takeContinue takes one event of Continue's, as it sends them to the destinations in its "data:" setting: {name, data,
// schema, …}. In data is what it also writes to its files, without the event's name.
func (cfg *Config) takeContinue(w http.ResponseWriter, r *http.Request) {
	if !cfg.proven(w, r) {
		return
	}
	var sent struct {
		Name   string                     `json:"name"`
		Schema string                     `json:"schema"`
		Data   map[string]json.RawMessage `json:"data"`
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, otlp.MaxBody))
	if err == nil {
		err = json.Unmarshal(body, &sent)
	}
	if err != nil || sent.Name == "" || sent.Data == nil {
		refuse(w, http.StatusBadRequest, &episode.Problem{Code: "agent/continue", Message: "not an event of Continue's", Err: err, Hint: "headrace connect continue writes the setting that sends them"})
		return
	}
	for name, value := range map[string]string{"eventName": sent.Name, "schema": sent.Schema} {
		sent.Data[name], _ = json.Marshal(value) // a string
	}
	line, err := json.Marshal(sent.Data)
	d := delivery{ctx: r.Context(), deliver: cfg.deliver}
	if err == nil {
		_, err = capture.ReadFrom(r.Context(), []capture.Source{continuedev.Source{}}, continuedev.Name, capture.File{Path: "-", R: bytes.NewReader(line)}, func(e *episode.Episode) error {
			line, err := episode.Append(nil, e)
			if err != nil {
				return err
			}
			return d.add(line)
		})
	}
	if err = errors.Join(err, d.flush()); err != nil {
		cfg.Log.Error("an event of Continue's is not kept", "err", err)
		w.Header().Set("Retry-After", "5")
		refuse(w, http.StatusServiceUnavailable, &episode.Problem{Code: "agent/not-kept", Message: "the event was not kept", Hint: "send it again later"})
	}
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
