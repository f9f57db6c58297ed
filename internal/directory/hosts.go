// SPDX-License-Identifier: Apache-2.0

package directory

import (
	"bufio"
	"fmt"
	"net/netip"
	"strings"
)

// isHosts takes lines of an address and names, and bare lists of host names.
func isHosts(head []byte) bool {
	return most(headLines(head, "#"), func(l string) bool {
		f := strings.Fields(l)
		if len(f) > 1 {
			_, err := netip.ParseAddr(f[0])
			return err == nil
		}
		return len(f) == 1 && hostName(f[0])
	})
}

// hostName reports a name with a dot or a digit, as machines have them and words have not.
func hostName(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return len(s) < 254 && strings.ContainsAny(s, ".0123456789")
}

func (d *Directory) hosts(r *bufio.Reader) error {
	return d.lines(r, func(n int, line string) {
		line, _, _ = strings.Cut(line, "#")
		f := strings.Fields(line)
		if len(f) > 1 {
			if _, err := netip.ParseAddr(f[0]); err != nil {
				d.setAside(fmt.Sprintf("line %d: no address before the names", n))
				return
			}
			f = f[1:]
		}
		for _, h := range f {
			d.host(h)
		}
	})
}

// keyType reports the names of SSH's kinds of keys.
func keyType(s string) bool {
	return strings.HasPrefix(s, "ssh-") || strings.HasPrefix(s, "ecdsa-") || strings.HasPrefix(s, "sk-")
}

func isKnownHosts(head []byte) bool {
	return most(headLines(head, "#"), func(l string) bool {
		f := strings.Fields(strings.TrimPrefix(strings.TrimPrefix(l, "@cert-authority "), "@revoked "))
		return len(f) >= 3 && keyType(f[1])
	})
}

func (d *Directory) knownHosts(r *bufio.Reader) error {
	return d.lines(r, func(n int, line string) {
		f := strings.Fields(strings.TrimPrefix(strings.TrimPrefix(line, "@cert-authority "), "@revoked "))
		if len(f) == 0 || strings.HasPrefix(f[0], "#") {
			return
		}
		if strings.HasPrefix(f[0], "|1|") || len(f) < 3 {
			d.setAside(fmt.Sprintf("line %d: the host's name is hashed, or the line is cut off", n))
			return
		}
		for h := range strings.SplitSeq(f[0], ",") {
			if i := strings.LastIndex(h, "]:"); i > 0 {
				h = h[1:i]
			}
			d.host(h)
		}
	})
}

func isZone(head []byte) bool {
	for _, l := range headLines(head, ";") {
		f := strings.Fields(l)
		for i, w := range f {
			if w == "$ORIGIN" || w == "IN" && i+1 < len(f) && (f[i+1] == "SOA" || f[i+1] == "NS" || f[i+1] == "A") {
				return true
			}
		}
	}
	return false
}

// zone takes in the owners of addresses and aliases of a master file (RFC 1035, section 5), and what aliases lead to.
func (d *Directory) zone(r *bufio.Reader) error {
	origin, owner := "", ""
	full := func(name string) string {
		switch {
		case name == "@":
			return origin
		case strings.HasSuffix(name, ".") || origin == "":
			return strings.TrimSuffix(name, ".")
		}
		return name + "." + origin
	}
	return d.lines(r, func(_ int, line string) {
		line, _, _ = strings.Cut(line, ";")
		f := strings.Fields(line)
		switch {
		case len(f) == 0:
			return
		case f[0] == "$ORIGIN" && len(f) > 1:
			origin = strings.TrimSuffix(f[1], ".")
			return
		case strings.HasPrefix(f[0], "$"):
			return
		}
		if line[0] != ' ' && line[0] != '\t' {
			owner, f = full(f[0]), f[1:]
		}
		for i, w := range f {
			switch w {
			case "A", "AAAA", "CNAME", "SRV", "MX", "PTR":
				if w != "PTR" {
					d.host(owner)
				}
				if (w == "CNAME" || w == "PTR") && i+1 < len(f) {
					d.host(full(f[i+1]))
				}
				return
			}
		}
	})
}
