// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"errors"
	"net/http"

	"github.com/go-json-experiment/json"
)

// refusal is why the gateway itself answers.
type refusal struct {
	status  int
	code    string
	message string
	hint    string
}

func (r *refusal) Error() string { return r.message }

// refuse answers as the tool's provider would, so that the tool shows what it says.
func refuse(w http.ResponseWriter, dialect string, err error) {
	r, ok := errors.AsType[*refusal](err)
	if !ok {
		r = &refusal{http.StatusInternalServerError, "gateway/error", "the gateway cannot pass the request on", "send it again"}
	}
	kind := "invalid_request_error"
	switch {
	case r.status == http.StatusUnauthorized:
		kind = "authentication_error"
	case r.status == http.StatusForbidden:
		kind = "permission_error"
	case r.status == http.StatusNotFound:
		kind = "not_found_error"
	case r.status >= 500:
		kind = "api_error"
	}
	said := map[string]any{"message": "Headrace: " + r.message + ": " + r.hint, "type": kind, "code": r.code}
	body := map[string]any{"error": said}
	if dialect == Anthropic {
		body["type"] = "error"
	}
	b, err := json.Marshal(body, json.Deterministic(true))
	if err != nil {
		b = []byte("{}")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(r.status)
	w.Write(append(b, '\n'))
}
