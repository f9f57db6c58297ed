// SPDX-License-Identifier: Apache-2.0

package access

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// proxies are the networks of proxies whose word is taken on where a request comes from.
type proxies []netip.Prefix

// parseProxies reads networks (10.0.0.0/8) and addresses. One that holds everybody is refused: whoever sends a header would
// choose who is limited.
func parseProxies(list []string) (proxies, error) {
	var out proxies
	for _, s := range list {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			ip, errIP := netip.ParseAddr(s)
			if errIP != nil || ip.Zone() != "" {
				return nil, fmt.Errorf("%q is neither a network nor an address of a proxy", s)
			}
			p = netip.PrefixFrom(ip, ip.BitLen())
		}
		if p.Bits() == 0 {
			return nil, fmt.Errorf("%s holds everybody: name the proxies alone", s)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

func (p proxies) hold(ip netip.Addr) bool {
	return slices.ContainsFunc(p, func(net netip.Prefix) bool { return net.Contains(ip) })
}

// Proxied lets a request count as coming from where the trusted proxies say, for all that asks for its [Address]. Without any, a
// request comes from whoever made the connection.
func (c Config) Proxied(next http.Handler) http.Handler {
	trusted, err := parseProxies(c.TrustedProxies)
	if err != nil || len(trusted) == 0 { // Check has said so
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if from := trusted.from(r); from.IsValid() {
			behind := *r
			behind.RemoteAddr = net.JoinHostPort(from.String(), "0")
			r = &behind
		}
		next.ServeHTTP(w, r)
	})
}

// from is the last address on a request's way that is no trusted proxy's. Each proxy adds at the end where it was called from, so what
// stands before that is anybody's word, and is not read.
func (p proxies) from(r *http.Request) netip.Addr {
	at := parseHop(r.RemoteAddr)
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for len(hops) > 0 && at.IsValid() && p.hold(at) {
		before := parseHop(strings.TrimSpace(hops[len(hops)-1]))
		if !before.IsValid() {
			break // a proxy that does not say: it answers for what comes from it
		}
		at, hops = before, hops[:len(hops)-1]
	}
	return at
}

// parseHop reads an address, with or without a port; invalid where it is none.
func parseHop(s string) netip.Addr {
	if hop, err := netip.ParseAddrPort(s); err == nil {
		return hop.Addr().Unmap().WithZone("")
	}
	ip, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	if err != nil {
		return netip.Addr{}
	}
	return ip.Unmap().WithZone("")
}
