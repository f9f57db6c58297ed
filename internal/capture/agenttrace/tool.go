// SPDX-License-Identifier: Apache-2.0

package agenttrace

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/internal/capture/lax"
)

// tool is a tool's name, or in the RFC's shape an object with a name and a version: both, joined by a slash.
type tool lax.String

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (t *tool) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == '"' {
		return json.UnmarshalDecode(d, (*lax.String)(t))
	}
	var o lax.Object[struct {
		Name    lax.String `json:"name"`
		Version lax.String `json:"version"`
	}]
	err := o.UnmarshalJSONFrom(d)
	if *t = tool(o.V.Name); o.V.Version != "" {
		*t += "/" + tool(o.V.Version)
	}
	return err
}
