// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"bytes"
	"cmp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// event is one event, by the names of its fields without case and signs.
type event struct {
	tool, name    string
	session, turn string
	at            time.Time
	raw           map[string]jsontext.Value
	spelt         map[string]bool // the names as they came, of those that tell whose event it is
}

// known are the fields that are read, in any spelling. In nested, others may lie: Cline's events, a tool's input.
const known = " sessionid conversationid threadid taskid promptid generationid turnid hookeventname hookname type timestamp transcriptpath " +
	"cursorversion clineversion version cwd workspaceroot workspaceroots model modelid slug provider " +
	"toolname tool toolinput toolargs parameters tooluseid toolcallid toolresponse tooloutput toolresult resultjson result output success " +
	"error errormessage failuretype isinterrupt reason status stopreason prompt promptresponse lastassistantmessage text message inputmessages task " +
	"filepath content memorytype attachments edits command plan agentid " +
	"id requestid permissionid permission callid reply response " + // of OpenCode's bus
	// of a tool's input and what came back
	"path targetfile absolutepath notebookpath targetnotebook relativeworkspacepath oldstring oldstr newstring newstr newsource contents filetext codeedit diff patch input file " +
	"stdout stderr interrupted usermodified llmcontent textresultforllm resulttype returndisplay "

const (
	nested = " pretooluse posttooluse userpromptsubmit taskstart taskresume taskcancel taskcomplete precompact notification properties "
	tells  = " hook_event_name hookEventName hookName hook_name clineVersion cline_version cursor_version conversation_id generation_id " +
		"workspaceRoot promptId toolUseId sessionId "
)

// plain is a name without case and signs: hook_event_name, hookEventName and hook-event-name are one.
func plain(name string) string {
	var b strings.Builder
	for _, r := range name {
		switch {
		case 'A' <= r && r <= 'Z':
			b.WriteRune(r + 'a' - 'A')
		case r != '_' && r != '-' && r != ' ':
			b.WriteRune(r)
		}
	}
	return b.String()
}

func listed(list, name string) bool {
	return name != "" && !strings.Contains(name, " ") && strings.Contains(list, " "+name+" ")
}

// decode reads an event. What follows the object is passed over: the hook program stops there as well.
func decode(b []byte) (*event, bool) {
	b = bytes.TrimSpace(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")))
	ev := &event{raw: map[string]jsontext.Value{}, spelt: map[string]bool{}}
	return ev, len(b) > 0 && b[0] == '{' && utf8.Valid(b) && ev.fields(b, true)
}

// fields reads the fields of an object. Of the same name twice, the last counts.
func (ev *event) fields(b []byte, top bool) bool {
	d := jsontext.NewDecoder(bytes.NewReader(b), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return false
	}
	for d.PeekKind() == '"' {
		t, err := d.ReadToken()
		if err != nil {
			return false
		}
		name := t.String()
		key := plain(name)
		if listed(tells, name) {
			ev.spelt[strings.Clone(name)] = true
		}
		inner := top && listed(nested, key) && d.PeekKind() == '{'
		within := !top && key == "type" && ev.raw[key] != nil // what the event is about has a type too
		if within || !inner && !listed(known, key) {
			if d.SkipValue() != nil {
				return false
			}
			continue
		}
		v, err := d.ReadValue()
		if err != nil {
			return false
		}
		if inner {
			ev.fields(v, false)
			continue
		}
		ev.raw[strings.Clone(key)] = v.Clone()
	}
	t, err := d.ReadToken()
	return err == nil && t.Kind() == '}'
}

// has reports whether the event has a field of exactly that name.
func (ev *event) has(name string) bool { return ev.spelt[name] }

// text reports whether there is some text of that name.
func (ev *event) text(name string) bool { return ev.str(name) != "" }

// str is the first of the fields that is a text, or a number, and not empty.
func (ev *event) str(names ...string) string { return first(ev.raw, names...) }

func first(raw map[string]jsontext.Value, names ...string) string {
	for _, n := range names {
		if s := text(raw[n]); s != "" {
			return s
		}
	}
	return ""
}

// text is a string, or a number as it stands.
func text(v jsontext.Value) string {
	switch v.Kind() {
	case '"':
		s, _ := jsontext.AppendUnquote(nil, v) // an escape that is no character becomes U+FFFD
		return strings.ToValidUTF8(string(s), "\uFFFD")
	case '0':
		return string(v)
	}
	return ""
}

// is reports whether a field is true, or says so.
func is(v jsontext.Value) bool { return v.Kind() == 't' || v.Kind() == '"' && text(v) == "true" }

// object is the fields of a value that is an object, or a string that holds one; nil where it is neither.
func object(v jsontext.Value) map[string]jsontext.Value {
	if v.Kind() == '"' {
		v = jsontext.Value(strings.TrimSpace(text(v)))
	}
	if v.Kind() != '{' {
		return nil
	}
	ev := &event{raw: map[string]jsontext.Value{}, spelt: map[string]bool{}}
	if !ev.fields(v, false) {
		return nil
	}
	return ev.raw
}

// list is the objects in an array.
func list(v jsontext.Value) (all []map[string]jsontext.Value) {
	if v.Kind() != '[' {
		return nil
	}
	d := jsontext.NewDecoder(bytes.NewReader(v), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	for _, err := d.ReadToken(); err == nil && d.PeekKind() != ']'; {
		var one jsontext.Value
		if one, err = d.ReadValue(); err == nil {
			if o := object(one); o != nil && one.Kind() == '{' {
				all = append(all, o)
			}
		}
	}
	return all
}

// texts is the strings in an array.
func texts(v jsontext.Value) (all []string) {
	if v.Kind() != '[' {
		return nil
	}
	d := jsontext.NewDecoder(bytes.NewReader(v), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	for _, err := d.ReadToken(); err == nil && d.PeekKind() != ']'; {
		var one jsontext.Value
		if one, err = d.ReadValue(); err == nil && one.Kind() == '"' {
			all = append(all, text(one))
		}
	}
	return all
}

// folder is where the tool works: the first root of its workspace, else the working directory.
func (ev *event) folder() string {
	roots := texts(ev.raw["workspaceroots"])
	if len(roots) > 0 && roots[0] != "" {
		return roots[0]
	}
	return ev.str("workspaceroot", "cwd")
}

// model is the model's name; some tools give an object.
func (ev *event) model() string {
	if o := object(ev.raw["model"]); o != nil {
		return first(o, "slug", "modelid")
	}
	return cmp.Or(ev.str("modelid"), ev.str("model"))
}
