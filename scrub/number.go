// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
)

// A UUID becomes one of version 8 (RFC 9562, section 5.8) and an IP address one in 2001:db8::/32 (RFC 3849, for
// documentation), so that whatever reads them still can. They carry what a mark carries, in bits instead of letters:
//
//	UUID     id 60 · tag 38 · check 24
//	address  of the /16 or /48 16 · of the /24 or /64 16 · of all 36 · tag 16 · check 12
//
// Each part of an address is an HMAC of the network's digits up to there: two hosts of one subnet share groups.
const (
	addressLen = 39 // eight groups of four digits
	docNet     = "2001:0db8:"
)

// appendUUID appends the UUID that stands for one.
func (m *marking) appendUUID(dst, canonical []byte) []byte {
	var u [16]byte
	copy(u[:], m.id("uuid", canonical)[:8])
	u[6], u[7] = 0x80|u[6]>>4, u[6]<<4|u[7]>>4 // the last four bits make room for the version
	m.sealUUID(&u)
	return appendGroups(dst, u[:], 4, 2, 2, 2, 6)
}

// sealUUID sets tag and check of the id in u.
func (m *marking) sealUUID(u *[16]byte) {
	tag := m.tag("uuid", u[:8]) >> 26
	u[8] = 0x80 | byte(tag>>32)
	binary.BigEndian.PutUint32(u[9:], uint32(tag))
	c := check("uuid", u[:13]) >> 40
	u[13], u[14], u[15] = byte(c>>16), byte(c>>8), byte(c)
}

// appendGroups appends bytes in hex, with a dash between groups.
func appendGroups(dst, b []byte, sizes ...int) []byte {
	for i, n := range sizes {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, b[:n])
		b = b[n:]
	}
	return dst
}

// uuidAt reads the UUID that starts at b[at], if its check is right.
func uuidAt(b []byte, at int) (u [16]byte, ok bool) {
	if at < 0 || at+uuidLen > len(b) || b[at+14] != '8' || b[at+8] != '-' || b[at+13] != '-' || b[at+18] != '-' || b[at+23] != '-' {
		return u, false
	}
	n := 0
	for i := at; i < at+uuidLen; i += 2 {
		if b[i] == '-' {
			i++
		}
		d, ok := lowerHex(b[i], b[i+1])
		if !ok {
			return u, false
		}
		u[n], n = d, n+1
	}
	c := check("uuid", u[:13]) >> 40
	return u, u[8]&0xc0 == 0x80 && u[13] == byte(c>>16) && u[14] == byte(c>>8) && u[15] == byte(c)
}

func (m *marking) isOwnUUID(u [16]byte) bool {
	own := u
	m.sealUUID(&own)
	return own == u
}

// lowerHex reads two digits in hex, of small letters only.
func lowerHex(hi, lo byte) (byte, bool) {
	if hi >= 'A' && hi <= 'F' || lo >= 'A' && lo <= 'F' {
		return 0, false
	}
	r, ok := unhex([]byte{hi, lo})
	return byte(r), ok
}

// appendAddress appends the address that stands for one.
func (m *marking) appendAddress(dst []byte, ip netip.Addr) []byte {
	ip = ip.Unmap()
	raw, near, far := ip.AsSlice(), 6, 8
	if ip.Is4() {
		near, far = 2, 3
	}
	return m.appendNet(dst, raw[:near], raw[:far], raw)
}

// appendNet appends the address that stands for one of a network within another.
func (m *marking) appendNet(dst, near, far, all []byte) []byte {
	var a [16]byte
	a[0], a[1], a[2], a[3] = 0x20, 0x01, 0x0d, 0xb8
	copy(a[4:6], m.id("net", near))
	copy(a[6:8], m.id("net", far))
	copy(a[8:], m.id("net", all)[:8])
	m.sealAddress(&a)
	dst = hex.AppendEncode(dst, a[:2])
	for i := 2; i < len(a); i += 2 {
		dst = hex.AppendEncode(append(dst, ':'), a[i:i+2])
	}
	return dst
}

// sealAddress sets tag and check of the networks in a.
func (m *marking) sealAddress(a *[16]byte) {
	v := binary.BigEndian.Uint64(a[8:]) &^ (1<<28 - 1)
	binary.BigEndian.PutUint64(a[8:], v)
	v |= m.tag("ip", a[:]) >> 48 << 12
	binary.BigEndian.PutUint64(a[8:], v)
	binary.BigEndian.PutUint64(a[8:], v|check("ip", a[:])>>52)
}

// addressAt reads the address that starts at b[at], if its check is right.
func addressAt(b []byte, at int) (a [16]byte, ok bool) {
	if at < 0 || at+addressLen > len(b) || string(b[at:at+len(docNet)]) != docNet {
		return a, false
	}
	for i, n := at, 0; i < at+addressLen; i, n = i+5, n+2 {
		hi, ok1 := lowerHex(b[i], b[i+1])
		lo, ok2 := lowerHex(b[i+2], b[i+3])
		if !ok1 || !ok2 || i+4 < at+addressLen && b[i+4] != ':' {
			return a, false
		}
		a[n], a[n+1] = hi, lo
	}
	bare := a
	bare[14], bare[15] = bare[14]&0xf0, 0
	c := check("ip", bare[:]) >> 52
	return a, binary.BigEndian.Uint16(a[14:])&0xfff == uint16(c)
}

func (m *marking) isOwnAddress(a [16]byte) bool {
	own := a
	m.sealAddress(&own)
	return own == a
}
