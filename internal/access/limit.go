// SPDX-License-Identifier: Apache-2.0

package access

import (
	"fmt"
	"math"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Limiter lets each of those who ask do so many times in a while. Who has asked for nothing for that while may do all at
// once. It is safe for concurrent use.
type Limiter struct {
	per   float64
	every time.Duration
	now   func() time.Time

	mu sync.Mutex
	of map[string]allowance
}

// allowance is how often one may still ask, as of a time.
type allowance struct {
	left float64
	at   time.Time
}

// maxRemembered bounds whom a limiter remembers: then it forgets those who may do all again, and else everybody.
const maxRemembered = 100_000

// Defaults of Limits.
const (
	DefaultLogins   = 120
	DefaultRawLooks = 200
	DefaultRequests = 1200
)

// NewLimiter makes one of per times in every, or of none where per is below 0; orElse stands for 0.
func NewLimiter(per, orElse int, every time.Duration) *Limiter {
	if per == 0 {
		per = orElse
	}
	return &Limiter{per: float64(per), every: every, now: time.Now, of: map[string]allowance{}}
}

// Take takes n times from who has them left, and none where there are fewer: then wait is how long until there are. With 0 it
// looks whether there is one.
func (l *Limiter) Take(who string, n int) (wait time.Duration) {
	if l == nil || l.per < 0 {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	a, ok := l.of[who]
	if !ok {
		a = allowance{l.per, now}
	}
	a.left = min(l.per, a.left+float64(max(0, now.Sub(a.at)))*l.per/float64(l.every))
	a.at = now
	if need := min(l.per, float64(max(n, 1))); a.left < need {
		return time.Duration(math.Ceil((need - a.left) * float64(l.every) / l.per))
	}
	a.left -= min(l.per, float64(n))
	if len(l.of) >= maxRemembered && !ok {
		l.forget(now)
	}
	l.of[who] = a
	return 0
}

func (l *Limiter) forget(now time.Time) {
	for k, a := range l.of {
		if now.Sub(a.at) >= l.every {
			delete(l.of, k)
		}
	}
	if len(l.of) >= maxRemembered {
		clear(l.of)
	}
}

// RetryAfter is a wait as the header of that name says it.
func RetryAfter(wait time.Duration) string { return fmt.Sprint(int64(math.Ceil(wait.Seconds()))) }

// Address is where a request comes from: what limits of those count who have not said who they are. Of IPv6, whoever has one
// address has its whole network of 64 bits.
func Address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	if ip = ip.Unmap().WithZone(""); ip.Is6() {
		if net, err := ip.Prefix(64); err == nil {
			return net.String()
		}
	}
	return ip.String()
}

// APIs holds what programs ask for to a limit.
func (c Limits) APIs(next http.Handler) http.Handler {
	requests := NewLimiter(c.APIRequests, 600_000, time.Minute)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if wait := requests.Take(Address(r), 1); wait > 0 {
			tooMany(w, wait)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Codes holds to a limit how often one-time codes may be wrong. It is for routes that take such and nothing else: who guesses
// there keeps out those from the same address who have one, and nobody else.
func (c Limits) Codes(next http.Handler) http.Handler {
	wrong := NewLimiter(c.Logins, DefaultLogins, time.Minute)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if wait := wrong.Take(Address(r), 0); wait > 0 {
			tooMany(w, wait)
			return
		}
		seen := &status{ResponseWriter: w}
		next.ServeHTTP(seen, r)
		if seen.code >= 400 && seen.code < 500 {
			wrong.Take(Address(r), 1)
		}
	})
}

func tooMany(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Retry-After", RetryAfter(wait))
	w.WriteHeader(http.StatusTooManyRequests)
	fmt.Fprintf(w, `{"code":"limit/requests","message":"too many requests","hint":"ask again in %s seconds"}`+"\n", RetryAfter(wait))
}

// status remembers what was answered.
type status struct {
	http.ResponseWriter
	code int
}

// WriteHeader remembers.
func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}

// Unwrap is for http.ResponseController.
func (s *status) Unwrap() http.ResponseWriter { return s.ResponseWriter }
