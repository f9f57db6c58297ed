// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"strings"
	"time"

	"github.com/headrace/headrace/episode"
)

// claude writes a prompt, the edit that Claude Code proposed, and its result, as in the transcripts of version 2.
func (h *home) claude(e *episode.Episode) {
	s, d := &e.Suggestions[0], &e.Decisions[0]
	id := uuid(e.ID)
	last := any(nil)
	record := func(kind, uuid string, at time.Time, more object) {
		r := object{"type": kind, "uuid": uuid, "parentUuid": last, "timestamp": stamp(at), "isSidechain": false, "userType": "external", "entrypoint": "cli",
			"cwd": "/src/" + e.Repository, "sessionId": h.sessionID(e), "version": "2.1.17"}
		for k, v := range more {
			r[k] = v
		}
		h.put(r)
		last = uuid
	}
	record("user", id+"-p", e.StartedAt, object{"permissionMode": "default", "message": object{"role": "user", "content": asked(e)}})
	edit := object{"file_path": file(e), "old_string": s.Before, "new_string": s.After}
	record("assistant", id+"-a", e.StartedAt.Add(time.Second), object{"requestId": "req_" + id, "message": object{"id": "msg_" + id, "role": "assistant", "model": "claude-sonnet-4-5",
		"content": []any{object{"type": "tool_use", "id": "toolu_" + id, "name": "Edit", "input": edit}}, "usage": object{"input_tokens": 900, "output_tokens": len(s.After) / 4}}})
	result := func(text string, failed bool, told any) {
		record("user", id+"-r", d.At, object{"toolUseResult": told, "message": object{"role": "user",
			"content": []any{object{"type": "tool_result", "tool_use_id": "toolu_" + id, "content": text, "is_error": failed}}}})
	}
	applied := object{"filePath": file(e), "oldString": s.Before, "newString": s.After, "structuredPatch": []any{}, "userModified": d.Verdict == episode.Modified}
	switch d.Verdict {
	case episode.Modified:
		applied["newString"] = changed(s.After)
		fallthrough
	case episode.Accepted:
		result("The file "+file(e)+" has been updated.", false, applied)
	case episode.TimedOut:
		record("user", id+"-i", d.At, object{"message": object{"role": "user", "content": []any{object{"type": "text", "text": "[Request interrupted by user for tool use]"}}}})
	default:
		const no = "The user doesn't want to proceed with this tool use. The tool use was rejected (eg. if it was a file edit, the new_string was NOT written to the file). " +
			"STOP what you are doing and wait for the user to tell you how to proceed."
		result(no, true, "User rejected tool use")
	}
}

// codex writes a turn with a patch, as in the rollouts of version 0.140. That a person changed the patch before it was
// applied is not in them.
func (h *home) codex(e *episode.Episode) {
	s, d := &e.Suggestions[0], &e.Decisions[0]
	id := uuid(e.ID)
	record := func(kind string, at time.Time, payload object) {
		h.put(object{"timestamp": stamp(at), "type": kind, "payload": payload})
	}
	if h.n == 1 {
		record("session_meta", e.StartedAt, object{"id": h.sessionID(e), "cwd": "/src/" + e.Repository, "cli_version": "0.140.0", "source": "cli", "model_provider": "openai",
			"git": object{"repository_url": "https://git.example/" + e.Repository + ".git"}})
	}
	record("turn_context", e.StartedAt, object{"turn_id": id, "approval_policy": "on-request", "model": "gpt-5-codex"})
	record("event_msg", e.StartedAt, object{"type": "user_message", "message": asked(e)})
	var patch strings.Builder
	patch.WriteString("*** Begin Patch\n*** Update File: " + file(e) + "\n@@\n")
	lines(&patch, "-", s.Before)
	lines(&patch, "+", s.After)
	patch.WriteString("*** End Patch")
	record("response_item", e.StartedAt.Add(time.Second), object{"type": "custom_tool_call", "name": "apply_patch", "call_id": "call_" + id, "input": patch.String()})
	switch d.Verdict {
	case episode.Accepted, episode.Modified:
		record("event_msg", d.At, object{"type": "patch_apply_end", "call_id": "call_" + id, "success": true,
			"changes": object{file(e): object{"type": "update", "unified_diff": "@@\n"}}})
	case episode.TimedOut:
		record("response_item", d.At, object{"type": "custom_tool_call_output", "call_id": "call_" + id, "output": "aborted by user after 120.0s"})
	default:
		record("response_item", d.At, object{"type": "custom_tool_call_output", "call_id": "call_" + id, "output": "patch rejected by user"})
	}
}

// lines writes each line of a text after a sign, as a patch has it.
func lines(to *strings.Builder, sign, text string) {
	for l := range strings.Lines(text) {
		to.WriteString(sign + strings.TrimSuffix(l, "\n") + "\n")
	}
}

// copilot writes a request of VS Code's chat with one edit, as a change to the session's log.
func (h *home) copilot(e *episode.Episode) {
	s, d := &e.Suggestions[0], &e.Decisions[0]
	id := uuid(e.ID)
	if h.n == 1 {
		h.put(object{"kind": 0, "v": object{"version": 3, "sessionId": h.sessionID(e), "creationDate": e.StartedAt.UnixMilli(), "responderUsername": "GitHub Copilot",
			"hasPendingEdits": false, "requests": []any{}, "inputState": object{"inputText": ""}}})
	}
	request := object{"requestId": "request_" + id, "timestamp": e.StartedAt.UnixMilli(), "message": object{"text": asked(e)}, "modelId": "copilot/claude-sonnet-4",
		"agent":    object{"extensionVersion": "0.40.1"},
		"response": []any{object{"kind": "textEditGroup", "uri": object{"fsPath": file(e)}, "edits": []any{[]any{object{"text": s.After}}}, "done": true}},
		"result":   object{"timings": object{"totalElapsed": d.At.Sub(e.StartedAt).Milliseconds()}}}
	kind := 2 // undone
	switch d.Verdict {
	case episode.Accepted:
		kind = 1
	case episode.Modified:
		kind = 3
	}
	if d.Verdict == episode.TimedOut {
		request["isCanceled"] = true
	} else {
		request["editedFileEvents"] = []any{object{"uri": object{"fsPath": file(e)}, "eventKind": kind}}
	}
	h.put(object{"kind": 2, "k": []any{"requests"}, "v": []any{request}})
}

// continues writes a completion that Continue showed, as in its development data. It knows of taken or not.
func (h *home) continues(e *episode.Episode) {
	s, d := &e.Suggestions[0], &e.Decisions[0]
	h.put(object{"eventName": "autocomplete", "schema": "0.2.0", "timestamp": stamp(e.StartedAt), "userAgent": "Visual Studio Code/1.98.2 (Continue/1.0.5)",
		"accepted": d.Verdict == episode.Accepted || d.Verdict == episode.Modified, "time": s.DwellMS, "prefix": s.Before, "suffix": "\n", "prompt": s.Before, "completion": s.After,
		"modelProvider": "mistral", "modelName": "codestral-latest", "cacheHit": false, "filepath": "file://" + file(e), "gitRepo": e.Repository, "completionId": uuid(e.ID)})
}

func (h *home) sessionID(e *episode.Episode) string { return uuid(e.Session) }
