// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/episode"
)

// refusal is an answer with an error that the protocol names.
type refusal struct {
	status  int
	code    string
	message string
	detail  any
	after   time.Duration // when to come again; 0 for never
}

func (e *refusal) Error() string { return e.message }

func refusef(status int, code, format string, a ...any) *refusal {
	return &refusal{status: status, code: code, message: fmt.Sprintf(format, a...)}
}

var (
	errName        = refusef(http.StatusNotFound, "NAME_INVALID", "no such path: repository names are lower-case words, joined by / . _ or -")
	errUnsupported = refusef(http.StatusMethodNotAllowed, "UNSUPPORTED", "this registry does not offer that; data is taken back by a withdrawal")
	errDigest      = refusef(http.StatusBadRequest, "DIGEST_INVALID", "not a digest: want sha256: and 64 lower-case hex digits")
	errBlob        = refusef(http.StatusNotFound, "BLOB_UNKNOWN", "no such blob in this repository")
	errManifest    = refusef(http.StatusNotFound, "MANIFEST_UNKNOWN", "no such manifest in this repository")
	errUpload      = refusef(http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN", "no such upload: begin it again")
)

func authError(err error) *refusal {
	if errors.Is(err, ErrNoCredentials) {
		return refusef(http.StatusUnauthorized, "UNAUTHORIZED", "%v", err)
	}
	return refusef(http.StatusForbidden, "DENIED", "%v", err)
}

// Detailed is a Problem with more to say to whoever is refused: Detail takes its place in the answer, and must hold it.
type Detailed interface {
	error
	Detail() any
}

// admitError turns a Problem into a refusal that carries its code and hint; other errors stay ours.
func admitError(err error) error {
	p, ok := errors.AsType[*episode.Problem](err)
	if _, wait := errors.AsType[*Wait](err); !ok || wait {
		return err
	}
	detail := any(p)
	if d, ok := errors.AsType[Detailed](err); ok {
		detail = d.Detail()
	}
	return &refusal{status: http.StatusBadRequest, code: "MANIFEST_INVALID", message: p.Error(), detail: detail}
}

// refuse writes the error. What is not a refusal is our fault: the client learns no more than that.
func (g *Registry) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if wait, ok := errors.AsType[*Wait](err); ok {
		err = &refusal{http.StatusTooManyRequests, "TOOMANYREQUESTS", wait.Error(), wait.Problem, wait.After}
	}
	e, ok := errors.AsType[*refusal](err)
	if !ok {
		if r.Context().Err() == nil { // else the client has gone, and its going is the error
			g.cfg.Log.Error("registry", "method", r.Method, "path", r.URL.Path, "error", err)
		}
		e = refusef(http.StatusInternalServerError, "UNKNOWN", "internal error: try again later")
	}
	type one struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Detail  any    `json:"detail,omitzero"`
	}
	body, err := json.Marshal(map[string][]one{"errors": {{e.code, e.message, e.detail}}})
	if err != nil {
		body = []byte(`{"errors":[{"code":"UNKNOWN","message":"internal error"}]}`)
	}
	if e.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="headrace"`)
	}
	if e.after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(e.after.Seconds()))))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(e.status)
	w.Write(body)
}

func writeJSON(w http.ResponseWriter, mediaType string, v any) error {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	w.Header().Set("Content-Type", mediaType)
	w.Write(b)
	return nil
}
