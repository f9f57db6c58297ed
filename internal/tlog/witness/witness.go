// SPDX-License-Identifier: Apache-2.0

// Package witness vouches for other people's logs: that each only ever grew, as one whole.
//
// Start from [New]. A witness speaks the C2SP tlog-witness protocol: a log sends its new checkpoint with the proof that it
// continues the one that the witness cosigned before, and gets a cosignature (C2SP tlog-cosignature, cosignature/v1). It
// keeps what it is about to sign before it signs, so that it never signs two trees of one log, crash or not. It holds no
// entries and learns nothing of them. Whoever trusts that log and witness do not conspire need not compare what they saw
// with others.
package witness

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"

	"golang.org/x/mod/sumdb/note"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/tlog/proof"
	"github.com/headrace/headrace/internal/tlog/seen"
)

// Config is what a witness needs to know.
type Config struct {
	// Dir keeps the last checkpoint of each log. One process at a time.
	Dir string
	// Name is the witness's name in its verifier key: a host and path such as "witness.example/w1", without spaces or "+".
	Name string
	Key  crypto.Signer // of an ed25519 key
	// Logs are the verifier keys of the logs to vouch for.
	Logs []string
	Log  *slog.Logger
}

// Witness vouches for logs. It is safe for concurrent use.
type Witness struct {
	signer *proof.Signer
	logs   map[string]*watched // by origin
	log    *slog.Logger
}

// watched is a log that the witness vouches for.
type watched struct {
	known *proof.Log
	seen  *seen.Log
	mu    sync.Mutex // one request at a time compares, keeps and signs
}

// New returns a witness for these logs.
func New(cfg Config) (*Witness, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	w := &Witness{logs: map[string]*watched{}, log: cfg.Log}
	var err error
	if w.signer, err = proof.NewCosigner(cfg.Name, cfg.Key); err != nil {
		return nil, &episode.Problem{Code: "witness/name", Message: fmt.Sprintf("a witness cannot be called %q", cfg.Name), Err: err, Hint: "use a host and path without spaces and +, such as witness.example/w1"}
	}
	for _, key := range cfg.Logs {
		known, err := proof.NewLog(key, w.VerifierKey()) // refuses one that has our own key
		if err != nil {
			return nil, &episode.Problem{Code: "witness/log", Message: fmt.Sprintf("%.100q is not the key of a log that this witness can vouch for", key), Err: err,
				Hint: "copy it as headrace log verify prints it; a log's own key cannot be its witness's"}
		}
		if w.logs[known.Origin()] != nil {
			return nil, &episode.Problem{Code: "witness/log", Message: fmt.Sprintf("two logs are called %s", known.Origin()), Hint: "a witness vouches for one log of a name"}
		}
		sum := sha256.Sum256([]byte(known.Origin()))
		w.logs[known.Origin()] = &watched{known: known, seen: seen.Open(filepath.Join(cfg.Dir, "logs", hex.EncodeToString(sum[:16])), known)}
	}
	return w, nil
}

// VerifierKey is what others know this witness by.
func (w *Witness) VerifierKey() string { return w.signer.VerifierKey() }

// Handler answers POST /add-checkpoint.
func (w *Witness) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /add-checkpoint", w.addCheckpoint)
	return mux
}

func (w *Witness) addCheckpoint(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxBody))
	if err != nil {
		http.Error(rw, "the request is too long or was cut off", http.StatusBadRequest)
		return
	}
	cosignature, err := w.Cosign(body)
	var refused *Refusal
	switch {
	case err == nil:
		rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
		rw.Write(cosignature)
	case errors.As(err, &refused) && refused.Size != nil:
		rw.Header().Set("Content-Type", "text/x.tlog.size")
		rw.WriteHeader(refused.Status)
		fmt.Fprintln(rw, *refused.Size)
	case errors.As(err, &refused):
		http.Error(rw, refused.Error(), refused.Status)
	default:
		w.log.Error("cosign", "err", err)
		http.Error(rw, "the witness cannot keep what it would sign", http.StatusInternalServerError)
	}
}

// Refusal is why a witness does not sign, as the protocol says it.
type Refusal struct {
	Status int
	Why    string
	Size   *uint64 // of the last checkpoint that was cosigned, where the log thought of another
}

func (r *Refusal) Error() string { return r.Why }

func refuse(status int, format string, a ...any) error {
	return &Refusal{Status: status, Why: fmt.Sprintf(format, a...)}
}

// Cosign answers the body of an add-checkpoint request: a line with the cosignature, or a [Refusal].
func (w *Witness) Cosign(body []byte) ([]byte, error) {
	req, err := parse(body)
	if err != nil {
		return nil, err
	}
	l := w.logs[proof.OriginOf(req.checkpoint)]
	if l == nil {
		return nil, refuse(http.StatusNotFound, "this witness does not know the log %.100q", proof.OriginOf(req.checkpoint))
	}
	now, err := l.known.Open(req.checkpoint)
	if err != nil {
		return nil, refuse(http.StatusForbidden, "%v", err)
	}
	if req.old > now.Size {
		return nil, refuse(http.StatusBadRequest, "the old size is %d, the checkpoint's %d", req.old, now.Size)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	last, err := l.seen.Last()
	if err != nil {
		return nil, err
	}
	if req.old != last.Size {
		return nil, &Refusal{Status: http.StatusConflict, Why: "the last checkpoint that was cosigned has another size", Size: &last.Size}
	}
	grown := func(old, now proof.Checkpoint) error { return proof.Grown(old, now, req.proof) }
	if err := grown(last, now); errors.Is(err, proof.ErrProof) {
		return nil, refuse(http.StatusUnprocessableEntity, "%v", err) // no evidence: anybody can send a wrong proof
	}
	// On disk before it is signed: whatever happens next, no other tree is signed.
	if _, err := l.seen.Advance(now.Signed, grown); errors.Is(err, proof.ErrFork) {
		w.log.Error("a log has signed two trees of one size; both checkpoints are kept", "log", l.known.Origin(), "size", now.Size)
		return nil, refuse(http.StatusConflict, "%v", err)
	} else if err != nil {
		return nil, err
	}
	return w.sign(now)
}

// sign returns the line with our cosignature.
func (w *Witness) sign(cp proof.Checkpoint) ([]byte, error) {
	text := cp.Signed[:bytes.LastIndex(cp.Signed, []byte("\n\n"))+1] // as package note takes a note apart
	signed, err := note.Sign(&note.Note{Text: string(text)}, w.signer)
	if err != nil {
		return nil, fmt.Errorf("cosign: %w", err)
	}
	return signed[len(text)+1:], nil
}
