// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/cursor"
)

// How far a call is when its event comes; of several that tell of one call, the last tells most.
const (
	before = iota
	denied
	failed
	after
)

// call is a tool use: the call, what it suggests, what came back, and what that shows of a decision.
func (p *part) call(stage int) bool {
	ev := p.ev
	name := ev.str("toolname", "tool")
	if name == "" {
		return false
	}
	input := ev.input()
	id := ev.str("tooluseid", "toolcallid")
	own := id != ""
	if !own {
		id = made + hash(name, string(input))
	}
	args, cut := capture.Arguments(input)
	p.step.Source = episode.SourceAgent
	p.step.ToolCalls = []episode.ToolCall{{ID: id, Name: name, Arguments: args}}
	p.step.Truncated = cut
	p.mark.Key, p.mark.Call, p.mark.Stage = id, id, stage

	sg := suggest(name, input)
	sg.ID, sg.ShownAt = id, ev.at
	wanted := sg.Kind != "" && (own || !toldElsewhere(ev.tool))
	if ev.tool == cursor.Name && (sg.Kind == episode.KindEdit || sg.Kind == episode.KindFile) && (stage == before || stage == after) {
		wanted = false // afterFileEdit has what changed
	}
	verdict, by, reason := ev.decision(stage, p.result(stage, id))
	if verdict == episode.Rejected || verdict == episode.Cancelled {
		if wanted = own || !toldElsewhere(ev.tool); sg.Kind == "" { // of a tool that only looks, it is the call that was refused
			sg.Kind, sg.After = episode.KindCommand, name
		}
	}
	if !wanted {
		return true
	}
	sg.Truncated = capture.Clip(&sg.Before, &sg.After)
	p.e.Suggestions = []episode.Suggestion{sg}
	if sg.Kind == episode.KindPlan && sg.After != "" {
		p.e.Artifacts = append(p.e.Artifacts, capture.Artifact(episode.ArtifactPlan, "plan", sg.After))
	}
	if verdict != "" {
		p.decide(id, verdict, by, reason)
		if verdict == episode.Modified {
			d := &p.e.Decisions[0]
			d.Final = first(object(ev.raw["toolresponse"]), "newstring", "content")
			capture.Clip(&d.Final)
		}
	}
	return true
}

// input is what the tool was given; some put it into a string.
func (ev *event) input() jsontext.Value {
	for _, n := range [...]string{"toolinput", "toolargs", "parameters"} {
		v := ev.raw[n]
		if v.Kind() == '"' {
			if inner := jsontext.Value(strings.TrimSpace(text(v))); inner.Kind() == '{' && inner.IsValid() {
				v = inner
			}
		}
		if len(v) > 0 {
			return v
		}
	}
	return nil
}

// result adds what came back to the step, and reports whether it is a failure.
func (p *part) result(stage int, id string) (failure bool) {
	ev := p.ev
	r := episode.Result{Call: id}
	switch stage {
	case before:
		return false
	case denied:
		r.Content = ev.str("reason")
	case failed:
		r.Content = ev.str("error", "errormessage")
		if o := object(ev.raw["error"]); o != nil && r.Content == "" {
			r.Content = first(o, "message")
		}
		failure = ev.str("failuretype") != "permission_denied" && !is(ev.raw["isinterrupt"])
	case after:
		var back jsontext.Value
		for _, n := range [...]string{"toolresponse", "tooloutput", "toolresult", "resultjson", "result", "output"} {
			if back = ev.raw[n]; len(back) > 0 {
				break
			}
		}
		o := object(back)
		if r.Content = text(back); o != nil {
			r.Content = joined(first(o, "stdout"), first(o, "stderr"), first(o, "output"), first(o, "llmcontent"), first(o, "textresultforllm"), blocks(o["content"]))
		} else if back.Kind() == '[' {
			r.Content = blocks(back)
		}
		kind := first(o, "resulttype")
		failure = o["error"].Kind() != 0 && o["error"].Kind() != 'n' || kind == "failure" || kind == "error" || ev.raw["success"].Kind() == 'f'
	}
	r.Error = failure
	p.step.Truncated = capture.Clip(&r.Content) || p.step.Truncated
	p.step.Observation = &episode.Observation{Results: []episode.Result{r}}
	return failure
}

// blocks is the text in a list of content blocks.
func blocks(v jsontext.Value) string {
	var all []string
	for _, b := range list(v) {
		all = append(all, first(b, "text"))
	}
	return joined(all...)
}

func joined(all ...string) string {
	var b strings.Builder
	for _, s := range all {
		if s != "" && b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(s)
	}
	return b.String()
}

// decision is what the event shows of one. A failure shows none: what failed was not refused.
func (ev *event) decision(stage int, failure bool) (v episode.Verdict, by episode.By, reason string) {
	back := object(ev.raw["toolresponse"])
	switch {
	case stage == before:
		return "", "", ""
	case stage == denied:
		return episode.Rejected, byWhom(ev), ev.str("reason")
	case stage == failed && is(ev.raw["isinterrupt"]):
		if ev.tool == cursor.Name { // it says that the user did; with others a program may have
			return episode.Cancelled, episode.ByPerson, ""
		}
		return episode.Cancelled, episode.ByUnknown, ""
	case stage == failed && ev.str("failuretype") == "permission_denied":
		return episode.Rejected, episode.ByRule, ""
	case failure || stage == failed:
		return "", "", ""
	case is(back["interrupted"]):
		return episode.Cancelled, episode.ByUnknown, ""
	case is(back["usermodified"]):
		return episode.Modified, episode.ByPerson, ""
	}
	return episode.Accepted, episode.ByUnknown, ""
}

// kindOf is the kind of suggestion that a tool of any of the agents makes, empty for one that only looks.
func kindOf(tool string) episode.SuggestionKind {
	switch plain(tool) {
	case "edit", "multiedit", "notebookedit", "strreplace", "searchreplace", "replace", "replaceinfile", "editfile", "applypatch", "strreplaceeditor",
		"insert", "delete", "deletefile":
		return episode.KindEdit
	case "write", "writefile", "writetofile", "create", "createfile", "fswrite":
		return episode.KindFile
	case "bash", "shell", "powershell", "runshellcommand", "executecommand", "executebash", "runterminalcmd", "runterminalcommand", "localshell",
		"execcommand", "exec":
		return episode.KindCommand
	case "exitplanmode", "createplan":
		return episode.KindPlan
	}
	return ""
}

// suggest makes the suggestion of a call, without id and time; its kind is empty where there is none.
func suggest(tool string, input jsontext.Value) (sg episode.Suggestion) {
	if sg.Kind = kindOf(tool); sg.Kind == "" {
		return sg
	}
	in := object(input)
	sg.Path = first(in, "filepath", "path", "targetfile", "absolutepath", "notebookpath", "targetnotebook", "relativeworkspacepath", "file")
	switch sg.Kind {
	case episode.KindEdit:
		sg.Before, sg.After = first(in, "oldstring", "oldstr"), first(in, "newstring", "newstr", "newsource", "codeedit", "contents", "content", "diff")
		for _, e := range list(in["edits"]) { // the edits of one call are decided on as one
			sg.Before, sg.After = joined(sg.Before, first(e, "oldstring", "oldstr")), joined(sg.After, first(e, "newstring", "newstr"))
		}
		if patch := first(in, "patch", "input", "command"); sg.Before+sg.After == "" && strings.Contains(patch, "*** ") {
			sg.Path, sg.Before, sg.After = capture.Unpatch(patch)
		}
	case episode.KindFile:
		sg.After = first(in, "content", "contents", "filetext")
	case episode.KindPlan:
		sg.Path, sg.After = "", first(in, "plan")
	case episode.KindCommand:
		sg.Path, sg.Language, sg.After = "", "shell", first(in, "command")
		if sg.After == "" {
			sg.After = strings.Join(texts(in["command"]), " ")
		}
	}
	return sg
}
