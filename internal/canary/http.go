// SPDX-License-Identifier: Apache-2.0

package canary

import "net/http"

// Handler answers as next does, without canaries in what it answers: pages, figures, errors, and headers.
func (g *Guard) Handler(next http.Handler) http.Handler {
	if len(g.forms) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := &answer{ResponseWriter: w, g: g}
		a.body = g.Writer(w)
		defer a.body.Flush() // also where next panics: the server ends the answer then
		next.ServeHTTP(a, r)
	})
}

// answer is an answer on its way out.
type answer struct {
	http.ResponseWriter
	g      *Guard
	body   *Writer
	headed bool
}

// WriteHeader sends the header, which may hold what was asked for.
func (a *answer) WriteHeader(status int) {
	for _, values := range a.Header() {
		for i, v := range values {
			values[i] = a.g.String(v)
		}
	}
	a.headed = a.headed || status >= 200
	a.ResponseWriter.WriteHeader(status)
}

// Write sends more of the body.
func (a *answer) Write(p []byte) (int, error) {
	if !a.headed {
		if a.Header().Get("Content-Type") == "" {
			a.Header().Set("Content-Type", http.DetectContentType(p)) // of the whole, not of what is let go first
		}
		a.WriteHeader(http.StatusOK)
	}
	return a.body.Write(p)
}

// Flush sends what is there to send; what may be the start of a canary still waits.
func (a *answer) Flush() {
	if !a.headed {
		a.WriteHeader(http.StatusOK)
	}
	if f, ok := a.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
}
