// SPDX-License-Identifier: Apache-2.0

package export

import (
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
)

// label is a person's decision on a text that they saw.
type label struct {
	contributor, session string
	prompt               string
	after                string // what was suggested
	final                string // what the person put in its place; empty where unknown or the same
	verdict              episode.Verdict
}

// labelOf returns the label of a decision, or why there is none.
func labelOf(r dataset.Row, d *episode.Decision) (label, string) {
	if d.By != episode.ByPerson {
		return label{}, SkippedNotPerson
	}
	if d.Shown != nil && !*d.Shown {
		return label{}, SkippedHidden
	}
	switch d.Verdict {
	case episode.Accepted, episode.Rejected, episode.Modified:
	default:
		return label{}, SkippedVerdict
	}
	for i := range r.Episode.Suggestions {
		s := &r.Episode.Suggestions[i]
		if s.ID != d.Suggestion {
			continue
		}
		p := prompt(r.Episode, s)
		if p == "" || s.After == "" || s.Truncated {
			break
		}
		l := label{contributor: r.Contributor, session: r.Episode.Session, prompt: p, after: s.After, verdict: d.Verdict}
		if d.Final != s.After {
			l.final = d.Final
		}
		return l, ""
	}
	return label{}, SkippedNoText
}

// prompt is what the model was given, as far as the record tells: the bare text for a completion, else the person's
// words and the code in question.
func prompt(e *episode.Episode, s *episode.Suggestion) string {
	if e.Instruction == "" {
		return s.Before
	}
	if s.Before == "" && s.Path == "" {
		return e.Instruction
	}
	var b strings.Builder
	b.WriteString(e.Instruction)
	if s.Path != "" {
		b.WriteString("\n\nFile: " + s.Path)
	}
	if s.Before != "" {
		fence := "```"
		for strings.Contains(s.Before, fence) {
			fence += "`"
		}
		b.WriteString("\n\n" + fence + s.Language + "\n" + strings.TrimSuffix(s.Before, "\n") + "\n" + fence)
	}
	return b.String()
}
