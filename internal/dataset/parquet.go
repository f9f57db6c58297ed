// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/parquet-go/parquet-go"
)

// columns is one row of the Parquet file: the record's fields for other people's engines, and the record itself.
// Names are the record's own. Times are microseconds since 1970 in UTC, 0 where unknown.
type columns struct {
	Contributor string       `parquet:"contributor,dict"`
	Bundles     []string     `parquet:"bundles,list"`
	ID          string       `parquet:"id"`
	Revision    int32        `parquet:"revision"`
	StartedAt   int64        `parquet:"started_at,timestamp(microsecond)"`
	EndedAt     int64        `parquet:"ended_at,timestamp(microsecond)"`
	Tool        string       `parquet:"tool,dict"`
	ToolVersion string       `parquet:"tool_version,dict"`
	Surface     string       `parquet:"surface,dict"`
	Provider    string       `parquet:"model_provider,dict"`
	Model       string       `parquet:"model_name,dict"`
	Developer   string       `parquet:"developer,dict"`
	Session     string       `parquet:"session,dict"`
	Repository  string       `parquet:"repository,dict"`
	Languages   []string     `parquet:"languages,list"`
	Instruction string       `parquet:"instruction"`
	Steps       int32        `parquet:"steps"` // how many; they are in the record
	Level       string       `parquet:"level,dict"`
	Purposes    []string     `parquet:"purposes,list"`
	ExpiresAt   int64        `parquet:"expires_at,timestamp(microsecond)"` // by terms and retention, whichever is first
	Suggestions []suggestion `parquet:"suggestions,list"`
	Decisions   []decision   `parquet:"decisions,list"`
	Outcomes    []outcome    `parquet:"outcomes,list"`
	Ratings     []rating     `parquet:"ratings,list"`
	Record      []byte       `parquet:"record,json"`
}

// stored is the part of columns that Open reads.
type stored struct {
	Contributor string   `parquet:"contributor,dict"`
	Bundles     []string `parquet:"bundles,list"`
	ExpiresAt   int64    `parquet:"expires_at,timestamp(microsecond)"`
	Record      []byte   `parquet:"record,json"`
}

type suggestion struct {
	ID         string    `parquet:"id"`
	Step       int32     `parquet:"step"`
	Kind       string    `parquet:"kind,dict"`
	Path       string    `parquet:"path"`
	Language   string    `parquet:"language,dict"`
	Before     string    `parquet:"before"`
	After      string    `parquet:"after"`
	ShownAt    int64     `parquet:"shown_at,timestamp(microsecond)"`
	DwellMS    int64     `parquet:"dwell_ms"`
	Slot       int32     `parquet:"slot"`
	Features   []feature `parquet:"features,list"`
	Policy     string    `parquet:"policy,dict"`
	Propensity float64   `parquet:"propensity"`
}

// feature is one entry of a feature map, a list sorted by name because a Parquet map's bytes would follow Go's random
// map order. A bool is the number 0 or 1.
type feature struct {
	Name   string   `parquet:"name,dict"`
	Number *float64 `parquet:"number,optional"`
	Text   *string  `parquet:"text,optional,dict"`
}

type decision struct {
	Suggestion   string   `parquet:"suggestion"`
	Verdict      string   `parquet:"verdict,dict"`
	By           string   `parquet:"by,dict"`
	At           int64    `parquet:"at,timestamp(microsecond)"`
	Reason       string   `parquet:"reason"`
	Final        string   `parquet:"final"`
	EditDistance *float64 `parquet:"edit_distance,optional"`
	FinalAt      int64    `parquet:"final_at,timestamp(microsecond)"`
	DecisionID   string   `parquet:"decision_id"`
	Release      string   `parquet:"release,dict"`
	Actions      []action `parquet:"actions,list"`
	Chosen       string   `parquet:"chosen,dict"`
	Explore      bool     `parquet:"explore"`
	Shown        *bool    `parquet:"shown,optional"`
	// Features are there where they are not the suggestion's.
	Features []feature `parquet:"features,list"`
}

type action struct {
	ID         string  `parquet:"id,dict"`
	Propensity float64 `parquet:"propensity"`
}

type outcome struct {
	Suggestion string  `parquet:"suggestion"`
	Kind       string  `parquet:"kind,dict"`
	Value      float64 `parquet:"value"`
	ObservedAt int64   `parquet:"observed_at,timestamp(microsecond)"`
	Window     string  `parquet:"window,dict"`
}

type rating struct {
	By      string  `parquet:"by,dict"`
	Target  string  `parquet:"target"`
	Scale   string  `parquet:"scale,dict"`
	Value   float64 `parquet:"value"`
	Comment string  `parquet:"comment"`
}

// encoding names how rows become a file. Raise it when the same rows may give another one.
const encoding = "parquet 2\x00"

// encodeParquet gives the same bytes for the same rows: the writer's name and version in the file are fixed.
func encodeParquet(rows []Row) ([]byte, error) {
	var buf bytes.Buffer
	w := parquet.NewGenericWriter[columns](&buf, parquet.Compression(&parquet.Zstd), parquet.CreatedBy("headrace", "1", "0"))
	const chunk = 512 // rows turned into columns at a time
	var b columnBuffer
	for part := range slices.Chunk(rows, chunk) {
		if _, err := w.Write(b.fill(part)); err != nil {
			return nil, fmt.Errorf("encode parquet: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("encode parquet: %w", err)
	}
	return buf.Bytes(), nil
}

// columnBuffer turns rows into columns, in the same memory each time.
type columnBuffer struct {
	cols    []columns
	names   []string
	numbers []float64
	texts   []string
}

// fill returns the columns of rows, valid until the next call.
func (b *columnBuffer) fill(rows []Row) []columns {
	b.cols, b.numbers, b.texts = b.cols[:0], b.numbers[:0], b.texts[:0]
	for _, r := range rows {
		var c *columns
		b.cols, c = oneMore(b.cols)
		b.set(c, r)
	}
	return b.cols
}

// oneMore lengthens s by one element, which holds whatever it held when s was last that long.
func oneMore[T any](s []T) ([]T, *T) {
	if n := len(s); n < cap(s) {
		s = s[:n+1]
	} else {
		var zero T
		s = append(s, zero)
	}
	return s, &s[len(s)-1]
}

func (b *columnBuffer) set(c *columns, r Row) {
	e := r.Episode
	*c = columns{
		Contributor: r.Contributor, Bundles: r.Bundles, ID: e.ID, Revision: int32(e.Revision),
		StartedAt: micros(e.StartedAt), EndedAt: micros(e.EndedAt),
		Tool: e.Tool.Name, ToolVersion: e.Tool.Version, Surface: string(e.Tool.Surface),
		Provider: e.Model.Provider, Model: e.Model.Name,
		Developer: e.Developer, Session: e.Session, Repository: e.Repository,
		Languages: e.Languages, Instruction: e.Instruction, Steps: int32(len(e.Steps)), ExpiresAt: micros(r.ExpiresAt), Record: r.Record,
		Purposes: c.Purposes[:0], Suggestions: c.Suggestions[:0], Decisions: c.Decisions[:0], Outcomes: c.Outcomes[:0], Ratings: c.Ratings[:0],
	}
	if e.Privacy != nil {
		c.Level = string(e.Privacy.Level)
	}
	if e.Terms != nil {
		for _, p := range e.Terms.Purposes {
			c.Purposes = append(c.Purposes, string(p))
		}
	}
	for i := range e.Suggestions {
		s := &e.Suggestions[i]
		var col *suggestion
		c.Suggestions, col = oneMore(c.Suggestions)
		*col = suggestion{ID: s.ID, Step: int32(s.Step), Kind: string(s.Kind), Path: s.Path,
			Language: s.Language, Before: s.Before, After: s.After, ShownAt: micros(s.ShownAt), DwellMS: s.DwellMS,
			Slot: int32(s.Slot), Features: b.features(col.Features[:0], s.Features), Policy: s.Policy, Propensity: s.Propensity}
	}
	for i := range e.Decisions {
		d := &e.Decisions[i]
		var col *decision
		c.Decisions, col = oneMore(c.Decisions)
		*col = decision{Suggestion: d.Suggestion, Verdict: string(d.Verdict), By: string(d.By), At: micros(d.At),
			Reason: d.Reason, Final: d.Final, EditDistance: d.EditDistance, FinalAt: micros(d.FinalAt), DecisionID: d.DecisionID,
			Release: d.Release, Actions: col.Actions[:0], Chosen: d.Chosen, Explore: d.Explore, Shown: d.Shown,
			Features: b.features(col.Features[:0], d.Features)}
		for j := range d.Actions {
			col.Actions = append(col.Actions, action{ID: d.Actions[j].ID, Propensity: d.Actions[j].Propensity})
		}
	}
	for i := range e.Outcomes {
		o := &e.Outcomes[i]
		c.Outcomes = append(c.Outcomes, outcome{o.Suggestion, string(o.Kind), o.Value, micros(o.ObservedAt), o.Window})
	}
	for i := range e.Ratings {
		g := &e.Ratings[i]
		c.Ratings = append(c.Ratings, rating{g.By, g.Target, g.Scale, g.Value, g.Comment})
	}
}

func (b *columnBuffer) features(dst []feature, m map[string]any) []feature {
	b.names = slices.AppendSeq(b.names[:0], maps.Keys(m))
	slices.Sort(b.names)
	for _, name := range b.names {
		f := feature{Name: name}
		switch v := m[name].(type) {
		case float64:
			f.Number = b.number(v)
		case bool:
			f.Number = b.number(0)
			if v {
				*f.Number = 1
			}
		case string:
			var text *string
			b.texts, text = oneMore(b.texts)
			*text, f.Text = v, text
		}
		dst = append(dst, f)
	}
	return dst
}

func (b *columnBuffer) number(v float64) *float64 {
	var n *float64
	b.numbers, n = oneMore(b.numbers)
	*n = v
	return n
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
