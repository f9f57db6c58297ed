// SPDX-License-Identifier: Apache-2.0

package grok

import (
	"context"
	"io"
	"os"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// How much of a file beside the session's is read.
const (
	maxDocument = 4 << 20
	maxLog      = 256 << 20
)

// exists reports whether the folder has a file of that name with something in it.
func exists(dir *os.Root, name string) bool {
	if dir == nil {
		return false
	}
	info, err := dir.Stat(name)
	return err == nil && info.Mode().IsRegular() && info.Size() > 0
}

// lines calls read for each line of a file of the folder; a file that is not there has none.
func lines(ctx context.Context, dir *os.Root, name string, read func(line []byte) bool) error {
	if !exists(dir, name) {
		return nil
	}
	f, err := dir.Open(name)
	if err != nil {
		return nil // it was there a moment ago
	}
	defer f.Close()
	var c capture.Counts // of a file that is counted where it is read by itself
	return capture.Lines(ctx, io.LimitReader(f, maxLog), &c, func(line []byte) (bool, error) { return read(line), nil })
}

// document decodes a file of the folder that is one JSON object.
func document(dir *os.Root, name string, v any) bool {
	if !exists(dir, name) {
		return false
	}
	f, err := dir.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxDocument))
	return err == nil && lax.Decode(b, v)
}

// summary is summary.json.
type summary struct {
	Info lax.Object[struct {
		ID  lax.String `json:"id"`
		CWD lax.String `json:"cwd"`
	}] `json:"info"`
	Model   lax.String     `json:"current_model_id"`
	Kind    lax.String     `json:"session_kind"`
	Remotes jsontext.Value `json:"git_remotes"`
	Parent  lax.String     `json:"fork_parent_prompt_id"`
}

func summaryOf(dir *os.Root) (s summary) {
	document(dir, "summary.json", &s)
	return s
}

// repository is the first remote, or else the folder that the session ran in.
func (s *summary) repository() string {
	var remotes struct {
		L []lax.String
	}
	if len(s.Remotes) > 0 && lax.Decode([]byte(`{"L":`+string(s.Remotes)+"}"), &remotes) && len(remotes.L) > 0 && remotes.L[0] != "" {
		return string(remotes.L[0])
	}
	return string(s.Info.V.CWD)
}

// feedback is a line of feedback.jsonl, in either of the two cases that the tool writes names in.
type feedback struct {
	Type   lax.String  `json:"rating_type"` // thumbs, stars, nps
	Type2  lax.String  `json:"ratingType"`
	Value  lax.Number  `json:"rating_value"`
	Value2 lax.Number  `json:"ratingValue"`
	Text   lax.String  `json:"feedback_text"`
	Text2  lax.String  `json:"feedbackText"`
	Turn   *lax.Number `json:"turn_number"`
	Turn2  *lax.Number `json:"turnNumber"`
}

// rate adds the ratings that the person gave: to the prompt that they name, else to the last.
func (s *session) rate(ctx context.Context, dir *os.Root) error {
	return lines(ctx, dir, "feedback.jsonl", func(line []byte) bool {
		var f feedback
		if !lax.Decode(line, &f) || len(s.turns) == 0 {
			return false
		}
		scale, value := string(f.Type+f.Type2), float64(f.Value+f.Value2)
		if scale == "" {
			return true
		}
		if scale == "thumbs" {
			if value = min(value, 1); value < 1 {
				value = 0
			}
		}
		t := s.turns[len(s.turns)-1]
		for _, n := range [...]*lax.Number{f.Turn, f.Turn2} {
			if n != nil && n.Int() < int64(len(s.turns)) {
				t = s.turns[n.Int()]
			}
		}
		r := episode.Rating{By: "person", Target: "episode", Scale: scale, Value: value, Comment: string(f.Text + f.Text2)}
		capture.Clip(&r.Comment)
		t.e.Ratings = append(t.e.Ratings, r)
		return true
	})
}

// entry is one thing to do.
type entry struct {
	Content lax.String `json:"content"`
	Status  lax.String `json:"status"`
}

// checklist writes things to do as Markdown.
func checklist(entries []entry) string {
	var b strings.Builder
	for _, e := range entries {
		box := "- [ ] "
		if e.Status == "completed" {
			box = "- [x] "
		}
		b.WriteString(box + string(e.Content) + "\n")
	}
	return b.String()
}

// todo takes the list of things to do from plan.json, as it stood at the end, where the updates have none.
func (s *session) todo(dir *os.Root) {
	var plan struct {
		Todos   lax.List[entry] `json:"todos"`
		Entries lax.List[entry] `json:"entries"`
	}
	if len(s.turns) == 0 || !document(dir, "plan.json", &plan) {
		return
	}
	for _, t := range s.turns {
		if t.plan != "" {
			return
		}
	}
	s.turns[len(s.turns)-1].plan = checklist(append(plan.Todos.V, plan.Entries.V...))
}
