// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"strconv"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/sqlstore"
)

// asked is what rests sealed of a decision: what was asked, and what could have been done.
type asked struct {
	Kind          string           `json:"kind,omitempty"`
	Features      map[string]any   `json:"features,omitempty"`
	Actions       []episode.Action `json:"actions,omitempty"`
	Chosen        string           `json:"chosen,omitempty"`
	Authenticated bool             `json:"authenticated,omitempty"`
}

// logged is a decision on its way into the log.
type logged struct {
	id, release, developer []byte
	at                     int64 // microseconds since 1970
	shown, explore         bool
	propensity             float64 // of what was chosen
	asked                  []byte  // as JSON
}

// A record of the log is: its format's number; id, release, developer and what was asked, each after its length as an unsigned varint;
// when, as microseconds since 1970, and the propensity, both of 8 bytes, big-endian; and a byte of flags.
const (
	loggedFormat = 1

	flagShown   = 1
	flagExplore = 2
)

// appendLogged appends the record of a verdict.
func appendLogged(b []byte, q *question, v *verdict, authenticated bool, at time.Time) []byte {
	b = append(b, loggedFormat)
	b = appendPart(appendPart(appendPart(b, v.id), v.release), q.developer)
	q.text = q.appendAsked(q.text[:0], v, authenticated)
	return appendEnd(appendPart(b, q.text), at, q.actions[v.chosen].Propensity, v.shown, v.explore)
}

// appendEnd appends what has a fixed length.
func appendEnd(b []byte, at time.Time, propensity float64, shown, explore bool) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(at.UnixMicro()))
	b = binary.BigEndian.AppendUint64(b, math.Float64bits(propensity))
	flags := byte(0)
	if shown {
		flags |= flagShown
	}
	if explore {
		flags |= flagExplore
	}
	return append(b, flags)
}

func appendPart[T string | []byte](b []byte, part T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(part))), part...)
}

// recordsOf returns a part of the log as records. An earlier version wrote each part as a list in JSON, and one may lie there still.
func recordsOf(part []byte) ([]byte, error) {
	if len(part) == 0 || part[0] != '[' {
		return part, nil
	}
	var rows []struct {
		ID, Release, Developer string
		At                     time.Time
		Shown, Explore         bool
		Propensity             float64
		Sealed                 []byte // what was asked: it was sealed with its row only
	}
	if err := json.Unmarshal(part, &rows); err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	var b []byte
	for _, r := range rows {
		b = appendPart(appendPart(appendPart(append(b, loggedFormat), r.ID), r.Release), r.Developer)
		b = appendEnd(appendPart(b, r.Sealed), r.At, r.Propensity, r.Shown, r.Explore)
	}
	return b, nil
}

// loggedIn are the records in b. What they hold is part of b.
func loggedIn(b []byte) iter.Seq[*logged] {
	return func(yield func(*logged) bool) {
		var r logged
		for len(b) > 0 {
			if b = r.parse(b); b == nil || !yield(&r) {
				return
			}
		}
	}
}

// parse takes a record off b, and returns what follows it; nil where there is none.
func (r *logged) parse(b []byte) []byte {
	if b[0] != loggedFormat {
		return nil
	}
	b = b[1:]
	for _, part := range []*[]byte{&r.id, &r.release, &r.developer, &r.asked} {
		n, size := binary.Uvarint(b)
		if size <= 0 || n > uint64(len(b)-size) {
			return nil
		}
		*part, b = b[size:size+int(n)], b[size+int(n):]
	}
	if len(b) < 17 {
		return nil
	}
	r.at, r.propensity = int64(binary.BigEndian.Uint64(b)), math.Float64frombits(binary.BigEndian.Uint64(b[8:]))
	r.shown, r.explore = b[16]&flagShown != 0, b[16]&flagExplore != 0
	return b[17:]
}

// row is the record's row, without what rests sealed in it.
func (r *logged) row() sqlstore.DecisionRow {
	return sqlstore.DecisionRow{ID: string(r.id), Release: string(r.release), Developer: string(r.developer), At: time.UnixMicro(r.at).UTC(), Shown: r.shown,
		Propensity: r.propensity, Explore: r.explore}
}

// appendAsked appends what was asked as package json would write it of an [asked].
func (q *question) appendAsked(b []byte, v *verdict, authenticated bool) []byte {
	b = appendText(append(b, `{"kind":`...), q.kind)
	b = appendFeatures(b, q.features)
	b = append(b, `,"actions":[`...)
	for i := range q.actions {
		a := &q.actions[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(append(b, `{"id":`...), a.ID)
		b = appendFeatures(b, a.Features)
		b = append(appendNumber(append(b, `,"propensity":`...), a.Propensity), '}')
	}
	b = appendText(append(b, `],"chosen":`...), q.actions[v.chosen].ID)
	return append(strconv.AppendBool(append(b, `,"authenticated":`...), authenticated), '}')
}

// appendFeatures appends a member of that name, if there are any.
func appendFeatures(b []byte, features map[string]any) []byte {
	if len(features) == 0 {
		return b
	}
	b = append(b, `,"features":{`...)
	first := true
	for name, v := range features {
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(appendText(b, name), ':')
		switch v := v.(type) {
		case float64:
			b = appendNumber(b, v)
		case bool:
			b = strconv.AppendBool(b, v)
		case string:
			b = appendText(b, v)
		}
	}
	return append(b, '}')
}
