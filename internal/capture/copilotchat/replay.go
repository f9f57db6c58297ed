// SPDX-License-Identifier: Apache-2.0

package copilotchat

import (
	"context"
	"errors"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// The kinds of change.
const (
	changeWhole  = 0 // v is the session
	changeSet    = 1 // v is the value at the path k
	changeAppend = 2 // v is added to the list at the path k, which is first cut to i elements, where there is an i
	changeDelete = 3 // the value at the path k goes
)

// change is one line of the log.
type change struct {
	Kind lax.Number     `json:"kind"`
	K    jsontext.Value `json:"k"`
	V    jsontext.Value `json:"v"`
	I    *lax.Number    `json:"i"`
}

const (
	maxPath   = 64
	maxReplay = capture.MaxDocument // what all changes together may hold, in bytes
)

var errReplay = errors.New("its changes hold more than a session may")

// initial is true where the value is a session's first state.
type initial bool

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (f *initial) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	raw, err := d.ReadValue()
	if err == nil {
		_, ok := lax.Keys(raw)["requests"]
		*f = initial(ok)
	}
	return err
}

// replay reads a log of changes and decodes the session that they make.
func replay(ctx context.Context, r io.Reader, c *capture.Counts, s *chat) error {
	var root any
	size := 0
	err := capture.Lines(ctx, r, c, func(line []byte) (bool, error) {
		if size += len(line); size > maxReplay {
			return false, errReplay
		}
		var ch change
		if !lax.Decode(line, &ch) {
			return false, nil
		}
		c.Kind([]string{"whole", "set", "append", "delete", "other"}[min(max(int(ch.Kind), 0), 4)])
		var v any
		var path []any
		if len(ch.V) > 0 && json.Unmarshal(ch.V, &v, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) != nil ||
			len(ch.K) > 0 && json.Unmarshal(ch.K, &path, jsontext.AllowInvalidUTF8(true)) != nil || len(path) > maxPath {
			return false, nil
		}
		if int(ch.Kind) == changeWhole {
			root = v
			return true, nil
		}
		var cut *int
		if ch.I != nil {
			n := int(ch.I.Int())
			cut = &n
		}
		changed, ok := apply(root, path, int(ch.Kind), v, cut)
		if ok {
			root = changed
		}
		return ok, nil
	})
	if err != nil || root == nil {
		return err
	}
	whole, err := json.Marshal(root, jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return err
	}
	lax.Decode(whole, s) // fields of other types than we expect are passed over
	return nil
}

// apply returns at with the change made at the path, and whether there is such a path.
func apply(at any, path []any, kind int, v any, cut *int) (any, bool) {
	if len(path) == 0 {
		switch kind {
		case changeSet:
			return v, true
		case changeAppend:
			list, _ := at.([]any)
			more, ok := v.([]any)
			if !ok || at != nil && list == nil {
				return at, false
			}
			if cut != nil && *cut < len(list) {
				list = list[:*cut]
			}
			return append(list, more...), true
		}
		return nil, kind == changeDelete
	}
	switch name := path[0].(type) {
	case string:
		object, ok := at.(map[string]any)
		if !ok {
			return at, false
		}
		if len(path) == 1 && kind == changeDelete {
			delete(object, name)
			return object, true
		}
		inner, ok := apply(object[name], path[1:], kind, v, cut)
		if ok {
			object[name] = inner
		}
		return object, ok
	case float64:
		list, ok := at.([]any)
		i := int(name)
		if !ok || i < 0 || i > len(list) || i == len(list) && (kind == changeDelete || len(path) > 1) {
			return at, false
		}
		if len(path) == 1 && kind == changeDelete {
			return append(list[:i], list[i+1:]...), true
		}
		if i == len(list) {
			list = append(list, nil)
		}
		inner, ok := apply(list[i], path[1:], kind, v, cut)
		if ok {
			list[i] = inner
		}
		return list, ok
	}
	return at, false
}
