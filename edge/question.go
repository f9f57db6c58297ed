// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/consent"
)

// question is a [DecideRequest] as it is decided on: its features as coarse as they would leave, nothing of it text but ids. It is used
// again and again, with its maps and buffers, so that a request leaves next to no garbage.
type question struct {
	kind, developer, suggestion string
	features                    map[string]any
	actions                     []episode.Action
	about                       uint64 // a sum over features and actions as they were sent, in whatever order they were

	coarse  consent.Coarsener
	spare   []map[string]any // of actions that have no features now
	source  bytes.Reader
	dec     jsontext.Decoder
	name    []byte // scratch
	text    []byte // scratch
	body    []byte // of the request
	id      []byte // of the decision
	out     []byte // the record of the log, then the answer
	values  [maxOffered]float64
	entropy [16]byte
}

func newQuestion(coarse consent.Coarsener) *question {
	return &question{coarse: coarse, features: map[string]any{}}
}

// reset makes it empty.
func (q *question) reset() {
	q.kind, q.developer, q.suggestion, q.about = "", "", "", offset64
	clear(q.features)
	for i := range q.actions {
		if f := q.actions[i].Features; f != nil {
			clear(f)
			q.spare = append(q.spare, f)
		}
		q.actions[i] = episode.Action{}
	}
	q.actions = q.actions[:0]
}

// of takes over a request of this process.
func (q *question) of(req *DecideRequest) {
	q.reset()
	q.kind, q.developer, q.suggestion = req.Kind, req.Developer, req.Suggestion
	sum := q.take(q.features, req.Features)
	for i := range req.Actions {
		a := episode.Action{ID: req.Actions[i].ID}
		of := uint64(0)
		if len(req.Actions[i].Features) > 0 {
			a.Features = q.room()
			of = q.take(a.Features, req.Actions[i].Features)
		}
		sum = 31*sum + fnv(offset64, a.ID) + of
		q.actions = append(q.actions, a)
	}
	q.about = sum
}

// take adds to into what of features may leave, and returns a sum over all of them.
func (q *question) take(into, features map[string]any) (sum uint64) {
	for name, v := range features {
		h := fnv(offset64, name)
		f := q.coarse.Feature([]byte(name))
		switch v := v.(type) {
		case int:
			h = q.number(into, f, h, float64(v))
		case int64:
			h = q.number(into, f, h, float64(v))
		case float64:
			h = q.number(into, f, h, v)
		case bool:
			h = q.truth(into, f, h, v)
		case string:
			h = q.word(into, f, h, []byte(v))
		}
		sum += h * prime64
	}
	return sum
}

// number, truth and word add a feature to into where it may leave, and go on with the hash of its name.
func (q *question) number(into map[string]any, f *consent.Feature, h uint64, v float64) uint64 {
	if f != nil {
		if v, ok := f.Number(v); ok {
			into[f.Name] = v
		}
	}
	h = (h ^ math.Float64bits(v)) * prime64
	return h ^ h>>32
}

func (q *question) truth(into map[string]any, f *consent.Feature, h uint64, v bool) uint64 {
	if f != nil {
		if v, ok := f.Bool(v); ok {
			into[f.Name] = v
		}
	}
	if v {
		h *= prime64
	}
	return h
}

func (q *question) word(into map[string]any, f *consent.Feature, h uint64, v []byte) uint64 {
	if f != nil {
		if v, ok := f.Enum(v); ok {
			into[f.Name] = v
		}
	}
	return fnv(h*prime64, v)
}

// room is an empty map for an action's features.
func (q *question) room() map[string]any {
	if n := len(q.spare); n > 0 {
		m := q.spare[n-1]
		q.spare = q.spare[:n-1]
		return m
	}
	return map[string]any{}
}

const offset64, prime64 = 14695981039346656037, 1099511628211 // of FNV-1a

func fnv[T string | []byte](h uint64, s T) uint64 {
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * prime64
	}
	return h
}

// subject names what is asked about: by the tool's id, or by what was sent.
func (q *question) subject() string {
	if q.suggestion != "" {
		return q.suggestion
	}
	return strconv.FormatUint(q.about, 36)
}

// read reads a request, which must be one JSON object as package json would read it into a [DecideRequest]: members that it does not
// know are passed over, none may be there twice.
func (q *question) read(body []byte) error {
	q.reset()
	q.source.Reset(body)
	q.dec.Reset(&q.source)
	sum, each := uint64(0), uint64(0) // over the features of the context, and over those of the actions
	err := q.object(func(name []byte) (err error) {
		switch string(name) {
		case "kind":
			q.kind, err = q.string()
		case "developer":
			q.developer, err = q.string()
		case "suggestion":
			q.suggestion, err = q.string()
		case "features":
			sum, err = q.readFeatures(q.features)
		case "actions":
			each, err = q.readActions()
		default:
			err = q.dec.SkipValue()
		}
		return err
	})
	if err != nil {
		return err
	}
	if _, err := q.dec.ReadToken(); err != io.EOF {
		return errors.New("something follows the request")
	}
	for range q.actions {
		sum *= 31
	}
	q.about = sum + each
	return nil
}

// object reads one, or null, which is one without members. What member reads first is the value of the name; the name's bytes are good
// until then.
func (q *question) object(member func(name []byte) error) error {
	switch t, err := q.dec.ReadToken(); {
	case err != nil:
		return err
	case t.Kind() == 'n':
		return nil
	case t.Kind() != '{':
		return fmt.Errorf("there is a JSON value of kind %v where an object should be", t.Kind())
	}
	for q.dec.PeekKind() != '}' {
		raw, err := q.dec.ReadValue()
		if err != nil {
			return err
		}
		if q.name, err = jsontext.AppendUnquote(q.name[:0], raw); err != nil {
			return err
		}
		if err := member(q.name); err != nil {
			return err
		}
	}
	_, err := q.dec.ReadToken()
	return err
}

// string reads one, or null, which is the empty one.
func (q *question) string() (string, error) {
	raw, err := q.dec.ReadValue()
	if err != nil || raw.Kind() == 'n' {
		return "", err
	}
	if raw.Kind() != '"' {
		return "", fmt.Errorf("there is a JSON value of kind %v where a string should be", raw.Kind())
	}
	q.text, err = jsontext.AppendUnquote(q.text[:0], raw)
	return string(q.text), err
}

// readFeatures adds to into what of them may leave, and returns a sum over all of them.
func (q *question) readFeatures(into map[string]any) (sum uint64, err error) {
	err = q.object(func(name []byte) error {
		f, h := q.coarse.Feature(name), fnv(uint64(offset64), name)
		raw, err := q.dec.ReadValue()
		if err != nil {
			return err
		}
		switch raw.Kind() {
		case '0':
			v, err := strconv.ParseFloat(string(raw), 64)
			if err != nil {
				return err
			}
			h = q.number(into, f, h, v)
		case 't', 'f':
			h = q.truth(into, f, h, raw.Kind() == 't')
		case '"':
			if q.text, err = jsontext.AppendUnquote(q.text[:0], raw); err != nil {
				return err
			}
			h = q.word(into, f, h, q.text)
		case '{', '[':
			var other any // no feature, and refused where package json would
			if err := json.Unmarshal(raw, &other); err != nil {
				return err
			}
		}
		sum += h * prime64
		return nil
	})
	return sum, err
}

// readActions reads them, and returns a sum over what was sent of them.
func (q *question) readActions() (sum uint64, err error) {
	switch t, err := q.dec.ReadToken(); {
	case err != nil:
		return 0, err
	case t.Kind() == 'n':
		return 0, nil
	case t.Kind() != '[':
		return 0, fmt.Errorf("actions are a JSON value of kind %v", t.Kind())
	}
	for q.dec.PeekKind() != ']' {
		if len(q.actions) == maxOffered {
			return 0, fmt.Errorf("more than %d actions", maxOffered)
		}
		var a episode.Action
		of := uint64(0)
		err := q.object(func(name []byte) (err error) {
			switch string(name) {
			case "id":
				a.ID, err = q.string()
			case "features":
				a.Features = q.room()
				of, err = q.readFeatures(a.Features)
			default:
				err = q.dec.SkipValue()
			}
			return err
		})
		q.actions = append(q.actions, a) // with its map, whatever follows
		if err != nil {
			return 0, err
		}
		sum = 31*sum + fnv(uint64(offset64), a.ID) + of
	}
	_, err = q.dec.ReadToken()
	return sum, err
}
