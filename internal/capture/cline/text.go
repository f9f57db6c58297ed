// SPDX-License-Identifier: Apache-2.0

package cline

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxCalls bounds the calls of one message: Cline allows one, a hostile text could hold a million.
const maxCalls = 256

// used is one use of a tool that the model wrote as tags in its text.
type used struct {
	name string
	args map[string]string
}

// tools are the names that Cline and its forks take for a tool when they stand in angle brackets.
func isTool(name string) bool {
	switch name {
	case "write_to_file", "replace_in_file", "apply_diff", "apply_patch", "edit_file", "insert_content", "search_and_replace", "search_replace", "delete_file", "new_rule",
		"execute_command", "read_file", "list_files", "search_files", "list_code_definition_names", "codebase_search", "browser_action", "web_fetch", "web_search",
		"use_mcp_tool", "access_mcp_resource", "load_mcp_documentation", "ask_followup_question", "attempt_completion", "plan_mode_respond", "plan_mode_response",
		"act_mode_respond", "new_task", "switch_mode", "condense", "summarize_task", "update_todo_list", "use_skill", "fetch_instructions", "run_slash_command",
		"report_bug", "generate_explanation", "use_subagents":
		return true
	}
	return false
}

// untag takes the uses of tools and the thinking out of the model's text, as Cline does when it shows it. A use that
// breaks off is kept with what it has.
func untag(text string) (said, thinking string, uses []used) {
	var out, thought strings.Builder
	for text != "" {
		at := strings.IndexByte(text, '<')
		if at < 0 {
			break
		}
		out.WriteString(text[:at])
		text = text[at:]
		name := tag(text)
		if name != "thinking" && (!isTool(name) || len(uses) >= maxCalls) {
			out.WriteByte('<')
			text = text[1:]
			continue
		}
		body := text[len(name)+2:]
		body, text, _ = strings.Cut(body, "</"+name+">")
		if name == "thinking" {
			thought.WriteString(strings.TrimSpace(body))
		} else {
			uses = append(uses, used{name, params(body)})
		}
	}
	out.WriteString(text)
	return strings.TrimSpace(out.String()), thought.String(), uses
}

// tag is the name in <name> at the start of s, empty where there is none.
func tag(s string) string {
	end := strings.IndexByte(s[:min(len(s), 40)], '>')
	if end < 2 {
		return ""
	}
	for _, c := range s[1:end] {
		if c != '_' && (c < 'a' || c > 'z') {
			return ""
		}
	}
	return s[1:end]
}

// params are the arguments in a use's body, each in tags of its own. What is written to a file may hold any tag: it ends
// with the last that closes it.
func params(body string) map[string]string {
	args := map[string]string{}
	for len(args) < 32 {
		at := strings.IndexByte(body, '<')
		if at < 0 {
			return args
		}
		body = body[at:]
		name := tag(body)
		if name == "" {
			body = body[1:]
			continue
		}
		value := body[len(name)+2:]
		end := strings.Index(value, "</"+name+">")
		if name == "content" || name == "diff" {
			end = strings.LastIndex(value, "</"+name+">")
		}
		if end < 0 {
			args[name] = strings.Trim(value, "\n")
			return args
		}
		args[name], body = strings.Trim(value[:end], "\n"), value[end+len(name)+3:]
	}
	return args
}

// object is the arguments as JSON, their names sorted.
func (u *used) object() jsontext.Value {
	b, err := json.Marshal(u.args, json.Deterministic(true))
	if err != nil {
		return nil
	}
	return b
}

// tagged is the text between <name> and </name>, without the line breaks at its ends.
func tagged(text, name string) (string, bool) {
	_, rest, ok := strings.Cut(text, "<"+name+">")
	if !ok {
		return "", false
	}
	inner, _, _ := strings.Cut(rest, "</"+name+">")
	return strings.TrimSpace(inner), true
}

// headed reads the line that stands over a result in a text: [tool for 'what'] Result:
func headed(text string) (tool, rest string, ok bool) {
	if after, numbered := strings.CutPrefix(text, "Tool #"); numbered {
		if strings.Contains(after[:min(len(after), 8)], ": ") {
			_, text, _ = strings.Cut(text, ": ")
		}
	}
	if !strings.HasPrefix(text, "[") {
		return "", "", false
	}
	tool = text[1:]
	if end := strings.IndexFunc(tool, func(c rune) bool { return c != '_' && (c < 'a' || c > 'z') }); end >= 0 {
		tool = tool[:end]
	}
	if !isTool(tool) {
		return "", "", false
	}
	_, rest, ok = strings.Cut(text, "] Result:")
	return tool, strings.TrimPrefix(strings.TrimPrefix(rest, "\r"), "\n"), ok
}

// blocksOf reads SEARCH/REPLACE blocks, of Cline or of a fork: what they look for and what they put in its place.
func blocksOf(diff string) (before, after string) {
	const none, search, replace = 0, 1, 2
	var b, a strings.Builder
	in := none
	for line := range strings.Lines(diff) {
		mark := strings.TrimRight(line, "\r\n")
		switch {
		case mark == "------- SEARCH" || mark == "<<<<<<< SEARCH":
			in = search
		case in == search && mark == "=======":
			in = replace
		case in == replace && (mark == "+++++++ REPLACE" || mark == ">>>>>>> REPLACE"):
			in = none
		case in == search && (strings.HasPrefix(mark, ":start_line:") || strings.HasPrefix(mark, ":end_line:") || mark == "-------"):
			// where a fork's block stands in the file
		case in == search:
			b.WriteString(line)
		case in == replace:
			a.WriteString(line)
		}
	}
	return b.String(), a.String()
}

// amended is the text that was proposed after what the person changed in it, by the diff that the result shows; empty
// where the diff does not fit.
func amended(proposed, diff string) string {
	if proposed == "" {
		return ""
	}
	var minus, plus strings.Builder
	text, fits, some := proposed, true, false
	runs := 0
	flush := func() {
		if runs++; runs > 1000 {
			fits = false // no person's change looks like this
		} else if m, p := minus.String(), plus.String(); m != "" {
			if m = strings.TrimSuffix(m, "\n"); strings.Contains(text, m) {
				text, some = strings.Replace(text, m, strings.TrimSuffix(p, "\n"), 1), true
			} else {
				fits = false
			}
		} else if p != "" {
			fits = false // where it was put in is not known
		}
		minus.Reset()
		plus.Reset()
	}
	for line := range strings.Lines(diff) {
		switch {
		case strings.HasPrefix(line, "-"):
			minus.WriteString(line[1:])
		case strings.HasPrefix(line, "+"):
			plus.WriteString(line[1:])
		default:
			flush()
		}
	}
	if flush(); !fits || !some {
		return ""
	}
	return text
}
