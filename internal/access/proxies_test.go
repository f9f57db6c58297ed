// SPDX-License-Identifier: Apache-2.0

package access

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// seen is where a request counts as coming from, with these proxies.
func seen(trusted []string, remote string, forwarded ...string) (address string) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = remote
	r.Header["X-Forwarded-For"] = forwarded
	Config{TrustedProxies: trusted}.Proxied(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { address = Address(r) })).ServeHTTP(httptest.NewRecorder(), r)
	return address
}

func TestATrustedProxySaysWhereARequestComesFromAndNobodyElse(t *testing.T) {
	two := []string{"10.0.0.0/8", "2001:db8:1::5"}
	for _, c := range []struct {
		trusted   []string
		remote    string
		forwarded []string
		want      string
	}{
		{nil, "10.1.2.3:4", []string{"192.0.2.7"}, "10.1.2.3"},
		{two, "10.1.2.3:4", []string{"192.0.2.7"}, "192.0.2.7"},
		{two, "10.1.2.3:4", []string{"192.0.2.7:1234"}, "192.0.2.7"},
		{two, "10.1.2.3:4", []string{"198.51.100.1, 192.0.2.7"}, "192.0.2.7"}, // whoever called wrote the first
		{two, "10.1.2.3:4", []string{"198.51.100.1", "192.0.2.7, 10.9.9.9"}, "192.0.2.7"},
		{two, "10.1.2.3:4", []string{"10.7.7.7, 10.9.9.9"}, "10.7.7.7"},
		{two, "10.1.2.3:4", nil, "10.1.2.3"},
		{two, "10.1.2.3:4", []string{"unknown"}, "10.1.2.3"},
		{two, "10.1.2.3:4", []string{"192.0.2.7, "}, "10.1.2.3"},
		{two, "[::ffff:10.1.2.3]:4", []string{"::ffff:192.0.2.7"}, "192.0.2.7"},
		{two, "192.0.2.9:4", []string{"192.0.2.7"}, "192.0.2.9"},
		{two, "[2001:db8:1::5]:4", []string{"[2001:db8:7::1]:99"}, "2001:db8:7::/64"},
		{two, "[2001:db8:1::6]:4", []string{"192.0.2.7"}, "2001:db8:1::/64"},
		{two, "@", []string{"192.0.2.7"}, "@"},
	} {
		if got := seen(c.trusted, c.remote, c.forwarded...); got != c.want {
			t.Errorf("%v from %s with %q counts as %s, want %s", c.trusted, c.remote, c.forwarded, got, c.want)
		}
	}
}

func TestProxiesThatHoldEverybodyAreRefused(t *testing.T) {
	for s, ok := range map[string]bool{"10.0.0.0/8": true, "10.0.0.1": true, "::1": true, "2001:db8::/32": true,
		"0.0.0.0/0": false, "::/0": false, "proxy.example": false, "10.0.0.0/33": false, "": false, "fe80::1%eth0": false} {
		if err := (Config{TrustedProxies: []string{s}}).Check(false); (err == nil) != ok {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// FuzzForwarded: what stands before the last untrusted address changes nothing, and where no proxy is trusted the header does not.
func FuzzForwarded(f *testing.F) {
	f.Add("10.0.0.1:2", "192.0.2.7", "203.0.113.9, ")
	f.Add("10.0.0.1:2", "192.0.2.7, 10.0.0.2", "x, [::1]:3")
	f.Add("192.0.2.1:2", "10.0.0.3", "")
	f.Fuzz(func(t *testing.T, remote, forwarded, before string) {
		trusted := []string{"10.0.0.0/8"}
		plain := seen(nil, remote, forwarded)
		if plain != seen(nil, remote) {
			t.Fatal("the header is believed of nobody's proxy")
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = remote
		r.Header["X-Forwarded-For"] = []string{forwarded}
		list, err := parseProxies(trusted)
		if err != nil {
			t.Fatal(err)
		}
		if at := list.from(r); at.IsValid() && !list.hold(at) { // somebody untrusted was found: what they wrote themselves is not read
			if one, other := seen(trusted, remote, forwarded), seen(trusted, remote, before, forwarded); one != other {
				t.Fatalf("%s with %q counts as %s, and with %q before it as %s", remote, forwarded, one, before, other)
			}
		}
	})
}
