// SPDX-License-Identifier: Apache-2.0

package capture

import "strings"

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

// Hunks adds what the hunks of a unified diff remove and add, context included; the diff's file names are passed over.
func Hunks(diff string, before, after *strings.Builder) {
	inHunk := false
	for line := range strings.Lines(diff) {
		switch {
		case strings.HasPrefix(line, "@@"):
			inHunk = true
		case !inHunk && (strings.HasPrefix(line, "--- ") || strings.HasPrefix(line, "+++ ")):
		default:
			side(line, before, after)
		}
	}
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
