// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// kindOf is the kind of suggestion that a tool makes when the agent calls it, by the names that such tools have; empty for
// a tool that only looks, and for one that we do not know.
func kindOf(tool string) episode.SuggestionKind {
	switch plainly(tool) {
	case "edit", "multiedit", "editfile", "notebookedit", "replace", "strreplace", "strreplaceeditor", "strreplacebasededittool", "searchreplace", "applypatch",
		"applydiff", "replaceinfile", "replacestringinfile", "multireplacestringinfile", "inserteditintofile", "insert", "editnotebookfile":
		return episode.KindEdit
	case "write", "writefile", "writetofile", "createfile", "create", "newfile":
		return episode.KindFile
	case "bash", "shell", "shellcommand", "localshell", "container.exec", "execcommand", "executecommand", "executebash", "runshellcommand", "runcommand",
		"runinterminal", "runterminalcmd", "runterminalcommand", "powershell":
		return episode.KindCommand
	case "exitplanmode", "planmoderespond":
		return episode.KindPlan
	}
	return ""
}

// arguments are those of the tools that suggest something, by the names that they have in one tool or another.
type arguments struct {
	FilePath   lax.String `json:"file_path"`
	FilePathC  lax.String `json:"filePath"`
	Path       lax.String `json:"path"`
	Target     lax.String `json:"target_file"`
	Old        lax.String `json:"old_string"`
	OldC       lax.String `json:"oldString"`
	OldStr     lax.String `json:"old_str"`
	New        lax.String `json:"new_string"`
	NewC       lax.String `json:"newString"`
	NewStr     lax.String `json:"new_str"`
	Content    lax.String `json:"content"`
	FileText   lax.String `json:"file_text"`
	Code       lax.String `json:"code"`
	Plan       lax.String `json:"plan"`
	Command    command    `json:"command"`
	Cmd        command    `json:"cmd"`
	FullComand lax.String `json:"full_command"`
	Patch      lax.String `json:"patch"`
	Input      lax.String `json:"input"`
}

// Suggestion is what a call suggests, as far as its arguments tell. Where the tool is none that changes something, the
// suggestion has no kind.
func Suggestion(id, tool, args string) episode.Suggestion {
	s := episode.Suggestion{ID: id, Step: -1, Kind: kindOf(tool)}
	if s.Kind == "" {
		return s
	}
	var in arguments
	if !lax.Decode([]byte(args), &in) && strings.HasPrefix(args, "*** Begin Patch") {
		in.Patch = lax.String(args)
	}
	s.Path = first(in.FilePath, in.FilePathC, in.Path, in.Target)
	switch s.Kind {
	case episode.KindCommand:
		s.Language, s.After = "shell", first(lax.String(in.Command), lax.String(in.Cmd), in.FullComand)
	case episode.KindFile:
		s.After = first(in.Content, in.FileText, in.Code)
	case episode.KindPlan:
		s.After = first(in.Plan, in.Content)
	default:
		s.Before, s.After = first(in.Old, in.OldC, in.OldStr), first(in.New, in.NewC, in.NewStr, in.Content, in.Code)
		if patch := first(in.Patch, in.Input); s.After == "" && s.Before == "" && patch != "" {
			s.Path, s.Before, s.After = capture.Unpatch(patch)
		}
	}
	return s
}

// itself makes a suggestion of a call that suggests nothing: somebody decided on the call.
func itself(s episode.Suggestion, tool string) episode.Suggestion {
	if s.Kind == "" {
		s.Kind, s.After = episode.KindCommand, tool
	}
	return s
}

func first(values ...lax.String) string {
	for _, v := range values {
		if v != "" {
			return string(v)
		}
	}
	return ""
}

// lines is what a control model may know of a suggestion of which only the size was sent.
func lines(n int64) map[string]any {
	if n <= 0 {
		return nil
	}
	return map[string]any{"lines": float64(n)}
}
