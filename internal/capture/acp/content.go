// SPDX-License-Identifier: Apache-2.0

package acp

import (
	"net/url"
	"path"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// contents is one block of content or a list of them: text, changes to files, terminals, resources.
type contents struct {
	given     bool
	text      string
	diffs     []block
	terminal  string
	resources []resource
}

type block struct {
	Type     lax.String           `json:"type"`
	Text     lax.String           `json:"text"`
	Content  lax.Object[inner]    `json:"content"`
	Path     lax.String           `json:"path"`
	Old      lax.String           `json:"oldText"`
	New      lax.String           `json:"newText"`
	Terminal lax.String           `json:"terminalId"`
	URI      lax.String           `json:"uri"`
	Name     lax.String           `json:"name"`
	Resource lax.Object[resource] `json:"resource"`
}

type inner struct {
	Text     lax.String           `json:"text"`
	Resource lax.Object[resource] `json:"resource"`
}

type resource struct {
	URI  lax.String `json:"uri"`
	Text lax.String `json:"text"`
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (c *contents) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	var blocks []block
	var err error
	switch d.PeekKind() {
	case '[':
		var list lax.List[block]
		err, blocks = list.UnmarshalJSONFrom(d), list.V
	case '{':
		var one lax.Object[block]
		err, blocks = one.UnmarshalJSONFrom(d), []block{one.V}
	default:
		return d.SkipValue()
	}
	c.given = true
	var text strings.Builder
	for _, b := range blocks {
		switch b.Type {
		case "diff":
			c.diffs = append(c.diffs, b)
		case "terminal":
			c.terminal = string(b.Terminal)
		case "resource_link": // what the person has named with @
			mention(&text, nameOf(string(b.URI), string(b.Name)))
		case "resource":
			mention(&text, nameOf(string(b.Resource.V.URI), ""))
			if b.Resource.V.Text != "" {
				c.resources = append(c.resources, b.Resource.V)
			}
		case "content":
			if text.Len() > 0 {
				text.WriteByte('\n')
			}
			text.WriteString(string(b.Content.V.Text + b.Content.V.Resource.V.Text))
		default:
			text.WriteString(string(b.Text))
		}
	}
	c.text = text.String()
	return err
}

// mention writes the name of something that the person has pointed to.
func mention(text *strings.Builder, name string) {
	if n := text.Len(); n > 0 && !strings.ContainsRune(" \n(", rune(text.String()[n-1])) {
		text.WriteByte(' ')
	}
	text.WriteString("@" + name)
}

// nameOf is the name of a resource: a file's path where it is one.
func nameOf(uri, name string) string {
	if file, ok := strings.CutPrefix(uri, "file://"); ok {
		if plain, err := url.PathUnescape(file); err == nil {
			file = plain
		}
		return strings.ToValidUTF8(file, "\uFFFD")
	}
	if name != "" {
		return name
	}
	return uri
}

// artifact is a resource that the editor has put into the prompt.
func (r resource) artifact() episode.Artifact {
	kind, name := episode.ArtifactFile, nameOf(string(r.URI), "")
	switch strings.ToLower(path.Base(name)) {
	case "agents.md", "claude.md", "gemini.md", ".rules", ".cursorrules":
		kind = episode.ArtifactRules
	}
	return capture.Artifact(kind, name, string(r.Text))
}
