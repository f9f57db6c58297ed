// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"cmp"
	"math"
	"strconv"
	"strings"
)

// Unpatch reads the patch form that OpenAI's models write ("*** Begin Patch") and many tools take: the first file's path,
// and what all hunks remove and add, context included.
func Unpatch(patch string) (file, before, after string) {
	var b, a strings.Builder
	for line := range strings.Lines(patch) {
		if op, ok := strings.CutPrefix(line, "*** "); ok {
			if _, name, ok := strings.Cut(strings.TrimRight(op, "\r\n"), " File: "); ok && file == "" {
				file = name
			}
			continue
		}
		side(line, &b, &a)
	}
	return file, b.String(), a.String()
}

// Hunks adds what the hunks of a unified diff remove and add, context included, and returns the name of the first file. The
// numbers at a hunk's head say where it ends: a line of it that looks like a file's head is none.
func Hunks(diff string, before, after *strings.Builder) (file string) {
	old, new := 0, 0 // lines of the hunk that are still to come
	gone := ""       // the name of a file that is taken away
	for line := range strings.Lines(diff) {
		switch {
		case strings.HasPrefix(line, "@@"):
			old, new = spans(line)
		case old > 0 || new > 0:
			switch {
			case line[0] == '-':
				old--
			case line[0] == '+':
				new--
			case line[0] == '\\': // no newline at the end
			default:
				if line[0] != ' ' {
					line = " " + line // an empty line that lost its only space
				}
				old, new = old-1, new-1
			}
			side(line, before, after)
		case strings.HasPrefix(line, "--- "):
			gone = cmp.Or(gone, named(line[4:], "a/"))
		case strings.HasPrefix(line, "+++ "):
			file = cmp.Or(file, named(line[4:], "b/"))
		default:
			side(line, before, after)
		}
	}
	return cmp.Or(file, gone)
}

// named is the file that a line of a diff names; empty where it is none.
func named(name, prefix string) string {
	name, _, _ = strings.Cut(strings.TrimRight(name, "\r\n"), "\t") // a time may follow
	if name = strings.TrimSpace(name); name == "/dev/null" {
		return ""
	}
	return strings.TrimPrefix(name, prefix)
}

// spans reads how many lines a hunk has on either side: @@ -12,7 +12,8 @@. A head without numbers is that of a hunk that goes
// on to the next.
func spans(head string) (old, new int) {
	words := strings.Fields(head)
	if len(words) < 3 {
		return math.MaxInt, math.MaxInt
	}
	old, isOld := span(words[1], "-")
	new, isNew := span(words[2], "+")
	if !isOld || !isNew {
		return math.MaxInt, math.MaxInt
	}
	return old, new
}

func span(word, sign string) (n int, ok bool) {
	at, ok := strings.CutPrefix(word, sign)
	if !ok {
		return 0, false
	}
	_, count, some := strings.Cut(at, ",")
	if !some {
		return 1, true
	}
	n, err := strconv.Atoi(count)
	return n, err == nil
}

// side adds one line of a diff to the side or sides that it is on.
func side(line string, before, after *strings.Builder) {
	switch line[0] {
	case '-':
		before.WriteString(line[1:])
	case '+':
		after.WriteString(line[1:])
	case ' ':
		before.WriteString(line[1:])
		after.WriteString(line[1:])
	}
}
