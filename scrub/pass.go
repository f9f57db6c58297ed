// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// pass goes over the texts of one record: to find, to replace, to verify.
type pass struct {
	w       *worker
	visit   func(key, text string) (string, error)
	field   string
	index   int // of the field's list, -1 for none
	dirty   bool
	dropped int
	counts  map[string]int
	found   []Finding
	told    map[string][]span // by the model, by text; not once it was replaced
	looked  map[visited]looked
	err     error
}

// visited is a text of the record, and the key that it stands under.
type visited struct{ key, text string }

// looked is what is known of a text.
type looked struct {
	stays bool // nothing is to be found in it, all that was found elsewhere included
	bare  bool // nothing was found in it by itself
	coded bool // some of it is encoded: what was found elsewhere must be looked for there, too

	hits, own []span // of the text by itself, but for what is encoded, which is at
	regions   []region
	packs     []span
}

func newPass(w *worker) *pass {
	return &pass{w: w, index: -1, counts: map[string]int{}, looked: w.looked}
}

// run has each visit every text of the record, three times, or once where there is nothing to replace: so a secret
// found in one text is looked for in all, and what leaves has been looked at as it leaves.
func (p *pass) run(each func() error) error {
	p.visit = p.collect
	if err := each(); err != nil || !p.dirty && !p.w.mask && p.w.s.canaries == nil {
		return err
	}
	p.visit = p.replace
	if err := each(); err != nil {
		return err
	}
	p.visit, p.told = p.verify, nil
	return each()
}

// scan loads text and finds everything in it, with what the record knows.
func (p *pass) scan(key, text string) error {
	if time.Now().After(p.w.deadline) {
		return fmt.Errorf("%w: took longer than %s", ErrUnsafe, p.w.s.cfg.Budget)
	}
	p.w.in, p.w.told = append(p.w.in[:0], text...), p.told[text]
	p.w.under = p.w.wordOf(key)
	p.w.scan(p.w.in)
	return nil
}

// collect finds, and remembers what it found.
func (p *pass) collect(key, text string) (string, error) {
	this := visited{key, text}
	if _, ok := p.looked[this]; ok {
		return text, nil
	}
	if err := p.scan(key, text); err != nil {
		return "", err
	}
	l := p.w.lookedAt()
	p.w.spans = p.w.found(p.w.spans[:0], p.w.in)
	l.bare = len(p.w.spans) == 0
	p.looked[this] = l
	for _, h := range p.w.spans {
		p.dirty = true
		p.w.remember(p.w.known, h)
	}
	return text, nil
}

// lookedAt returns what was found by the last scan, and not what is encoded.
func (w *worker) lookedAt() looked {
	l := looked{hits: slices.Clone(w.hits[:w.direct]), own: slices.Clone(w.own), coded: *w.decoded > 0 || w.direct < len(w.hits)}
	if l.coded {
		l.regions, l.packs = slices.Clone(w.regions), slices.Clone(w.packs)
	}
	return l
}

// lookAgain is a scan of w.in that only decodes: the rest was seen before.
func (w *worker) lookAgain(l looked) {
	w.buf, w.hits, w.own, w.scanned = w.in, append(w.hits[:0], l.hits...), append(w.own[:0], l.own...), true
	if l.coded {
		w.startDecoding()
		w.regions, w.packs = append(w.regions, l.regions...), append(w.packs, l.packs...)
		w.decode(0, len(w.in))
	}
}

// stays reports whether a text in which nothing was found holds nothing that was found elsewhere. It loads the text.
func (p *pass) stays(l looked) bool {
	if p.w.mask || p.w.s.canaries != nil {
		return false
	}
	if l.bare && !l.coded {
		p.w.buf, p.w.hits = p.w.in, p.w.hits[:0]
		p.w.known.find(p.w, p.w.in)
		return len(p.w.hits) == 0
	}
	return l.stays || l.bare && len(p.w.known.values) == 0
}

// replace replaces what it finds.
func (p *pass) replace(key, text string) (string, error) {
	this, w := visited{key, text}, p.w
	l, ok := p.looked[this]
	w.in, w.told = append(w.in[:0], text...), p.told[text]
	if p.stays(l) {
		p.looked[this] = looked{stays: true}
		return text, nil
	}
	w.under = w.wordOf(key)
	if ok && !l.stays {
		w.lookAgain(l)
	}
	open := carried{}
	w.entire = true
	out, _, err := w.window(w.out[:0], w.in, 0, true, &open)
	w.entire = false
	w.out = out
	if err != nil || len(w.spans) == 0 && !w.mask {
		p.looked[this] = looked{stays: err == nil}
		return text, err
	}
	field := p.field
	if p.index >= 0 {
		field = fmt.Sprintf("%s[%d]", field, p.index)
	}
	n := len(p.found)
	p.found = p.w.tell(p.found, field, p.w.in, out)
	if p.w.mask {
		if out, p.found, err = p.w.masked(out, 0, 0, p.found, field); err != nil {
			return "", err
		}
		p.w.out = out
	}
	for _, f := range p.found[n:] {
		p.counts[f.Kind]++
	}
	clean := string(out)
	if !w.mask {
		p.looked[visited{key, clean}] = looked{stays: true}
	}
	return clean, nil
}

// verify refuses a record in which anything is left. What was looked at as it leaves, with all that is known, is not looked
// at again.
func (p *pass) verify(key, text string) (string, error) {
	if p.looked[visited{key, text}].stays && !p.w.mask && p.w.s.canaries == nil {
		return text, nil
	}
	if err := p.scan(key, text); err != nil {
		return "", err
	}
	if p.w.mask {
		p.w.hits = p.w.hits[:0] // a name with a mark in it looks random; the clean text was looked at before
	}
	p.w.known.find(p.w, p.w.in)
	left := p.w.found(nil, p.w.in)
	if p.w.mask {
		left = wordsBeside(left, p.w.own, p.w.in)
	}
	if len(left) > 0 {
		return "", fmt.Errorf("%w: %s still holds a %s", ErrUnsafe, p.field, left[0].kind)
	}
	if err := p.w.noCanary(p.w.in); err != nil {
		return "", err
	}
	return text, nil
}

// Field appends a line of JSON to dst with every finding in one of its top-level fields replaced; every other byte stays
// as it is, and so does a line without that field. An error is ErrUnsafe or says that the line is not a JSON object;
// then nothing is appended.
func (s *Scrubber) Field(dst, line []byte, name string) (out []byte, found []Finding, err error) {
	defer closed(&err)
	start, end, err := fieldAt(line, name)
	if err != nil {
		return dst, nil, err
	}
	if start == end {
		return append(dst, line...), nil, nil
	}
	w := s.recordWorker()
	defer s.done(w)
	p := newPass(w)
	p.field = name
	value := jsontext.Value(line[start:end])
	err = p.run(func() (err error) {
		value, err = visitJSON(value, name, p.visit)
		return err
	})
	if err != nil {
		return dst, nil, err
	}
	return append(append(append(dst, line[:start]...), value...), line[end:]...), p.found, nil
}

// HasField reports whether a line of JSON is an object with this top-level field.
func HasField(line []byte, name string) bool {
	start, end, err := fieldAt(line, name)
	return err == nil && start < end
}

// fieldAt returns where the value of a top-level field stands; start and end are 0 where there is none.
func fieldAt(line []byte, name string) (start, end int, err error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(line))
	if d.PeekKind() != '{' {
		return 0, 0, errors.New("not a JSON object")
	}
	if _, err := d.ReadToken(); err != nil {
		return 0, 0, fmt.Errorf("not a JSON object: %w", err)
	}
	for d.PeekKind() == '"' {
		key, err := d.ReadToken()
		if err != nil {
			return 0, 0, fmt.Errorf("not a JSON object: %w", err)
		}
		wanted := key.String() == name
		value, err := d.ReadValue()
		if err != nil {
			return 0, 0, fmt.Errorf("not a JSON object: %w", err)
		}
		if wanted {
			end = int(d.InputOffset())
			start = end - len(value)
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return 0, 0, fmt.Errorf("not a JSON object: %w", err)
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return 0, 0, errors.New("more than one JSON value on the line")
	}
	return start, end, nil
}
