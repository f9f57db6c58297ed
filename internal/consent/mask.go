// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"reflect"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/scrub"
)

// masking makes the texts of one episode masked. The marks that scrub left in them are known by the key of this machine;
// the words are keyed for the recipient and the epoch, like other pseudonyms.
type masking struct {
	years map[int]*scrub.Scrubber

	// Of the episode at hand:
	s     *scrub.Scrubber
	prose bool
	found map[string]int
	err   error
}

// start prepares for an episode of this time.
func (m *masking) start(l *Lowerer, d Decision, at time.Time) (err error) {
	m.s, m.prose, m.found, m.err = nil, d.Prose, map[string]int{}, nil
	if d.Level != episode.LevelMasked {
		return nil
	}
	year := at.UTC().Year()
	if m.s = m.years[year]; m.s != nil {
		return nil
	}
	m.s, err = scrub.New(scrub.Config{Key: l.derive("pseudonym", "local"), Masked: true,
		WordKey: l.derive("pseudonym", l.recipient, strconv.Itoa(year))})
	if m.years == nil {
		m.years = map[int]*scrub.Scrubber{}
	}
	m.years[year] = m.s
	return err
}

// count adds what was replaced to what the record says of itself.
func (m *masking) count(p *episode.Privacy) {
	if len(m.found) == 0 {
		return
	}
	if p.Findings == nil {
		p.Findings = map[string]int{}
	}
	for kind, n := range m.found {
		p.Findings[kind] += n
	}
}

// took notes what was found in one text, and reports whether the result may leave.
func (m *masking) took(found []scrub.Finding, err error) bool {
	if err != nil && m.err == nil {
		m.err = err
	}
	for _, f := range found {
		m.found[f.Kind]++
	}
	return m.err == nil
}

// maskField binds the verbs mask and prose.
func maskField(prose bool, typ reflect.Type) (suits bool, do action) {
	leaves := func(l *Lowerer) bool { return l.mask.err == nil && (!prose || l.mask.prose) }
	if typ == reflect.TypeFor[jsontext.Value]() {
		return true, func(l *Lowerer, dst, src reflect.Value) {
			if v := src.Interface().(jsontext.Value); len(v) > 0 && leaves(l) {
				out, found, err := l.mask.s.JSON(v)
				if l.mask.took(found, err) {
					dst.Set(reflect.ValueOf(out))
				}
			}
		}
	}
	return typ.Kind() == reflect.String, func(l *Lowerer, dst, src reflect.Value) {
		if text := src.String(); text != "" && leaves(l) {
			out, found, err := l.mask.s.Text(nil, []byte(text))
			if l.mask.took(found, err) {
				dst.SetString(string(out))
			}
		}
	}
}
