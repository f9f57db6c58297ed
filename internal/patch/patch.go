// SPDX-License-Identifier: Apache-2.0

// Package patch makes, reads and applies unified diffs of single text files, as "diff -u" and git write them.
//
// [Unified] makes one for a person to read, [Parse] reads one and [Patch.Apply] applies it. Nothing is guessed: where a file is
// not as the diff has it, it is refused ([ErrConflict]). A hunk may have moved, where its lines stand in one place only.
package patch

import (
	"fmt"
	"slices"
	"strings"
)

// context is how many unchanged lines are shown around a change.
const context = 3

// DevNull is the name of a side that is no file.
const DevNull = "/dev/null"

// Unified is the change from one text to another as a unified diff with those names; empty where there is none.
func Unified(oldName, newName string, before, after []byte) string {
	a, b := lines(before), lines(after)
	found := hunks(script(a, b))
	if len(found) == 0 && oldName == newName {
		return ""
	}
	var out strings.Builder
	fmt.Fprintf(&out, "--- %s\n+++ %s\n", oldName, newName)
	for _, h := range found {
		var body strings.Builder
		nOld, nNew := 0, 0
		for _, op := range h.ops {
			body.WriteByte(op.sign)
			body.WriteString(strings.TrimSuffix(op.line, "\n"))
			body.WriteByte('\n')
			if !strings.HasSuffix(op.line, "\n") {
				body.WriteString(noNewline)
			}
			nOld += btoi(op.sign != '+')
			nNew += btoi(op.sign != '-')
		}
		fmt.Fprintf(&out, "@@ -%s +%s @@\n%s", span(h.old, nOld), span(h.new, nNew), body.String())
	}
	return out.String()
}

const noNewline = "\\ No newline at end of file\n"

// span is a range of lines as a diff has it: a range without lines names the one before it.
func span(from, n int) string {
	if n == 0 {
		from--
	}
	return fmt.Sprintf("%d,%d", from, n)
}

func lines(b []byte) []string { return slices.Collect(strings.Lines(string(b))) }

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

type op struct {
	sign byte // ' ', '-' or '+'
	line string
}

type hunk struct {
	old, new int // the first line, from 1
	ops      []op
}
