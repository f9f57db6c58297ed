// SPDX-License-Identifier: Apache-2.0

package acp

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// end makes the episode of a turn as it stands.
func (b *Builder) end(s *session, t *turn) {
	s.turns = slices.DeleteFunc(s.turns, func(o *turn) bool { return o == t })
	t.ended = true
	for _, pending := range b.pending { // what was never answered is not waited for any more
		maps.DeleteFunc(pending, func(_ id, r *request) bool { return r.turn == t && r.method != "session/prompt" })
	}
	t.flush()
	e := t.e
	e.Tool, e.ID = b.tool, episode.NewID(Name, t.native)
	e.Tool.Name = cmp.Or(e.Tool.Name, Name)
	t.attach()
	for _, c := range t.order {
		b.settle(t, c)
	}
	t.direct(b)
	t.answer()
	if model := cmp.Or(t.model, s.model); model != "auto" && model != "default" {
		capture.SetModel(e, "", model)
	}
	if spent := s.cost - t.cost; spent > 0 {
		if e.Usage == nil {
			e.Usage = &episode.Usage{}
		}
		e.Usage.CostUSD = spent
	}
	if len(t.plan) > 0 {
		e.Artifacts = append(e.Artifacts, capture.Artifact(episode.ArtifactPlan, "plan", checklist(t.plan)))
	}
	for i := range e.Steps {
		if st := &e.Steps[i]; capture.Clip(&st.Message, &st.Reasoning) {
			st.Truncated = true
		}
	}
	if t.cut {
		e.Steps[len(e.Steps)-1].Truncated = true
	}
	capture.Languages(e)
	b.done = append(b.done, e)
}

func checklist(entries []entry) string {
	var text strings.Builder
	for _, e := range entries {
		mark := "[ ]"
		if e.Status == "completed" {
			mark = "[x]"
		}
		text.WriteString("- " + mark + " " + string(e.Content) + "\n")
	}
	return text.String()
}

// attach gives each file that the editor wrote to the call that announced it: where that showed the change, there is
// nothing to add; where it did not, the file is the change.
func (t *turn) attach() {
	left := t.writes[:0]
	for _, w := range t.writes {
		i := slices.IndexFunc(t.order, func(c *call) bool { return c.touches(w.path) })
		if i < 0 {
			left = append(left, w)
		} else if c := t.order[i]; !c.shows(w.path) {
			c.diffs = append(c.diffs, diff{path: w.path, after: w.text})
		}
	}
	t.writes = left
}

func (c *call) shows(path string) bool {
	return slices.ContainsFunc(c.diffs, func(d diff) bool { return d.path == path })
}

func (c *call) touches(path string) bool {
	return c.shows(path) || c.kind == "edit" && len(c.diffs) == 0 && (slices.Contains(c.paths, path) || c.arguments().path() == path)
}

// settle fills in a call's place in its step, what came back, and what was decided.
func (b *Builder) settle(t *turn, c *call) {
	st := &t.e.Steps[c.step]
	args, cut := capture.Arguments(c.input)
	if len(args) == 0 && c.title != "" {
		if q, err := jsontext.AppendQuote(nil, c.title); err == nil {
			args = jsontext.Value(`{"title":` + string(q) + `}`)
		}
	}
	tc := &st.ToolCalls[c.place]
	tc.Name, tc.Arguments = cmp.Or(c.name, c.kind, c.title), args
	st.Truncated = st.Truncated || cut
	d := t.decide(c)
	if c.status == "completed" || c.status == "failed" {
		b.Counts.ToolResults++
		r := episode.Result{Call: c.id, Content: c.text}
		if x := t.terms[c.terminal]; x != nil && r.Content == "" {
			r.Content = x.output
		}
		r.Content = cmp.Or(r.Content, c.output)
		if c.status == "failed" {
			b.Counts.Errors++
			r.Error = d.Verdict == "" || d.Verdict == episode.Accepted
		}
		st.Truncated = capture.Clip(&r.Content) || st.Truncated
		if st.Observation == nil {
			st.Observation = &episode.Observation{}
		}
		st.Observation.Results = append(st.Observation.Results, r)
	}
	if d.Verdict == episode.Rejected {
		b.Counts.Rejections++
	}
	if len(c.diffs) > 0 {
		b.Counts.Patches++
	}
	for _, sg := range t.suggest(c, d) {
		if n := len(c.asked); n > 0 && c.asked[n-1].at.After(c.asked[n-1].asked) {
			a := c.asked[n-1]
			sg.ShownAt, sg.DwellMS = a.asked, a.at.Sub(a.asked).Milliseconds()
		}
		t.propose(sg, d)
	}
}

// propose adds a suggestion with the decision on it.
func (t *turn) propose(sg episode.Suggestion, d episode.Decision) {
	sg.Truncated = capture.Clip(&sg.Before, &sg.After)
	t.e.Suggestions = append(t.e.Suggestions, sg)
	if d.Verdict != "" {
		d.Suggestion = sg.ID
		t.e.Decisions = append(t.e.Decisions, d)
	}
}

// reaction is the least time in which a person reads a question and answers it; an editor that answers by a setting takes
// a few milliseconds.
const reaction = 300 * time.Millisecond

// by is who answered a question: a person, unless the answer came too soon. Where there are no times, the protocol's word
// counts: it is the person who is asked.
func (a *ask) by() episode.By {
	if !a.asked.IsZero() && !a.at.IsZero() && a.at.Sub(a.asked) < reaction {
		return episode.ByUnknown
	}
	return episode.ByPerson
}

// decide is what is known of the decision on a call: by the last answer to a question for permission, or by its having
// been carried out. That it failed says nothing of it.
func (t *turn) decide(c *call) (d episode.Decision) {
	d.At = c.at
	if !c.ended.IsZero() {
		d.At = c.ended
	}
	stopped := episode.ByUnknown
	if t.cancelled {
		stopped = episode.ByPerson
	}
	if n := len(c.asked); n > 0 {
		a := c.asked[n-1]
		if !a.at.IsZero() {
			d.At = a.at
		}
		switch {
		case a.outcome == "cancelled":
			d.Verdict, d.By = episode.Cancelled, stopped
		case a.outcome == "" && t.cancelled && c.status != "completed": // the question was never answered
			d.Verdict, d.By = episode.Cancelled, stopped
		case strings.HasPrefix(a.choice, "allow"):
			d.Verdict, d.By = episode.Accepted, a.by()
		case strings.HasPrefix(a.choice, "reject"):
			d.Verdict, d.By = episode.Rejected, a.by()
		}
	}
	switch {
	case d.Verdict != "":
	case c.status == "completed":
		d.Verdict, d.By = episode.Accepted, episode.ByUnknown
	case c.stopped, c.status != "failed" && (t.cancelled || t.stop == "cancelled"):
		d.Verdict, d.By = episode.Cancelled, stopped
	}
	return d
}

// direct makes suggestions of what the agent had the editor do without a call: files written, commands run.
func (t *turn) direct(b *Builder) {
	for i, w := range t.writes {
		sg := episode.Suggestion{ID: t.unused("write-" + strconv.Itoa(i)), Step: w.step, Kind: episode.KindFile, Path: w.path, After: w.text, ShownAt: w.at}
		var d episode.Decision
		if w.done && !w.failed {
			d = episode.Decision{Verdict: episode.Accepted, By: episode.ByUnknown, At: w.at}
		}
		t.propose(sg, d)
	}
	for i, x := range t.termList {
		if x.command == "" || slices.ContainsFunc(t.order, func(c *call) bool {
			return x.id != "" && c.terminal == x.id || c.kind == "execute" && c.command(t) == x.command
		}) {
			continue
		}
		sg := episode.Suggestion{ID: t.unused("terminal-" + strconv.Itoa(i)), Step: x.step, Kind: episode.KindCommand, Language: "shell", After: x.command, ShownAt: x.at}
		var d episode.Decision
		if x.id != "" { // it was started
			d = episode.Decision{Verdict: episode.Accepted, By: episode.ByUnknown, At: x.at}
		}
		t.propose(sg, d)
	}
}

// answer ends a turn that was stopped while the agent was answering: the answer is cancelled.
func (t *turn) answer() {
	n := len(t.e.Steps) - 1
	st := &t.e.Steps[n]
	if !t.cancelled && t.stop != "cancelled" || st.Source != episode.SourceAgent || len(st.ToolCalls) > 0 || st.Message == "" {
		return
	}
	by := episode.ByUnknown
	if t.cancelled {
		by = episode.ByPerson
	}
	sg := episode.Suggestion{ID: t.unused("answer-" + strconv.Itoa(n)), Step: n, Kind: episode.KindAnswer, After: st.Message, ShownAt: st.At}
	t.propose(sg, episode.Decision{Verdict: episode.Cancelled, By: by, At: t.e.EndedAt})
}

// unused is an id that no suggestion and no call has, as near to that one as can be.
func (t *turn) unused(id string) string {
	for t.calls[id] != nil || slices.ContainsFunc(t.e.Suggestions, func(s episode.Suggestion) bool { return s.ID == id }) {
		id += "'"
	}
	return id
}

// arguments are those of tools that say what they change by their input instead of by a diff.
type arguments struct {
	FilePath lax.String  `json:"file_path"`
	AbsPath  lax.String  `json:"abs_path"`
	Path_    lax.String  `json:"path"`
	Old      lax.String  `json:"old_string"`
	New      lax.String  `json:"new_string"`
	Content  lax.String  `json:"content"`
	Command  commandLine `json:"command"`
	Plan     lax.String  `json:"plan"`
}

func (a *arguments) path() string {
	return cmp.Or(string(a.FilePath), string(a.AbsPath), string(a.Path_))
}

func (c *call) arguments() *arguments {
	a := new(arguments)
	lax.Decode(c.input, a)
	return a
}

// commandLine is a command, as a text or as its words.
type commandLine string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (l *commandLine) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == '"' {
		var s lax.String
		err := s.UnmarshalJSONFrom(d)
		*l = commandLine(s)
		return err
	}
	var w lax.Strings
	err := w.UnmarshalJSONFrom(d)
	*l = commandLine(plainCommand(w))
	return err
}
