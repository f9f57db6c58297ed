// SPDX-License-Identifier: Apache-2.0

// Package agenttrace reads Agent Trace records: which lines of which file a tool wrote, in which session, at which commit.
//
// There are two shapes under one name. The RFC's (0.1.0) is a record a change, with files, conversations and ranges; the one
// found in the wild is flat, a range a line ("agent-trace/v0.1.0"). Both may stand in one file, a record a line. [Source]
// makes an episode of each session, or of each record of the RFC: no words and no code, only where a suggestion went. A range
// of a model's is a suggestion that was let in, by nobody knows whom; a mixed one was changed on the way; a human's is none.
package agenttrace

import (
	"context"
	"strconv"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// Name is the tool's name in episodes.
const Name = "agent-trace"

// Source reads Agent Trace records; it implements capture.Source.
type Source struct{}

// Name implements capture.Source.
func (Source) Name() string { return Name }

// About implements capture.Source.
func (Source) About() capture.About {
	return capture.About{Title: "Agent Trace", Tested: capture.Real, Places: []capture.Place{"{repo}/.agent-trace"},
		Yields: capture.Yields{Decision: true, Modification: true, Outcome: true},
		Note:   "an exchange format: ranges of lines and their commit, no code; the RFC's shape on constructed input"}
}

// Detect implements capture.Source.
func (Source) Detect(head []byte, _ string) bool {
	for _, keys := range capture.Heads(head) {
		_, file := keys["file_path"]
		_, files := keys["files"]
		_, start := keys["start_line"]
		_, vcs := keys["vcs"]
		_, tool := keys["tool"]
		if keys["schema"] == "agent-trace/v0.1.0" && file && start || keys["version"] != "" && keys["id"] != "" && files && (vcs || tool) {
			return true
		}
	}
	return false
}

// record is one line, of either shape.
type record struct {
	// flat
	Schema    lax.String `json:"schema"`
	SessionID lax.String `json:"session_id"`
	FilePath  lax.String `json:"file_path"`
	StartLine lax.Number `json:"start_line"`
	EndLine   lax.Number `json:"end_line"`
	ToolUseID lax.String `json:"tool_use_id"`

	// of the RFC
	ID    lax.String           `json:"id"`
	VCS   lax.Object[revision] `json:"vcs"`
	Files lax.List[file]       `json:"files"`

	Timestamp lax.Time `json:"timestamp"`
	Tool      tool     `json:"tool"`
}

type revision struct {
	Revision lax.String `json:"revision"`
}

type file struct {
	Path          lax.String             `json:"path"`
	Conversations lax.List[conversation] `json:"conversations"`
}

type conversation struct {
	URL         lax.String              `json:"url"`
	Contributor lax.Object[contributor] `json:"contributor"`
	Ranges      lax.List[lines]         `json:"ranges"`
}

type contributor struct {
	Type    lax.String `json:"type"`
	ModelID lax.String `json:"model_id"`
}

type lines struct {
	StartLine   lax.Number              `json:"start_line"`
	EndLine     lax.Number              `json:"end_line"`
	Contributor lax.Object[contributor] `json:"contributor"`
}

// Read implements capture.Source.
func (Source) Read(ctx context.Context, f capture.File, emit func(*episode.Episode) error) (capture.Counts, error) {
	var c capture.Counts
	var order []*episode.Episode
	sessions := map[string]*episode.Episode{}
	err := capture.Lines(ctx, f.R, &c, func(line []byte) (bool, error) {
		var r record
		if !lax.Decode(line, &r) {
			return false, nil
		}
		switch {
		case r.FilePath != "":
			c.Kind(string(r.Tool))
			c.ToolUses++
			e := sessions[string(r.SessionID)]
			if e == nil {
				e = begin(&r, string(r.SessionID))
				e.Session = string(r.SessionID)
				sessions[e.Session] = e
				order = append(order, e)
			}
			if r.Timestamp.After(e.EndedAt) {
				e.EndedAt = r.Timestamp.Time
			}
			wrote(e, &r, string(r.ToolUseID), string(r.FilePath), r.StartLine, r.EndLine, "ai", r.Tool == "Write")
		case r.Files.OK && r.ID != "":
			c.Kind("record")
			e := begin(&r, string(r.ID))
			if r.VCS.V.Revision != "" {
				e.Links = &episode.Links{Commit: string(r.VCS.V.Revision)}
			}
			for _, fl := range r.Files.V {
				for _, conv := range fl.Conversations.V {
					e.Session = string(conv.URL)
					capture.SetModel(e, "", string(conv.Contributor.V.ModelID))
					for _, l := range conv.Ranges.V {
						by := conv.Contributor.V.Type
						if l.Contributor.V.Type != "" {
							by = l.Contributor.V.Type
						}
						wrote(e, &r, "", string(fl.Path), l.StartLine, l.EndLine, string(by), false)
					}
				}
			}
			order = append(order, e)
		default:
			return false, nil
		}
		return true, nil
	})
	if err != nil {
		return c, err
	}
	for _, e := range order {
		capture.Languages(e)
		if err := emit(e); err != nil {
			return c, err
		}
	}
	return c, nil
}

func begin(r *record, native string) *episode.Episode {
	return &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: episode.NewID(Name, native), StartedAt: r.Timestamp.Time, EndedAt: r.Timestamp.Time,
		Tool: episode.Tool{Name: Name, Version: string(r.Tool), Surface: episode.SurfaceAgent}}
}

// wrote adds a range that a contributor wrote. A call that wrote several ranges is one suggestion for each.
func wrote(e *episode.Episode, r *record, call, path string, from, to lax.Number, by string, whole bool) {
	var verdict episode.Verdict
	switch by {
	case "ai":
		verdict = episode.Accepted
	case "mixed":
		verdict = episode.Modified
	default:
		return
	}
	id := call
	for i := range e.Suggestions {
		if e.Suggestions[i].ID == id {
			id = ""
			break
		}
	}
	if id == "" {
		id = "r" + strconv.Itoa(len(e.Suggestions)) + call
	}
	kind := episode.KindEdit
	if whole {
		kind = episode.KindFile
	}
	e.Suggestions = append(e.Suggestions, episode.Suggestion{ID: id, Step: -1, Kind: kind, Path: path, ShownAt: r.Timestamp.Time,
		Features: map[string]any{"start_line": float64(from.Int()), "end_line": float64(to.Int())}})
	e.Decisions = append(e.Decisions, episode.Decision{Suggestion: id, Verdict: verdict, By: episode.ByUnknown, At: r.Timestamp.Time})
}
