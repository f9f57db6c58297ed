// SPDX-License-Identifier: Apache-2.0

package scrub

// Marks returns where in b something has the form of a mark, check included: whose mark it is, only the key can tell.
// Kind is the head ("SECRET_password", "user", …), "word" for one of a word, and "uuid" and "ip" for those that are marks themselves.
func Marks(b []byte) []Finding {
	var found []Finding
	eachMark(b, func(m Finding) {
		if n := len(found); n == 0 || m.Start >= found[n-1].End {
			found = append(found, m)
		}
	})
	return found
}

// eachMark visits what has the form of a mark, check included, in the order of where that shows. Two may overlap.
func eachMark(b []byte, visit func(Finding)) {
	add := func(start, end int, kind string) { visit(Finding{Start: start, End: end, Kind: kind}) }
	for i, c := range b {
		switch c {
		case anchor[0]:
			if start, end, head, ok := markAt(b, i); ok && checked(b[end-bodyLen:end], head) {
				add(start, end, head[:len(head)-1])
			}
		case wordAnchor[2]:
			if i < 2 || b[i-1]|0x20 != wordAnchor[1] {
				continue
			}
			if _, ok := wordAt(b, i-2); ok {
				add(i-2, i-2+wordLen, kindWord)
			}
		case docNet[0]:
			if _, ok := addressAt(b, i); ok {
				add(i, i+addressLen, "ip")
			}
		case '-':
			if ch(b, i+1) != '8' {
				continue
			}
			if _, ok := uuidAt(b, i-13); ok {
				add(i-13, i-13+uuidLen, "uuid")
			}
		}
	}
}

// owns reports whether the mark m of b was made with our key.
func (m *marking) owns(b []byte, f Finding) bool {
	switch f.Kind {
	case kindWord:
		body, ok := wordAt(b, f.Start)
		return ok && m.isOwnWord(body)
	case "uuid":
		u, ok := uuidAt(b, f.Start)
		return ok && m.isOwnUUID(u)
	case "ip":
		a, ok := addressAt(b, f.Start)
		return ok && m.isOwnAddress(a)
	}
	return m.isOwn(b, f.End, headIn(b, f))
}

// headIn returns the head of a mark of letters.
func headIn(b []byte, f Finding) string { return string(b[f.Start : f.End-bodyLen-len(anchor)]) }

// Count counts what has the form of a mark, check included, by head ("SECRET_password", "user", …). It needs no key: a
// recipient compares the sum with the manifest.
func Count(b []byte) map[string]int {
	n := map[string]int{}
	for _, m := range Marks(b) {
		n[m.Kind]++
	}
	return n
}

// mark notes our own marks, and records what only looks like one.
func (w *worker) mark(_ *rule, start, _ int) {
	s, e, head, ok := markAt(w.buf, start)
	switch {
	case !ok:
		w.wordMark(start)
	case w.isOwn(w.buf, e, head):
		if head == "host-" && hasAny(w.buf[e:], ".example") && at(w.buf, e+len(".example"))&isIdent == 0 {
			e += len(".example") // what a host name of ours ends in
		}
		w.skip(s, e)
	default:
		w.add(s, e, "mark")
	}
}

// numberMark does the same for an address of the documentation's network and a UUID of version 8.
func (w *worker) numberMark(r *rule, start, _ int) {
	if r.keyword[0] == '-' {
		s := start - 13
		if u, ok := uuidAt(w.buf, s); ok && w.isOwnUUID(u) {
			w.skip(s, s+uuidLen)
		} else if ok {
			w.add(s, s+uuidLen, "mark")
		}
		return
	}
	if a, ok := addressAt(w.buf, start); ok && w.isOwnAddress(a) {
		w.skip(start, start+addressLen)
	} else if ok {
		w.add(start, start+addressLen, "mark")
	}
}

// skip notes a mark of ours, which nothing needs to replace again.
func (w *worker) skip(start, end int) {
	if n := len(w.own); n == 0 || w.own[n-1].end <= start {
		w.own = append(w.own, span{start: start, end: end})
	}
}
