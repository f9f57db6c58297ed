// SPDX-License-Identifier: Apache-2.0

package scrub

import "bytes"

// Marks returns where in b something has the form of a mark, check included: whose mark it is, only the key can tell.
func Marks(b []byte) []Finding {
	var found []Finding
	for at := 0; ; {
		i := bytes.Index(b[at:], []byte(anchor))
		if i < 0 {
			return found
		}
		at += i
		start, end, head, ok := markAt(b, at)
		if ok {
			body := b[end-bodyLen : end]
			ok = bytes.Equal(appendLetters(nil, check(head, body[:idLen+tagLen]), 2), body[idLen+tagLen:])
		}
		if !ok {
			at++
			continue
		}
		found = append(found, Finding{Start: start, End: end, Kind: head[:len(head)-1]})
		at = end
	}
}
