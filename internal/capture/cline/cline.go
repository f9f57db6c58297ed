// SPDX-License-Identifier: Apache-2.0

// Package cline reads the tasks that Cline keeps, one folder each, and the sessions of its newer SDK, one file each.
//
// A task's conversation with the model (api_conversation_history.json) is the history; Read of it opens what lies beside
// it: ui_messages.json, what was shown and asked, and task_metadata.json. Read of one of those alone gives nothing. The
// words of a result say what was denied and what the person changed before it was saved; whether somebody was asked at
// all is only in ui_messages.json: an "ask" that was followed is a person's yes, a "say" was approved by the settings.
//
// Roo Code and Kilo Code are forks and keep the same files. They answer an "ask" by themselves where the settings allow,
// and leave no mark of it, so a yes in their tasks is by unknown. [Source] tells them apart by what the tasks hold.
package cline

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// Name is the tool's name in episodes.
const Name = "cline"

// Source reads the tasks and sessions of Cline and of its forks; it implements capture.Source.
type Source struct{}

// Name implements capture.Source.
func (Source) Name() string { return Name }

// About implements capture.Source.
func (Source) About() capture.About {
	return capture.About{
		Title: "Cline, Roo Code",
		Places: []capture.Place{
			"{config}/Code/User/globalStorage/saoudrizwan.claude-dev/tasks",
			"{config}/Code/User/globalStorage/rooveterinaryinc.roo-cline/tasks",
			"{config}/Code/User/globalStorage/kilocode.kilo-code/tasks",
			"~/.cline/data/tasks", "~/.cline/data/sessions",
		},
		Yields: capture.Yields{Decision: true, Modification: true, Prompt: true, Code: true, Artifacts: true, Outcome: true},
		Tested: capture.Real,
		Note:   "the SDK's sessions are tested on a recording, task folders on constructed ones; tasks of the forks Roo Code and Kilo Code are read as Cline's",
	}
}

// What a file of Cline's can be.
const (
	notOurs = iota
	sdkSession
	taskHistory
	companion // ui_messages.json, task_metadata.json, history_item.json
)

// Detect implements capture.Source.
func (Source) Detect(head []byte, _ string) bool { return kindOf(head) != notOurs }

// kindOf tells the files apart by the names in the first object.
func kindOf(head []byte) int {
	head = bytes.TrimSpace(head)
	if list, ok := bytes.CutPrefix(head, []byte("[")); ok {
		keys := lax.Keys(bytes.TrimSpace(list))
		_, content := keys["content"]
		_, ts := keys["ts"]
		switch kind := keys["type"]; {
		case keys["role"] == "user" && content && marked(list):
			return taskHistory
		case ts && (kind == "say" && keys["say"] != "" || kind == "ask" && keys["ask"] != ""):
			return companion
		}
		return notOurs
	}
	keys := lax.Keys(head)
	has := func(names ...string) bool {
		for _, n := range names {
			if _, ok := keys[n]; !ok {
				return false
			}
		}
		return true
	}
	switch {
	case has("version", "updated_at", "agent", "sessionId", "messages"):
		return sdkSession
	case has("files_in_context", "model_usage"), has("files_in_context", "environment_history"), has("ts", "task", "tokensIn", "tokensOut"):
		return companion
	}
	return notOurs
}

// marked says that a list of messages is a task's: Cline and its forks put these around what they tell the model.
func marked(head []byte) bool {
	for _, mark := range [...]string{"<environment_details>", "<task>", "<user_message>", "[TASK RESUMPTION]"} {
		if bytes.Contains(head, []byte(mark)) {
			return true
		}
	}
	return false
}

// Read implements capture.Source.
func (Source) Read(ctx context.Context, f capture.File, emit func(*episode.Episode) error) (capture.Counts, error) {
	var c capture.Counts
	head, r, err := capture.Peek(f.R)
	if err != nil {
		return c, err
	}
	t := &task{c: &c, calls: map[string]*call{}}
	switch kindOf(head) {
	case sdkSession:
		var s session
		if ok, err := capture.Document(r, &c, &s); !ok || err != nil {
			return c, torn(err)
		}
		t.sdk, t.id, t.ui = true, string(s.SessionID), &dialog{}
		t.read(s.Messages.V)
	case taskHistory:
		messages, ok, err := capture.DocumentList[message](r, &c)
		if !ok || err != nil {
			return c, torn(err)
		}
		if t.beside(f); t.ui == nil {
			t.ui = &dialog{}
		}
		t.read(messages)
	default: // read with the task's history
		return c, capture.Lines(ctx, r, &c, func([]byte) (bool, error) { return true, nil })
	}
	for _, e := range t.episodes {
		capture.Languages(e)
		if err := emit(e); err != nil {
			return c, err
		}
	}
	return c, nil
}

func torn(err error) error {
	if err == nil {
		err = fmt.Errorf("the task is torn: it is not JSON to its end")
	}
	return err
}

// beside reads the other files of the task's folder. One that is not there, or torn, is done without.
func (t *task) beside(f capture.File) {
	root, err := f.Root(0)
	if err != nil || root == nil {
		return
	}
	defer root.Close()
	if abs, err := filepath.Abs(f.Path); err == nil {
		t.id = filepath.Base(filepath.Dir(abs))
	}
	var other capture.Counts // they are counted where they are read themselves
	open := func(name string, read func(io.Reader)) {
		if info, err := root.Lstat(name); err != nil || !info.Mode().IsRegular() {
			return // a pipe would be waited for without an end
		}
		if file, err := root.Open(name); err == nil {
			defer file.Close()
			read(file)
		}
	}
	open("ui_messages.json", func(r io.Reader) {
		if l, ok, err := capture.DocumentList[said](r, &other); ok && err == nil {
			t.ui = newDialog(l)
		}
	})
	open("task_metadata.json", func(r io.Reader) { _, _ = capture.Document(r, &other, &t.meta) })
}
