// SPDX-License-Identifier: Apache-2.0

package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
)

// Hosts answers only requests whose Host is localhost, a loopback address or one of names: a page elsewhere that
// points its own name at this machine (DNS rebinding) gets 421. The port does not matter.
func Hosts(names []string, next http.Handler) http.Handler {
	allowed := []string{"localhost", "127.0.0.1", "::1"}
	for _, n := range names {
		allowed = append(allowed, strings.ToLower(n))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(allowed, hostname(r.Host)) {
			http.Error(w, "This Headrace does not answer to that name. Use http://localhost, or add the name to its hosts.",
				http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func hostname(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]")
	}
	return strings.ToLower(host)
}

// Bearer lets through requests that carry the token ("Authorization: Bearer …") and answers 401 to all others. An
// empty token lets nothing through.
func Bearer(token string, next http.Handler) http.Handler {
	want := sha256.Sum256([]byte(token))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		got := sha256.Sum256([]byte(given)) // equal lengths: the comparison tells nothing of the token's
		if token == "" || !strings.EqualFold(scheme, "Bearer") || subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			w.Header().Set("WWW-Authenticate", `Bearer realm="headrace"`)
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintln(w, `{"code":"auth/token","message":"no valid token","hint":"send the header Authorization: Bearer TOKEN"}`)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// sameOrigin refuses forms that another site sent: browsers say where a request comes from.
func sameOrigin(next http.Handler) http.Handler {
	p := http.NewCrossOriginProtection()
	p.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "This form was sent from another site and was refused. Open Headrace itself and try again.",
			http.StatusForbidden)
	}))
	return p.Handler(next)
}

// policy lets a page use this site's own style sheet, script and pictures, and nothing else.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}
