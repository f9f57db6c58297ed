// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
)

// Schema generates the JSON Schema (2020-12) of the record from its Go types. Fields that a schema does not name are
// allowed everywhere: readers keep them.
func Schema() ([]byte, error) {
	defs := map[string]any{}
	root, err := schemaOf(reflect.TypeFor[episode.Episode](), enumsByType(), defs)
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"title":   "Headrace episode " + episode.SchemaVersion,
		"$ref":    root["$ref"],
		"$defs":   defs,
	}, json.Deterministic(true), jsontext.WithIndent("  "))
}

// enumsByType names, for each closed type of the record, its list in enums.tsv.
func enumsByType() map[reflect.Type][]string {
	lists := map[string][]string{}
	for l := range strings.Lines(Enums) {
		name, values, _ := strings.Cut(strings.TrimSpace(l), "\t")
		lists[name] = strings.Fields(values)
	}
	return map[reflect.Type][]string{
		reflect.TypeFor[episode.Level]():          lists["level"],
		reflect.TypeFor[episode.Surface]():        lists["surface"],
		reflect.TypeFor[episode.ArtifactKind]():   lists["artifact_kind"],
		reflect.TypeFor[episode.Source]():         lists["source"],
		reflect.TypeFor[episode.SuggestionKind](): lists["suggestion_kind"],
		reflect.TypeFor[episode.Verdict]():        lists["verdict"],
		reflect.TypeFor[episode.By]():             lists["by"],
		reflect.TypeFor[episode.OutcomeKind]():    lists["outcome_kind"],
		reflect.TypeFor[episode.Purpose]():        lists["purpose"],
	}
}

func schemaOf(t reflect.Type, enums map[reflect.Type][]string, defs map[string]any) (map[string]any, error) {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}, nil
	case t == reflect.TypeFor[jsontext.Value](), t.Kind() == reflect.Interface:
		return map[string]any{}, nil
	case enums[t] != nil:
		return map[string]any{"type": "string", "enum": enums[t]}, nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem(), enums, defs)
	case reflect.String:
		return map[string]any{"type": "string"}, nil
	case reflect.Bool:
		return map[string]any{"type": "boolean"}, nil
	case reflect.Int, reflect.Int32, reflect.Int64:
		return map[string]any{"type": "integer"}, nil
	case reflect.Float64:
		return map[string]any{"type": "number"}, nil
	case reflect.Slice:
		items, err := schemaOf(t.Elem(), enums, defs)
		return map[string]any{"type": "array", "items": items}, err
	case reflect.Map:
		values, err := schemaOf(t.Elem(), enums, defs)
		return map[string]any{"type": "object", "additionalProperties": values}, err
	case reflect.Struct:
		return structSchema(t, enums, defs)
	}
	return nil, fmt.Errorf("no schema for a %s", t)
}

func structSchema(t reflect.Type, enums map[reflect.Type][]string, defs map[string]any) (map[string]any, error) {
	ref := map[string]any{"$ref": "#/$defs/" + t.Name()}
	if defs[t.Name()] != nil {
		return ref, nil
	}
	properties := map[string]any{}
	def := map[string]any{"type": "object", "properties": properties}
	defs[t.Name()] = def
	var required []string
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			continue
		}
		s, err := schemaOf(f.Type, enums, defs)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", t.Name(), f.Name, err)
		}
		properties[name] = s
		if !strings.Contains(options, "omit") {
			required = append(required, name)
		}
	}
	if required != nil {
		def["required"] = required
	}
	return ref, nil
}
