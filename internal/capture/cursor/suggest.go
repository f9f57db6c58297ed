// SPDX-License-Identifier: Apache-2.0

package cursor

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// kindOf is the kind of suggestion that one of Cursor's tools makes, empty for a tool that only looks. The names are
// those of three programs over two years.
func kindOf(tool string) episode.SuggestionKind {
	name := strings.ToLower(strings.ReplaceAll(tool, "_", ""))
	switch strings.TrimSuffix(name, "v2") {
	case "edit", "strreplace", "searchreplace", "editfile", "multiedit", "multistrreplace", "applypatch", "editnotebook", "reapply", "delete", "deletefile":
		return episode.KindEdit
	case "write", "writefile", "createfile":
		return episode.KindFile
	case "shell", "bash", "runterminalcmd", "runterminalcommand":
		return episode.KindCommand
	case "createplan":
		return episode.KindPlan
	}
	return ""
}

// input is what the tools that suggest something take, by any of the names that it has had.
type input struct {
	Path      lax.String          `json:"path"`
	FilePath  lax.String          `json:"file_path"`
	Target    lax.String          `json:"target_file"`
	Relative  lax.String          `json:"relativeWorkspacePath"`
	Notebook  lax.String          `json:"target_notebook"`
	OldString lax.String          `json:"old_string"`
	NewString lax.String          `json:"new_string"`
	CodeEdit  lax.String          `json:"code_edit"`
	Streaming lax.String          `json:"streamingContent"`
	Contents  lax.String          `json:"contents"`
	Content   lax.String          `json:"content"`
	Command   lax.String          `json:"command"`
	Plan      lax.String          `json:"plan"`
	Patch     lax.String          `json:"patch"`
	Edits     lax.List[oneOfMany] `json:"edits"`
}

type oneOfMany struct {
	OldString lax.String `json:"old_string"`
	NewString lax.String `json:"new_string"`
}

// suggest makes the suggestion of a call, its id, step and time left to the caller.
func suggest(tool string, raw jsontext.Value) (sg episode.Suggestion, ok bool) {
	if sg.Kind = kindOf(tool); sg.Kind == "" {
		return sg, false
	}
	var in input
	lax.Decode(raw, &in)
	sg.Path = first(in.Path, in.FilePath, in.Target, in.Relative, in.Notebook)
	switch sg.Kind {
	case episode.KindEdit:
		before, after := []string{string(in.OldString)}, []string{first(in.NewString, in.CodeEdit, in.Streaming, in.Contents, in.Content)}
		if len(in.Edits.V) > 0 && before[0]+after[0] == "" {
			before, after = nil, nil
		}
		for _, e := range in.Edits.V { // the edits of one call are decided on as one
			before, after = append(before, string(e.OldString)), append(after, string(e.NewString))
		}
		sg.Before, sg.After = strings.Join(before, "\n"), strings.Join(after, "\n")
		patch := string(in.Patch)
		if len(raw) > 0 && raw[0] == '"' {
			patch = plain(raw) // ApplyPatch takes the patch itself
		}
		if patch != "" {
			sg.Path, sg.Before, sg.After = capture.Unpatch(patch)
		}
	case episode.KindFile:
		sg.After = first(in.Contents, in.Content)
	case episode.KindCommand:
		sg.Path, sg.After, sg.Language = "", string(in.Command), "shell"
	case episode.KindPlan:
		sg.Path, sg.After = "", string(in.Plan)
	}
	return sg, true
}

func first(of ...lax.String) string {
	for _, s := range of {
		if s != "" {
			return string(s)
		}
	}
	return ""
}
