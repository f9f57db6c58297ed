// SPDX-License-Identifier: Apache-2.0

package qcli

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/lax"
)

// input is what the tools that propose something take: the command line names its fields in one way, the editor in another.
type input struct {
	Command    lax.String `json:"command"` // of a tool that writes: what kind of writing
	Path       lax.String `json:"path"`
	TargetFile lax.String `json:"targetFile"`
	FileText   lax.String `json:"file_text"`
	Content    lax.String `json:"content"`
	Text       lax.String `json:"text"`
	OldStr     lax.String `json:"old_str"`
	NewStr     lax.String `json:"new_str"`
	OldString  lax.String `json:"oldStr"`
	NewString  lax.String `json:"newStr"`
	Service    lax.String `json:"service_name"`
	Operation  lax.String `json:"operation_name"`
}

// Suggest is what a call of an agent's tool proposes; ok is false for a tool that only looks. The same tool has been
// called fs_write, fsWrite and write.
func Suggest(tool string, args jsontext.Value) (sg episode.Suggestion, ok bool) {
	var in input
	lax.Decode(args, &in)
	written, after := string(in.FileText+in.Content+in.Text), string(in.NewStr+in.NewString)
	sg.Path = string(in.Path + in.TargetFile)
	switch plain(tool) {
	case "fswrite", "write", "filewrite":
		sg.Kind, sg.Before, sg.After = episode.KindEdit, string(in.OldStr+in.OldString), after
		if c := plain(string(in.Command)); c == "create" || c == "" {
			sg.Kind, sg.After = episode.KindFile, written
		} else if after == "" {
			sg.After = written
		}
	case "fsappend", "append":
		sg.Kind, sg.After = episode.KindEdit, written+after
	case "strreplace":
		sg.Kind, sg.Before, sg.After = episode.KindEdit, string(in.OldStr+in.OldString), after
	case "executebash", "executecmd", "executepwsh", "executecommand", "shell":
		sg.Kind, sg.Path, sg.After, sg.Language = episode.KindCommand, "", string(in.Command), "shell"
	case "useaws", "aws":
		sg.Kind, sg.Path, sg.After = episode.KindCommand, "", strings.TrimSpace("aws "+string(in.Service)+" "+string(in.Operation))
	}
	return sg, sg.Kind != ""
}

// plain is a name without what its spellings differ in.
func plain(name string) string {
	return strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(name))
}
