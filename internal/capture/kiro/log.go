// SPDX-License-Identifier: Apache-2.0

package kiro

import (
	"context"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
	"github.com/headrace/headrace/internal/capture/qcli"
)

// entry is a line of the second engine's log.
type entry struct {
	Kind lax.String          `json:"kind"`
	Data lax.Object[logData] `json:"data"`
}

type logData struct {
	MessageID lax.String          `json:"message_id"`
	Content   blocks              `json:"content"`
	Meta      lax.Object[logMeta] `json:"meta"`
	Target    *lax.Number         `json:"target_index"`
}

type logMeta struct {
	Timestamp lax.Time `json:"timestamp"` // in seconds
}

// block is a part of a message.
type block struct {
	Kind lax.String     `json:"kind"`
	Data jsontext.Value `json:"data"`
}

type thinking struct {
	Text lax.String `json:"text"`
}

type toolUse struct {
	ID    lax.String     `json:"toolUseId"`
	Name  lax.String     `json:"name"`
	Input jsontext.Value `json:"input"`
}

type toolResult struct {
	ID      lax.String `json:"toolUseId"`
	Content blocks     `json:"content"`
	Status  lax.String `json:"status"`
}

// isEntry reports whether the log has entries of this kind.
func isEntry(kind string) bool {
	switch kind {
	case "Prompt", "AssistantMessage", "ToolResults", "Compaction", "ResetTo", "CancelledPrompt", "Clear":
		return true
	}
	return false
}

// history files the entries of a log.
type history struct {
	s     *qcli.Session
	c     *capture.Counts
	n     int   // entries so far
	begun []int // the entry that each episode begins with
}

// readLog reads a log, with what is kept beside it.
func readLog(ctx context.Context, f capture.File, emit func(*episode.Episode) error) (capture.Counts, error) {
	var c capture.Counts
	id := stem(f.Path)
	a := beside(f, id+".json")
	h := history{s: a.session(id, &c), c: &c}
	err := capture.Lines(ctx, f.R, &c, func(line []byte) (bool, error) {
		var e entry
		ok := lax.Decode(line, &e) && isEntry(string(e.Kind))
		if ok {
			h.add(&e)
		}
		h.n++ // a torn entry has its place too
		return ok, nil
	})
	if err != nil {
		return c, err
	}
	return c, h.s.Flush(emit)
}

// export is a log as one document.
type export struct {
	About   lax.Object[about] `json:"metadata"`
	Entries lax.List[entry]   `json:"log_entries"`
}

// readExport reads a log that was saved as a document. Each of its entries is a line, as far as the counts go.
func readExport(f capture.File, emit func(*episode.Episode) error) (capture.Counts, error) {
	var c capture.Counts
	var doc export
	ok, err := capture.Document(f.R, &c, &doc)
	if err != nil || !ok {
		return c, err
	}
	c.Lines = len(doc.Entries.V)
	h := history{s: doc.About.V.session("", &c), c: &c}
	for i := range doc.Entries.V {
		if e := &doc.Entries.V[i]; isEntry(string(e.Kind)) {
			h.add(e)
		} else {
			c.Unparsable++
		}
		h.n++
	}
	return c, h.s.Flush(emit)
}

func (h *history) add(e *entry) {
	h.c.Kind(string(e.Kind))
	s, d, at := h.s, &e.Data.V, e.Data.V.Meta.V.Timestamp.Time
	switch e.Kind {
	case "Prompt":
		said, context := qcli.Words(d.Content.text())
		if said == "" && len(context) == 0 {
			return
		}
		s.Prompt(string(d.MessageID), at, said, context...)
		h.begun = append(h.begun, h.n)
	case "AssistantMessage":
		h.opened()
		s.Say(at, "", d.Content.text(), d.Content.thought())
		for i := range d.Content {
			if u, ok := decode[toolUse](&d.Content[i], "toolUse"); ok {
				s.Call(string(u.ID), string(u.Name), u.Input, at)
			}
		}
	case "ToolResults":
		h.opened()
		for i := range d.Content {
			r, ok := decode[toolResult](&d.Content[i], "toolResult")
			if !ok {
				continue
			}
			a := qcli.Answer{Call: string(r.ID), Text: r.Content.text(), Failed: strings.EqualFold(string(r.Status), "error"), At: at}
			if a.Failed {
				a.Decision = qcli.Asked(a.Text)
			}
			s.Result(a)
		}
		if words := strings.TrimSpace(d.Content.text()); words != "" { // typed where a tool was to be allowed
			s.Note(at, episode.SourceUser, words)
		}
	case "CancelledPrompt":
		s.Withdraw()
	case "ResetTo":
		if d.Target != nil {
			from, _ := slices.BinarySearch(h.begun, int(d.Target.Int()))
			s.Abandon(from)
		}
	}
}

// opened notes where an episode begins whose prompt is lost.
func (h *history) opened() {
	if len(h.begun) == 0 {
		h.begun = append(h.begun, h.n)
	}
}

// blocks are the parts of a message, which in some versions is one string.
type blocks []block

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (b *blocks) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == '"' {
		v, err := d.ReadValue()
		*b = blocks{{Kind: "text", Data: v.Clone()}}
		return err
	}
	var l lax.List[block]
	err := l.UnmarshalJSONFrom(d)
	*b = l.V
	return err
}

// text is what is said in a message or given back by a tool.
func (b blocks) text() string {
	var all []string
	for i := range b {
		switch k := strings.ToLower(string(b[i].Kind)); {
		case k == "text":
			if s := text(b[i].Data); s != "" {
				all = append(all, s)
			}
		case k == "json":
			all = append(all, strings.ToValidUTF8(string(b[i].Data), "\uFFFD"))
		}
	}
	return strings.Join(all, "\n")
}

// thought is what the model thought before it spoke.
func (b blocks) thought() string {
	var all []string
	for i := range b {
		if t, ok := decode[thinking](&b[i], "thinking"); ok && t.Text != "" {
			all = append(all, string(t.Text))
		}
	}
	return strings.Join(all, "\n")
}

// decode reads a block of that kind.
func decode[T any](b *block, kind string) (v T, ok bool) {
	if string(b.Kind) != kind {
		return v, false
	}
	return v, lax.Decode(b.Data, &v)
}

// text is a JSON string's characters, or nothing.
func text(v jsontext.Value) string {
	var s struct{ S lax.String }
	if len(v) == 0 || v[0] != '"' || !lax.Decode(append(append([]byte(`{"S":`), v...), '}'), &s) {
		return ""
	}
	return string(s.S)
}
