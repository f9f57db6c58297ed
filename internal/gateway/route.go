// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"
)

// The headers by which whoever asked for a route is told which model answers, and the id of the decision, for what comes of it.
const (
	ModelHeader    = "X-Headrace-Model"
	DecisionHeader = "X-Headrace-Decision"
)

// Question is asked about a request for a route. It holds nothing of the request but numbers and categories.
type Question struct {
	Developer string
	Proven    bool
	// Subject is the same for requests that should go to the same model: those of a session, where a header names it.
	Subject string
	// Options are among how many models is to be chosen.
	Options int
	// Completion, Tools and Streaming say what is asked for; Chars is how long the request is, in bytes.
	Completion, Tools, Streaming bool
	Chars                        int
}

// Choice is the answer.
type Choice struct {
	// Option is the chosen one, from 0.
	Option int
	// Decision is its id; empty where nobody may learn from it.
	Decision string
}

// question is what a route is chosen by.
func (c *call) question(r *http.Request, text []byte, options int) Question {
	q := Question{Developer: c.developer, Proven: c.proven, Options: options, Subject: sessionOf(r.Header), Completion: c.path == "/v1/completions", Chars: len(text)}
	if q.Subject == "" {
		sum := sha256.Sum256(text)
		q.Subject = hex.EncodeToString(sum[:16])
	}
	d := jsontext.NewDecoder(bytes.NewBuffer(text), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return q
	}
	for d.PeekKind() == '"' {
		member, err := d.ReadToken()
		if err != nil {
			break
		}
		name := member.String()
		v, err := d.ReadValue()
		if err != nil {
			break
		}
		switch name {
		case "stream":
			q.Streaming = v.Kind() == 't'
		case "tools":
			q.Tools = v.Kind() == '[' && len(v) > len("[]")
		}
	}
	return q
}
