// SPDX-License-Identifier: Apache-2.0

package aider

import (
	"bytes"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// chat files the lines of a chat history under the prompts they came from.
type chat struct {
	c *capture.Counts
	// The history lies at the repository's root.
	repository string

	session, version, model string
	started                 time.Time // of the session; single messages have no time
	prompts                 int       // in this session

	typed    []string // the "#### " lines of the message that is being read
	answer   strings.Builder
	e        *episode.Episode
	episodes []*episode.Episode
}

// line takes one line, told apart by how it starts.
func (ch *chat) line(b []byte) (bool, error) {
	if !utf8.Valid(b) {
		return false, nil
	}
	s := string(bytes.TrimRight(b, " \r"))
	if said, ok := strings.CutPrefix(s+" ", "#### "); ok {
		ch.c.Kind("user line")
		ch.typed = append(ch.typed, strings.TrimRight(said, " "))
		return true, nil
	}
	ch.prompt()
	switch {
	case strings.HasPrefix(s, "# aider chat started at "):
		ch.c.Kind("session")
		ch.end()
		ch.e, ch.prompts = nil, 0
		at := strings.TrimPrefix(s, "# aider chat started at ")
		ch.started = lax.ParseTime(at) // local time without a zone: taken as UTC
		ch.session = at
	case strings.HasPrefix(s, "> "):
		ch.said(s[2:])
	case s == ">":
	default:
		ch.answer.WriteString(s)
		ch.answer.WriteByte('\n')
	}
	return true, nil
}

// prompt begins an episode with what was typed, unless it is a command that asks the model nothing.
func (ch *chat) prompt() {
	if len(ch.typed) == 0 {
		return
	}
	ch.end()
	text := strings.Join(ch.typed, "\n")
	ch.typed = ch.typed[:0]
	if strings.HasPrefix(text, "/") {
		cmd, rest, _ := strings.Cut(text, " ")
		switch cmd {
		case "/ask", "/code", "/architect":
			text = rest
		default:
			text = ""
		}
	}
	if strings.TrimSpace(text) == "" {
		return
	}
	ch.c.Prompts++
	ch.prompts++
	// The path is no part of the id: a history that is moved, or read by another name, keeps its ids.
	id := episode.NewID(Name, ch.session+"#"+strconv.Itoa(ch.prompts)+"#"+episode.Digest([]byte(text)))
	cut := capture.Clip(&text)
	ch.e = &episode.Episode{
		SchemaVersion: episode.SchemaVersion,
		ID:            id,
		StartedAt:     ch.started,
		Tool:          episode.Tool{Name: Name, Version: ch.version, Surface: episode.SurfaceAgent},
		Session:       ch.repository + "@" + ch.session,
		Repository:    ch.repository,
		Instruction:   text,
		Steps:         []episode.Step{{Source: episode.SourceUser, Message: text, Truncated: cut}},
	}
	capture.SetModel(ch.e, "", ch.model)
	ch.episodes = append(ch.episodes, ch.e)
}

// end closes the answer that was being read: it becomes a step, and its edits suggestions.
func (ch *chat) end() {
	text := strings.TrimSpace(ch.answer.String())
	ch.answer.Reset()
	if text == "" || ch.e == nil {
		return
	}
	n := len(ch.e.Steps)
	for _, s := range blocks(text) {
		s.ID, s.Step = "s"+strconv.Itoa(len(ch.e.Suggestions)+1), n
		s.Truncated = capture.Clip(&s.Before, &s.After)
		ch.e.Suggestions = append(ch.e.Suggestions, s)
	}
	cut := capture.Clip(&text)
	ch.e.Steps = append(ch.e.Steps, episode.Step{Source: episode.SourceAgent, Message: text, Truncated: cut})
}

// blocks are the SEARCH/REPLACE blocks of an answer. The file's name stands on the last line before the block that is
// not a fence; several blocks in a row may share it.
func blocks(text string) (found []episode.Suggestion) {
	var name string
	var cur *episode.Suggestion
	var search, replace []string
	second := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case cur == nil && (line == "<<<<<<< SEARCH" || line == "<<<<<<< ORIGINAL"):
			cur, second = &episode.Suggestion{Kind: episode.KindEdit, Path: name}, false
			search, replace = nil, nil
		case cur == nil:
			if t := strings.Trim(line, " *`#:"); t != "" && !strings.HasPrefix(line, "```") {
				name = ""
				if !strings.ContainsAny(t, " \t") { // a file's name stands alone on its line
					name = t
				}
			}
		case line == "=======" && !second:
			second = true
		case second && (line == ">>>>>>> REPLACE" || line == ">>>>>>> UPDATED"):
			cur.Before, cur.After = strings.Join(search, "\n"), strings.Join(replace, "\n")
			if cur.Before == "" {
				cur.Kind = episode.KindFile
			}
			found = append(found, *cur)
			cur = nil
		case second:
			replace = append(replace, line)
		default:
			search = append(search, line)
		}
	}
	return found
}

func (ch *chat) finish(emit func(*episode.Episode) error) error {
	ch.prompt()
	ch.end()
	for _, e := range ch.episodes {
		capture.Languages(e)
		if err := emit(e); err != nil {
			return err
		}
	}
	return nil
}
