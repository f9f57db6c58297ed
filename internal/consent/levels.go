// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/spec"
)

// tables are those of package spec, parsed.
type tables struct {
	verbs    map[episode.Level]map[string]string // level → path → verb
	lists    map[string]map[string]bool          // enums.tsv
	features map[string]string                   // name → number, bool or enum:LIST
}

func parseTables() (*tables, error) {
	t := &tables{verbs: map[episode.Level]map[string]string{}, lists: map[string]map[string]bool{}, features: map[string]string{}}
	rows, err := parseTable(spec.Levels, "path", "signal", "masked", "clean")
	if err != nil {
		return nil, fmt.Errorf("levels table: %w", err)
	}
	for i, level := range []episode.Level{episode.LevelSignal, episode.LevelMasked, episode.LevelClean} {
		t.verbs[level] = make(map[string]string, len(rows))
		for _, r := range rows {
			t.verbs[level][r[0]] = r[1+i]
		}
	}
	if rows, err = parseTable(spec.Enums, "list", "values"); err != nil {
		return nil, fmt.Errorf("enums table: %w", err)
	}
	for _, r := range rows {
		list := map[string]bool{}
		for v := range strings.FieldsSeq(r[1]) {
			list[v] = true
		}
		t.lists[r[0]] = list
	}
	if rows, err = parseTable(spec.Features, "name", "type"); err != nil {
		return nil, fmt.Errorf("features table: %w", err)
	}
	for _, r := range rows {
		t.features[r[0]] = r[1]
	}
	return t, nil
}

// plan is what to do with the fields of one struct type; a field without a step does not leave.
type plan []step

type step struct {
	field int
	do    action
}

// action sets dst, which is zero, from src as far as it may leave.
type action func(l *Lowerer, dst, src reflect.Value)

// compile walks the Go type and binds each field to its row in the table. A field without a row is left out.
func (t *tables) compile(level episode.Level, typ reflect.Type, prefix string) (plan, error) {
	var p plan
	for i := range typ.NumField() {
		f := typ.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			continue // the fields that this version does not know
		}
		do, err := t.action(level, f.Type, prefix+name)
		if err != nil {
			return nil, fmt.Errorf("%s at level %s: %w", prefix+name, level, err)
		}
		if do != nil {
			p = append(p, step{i, do})
		}
	}
	return p, nil
}

// action returns what to do with a field of this type and path, or nil where it does not leave.
func (t *tables) action(level episode.Level, typ reflect.Type, path string) (action, error) {
	switch {
	case typ.Kind() == reflect.Struct && typ != reflect.TypeFor[time.Time]():
		p, err := t.compile(level, typ, path+".")
		if err != nil || len(p) == 0 {
			return nil, err
		}
		return func(l *Lowerer, dst, src reflect.Value) { p.run(l, dst, src) }, nil
	case typ.Kind() == reflect.Pointer && typ.Elem().Kind() == reflect.Struct:
		p, err := t.compile(level, typ.Elem(), path+".")
		if err != nil || len(p) == 0 {
			return nil, err
		}
		return func(l *Lowerer, dst, src reflect.Value) {
			if !src.IsNil() {
				dst.Set(reflect.New(typ.Elem()))
				p.run(l, dst.Elem(), src.Elem())
			}
		}, nil
	case typ.Kind() == reflect.Slice && typ.Elem().Kind() == reflect.Struct:
		p, err := t.compile(level, typ.Elem(), path+"[].")
		if err != nil || len(p) == 0 {
			return nil, err
		}
		return func(l *Lowerer, dst, src reflect.Value) {
			n := src.Len()
			if n == 0 {
				return
			}
			dst.Grow(n)
			dst.SetLen(n)
			for i := range n {
				p.run(l, dst.Index(i), src.Index(i))
			}
		}, nil
	}
	verb, ok := t.verbs[level][path]
	if !ok {
		return nil, nil
	}
	return t.verb(verb, typ)
}

func (p plan) run(l *Lowerer, dst, src reflect.Value) {
	for _, s := range p {
		s.do(l, dst.Field(s.field), src.Field(s.field))
	}
}
