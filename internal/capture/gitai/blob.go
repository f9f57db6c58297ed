// SPDX-License-Identifier: Apache-2.0

package gitai

import (
	"errors"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/internal/capture/lax"
)

// blob is the form of version 0.0.1: one JSON object. It has no prompts and no sessions, only the names of authors.
type blob struct {
	Schema lax.String `json:"schema_version"`
	Files  lax.Object[map[string]lax.Object[struct {
		Authors lax.List[struct {
			Author lax.String `json:"author"`
			Lines  ranges     `json:"lines"`
		}] `json:"authors"`
	}]] `json:"files"`
}

// ranges are numbers of lines, and pairs of a first and a last one.
type ranges [][2]int

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (r *ranges) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	return lax.Each(d, func() error {
		v, err := d.ReadValue()
		if err != nil {
			return err
		}
		s := string(v)
		if in, ok := strings.CutPrefix(s, "["); ok {
			first, last, _ := strings.Cut(strings.TrimSuffix(in, "]"), ",")
			s = strings.TrimSpace(first) + "-" + strings.TrimSpace(last)
		}
		if from, to, ok := span(s); ok && len(*r) < maxRanges {
			*r = append(*r, [2]int{from, to})
		}
		return nil
	})
}

// parseBlob reads the form of version 0.0.1, whose first notes did not even say so. Which of the authors are tools it does
// not tell: those that are named as one is.
func parseBlob(b []byte) (*Note, error) {
	var in blob
	if !lax.Decode(b, &in) || !in.Files.OK {
		return nil, errors.New("it is no note of git-ai")
	}
	n := &Note{Schema: string(in.Schema), Agents: map[string]*Agent{}}
	if n.Schema == "" {
		n.Schema = "authorship/0.0.1"
	}
	for _, path := range sorted(in.Files.V) {
		f := File{Path: path}
		for _, a := range in.Files.V[path].V.Authors.V {
			e := Entry{Agent: toolOf(string(a.Author)), Ranges: a.Lines}
			if e.Person = e.Agent == ""; !e.Person && n.Agents[e.Agent] == nil {
				n.Agents[e.Agent] = &Agent{Kind: "author", Tool: e.Agent}
			}
			f.Entries = append(f.Entries, e)
		}
		n.Files = append(n.Files, f)
	}
	return n, nil
}

// toolOf is the tool that an author is, empty for a person: people may be called Claude too, but have another name besides.
func toolOf(author string) string {
	switch name := strings.ToLower(author); name {
	case "claude", "cursor", "codex", "copilot", "gemini", "windsurf", "amp", "devin", "opencode":
		return name
	case "claude code", "claude-code":
		return "claude"
	case "github copilot", "github-copilot":
		return "copilot"
	}
	return ""
}
