// SPDX-License-Identifier: Apache-2.0

// Package copilotchat reads the chat sessions that VS Code keeps of GitHub Copilot, in each workspace's chatSessions: one
// JSON document, or since 2026 a log of changes to one, a change a line.
//
// [Source] replays the log where it is one (replay.go) and makes an episode of each request (request.go). What a person
// did with the edits is told per file: kept, undone, or changed by hand. A file's name is all that ties the two together, so
// a verdict is on every edit that the request made to that file.
//
// The format is VS Code's own; the fields are those of its source (chatModel) and of recordings of version 3.
package copilotchat

import (
	"bytes"
	"context"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// Name is the tool's name in episodes.
const Name = "copilot-chat"

// Source reads VS Code's chat sessions; it implements capture.Source.
type Source struct{}

// Name implements capture.Source.
func (Source) Name() string { return Name }

// About implements capture.Source.
func (Source) About() capture.About {
	return capture.About{Title: "GitHub Copilot Chat in VS Code", Tested: capture.Real,
		Places: []capture.Place{"{config}/Code/User/workspaceStorage/*/chatSessions", "{config}/Code/User/globalStorage/emptyWindowChatSessions",
			"{config}/Code - Insiders/User/workspaceStorage/*/chatSessions", "{config}/VSCodium/User/workspaceStorage/*/chatSessions"},
		Yields: capture.Yields{Decision: true, Modification: true, Prompt: true, Code: true, Outcome: true},
		Note:   "what became of edits, votes and terminal commands on constructed input"}
}

// Detect implements capture.Source.
func (Source) Detect(head []byte, _ string) bool {
	if session(lax.Keys(head)) {
		return true
	}
	for _, keys := range capture.Heads(head) {
		_, kind := keys["kind"]
		_, v := keys["v"]
		if !kind || !v {
			continue
		}
		line, _, _ := bytes.Cut(bytes.TrimSpace(head), []byte("\n"))
		var first struct {
			V initial `json:"v"`
		}
		// The first line is the whole session, and may be longer than the head.
		return lax.Decode(line, &first) && bool(first.V) || bytes.HasPrefix(line, []byte(`{"kind":0,"v":{`)) && bytes.Contains(line, []byte(`"requests":[`))
	}
	return false
}

func session(keys map[string]string) bool {
	_, requests := keys["requests"]
	_, version := keys["version"]
	_, responder := keys["responderUsername"]
	_, input := keys["inputState"]
	return requests && (keys["sessionId"] != "" || version) && (responder || input || version)
}

// Read implements capture.Source.
func (Source) Read(ctx context.Context, f capture.File, emit func(*episode.Episode) error) (capture.Counts, error) {
	var c capture.Counts
	head, r, err := capture.Peek(f.R)
	if err != nil {
		return c, err
	}
	var s chat
	if first, _, _ := bytes.Cut(bytes.TrimSpace(head), []byte("\n")); lax.Keys(first)["v"] != "" || hasKey(first, "v") {
		err = replay(ctx, r, &c, &s)
	} else if _, err = capture.Document(r, &c, &s); err == nil {
		c.Kind("session")
	}
	if err != nil {
		return c, err
	}
	for i := range s.Requests.V {
		e := s.episode(&s.Requests.V[i], i, &c)
		if err := emit(e); err != nil {
			return c, err
		}
	}
	return c, nil
}

func hasKey(line []byte, name string) bool {
	_, ok := lax.Keys(line)[name]
	return ok
}
