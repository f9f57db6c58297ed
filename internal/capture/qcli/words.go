// SPDX-License-Identifier: Apache-2.0

package qcli

import (
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
)

// How the command lines fence a prompt that they send with context.
const (
	saidBegin    = "--- USER MESSAGE BEGIN ---"
	saidEnd      = "--- USER MESSAGE END ---"
	contextBegin = "--- CONTEXT ENTRY BEGIN ---"
	contextEnd   = "--- CONTEXT ENTRY END ---"
	clock        = "Current time:" // an entry that says only this
)

const (
	maxContext  = 256 // artifacts of one prompt; more is passed over
	maxPreamble = 800 // bytes of the standing words before a rule
	included    = "## Included Rules ("
)

// block is an element that the editor puts into a prompt.
type block struct {
	name string
	kind episode.ArtifactKind
	at   int // where it begins next; len of the text where it does not
}

// Words takes a prompt apart that a program may have wrapped: what the person said, and as artifacts the rules and files
// that were put around it. What is not closed as it was opened is taken for the person's.
func Words(prompt string) (said string, context []episode.Artifact) {
	add := func(kind episode.ArtifactKind, name, text string) {
		if text = strings.TrimSpace(text); text != "" && len(context) < maxContext {
			context = append(context, capture.Artifact(kind, name, text))
		}
	}
	around, said, fenced := strings.Cut(prompt, saidBegin)
	if !fenced {
		around, said = "", prompt
	} else if end := strings.LastIndex(said, saidEnd); end >= 0 {
		around, said = around+said[end+len(saidEnd):], said[:end]
	}
	around = entries(around, add)
	if !fenced {
		said = entries(said, add)
	} else {
		add(episode.ArtifactFile, "context", around)
	}
	return strings.TrimSpace(elements(said, add)), context
}

// entries takes the command line's context out of a text.
func entries(text string, add func(kind episode.ArtifactKind, name, text string)) string {
	var rest strings.Builder
	for {
		before, after, opened := strings.Cut(text, contextBegin)
		entry, more, closed := strings.Cut(after, contextEnd)
		if !opened || !closed {
			rest.WriteString(text)
			return rest.String()
		}
		if !strings.HasPrefix(strings.TrimSpace(entry), clock) {
			add(episode.ArtifactFile, "context", entry)
		}
		rest.WriteString(before)
		text = more
	}
}

// elements takes the editor's context out of a text.
func elements(text string, add func(kind episode.ArtifactKind, name, text string)) string {
	blocks := [...]block{
		{name: "user-rule", kind: episode.ArtifactRules}, {name: "steering-reminder", kind: episode.ArtifactRules},
		{name: "EnvironmentContext", kind: episode.ArtifactFile}, {name: "OPEN-EDITOR-FILES", kind: episode.ArtifactFile},
		{name: "ACTIVE-EDITOR-FILE", kind: episode.ArtifactFile},
	}
	for i := range blocks {
		blocks[i].at = blocks[i].next(text, 0)
	}
	var rest strings.Builder
	pos := 0
	for {
		first := &blocks[0]
		for i := range blocks {
			if blocks[i].at < first.at {
				first = &blocks[i]
			}
		}
		if first.at == len(text) {
			rest.WriteString(text[pos:])
			return rest.String()
		}
		open := strings.IndexByte(text[first.at:], '>')
		closing := "</" + first.name + ">"
		end := strings.Index(text[first.at:], closing)
		if open < 0 || end < open {
			first.at = len(text) // nor is a later one closed
			continue
		}
		open, end = first.at+open, first.at+end
		rest.WriteString(preamble(text[pos:first.at], first.kind))
		add(first.kind, named(text[first.at:open], first.name), text[open+1:end])
		pos = end + len(closing)
		for i := range blocks {
			if b := &blocks[i]; b.at < pos {
				b.at = b.next(text, pos)
			}
		}
	}
}

// next is where the element begins at or after a place.
func (b *block) next(text string, from int) int {
	for from < len(text) {
		i := strings.Index(text[from:], "<"+b.name)
		if i < 0 {
			break
		}
		from += i
		if after := from + 1 + len(b.name); after < len(text) && strings.IndexByte("> \n", text[after]) >= 0 {
			return from
		}
		from++
	}
	return len(text)
}

// preamble is a text without the standing words that lead to the rule after it.
func preamble(text string, kind episode.ArtifactKind) string {
	at := strings.LastIndex(text, included)
	if kind != episode.ArtifactRules || at < 0 || at > 0 && text[at-1] != '\n' || len(text)-at > maxPreamble {
		return text
	}
	return text[:at]
}

// named is the id or path that an opening tag gives, without its quotes; else the element's own name.
func named(tag, element string) string {
	for _, attribute := range [...]string{" id=", " path="} {
		if _, value, ok := strings.Cut(tag, attribute); ok {
			if value = strings.Trim(strings.TrimSpace(value), `"'`); value != "" && len(value) <= 512 {
				return value
			}
		}
	}
	return element
}
