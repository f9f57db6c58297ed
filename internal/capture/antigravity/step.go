// SPDX-License-Identifier: Apache-2.0

package antigravity

import (
	"bytes"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/internal/capture/lax"
)

// step is one line of a transcript.
type step struct {
	Source    lax.String     `json:"source"` // USER_EXPLICIT, MODEL, SYSTEM
	Type      lax.String     `json:"type"`
	Status    lax.String     `json:"status"` // DONE, or how far it came
	CreatedAt lax.Time       `json:"created_at"`
	Content   lax.String     `json:"content"`
	Thinking  lax.String     `json:"thinking"`
	Calls     lax.List[call] `json:"tool_calls"`
	Truncated jsontext.Value `json:"truncated_fields"`
}

func (s *step) truncated() bool { return len(s.Truncated) > 2 && s.Truncated[0] == '[' }

type call struct {
	Name lax.String     `json:"name"`
	Args jsontext.Value `json:"args"`
}

// arguments are those of the tools that suggest something. Each is a string that holds JSON, or in some versions the JSON.
type arguments struct {
	TargetFile  text           `json:"TargetFile"`
	CodeContent text           `json:"CodeContent"`
	Target      text           `json:"TargetContent"`
	Replacement text           `json:"ReplacementContent"`
	Chunks      jsontext.Value `json:"ReplacementChunks"`
	CommandLine text           `json:"CommandLine"`
	Cwd         text           `json:"Cwd"`
	Metadata    jsontext.Value `json:"ArtifactMetadata"`
}

// chunk is one replacement of several in a file.
type chunk struct {
	Target      text `json:"TargetContent"`
	Replacement text `json:"ReplacementContent"`
}

func (a *arguments) chunks() []chunk {
	var list struct {
		L lax.List[chunk]
	}
	lax.Decode(bytes.Join([][]byte{[]byte(`{"L":`), inner(a.Chunks), []byte("}")}, nil), &list)
	return list.L.V
}

// artifact is what kind of document for the person a file is; empty for a file of theirs.
func (a *arguments) artifact() string {
	var m struct {
		Type lax.String `json:"ArtifactType"`
	}
	lax.Decode(inner(a.Metadata), &m)
	return string(m.Type)
}

// text is a string, out of the JSON within it where it holds any.
type text string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (t *text) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	var s lax.String
	err := s.UnmarshalJSONFrom(d)
	*t = text(s)
	if v := strings.TrimSpace(string(s)); strings.HasPrefix(v, `"`) {
		if in, bad := jsontext.AppendUnquote(nil, v); bad == nil {
			*t = text(in)
		}
	}
	return err
}

// inner is the JSON that a string holds, or the value itself.
func inner(v jsontext.Value) []byte {
	if len(v) > 0 && v[0] == '"' {
		if s, err := jsontext.AppendUnquote(nil, v); err == nil {
			return s
		}
	}
	return v
}

// path is the path of a file: URI; another string is as it was.
func path(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "file" {
		return s
	}
	return strings.ToValidUTF8(u.Path, "\uFFFD") // a percent sign may stand for any byte
}

// base is the last element of a path of any system.
func base(s string) string {
	s = strings.ReplaceAll(path(s), `\`, "/")
	return strings.ToLower(s[strings.LastIndexByte(s, '/')+1:])
}
