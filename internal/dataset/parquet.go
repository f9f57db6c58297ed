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
	DecisionID   string   `parquet:"decision_id"`
	Release      string   `parquet:"release,dict"`
	Actions      []action `parquet:"actions,list"`
	Chosen       string   `parquet:"chosen,dict"`
	Explore      bool     `parquet:"explore"`
	Shown        *bool    `parquet:"shown,optional"`
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

// encodeParquet gives the same bytes for the same rows: the writer's name and version in the file are fixed.
func encodeParquet(rows []Row) ([]byte, error) {
	var buf bytes.Buffer
	w := parquet.NewGenericWriter[columns](&buf, parquet.Compression(&parquet.Zstd), parquet.CreatedBy("headrace", "1", "0"))
	const chunk = 512 // rows turned into columns at a time
	cols := make([]columns, 0, chunk)
	for part := range slices.Chunk(rows, chunk) {
		cols = cols[:0]
		for _, r := range part {
			cols = append(cols, toColumns(r))
		}
		if _, err := w.Write(cols); err != nil {
			return nil, fmt.Errorf("encode parquet: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("encode parquet: %w", err)
	}
	return buf.Bytes(), nil
}

func toColumns(r Row) columns {
	e := r.Episode
	c := columns{
		Contributor: r.Contributor, Bundles: r.Bundles, ID: e.ID, Revision: int32(e.Revision),
		StartedAt: micros(e.StartedAt), EndedAt: micros(e.EndedAt),
		Tool: e.Tool.Name, ToolVersion: e.Tool.Version, Surface: string(e.Tool.Surface),
		Provider: e.Model.Provider, Model: e.Model.Name,
		Developer: e.Developer, Session: e.Session, Repository: e.Repository,
		Languages: e.Languages, Instruction: e.Instruction, Steps: int32(len(e.Steps)), ExpiresAt: micros(r.ExpiresAt), Record: r.Record,
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
		c.Suggestions = append(c.Suggestions, suggestion{ID: s.ID, Step: int32(s.Step), Kind: string(s.Kind), Path: s.Path,
			Language: s.Language, Before: s.Before, After: s.After, ShownAt: micros(s.ShownAt), DwellMS: s.DwellMS,
			Slot: int32(s.Slot), Features: toFeatures(s.Features), Policy: s.Policy, Propensity: s.Propensity})
	}
	for i := range e.Decisions {
		d := &e.Decisions[i]
		col := decision{Suggestion: d.Suggestion, Verdict: string(d.Verdict), By: string(d.By), At: micros(d.At),
			Reason: d.Reason, Final: d.Final, EditDistance: d.EditDistance, DecisionID: d.DecisionID,
			Release: d.Release, Chosen: d.Chosen, Explore: d.Explore, Shown: d.Shown}
		for _, a := range d.Actions {
			col.Actions = append(col.Actions, action{ID: a.ID, Propensity: a.Propensity})
		}
		c.Decisions = append(c.Decisions, col)
	}
	for _, o := range e.Outcomes {
		c.Outcomes = append(c.Outcomes, outcome{o.Suggestion, string(o.Kind), o.Value, micros(o.ObservedAt), o.Window})
	}
	for _, g := range e.Ratings {
		c.Ratings = append(c.Ratings, rating{g.By, g.Target, g.Scale, g.Value, g.Comment})
	}
	return c
}

func toFeatures(m map[string]any) []feature {
	if len(m) == 0 {
		return nil
	}
	out := make([]feature, 0, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		f := feature{Name: name}
		switch v := m[name].(type) {
		case float64:
			f.Number = &v
		case bool:
			n := 0.0
			if v {
				n = 1
			}
			f.Number = &n
		case string:
			f.Text = &v
		}
		out = append(out, f)
	}
	return out
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
