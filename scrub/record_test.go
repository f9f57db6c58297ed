// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
)

func dictionary(t testing.TB) *Dictionary {
	t.Helper()
	d, err := ReadDictionary(strings.NewReader("kind,value\nperson,\"Jane Doe\"\nhost,db1.corp\ncustomer,Volta Energía\nproject,Kestrel\nticket,PAY-123\n"))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func decode(t *testing.T, line string) *episode.Episode {
	t.Helper()
	e, err := episode.Decode([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func encode(t *testing.T, e *episode.Episode) string {
	t.Helper()
	b, err := episode.Append(nil, e)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestDictionaryNamesAreFoundInAnyCaseAndJoint(t *testing.T) {
	s := newScrubber(t, Config{Dictionary: dictionary(t)})
	for text, head := range map[string]string{
		"ask JANE DOE": "user_", "jane.doe wrote": "user_", "jane_doe": "user_", "feature/volta-energía-rounding": "customer_",
		"VOLTA ENERGÍA": "customer_", "the kestrel team": "project_", "psql -h DB1.corp": "host-", "fix pay-123": "ticket_",
	} {
		if out := scrubbed(t, s, text); !strings.Contains(out, head+anchor) {
			t.Errorf("%q became %q", text, out)
		}
	}
	for _, text := range []string{"janedoes", "kestrels", "pay-1234", "jane, then doe"} {
		if out := scrubbed(t, s, text); out != text {
			t.Errorf("%q became %q", text, out)
		}
	}
	for _, bad := range []string{"planet,Mars\n", "person\n", "person,\"x\"\n"} {
		var p *episode.Problem
		if _, err := ReadDictionary(strings.NewReader(bad)); !errors.As(err, &p) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// fill sets every string of v to text, every list to one member, and every raw JSON value to an object.
func fill(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), text)
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[jsontext.Value]() {
			v.Set(reflect.ValueOf(jsontext.Value(`{"a":{"password":"` + "c0rrect-h0rse" + `"},"` + text + `":[1]}`)))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), text)
	case reflect.Map:
		if v.Type().Elem().Kind() == reflect.Interface {
			v.Set(reflect.ValueOf(map[string]any{text: text, "b": []any{text}, "c": map[string]any{"d": text}}))
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), text)
		}
	}
}

// leaves lists the paths of the strings that hold what.
func leaves(v reflect.Value, what, path string, list *[]string) {
	switch v.Kind() {
	case reflect.String:
		if strings.Contains(v.String(), what) {
			*list = append(*list, path)
		}
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			leaves(v.Elem(), what, path, list)
		}
	case reflect.Slice:
		if raw, ok := v.Interface().(jsontext.Value); ok {
			if strings.Contains(string(raw), what) {
				*list = append(*list, path)
			}
			return
		}
		for i := range v.Len() {
			leaves(v.Index(i), what, path, list)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			leaves(k, what, path, list)
			leaves(v.MapIndex(k), what, path, list)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			leaves(v.Field(i), what, strings.TrimPrefix(path+"."+v.Type().Field(i).Name, "."), list)
		}
	}
}

// Whoever adds a field to the record must say here whether it is an id, or have it scrubbed.
func TestNoTextOfTheRecordIsForgotten(t *testing.T) {
	e := new(episode.Episode)
	fill(reflect.ValueOf(e).Elem(), "x@corp.com c0rrect-h0rse")
	if _, err := newScrubber(t, Config{}).Episode(e); err != nil {
		t.Fatal(err)
	}
	e.Local = nil // leaves with consent
	var left []string
	leaves(reflect.ValueOf(*e), "c0rrect-h0rse", "", &left)
	ids := []string{"ID", "Amends", "Developer", "Session", "Repository", "Artifacts.Digest", "Steps.ToolCalls.ID",
		"Steps.Observation.Results.Call", "Suggestions.ID", "Decisions.Suggestion", "Decisions.DecisionID", "Decisions.Release",
		"Outcomes.Suggestion", "Links.Commit", "Links.PullRequest", "Links.Parent"}
	left = slices.DeleteFunc(left, func(p string) bool { return slices.Contains(ids, p) })
	if len(left) > 0 {
		t.Errorf("left in %v", left)
	}
}

const raw = `{"schema_version":"1.0","id":"ep_1","developer":"jane@corp.com","session":"s","repository":"git@h:o/r",
"instruction":"use tr0ub4dor-and-3 in /home/jmiller/app","new_field":1,"tool":{"name":"demo","extra":{"a":1}},
"artifacts":[{"digest":"sha256:00","text":"DB_PASSWORD=tr0ub4dor-and-3\n"}],
"steps":[{"source":"agent","tool_calls":[{"id":"c","name":"Bash","arguments":{"command":"echo tr0ub4\u0064or-and-3","api_token":"\u0067hp_x9","n":12,"passcode":[12345678]}}]}],
"suggestions":[{"id":"s1","step":-1,"path":"/home/jmiller/app/a.go","after":"x := \"tr0ub4dor-and-3\"","token_ids":[1,2],"log_probs":[-1,-2]},
{"id":"s2","step":-1,"path":"b.go","after":"y := 1","token_ids":[3],"log_probs":[-1]}],
"decisions":[{"suggestion":"s1","verdict":"accepted","by":"person"}],"terms":{"purposes":["distil"]}}`

func TestARecordBecomesCleanAndKeepsTheFactsForRules(t *testing.T) {
	s := newScrubber(t, Config{})
	e := decode(t, raw)
	found, err := s.Episode(e)
	if err != nil {
		t.Fatal(err)
	}
	local := *e.Local
	e.Local = nil
	out := encode(t, e)
	for _, gone := range []string{"tr0ub", "and-3", "jmiller", "ghp_x9", "12345678", "new_field", "extra", "distil"} {
		if strings.Contains(out, gone) {
			t.Errorf("%q is left: %s", gone, out)
		}
	}
	if e.Suggestions[0].TokenIDs != nil || e.Suggestions[0].LogProbs != nil || e.Suggestions[1].TokenIDs == nil {
		t.Error("token ids go where the text changed, and only there")
	}
	if a := e.Artifacts[0]; a.Digest != episode.Digest([]byte(a.Text)) {
		t.Errorf("digest %s is not of the clean text", a.Digest)
	}
	want := episode.Local{Repository: "git@h:o/r", Developer: "jane@corp.com", Paths: []string{"/home/jmiller/app/a.go", "b.go"}, Findings: e.Privacy.Findings}
	if d := cmp.Diff(want, local); d != "" {
		t.Error(d)
	}
	p := e.Privacy
	n := 0
	for _, k := range p.Findings {
		n += k
	}
	if p.Level != episode.LevelClean || p.Scrubber != Version || p.DroppedFields != 2 || n != len(found) || p.Findings["password"] < 4 {
		t.Errorf("privacy %+v, %d found", p, len(found))
	}
}

func TestARecordScrubbedTwiceIsTheSame(t *testing.T) {
	s := newScrubber(t, Config{})
	e := decode(t, raw)
	if _, err := s.Episode(e); err != nil {
		t.Fatal(err)
	}
	once := encode(t, e)
	found, err := s.Episode(e)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(once, encode(t, e)); d != "" || len(found) > 0 {
		t.Error(found, d)
	}
}

func TestADetectorThatStopsDropsTheRecord(t *testing.T) {
	broken := newScrubber(t, Config{})
	broken.auto = &automaton{} // any byte is now out of range
	e := decode(t, raw)
	if _, err := broken.Episode(e); !errors.Is(err, ErrUnsafe) {
		t.Errorf("episode: %v", err)
	}
	if out, _, err := broken.Text(nil, []byte("password=x1y2z3a4")); !errors.Is(err, ErrUnsafe) || len(out) > 0 {
		t.Errorf("text: %q %v", out, err)
	}
	if out, _, err := broken.Field(nil, []byte(`{"a":"b"}`), "a"); !errors.Is(err, ErrUnsafe) || len(out) > 0 {
		t.Errorf("field: %q %v", out, err)
	}
}

func TestARecordOutOfTimeIsDropped(t *testing.T) {
	s := newScrubber(t, Config{Budget: time.Nanosecond})
	if _, err := s.Episode(decode(t, raw)); !errors.Is(err, ErrUnsafe) {
		t.Errorf("%v", err)
	}
}

func TestTheVerifierRefusesWhatIsLeft(t *testing.T) {
	s := newScrubber(t, Config{})
	w := s.recordWorker()
	defer s.done(w)
	w.known.add("password", []byte("tr0ub4dor-and-3"), false)
	p := newPass(w)
	for _, text := range []string{"bare tr0ub4dor-and-3", "mail a@corp.com", "SECRET_password_xq7" + strings.Repeat("a", bodyLen)} {
		if _, err := p.verify("", text); !errors.Is(err, ErrUnsafe) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := p.verify("", "nothing here"); err != nil {
		t.Error(err)
	}
}

func TestAFieldIsScrubbedAndEveryOtherByteStays(t *testing.T) {
	s := newScrubber(t, Config{})
	line := `{ "id":1,  "text":"\u0070assword: \"tr0ub4dor\"", "other":"password: tr0ub4dor1","o":{"x":[ ]}}`
	out, found, err := s.Field(nil, []byte(line), "text")
	if err != nil || len(found) != 1 || found[0] != (Finding{Field: "text", Start: 11, End: 20, Kind: "password"}) {
		t.Fatalf("%v %v", found, err)
	}
	if !strings.HasPrefix(string(out), `{ "id":1,  "text":"password: \"SECRET_`) || !strings.HasSuffix(string(out), `, "other":"password: tr0ub4dor1","o":{"x":[ ]}}`) {
		t.Errorf("%s", out)
	}
	for _, same := range []string{`{"a":"b"}`, `{"text":null}`, `{"text":"plain"}`} {
		if out, _, err := s.Field(nil, []byte(same), "text"); err != nil || string(out) != same {
			t.Errorf("%s became %s (%v)", same, out, err)
		}
	}
	for _, bad := range []string{``, `[]`, `{"a":1`, `{"a":1} {}`, `{"text":"a","text":"b"}`, "{\"text\":\"\xff\"}"} {
		if out, _, err := s.Field(nil, []byte(bad), "text"); err == nil || len(out) > 0 {
			t.Errorf("%q was taken", bad)
		}
	}
}

func FuzzEpisode(f *testing.F) {
	f.Add([]byte(strings.ReplaceAll(raw, "\n", "")))
	s := newScrubber(f, Config{Dictionary: dictionary(f)})
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := episode.Decode(line)
		if err != nil {
			return
		}
		if _, err := s.Episode(e); err != nil {
			if strings.Contains(err.Error(), "stopped") {
				t.Fatal(err)
			}
			return
		}
		once := encode(t, e)
		if _, err := s.Episode(e); err != nil || encode(t, e) != once {
			t.Fatalf("%v\n%s\n%s", err, once, encode(t, e))
		}
	})
}

func BenchmarkEpisode(b *testing.B) {
	s := newScrubber(b, Config{})
	line := []byte(fmt.Sprintf(`{"schema_version":"1.0","id":"ep_1","tool":{"name":"demo","surface":"completion"},"developer":"jane@corp.com","session":"s","repository":"r",
"suggestions":[{"id":"s1","step":-1,"kind":"completion","path":"/home/jane/a.go","language":"go","before":%q,"after":"return nil, err","features":{"len":12,"lang":"go"}}],
"decisions":[{"suggestion":"s1","verdict":"accepted","by":"person"}]}`, strings.Repeat("if err := f(x); err != nil {\n", 10)))
	const many = 100 // so that stopping the clock, which costs as much as an episode, does not count
	b.SetBytes(many * int64(len(line)))
	es := make([]*episode.Episode, many)
	for b.Loop() {
		b.StopTimer()
		for i := range es {
			var err error
			if es[i], err = episode.Decode(line); err != nil {
				b.Fatal(err)
			}
		}
		b.StartTimer()
		for _, e := range es {
			if _, err := s.Episode(e); err != nil {
				b.Fatal(err)
			}
		}
	}
}
