// SPDX-License-Identifier: Apache-2.0

package scrub

import "unicode/utf8"

// mayGoOn reports whether a name that begins with the word b[start:end] of one part, whose hash is h, may go on with the
// word that follows. It may say so in vain.
func (d *Dictionary) mayGoOn(b []byte, start, end int, h uint64) bool {
	i := afterJoint(b, end)
	if i == 0 {
		return false
	}
	next, stop := uint64(0), i
	for ; stop < len(b) && letterOf[b[stop]] != 0; stop++ {
		if b[stop] >= utf8.RuneSelf {
			return true
		}
		next = next*hashBase + uint64(letterOf[b[stop]]&0xff)
	}
	if stop-i > maxListed || end-start > maxListed {
		return true
	}
	if turned, _ := d.look(next*d.pows[end-start] + h); turned { // Doe, Jane
		return true
	}
	if at(b, end-1)&at(b, i)&isDigit != 0 {
		h = h*hashBase + '.'
	}
	return d.mayHold(b, i, stop, h, false)
}

// mayHold reports whether a name may begin at any part of the word b[start:end], all ASCII, so that most words need not be
// taken apart; with anywhere false, whether one may go on that began before with the hash h. It may say so in vain.
func (d *Dictionary) mayHold(b []byte, start, end int, h uint64, anywhere bool) bool {
	if end-start > maxListed {
		return true
	}
	var begins [8]struct {
		at   int
		hash uint64 // of all before it
	}
	n, hash, last := 1, h, uint64(0) // last is the hash before the last letter
	if begins[0].at = start; anywhere {
		hash = 0
	}
	ends := func(at int, hash uint64, all bool) bool {
		for _, g := range begins[:n] {
			e, on := d.look(hash - g.hash*d.pows[at-g.at])
			if e || all && on {
				return true
			}
		}
		return false
	}
	var prev, before uint16
	for i := start; i < end; i++ {
		v := letterOf[b[i]]
		if sort := v &^ 0xff; sort != prev {
			border, at, h := false, i, hash
			switch {
			case prev == 0:
			case sort == isUpperLetter:
				border = true
			case sort == isNumber || prev == isNumber:
				if ends(i, hash, false) {
					return true
				}
			case before == isUpperLetter: // HTTPServer
				border, at, h = true, i-1, last
			}
			if border {
				if ends(at, h, false) {
					return true
				}
				if anywhere {
					if n == len(begins) {
						return true
					}
					begins[n].at, begins[n].hash = at, h
					n++
				}
			}
			before, prev = prev, sort
		} else {
			before = sort
		}
		last, hash = hash, hash*hashBase+uint64(v&0xff)
	}
	return ends(end, hash, true)
}
