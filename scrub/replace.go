// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"net/netip"
	"unicode/utf8"
)

// appendReplacement appends what stands for the finding s of b.
func (w *worker) appendReplacement(out, b []byte, s span) []byte {
	k, v := w.kindOf(s.kind), b[s.start:s.end]
	if s.plain {
		k.form = whole
		if k.family != "secret" { // whose canonical form undoes escapes by itself
			v = appendUnescaped(nil, v)
		}
		if i := bytes.LastIndexByte(v, '@'); i > 0 && k.family == "person" {
			v = v[:i] // as in an address
		}
	}
	switch k.form {
	case addressed:
		if i := bytes.LastIndexByte(v, '@'); i >= 0 {
			if s.entity == "" {
				s.entity = w.s.cfg.Dictionary.entity(v)
			}
			if i > 0 {
				out = w.appendEntity(out, k, v[:i], s.entity)
			}
			return w.appendHost(append(out, '@'), v[i+1:])
		}
		return w.appendHost(out, v) // what is left of one around a finding
	case worded:
		return w.appendWord(out, v)
	case labelled:
		if s.entity == "" {
			return w.appendHost(out, v)
		}
	case linked:
		return w.appendURL(out, v)
	case foldered:
		return w.appendPath(out, k, v)
	case numbered:
		return w.appendIP(out, k, b, s)
	case identified:
		if w.same = k.same(w.same[:0], v); len(w.same) == 32 {
			return w.appendUUID(out, w.same)
		}
	}
	return w.appendEntity(out, k, v, s.entity)
}

// appendEntity appends the mark of a value, or of the entity that it is known to be.
func (w *worker) appendEntity(out []byte, k kind, value []byte, entity string) []byte {
	w.same = k.same(w.same[:0], value)
	if entity == "" && k.family == "person" {
		entity = w.s.cfg.Dictionary.entity(w.same)
	}
	if entity != "" {
		w.same = append(w.same[:0], entity...)
	}
	return w.appendMark(out, k.head, k.family, w.same)
}

// appendHost replaces a host name label by label; the last of several becomes the reserved "example". A port stays.
func (w *worker) appendHost(out, host []byte) []byte {
	if i := bytes.LastIndexByte(host, ':'); i >= 0 && digits(host[i+1:]) {
		return append(w.appendHost(out, host[:i]), host[i:]...)
	}
	if ip, err := netip.ParseAddr(string(bytes.Trim(host, "[]"))); err == nil {
		return append(w.appendAddress(append(out, '['), ip), ']')
	}
	for len(host) > 0 && host[0] == '.' {
		out, host = append(out, '.'), host[1:]
	}
	if len(host) == 0 || string(host) == "example" {
		return append(out, host...)
	}
	w.same = appendHostName(w.same[:0], host)
	labels := w.same
	for {
		i := bytes.IndexByte(labels, '.')
		out = w.appendMark(out, "host-", "host", labels)
		if i < 0 {
			return out
		}
		labels = bytes.TrimLeft(labels[i:], ".")
		out = append(out, '.')
		if bytes.IndexByte(labels, '.') < 0 {
			return append(out, "example"...)
		}
	}
}

// appendURL keeps the scheme, the labels of the host, the port and public folders. It takes parts of a URL, too.
func (w *worker) appendURL(out, url []byte) []byte {
	if i := bytes.Index(url, []byte("://")); i >= 0 {
		out, url = append(out, url[:i+3]...), url[i+3:]
		end := bytes.IndexAny(url, "/?#")
		if end < 0 {
			end = len(url)
		}
		out, url = w.appendAuthority(out, url[:end]), url[end:]
	} else if len(url) > 0 && url[0] == '@' {
		end := bytes.IndexAny(url, "/?#")
		if end < 0 {
			end = len(url)
		}
		out, url = w.appendAuthority(out, url[:end]), url[end:]
	} else if i := bytes.IndexAny(url, "/?#"); len(url) > 0 && url[0] == ':' && i != 0 {
		if i < 0 {
			i = len(url)
		}
		if digits(url[1:i]) {
			out, url = append(out, url[:i]...), url[i:]
		}
	}
	path := url
	if i := bytes.IndexAny(url, "?#"); i >= 0 {
		path, url = url[:i], url[i:]
	} else {
		url = nil
	}
	k := w.kindOf("path")
	out = w.appendPath(out, k, path)
	if len(url) > 1 {
		return w.appendEntity(append(out, url[0]), k, url[1:], "")
	}
	return append(out, url...)
}

// appendAuthority replaces name:password@host.
func (w *worker) appendAuthority(out, b []byte) []byte {
	if i := bytes.LastIndexByte(b, '@'); i >= 0 {
		user := b[:i]
		if j := bytes.IndexByte(user, ':'); j >= 0 {
			out = w.appendNamed(out, "user", user[:j])
			out = w.appendNamed(append(out, ':'), "url_password", user[j+1:])
		} else {
			out = w.appendNamed(out, "user", user)
		}
		out, b = append(out, '@'), b[i+1:]
	}
	return w.appendHost(out, b)
}

func (w *worker) appendNamed(out []byte, kind string, value []byte) []byte {
	if len(value) == 0 {
		return out
	}
	return w.appendEntity(out, w.kindOf(kind), value, "")
}

// appendIP appends the address that stands for one, in brackets where a port follows or a URL surrounds it. What
// follows the address (a port, the size of a network) stays.
func (w *worker) appendIP(out []byte, k kind, b []byte, s span) []byte {
	v := b[s.start:s.end]
	ip, err := netip.ParseAddr(string(v))
	n := len(v)
	for _, sep := range []byte("/:%") {
		if i := bytes.LastIndexByte(v, sep); err != nil && i > 0 {
			if ip, err = netip.ParseAddr(string(bytes.Trim(v[:i], "[]"))); err == nil {
				n = i
			}
		}
	}
	if err != nil || n < len(v) && v[n] != '%' && !digits(v[n+1:]) {
		return w.appendEntity(out, k, v, "")
	}
	if n < len(v) && v[n] == '%' {
		n = len(v) // the name of an interface
	}
	bracket := ch(b, s.start-1) != '[' && (n < len(v) && v[n] == ':' || ch(b, s.end) == ':' && at(b, s.end+1)&isDigit != 0 ||
		hasAny(b[max(0, s.start-3):], "://"))
	if !bracket {
		return append(w.appendAddress(out, ip), v[n:]...)
	}
	out = append(w.appendAddress(append(out, '['), ip), ']')
	return append(out, v[n:]...)
}

func digits(b []byte) bool {
	for _, c := range b {
		if class[c]&isDigit == 0 {
			return false
		}
	}
	return len(b) > 0
}

// lower returns b in lower case: b itself where it is, which is most often. Nobody writes to it.
func lower(b []byte) []byte {
	for _, c := range b {
		if class[c]&isUpper != 0 || c >= utf8.RuneSelf {
			return bytes.ToLower(b)
		}
	}
	return b
}
