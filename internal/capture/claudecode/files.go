// SPDX-License-Identifier: Apache-2.0

package claudecode

import (
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

const (
	maxFile     = 1 << 20 // a larger file is not followed
	maxFiles    = 8 << 20 // bytes of all that are; beyond it, following starts anew
	maxStanding = 64      // edits of one file that are followed, the newest
)

// files follows the files that the agent edits, from what each edit left to what the agent finds when it next edits or
// reads the same file. What is another then, somebody changed after the edit was accepted: the tool itself never says so.
//
// It is claimed only where nothing of the agent's can have done it. Between the two there must have been no command, no
// helper and no tool that is not known to leave files alone, no hook (many run a formatter), no edit whose result is not
// known, no torn line, no change of branch, no rewind; and what a formatter may change is no change. It is not claimed
// that a person did it: the transcript does not show who. What is gone is not claimed either, as a branch may have been
// changed under it: git tells.
type files struct {
	known   map[string]*file
	open    map[string]int // edits of a file whose results have not come
	size    int            // of the texts of those that are known
	stirred int            // how often something may have changed any file
	lasting bool           // something runs that may do so at any time
}

// file is one file as the agent last left or saw it.
type file struct {
	text    string
	edits   []standing
	stirred int // as that of files, when the agent last began to edit or to read it
	branch  lax.String
}

// standing is an accepted edit, and where in the file it stands: all of its text, and of it the lines that it changed.
type standing struct {
	turn             *turn
	id, after        string
	start, end       int
	ownStart, ownEnd int
}

func newFiles() *files { return &files{known: map[string]*file{}, open: map[string]int{}} }

func (f *files) forget(path string) {
	if k := f.known[path]; k != nil {
		f.size -= k.size()
		delete(f.known, path)
	}
}

func (f *files) forgetAll() {
	clear(f.known)
	f.size = 0
}

func (k *file) size() int {
	n := len(k.text)
	for i := range k.edits {
		n += len(k.edits[i].after)
	}
	return n
}

// heed notes what a record tells of things that may change files behind the agent's edits.
func (f *files) heed(r *record) {
	switch text := string(r.Message.Content.Text); {
	case r.Type == "progress" && r.Note == "hook_progress", r.Type == "attachment" && strings.HasPrefix(string(r.Note), "hook_"),
		r.Type == "system" && r.Subtype == "stop_hook_summary":
	case r.Type == "user" && (strings.HasPrefix(text, "<bash-") || strings.HasPrefix(text, "<command-") || strings.HasPrefix(text, "<local-command-")):
	default:
		return
	}
	f.stirred++
}

// used notes that a tool is called, before its result comes.
func (f *files) used(u *use, raw jsontext.Value) {
	switch in := u.input; {
	case edits(u.name):
		if u.path = string(in.FilePath + in.NotebookPath); u.path != "" {
			f.open[u.path]++
		}
	case !leavesAlone(u.name):
		if Kind(u.name) == "" {
			lax.Decode(raw, &in)
		}
		f.stirred++
		f.lasting = f.lasting || bool(in.Background)
	}
	u.stirred = f.stirred
}

// edits reports whether a tool edits one file, and no other.
func edits(tool string) bool {
	switch tool {
	case "Edit", "MultiEdit", "NotebookEdit", "Write":
		return true
	}
	return false
}

// leavesAlone reports whether a tool is known to change no file of a project.
func leavesAlone(tool string) bool {
	switch tool {
	case "Read", "Grep", "Glob", "LS", "NotebookRead", "TodoWrite", "TodoRead", "TaskCreate", "TaskUpdate", "TaskList", "TaskGet",
		"WebFetch", "WebSearch", "AskUserQuestion", "EnterPlanMode", "ExitPlanMode", "ToolSearch":
		return true
	}
	return false
}

// returned notes the result of a tool call; accepted says that it was an edit that was let through as it was suggested.
func (f *files) returned(u *use, b *block, r *record, accepted bool) {
	if u.path != "" {
		if f.open[u.path]--; f.open[u.path] <= 0 {
			delete(f.open, u.path)
		}
	}
	done := &r.ToolUseResult
	switch {
	case !edits(u.name) && !leavesAlone(u.name):
		f.stirred++
		f.lasting = f.lasting || done.InBackground
	case bool(b.IsError):
		if strings.Contains(b.Content.text(), interrupted) {
			f.forget(u.path) // it may have been done, or not
		}
	case u.name == "Read":
		if done.File.whole() {
			f.saw(string(done.File.Path), string(done.File.Content), u, r)
		}
	case edits(u.name):
		f.edited(u, r, accepted)
	}
}

// saw compares the file as the agent finds it, by a call that u is, with what it last was.
func (f *files) saw(path, now string, u *use, r *record) {
	k := f.known[path]
	if k == nil {
		return
	}
	sure := !f.lasting && k.stirred == f.stirred && f.open[path] == 0 && k.branch == r.GitBranch
	k.stirred, k.branch = u.stirred, r.GitBranch
	if k.text == now {
		return
	}
	later := capture.NewLater(k.text, now)
	f.size -= k.size()
	kept := k.edits[:0]
	for _, s := range k.edits {
		start, end, ok := later.Of(s.start, s.end)
		ownStart, ownEnd, own := later.Of(s.ownStart, s.ownEnd)
		if !ok || !own || ownStart == ownEnd || ownStart < start || ownEnd > end {
			continue
		}
		if !capture.SameWords(k.text[s.ownStart:s.ownEnd], now[ownStart:ownEnd]) {
			if !sure {
				continue
			}
			s.turn.changed(s.id, s.after, now[start:end], r.Timestamp.Time)
		}
		s.start, s.end, s.ownStart, s.ownEnd = start, end, ownStart, ownEnd
		kept = append(kept, s)
	}
	clear(k.edits[len(kept):])
	k.text, k.edits = now, kept
	if f.size += k.size(); len(now) > maxFile {
		f.forget(path)
	}
}

// edited takes in what an edit made of its file.
func (f *files) edited(u *use, r *record, accepted bool) {
	done, path := &r.ToolUseResult, u.path
	before, old, text := string(done.OriginalFile), string(done.OldString), string(done.NewString)
	f.saw(path, before, u, r)
	at := 0
	switch {
	case path == "" || path != string(done.FilePath) || !done.StructuredPatch:
		f.forget(path)
		return
	case u.name == "Write":
		old, text = before, string(done.Content)
	case u.name == "Edit" && old != "" && strings.Count(before, old) == 1:
		at = strings.Index(before, old)
	case u.name == "Edit" && before == "" && old == "":
	default:
		f.forget(path)
		return
	}
	if len(before)-len(old)+len(text) > maxFile {
		f.forget(path)
		return
	}
	k := f.known[path]
	if k == nil {
		k = &file{}
		f.known[path] = k
	}
	f.size -= k.size()
	k.replace(at, old, text, before)
	k.stirred, k.branch = u.stirred, r.GitBranch
	if from, to := own(old, text); accepted && from < to {
		k.edits = append(k.edits[max(0, len(k.edits)+1-maxStanding):], standing{u.turn, u.id, text, at, at + len(text), at + from, at + to})
	}
	if f.size += k.size(); f.size > maxFiles || len(f.known) > maxFiles>>10 {
		f.forgetAll()
	}
}

// replace puts text in the place of old, at a place in what the file was before. Edits that the agent has now replaced
// itself, if only in part, stand no longer.
func (k *file) replace(at int, old, text, before string) {
	more, kept := len(text)-len(old), k.edits[:0]
	for _, s := range k.edits {
		switch {
		case s.end <= at:
		case s.start >= at+len(old):
			s.start, s.end, s.ownStart, s.ownEnd = s.start+more, s.end+more, s.ownStart+more, s.ownEnd+more
		default:
			continue
		}
		kept = append(kept, s)
	}
	clear(k.edits[len(kept):])
	k.edits, k.text = kept, before[:at]+text+before[at+len(old):]
}

// own is which part of what an edit put in is its own, and not repeated from what it replaced: whole lines, as far as
// either end goes.
func own(old, text string) (from, to int) {
	to = len(text)
	for {
		n := strings.IndexByte(text[from:], '\n') + 1
		if n == 0 || !strings.HasPrefix(old, text[from:from+n]) {
			break
		}
		old, from = old[n:], from+n
	}
	for {
		n := strings.LastIndexByte(strings.TrimSuffix(text[from:to], "\n"), '\n') + 1
		last := text[from+n : to]
		if n == 0 || last == "" || old != last && !strings.HasSuffix(old, "\n"+last) {
			break
		}
		old, to = old[:len(old)-len(last)], from+n
	}
	return from, to
}

// changed notes that an edit that was accepted is another by now, as was seen at that time: it is modified, by whom nobody says.
func (t *turn) changed(id, after, now string, at time.Time) {
	apart := capture.Apart(after, now)
	capture.Clip(&now)
	for i := range t.e.Decisions {
		if d := &t.e.Decisions[i]; d.Suggestion == id {
			d.Verdict, d.Final, d.EditDistance, d.FinalAt = episode.Modified, now, &apart, at
			return
		}
	}
	t.e.Decisions = append(t.e.Decisions, episode.Decision{Suggestion: id, Verdict: episode.Modified, By: episode.ByUnknown, Final: now, EditDistance: &apart, FinalAt: at})
}
