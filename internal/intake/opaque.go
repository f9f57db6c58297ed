// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"bytes"
	"iter"
)

const (
	leastOpaque = 24 // letters and digits of a run
	leastHex    = 32 // where they are digits in hex
)

// opaque yields the runs of letters and digits that look random: long, of several sorts, and going from one sort to another
// much more often than names do. It sees less than the edge's filter, which has a table of letter pairs for this; but that one
// may have let through what this one sees.
func opaque(b []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		// A run of leastOpaque cannot lie between two places so far apart.
		for i := leastOpaque - 1; i < len(b); {
			if !isAlnum(b[i]) {
				i += leastOpaque
				continue
			}
			start, end := i, i+1
			for start > 0 && isAlnum(b[start-1]) {
				start--
			}
			for end < len(b) && isAlnum(b[end]) {
				end++
			}
			i = end + leastOpaque
			if random(b[start:end]) && !isDigest(b, start) && !yield(b[start:end]) {
				return
			}
		}
	}
}

// isDigest reports whether the run from start is part of a package's digest as lock files write it: "sha512-…" in base64, or
// the SHA-1 behind the address of an archive. They are public, and every lock file is full of them.
func isDigest(b []byte, start int) bool {
	from := start
	for from > 0 && start-from < 100 && (isAlnum(b[from-1]) || b[from-1] == '+' || b[from-1] == '/' || b[from-1] == 0) {
		from--
	}
	head := b[max(0, from-len("sha512-")):from]
	for _, name := range []string{"sha1-", "sha256-", "sha384-", "sha512-", ".tgz#"} {
		if bytes.HasSuffix(head, []byte(name)) {
			return true
		}
	}
	return false
}

func isAlnum(c byte) bool { return isWord(c) && c != '_' }

const (
	sortLower = iota
	sortUpper
	sortDigit
)

func sortOf(c byte) int {
	switch {
	case c <= '9':
		return sortDigit
	case c <= 'Z':
		return sortUpper
	}
	return sortLower
}

// random reports whether a run looks random. A run of bytes in base64 changes its sort at more than half of its places, one
// in hex at almost half; a name in camel case at a fifth, and goes from a capital to a small letter and not back again.
func random(b []byte) bool {
	if len(b) < leastOpaque || len(b) > 4096 {
		return len(b) > 4096
	}
	var n [3]int
	changes, hex := 0, true
	last := sortOf(b[0])
	var seen [256]bool
	distinct := 0
	for _, c := range b {
		s := sortOf(c)
		n[s]++
		if s != last {
			changes++
			last = s
		}
		hex = hex && (s == sortDigit || c|0x20 <= 'f')
		if !seen[c] {
			seen[c] = true
			distinct++
		}
	}
	switch {
	case n[sortDigit] < 3 || n[sortDigit] == len(b) || distinct < 9:
		return false
	case hex:
		return len(b) >= leastHex && (n[sortLower] == 0 || n[sortUpper] == 0) && changes*4 >= len(b)
	}
	return n[sortLower] >= 3 && n[sortUpper] >= 3 && changes*5 >= len(b)*2
}
