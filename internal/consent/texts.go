// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"errors"
	"reflect"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/scrub"
)

// texting makes the texts of one episode as they leave: masked, where the level says so, and with every mark in them made
// anew for the recipient and the year, like other pseudonyms. The marks that scrub left are this machine's own.
type texting struct {
	masker *scrub.Scrubber
	anew   map[int]*scrub.Rekeyer // by year

	// Of the episode at hand:
	marks *scrub.Rekeyer
	prose bool
	found map[string]int
	err   error
}

// start prepares for an episode of this time. Where no text leaves, it needs nothing.
func (t *texting) start(l *Lowerer, d Decision, at time.Time) (err error) {
	t.prose, t.found, t.err = d.Prose, map[string]int{}, nil
	if d.Level == episode.LevelSignal {
		return nil
	}
	local := l.derive("pseudonym", "local")
	if d.Level == episode.LevelMasked && t.masker == nil {
		if t.masker, err = scrub.New(scrub.Config{Key: local, Masked: true}); err != nil {
			return err
		}
	}
	year := at.UTC().Year()
	if t.marks = t.anew[year]; t.marks != nil {
		return nil
	}
	if t.marks, err = scrub.NewRekeyer(local, l.derive("pseudonym", l.recipient, strconv.Itoa(year))); err != nil {
		return err
	}
	if t.anew == nil {
		t.anew = map[int]*scrub.Rekeyer{}
	}
	t.anew[year] = t.marks
	return nil
}

// count adds what was replaced to what the record says of itself.
func (t *texting) count(p *episode.Privacy) {
	if len(t.found) == 0 {
		return
	}
	if p.Findings == nil {
		p.Findings = map[string]int{}
	}
	for kind, n := range t.found {
		p.Findings[kind] += n
	}
}

// took notes what was masked in one text.
func (t *texting) took(found []scrub.Finding, err error) error {
	for _, f := range found {
		t.found[f.Kind]++
	}
	return err
}

// text returns one text as it leaves.
func (t *texting) text(text string, mask bool) (string, error) {
	if mask {
		out, found, err := t.masker.Text(nil, []byte(text))
		if err := t.took(found, err); err != nil {
			return "", err
		}
		text = string(out)
	}
	return t.marks.Text(text)
}

// json does the same for a JSON value.
func (t *texting) json(v jsontext.Value, mask bool) (jsontext.Value, error) {
	if mask {
		out, found, err := t.masker.JSON(v)
		if err := t.took(found, err); err != nil {
			return nil, err
		}
		v = out
	}
	return t.marks.JSON(v)
}

// textField binds the verbs text, json, mask and prose.
func textField(verb string, typ reflect.Type) (suits bool, do action) {
	mask, prose := verb != "text" && verb != "json", verb == "prose"
	leaves := func(l *Lowerer) bool { return l.texts.err == nil && (!prose || l.texts.prose) }
	if typ == reflect.TypeFor[jsontext.Value]() {
		return verb == "json" || verb == "mask" || prose, func(l *Lowerer, dst, src reflect.Value) {
			if v := src.Interface().(jsontext.Value); len(v) > 0 && leaves(l) {
				v, l.texts.err = l.texts.json(v, mask)
				dst.Set(reflect.ValueOf(v))
			}
		}
	}
	return typ.Kind() == reflect.String && verb != "json", func(l *Lowerer, dst, src reflect.Value) {
		if text := src.String(); text != "" && leaves(l) {
			text, l.texts.err = l.texts.text(text, mask)
			dst.SetString(text)
		}
	}
}

// whyNot is the Problem of a text that cannot leave.
func whyNot(err error) error {
	if !errors.Is(err, scrub.ErrForeign) {
		return err
	}
	return &episode.Problem{Code: "consent/foreign-marks", Message: "its texts were scrubbed with another key", Err: err,
		Hint: "scrub with this machine's keys, or say with --key which key headrace scrub had"}
}
