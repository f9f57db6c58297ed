// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"crypto/sha256"
	"fmt"
	"math"
	"math/rand"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/scrub"
	"github.com/headrace/headrace/spec"
)

// derive stands in for the keyring: any function from purpose to key will do.
func derive(purpose ...string) []byte {
	s := sha256.Sum256([]byte(strings.Join(purpose, "\x00")))
	return s[:]
}

func lowerer(t testing.TB, recipient string) *Lowerer {
	t.Helper()
	l, err := NewLowerer(recipient, derive)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func at(level episode.Level) Decision {
	return Decision{Level: level, Policy: "sha256:p", Terms: &episode.Terms{Purposes: []episode.Purpose{"evaluate"}, Recipients: []string{"maker"}}}
}

func lower(t testing.TB, recipient string, e *episode.Episode, level episode.Level) *episode.Episode {
	t.Helper()
	out, err := lowerer(t, recipient).Lower(e, at(level))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// paths lists every field of the record, as levels.tsv writes them.
func paths(typ reflect.Type, prefix string) (all []string) {
	for i := range typ.NumField() {
		f := typ.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			continue
		}
		ft, path := f.Type, prefix+name
		if ft.Kind() == reflect.Pointer {
			ft = ft.Elem()
		}
		if ft.Kind() == reflect.Slice && ft.Elem().Kind() == reflect.Struct {
			ft, path = ft.Elem(), path+"[]"
		}
		if ft.Kind() == reflect.Struct && ft != reflect.TypeFor[time.Time]() {
			all = append(all, paths(ft, path+".")...)
		} else {
			all = append(all, path)
		}
	}
	return all
}

func TestEveryFieldOfTheRecordIsInTheLevelsTable(t *testing.T) {
	rows, err := parseTable(spec.Levels, "path", "signal", "masked", "clean")
	if err != nil {
		t.Fatal(err)
	}
	var table []string
	for _, r := range rows {
		table = append(table, r[0])
	}
	if diff := cmp.Diff(paths(reflect.TypeFor[episode.Episode](), ""), table); diff != "" {
		t.Errorf("levels.tsv and the Go types differ (-types +table):\n%s", diff)
	}
}

func TestAFieldThatIsNotInTheTableLeavesAtNoLevel(t *testing.T) {
	type grown struct {
		ID  string `json:"id"`
		New string `json:"new_field"`
	}
	tables, err := parseTables()
	if err != nil {
		t.Fatal(err)
	}
	for _, level := range []episode.Level{episode.LevelSignal, episode.LevelMasked, episode.LevelClean} {
		p, err := tables.compile(level, reflect.TypeFor[grown](), "")
		if err != nil {
			t.Fatal(err)
		}
		var out grown
		p.run(lowerer(t, "maker"), reflect.ValueOf(&out).Elem(), reflect.ValueOf(&grown{"ep_1", "words"}).Elem())
		if out.ID == "" || out.New != "" {
			t.Errorf("level %s: %+v", level, out)
		}
	}
}

func TestAVerbThatDoesNotSuitTheFieldIsAnError(t *testing.T) {
	tables, err := parseTables()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		verb string
		typ  reflect.Type
	}{
		{"keep", reflect.TypeFor[string]()}, {"keep", reflect.TypeFor[[]string]()}, {"enum:nothing", reflect.TypeFor[string]()}, {"enum", reflect.TypeFor[string]()},
		{"day", reflect.TypeFor[string]()}, {"key:developer", reflect.TypeFor[string]()}, {"pseudonym:episode", reflect.TypeFor[string]()},
		{"text", reflect.TypeFor[int]()}, {"mask", reflect.TypeFor[int]()}, {"prose", reflect.TypeFor[[]string]()}, {"form:any", reflect.TypeFor[string]()}, {"", reflect.TypeFor[int]()},
	} {
		if _, err := tables.verb(c.verb, c.typ); err == nil {
			t.Errorf("%q on a %s is taken", c.verb, c.typ)
		}
	}
}

// fill sets every field of v, at every depth, to something; every string and every map key has the marker in it.
func fill(v reflect.Value, n *int, mark func(n int) string) {
	*n++
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(day.Add(time.Duration(*n) * 1234567 * time.Millisecond)))
		return
	case jsontext.Value:
		v.Set(reflect.ValueOf(jsontext.Value(strconv.AppendQuote([]byte(`{"k":`), mark(*n))).Clone()))
		v.Set(reflect.ValueOf(append(v.Interface().(jsontext.Value), '}')))
		return
	case map[string]any:
		v.Set(reflect.ValueOf(map[string]any{mark(*n): 1.0, "language": mark(*n + 1), "lines": mark(*n + 2), "mid_line": true, "prefix_chars": 1234.0}))
		*n += 2
		return
	case map[string]int:
		v.Set(reflect.ValueOf(map[string]int{mark(*n): 3}))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(mark(*n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(int64(123 + *n))
	case reflect.Float64:
		v.SetFloat(0.123456 + float64(*n))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n, mark)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n, mark)
		fill(v.Index(1), n, mark)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n, mark)
		}
	}
}

// full is an episode with every field set, and the markers that are in it.
func full(mark func(n int) string) (*episode.Episode, []string) {
	var all []string
	e, n := new(episode.Episode), 0
	fill(reflect.ValueOf(e).Elem(), &n, func(n int) string {
		all = append(all, mark(n))
		return mark(n)
	})
	return e, all
}

func TestASignalRecordHoldsNoWordOfAnyField(t *testing.T) {
	// Shapes that each verb might let through: words, the look of a release, a version, a listed value with a tail.
	for _, shape := range []string{"marker%dz", "rel_marker%dz", "Marker %dz\nline", "1.marker%dz", "claude-marker%dz", "headrace-scrub/marker%dz", "go marker%dz", "ep_marker%dz", "markér%dz"} {
		e, marks := full(func(n int) string { return fmt.Sprintf(shape, n) })
		b, err := episode.AppendCanonical(nil, lower(t, "maker", e, episode.LevelSignal))
		if err != nil {
			t.Fatal(err)
		}
		if len(marks) < 100 {
			t.Fatalf("only %d markers were planted", len(marks))
		}
		if strings.Contains(strings.ToLower(string(b)), "mark") {
			t.Errorf("shape %q leaves: %s", shape, b)
		}
	}
}

func TestASignalRecordIsMadeOfListedWordsAndKeyedIdsOnly(t *testing.T) {
	tables, err := parseTables()
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{"1.0": true, "sha256:p": true, "maker": true, "evaluate": true}
	for _, l := range tables.lists {
		for v := range l {
			listed[v] = true
		}
	}
	l := lowerer(t, "maker")
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-z0-9_./:@-]{1,20}`), rapid.SampledFrom([]string{"go", "accepted", "person", "anthropic", "show"}))
		e, _ := full(func(int) string { return word.Draw(t, "word") })
		out, err := l.Lower(e, at(episode.LevelSignal))
		if err != nil {
			t.Fatal(err)
		}
		eachString(reflect.ValueOf(out).Elem(), func(s string) {
			if s != "" && !listed[s] && !isKeyed(s) && !slices.Contains([]string{windowForm(s), versionForm(s), releaseForm(s), scrubberForm(s)}, s) {
				t.Fatalf("%q leaves at signal", s)
			}
		})
	})
}

func isKeyed(s string) bool {
	prefix, digits, ok := strings.Cut(s, "_")
	return ok && len(prefix) <= 4 && len(digits) == 32 && strings.Trim(digits, "0123456789abcdef") == ""
}

func eachString(v reflect.Value, yield func(string)) {
	switch v.Kind() {
	case reflect.String:
		yield(v.String())
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			eachString(v.Elem(), yield)
		}
	case reflect.Slice:
		if raw, ok := v.Interface().(jsontext.Value); ok {
			yield(string(raw))
			return
		}
		for i := range v.Len() {
			eachString(v.Index(i), yield)
		}
	case reflect.Map:
		if v.Type() == reflect.TypeFor[map[string]any]() {
			for _, e := range v.Interface().(map[string]any) {
				eachString(reflect.ValueOf(e), yield)
			}
		}
	case reflect.Struct:
		if v.Type() != reflect.TypeFor[time.Time]() {
			for i := range v.NumField() {
				eachString(v.Field(i), yield)
			}
		}
	}
}

func TestIdsOfTwoRecipientsHaveNothingInCommon(t *testing.T) {
	e, _ := full(func(n int) string { return fmt.Sprintf("m%d", n) })
	ids := func(recipient string) map[string]bool {
		m := map[string]bool{}
		eachString(reflect.ValueOf(lower(t, recipient, e, episode.LevelClean)).Elem(), func(s string) {
			if isKeyed(s) {
				m[s] = true
			}
		})
		return m
	}
	a, b := ids("maker"), ids("other")
	for id := range a {
		if b[id] {
			t.Errorf("both hold %s", id)
		}
	}
	if len(a) < 20 || len(a) != len(b) {
		t.Errorf("%d and %d ids", len(a), len(b))
	}
}

func TestAnAmendmentPointsAtTheSuggestionsOfItsEpisode(t *testing.T) {
	e := &episode.Episode{ID: "ep_1", Developer: "ada", StartedAt: day, Suggestions: []episode.Suggestion{{ID: "s1"}}, Decisions: []episode.Decision{{Suggestion: "s1"}}}
	later := &episode.Episode{ID: "ep_1#2", Amends: "ep_1", Developer: "ada", StartedAt: day.AddDate(0, 3, 0), Outcomes: []episode.Outcome{{Suggestion: "s1"}}}
	other := &episode.Episode{ID: "ep_2", Developer: "ada", StartedAt: day.AddDate(1, 0, 0), Suggestions: []episode.Suggestion{{ID: "s1"}}}
	l := lowerer(t, "maker")
	var out []*episode.Episode
	for _, e := range []*episode.Episode{e, later, other} {
		o, err := l.Lower(e, at(episode.LevelSignal))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, o)
	}
	id := out[0].Suggestions[0].ID
	if out[1].Outcomes[0].Suggestion != id || out[0].Decisions[0].Suggestion != id || out[1].Amends != out[0].ID || out[0].ID != l.EpisodeID("ep_1") {
		t.Errorf("the amendment does not find its suggestion: %+v", out)
	}
	if out[2].Suggestions[0].ID == id {
		t.Error("suggestions of two episodes have one id")
	}
	if out[0].Developer != out[1].Developer || out[0].Developer == out[2].Developer || out[0].Developer != l.Developer("ada", day) {
		t.Error("a pseudonym holds for one year, neither more nor less")
	}
}

func TestTimesAndNumbersLeaveCoarse(t *testing.T) {
	shown := true
	distance := 0.12345
	e := &episode.Episode{ID: "ep_1", StartedAt: time.Date(2026, 3, 14, 1, 9, 26, 5, time.FixedZone("", 2*3600)), Tool: episode.Tool{Name: "claude-code", Version: "2.1.30-beta"},
		Model: episode.Model{Name: "claude-sonnet-4-5-20250929"}, Languages: []string{"go", "in-house"}, Usage: &episode.Usage{InputTokens: 123456, CostUSD: 0.98765},
		Suggestions: []episode.Suggestion{{Step: 3, DwellMS: 1999, Features: map[string]any{"prefix_chars": 1234.0, "mid_line": true, "language": "go", "secret": 1.0, "lines": "x"}}},
		Decisions:   []episode.Decision{{Chosen: "show", Shown: &shown, EditDistance: &distance, Release: "baseline", Actions: []episode.Action{{ID: "show", Propensity: 0.123456789}, {ID: "rm -rf"}}}},
		Outcomes:    []episode.Outcome{{Kind: "kept", Window: "10m", Value: 1}}}
	got := lower(t, "maker", e, episode.LevelSignal)
	rounded := 0.12
	want := &episode.Episode{SchemaVersion: "1.0", ID: got.ID, StartedAt: time.Date(2026, 3, 13, 0, 0, 0, 0, time.UTC), Tool: episode.Tool{Name: "claude-code", Version: "2.1.30"},
		Model: episode.Model{Name: "claude-sonnet"}, Languages: []string{"go"}, Usage: &episode.Usage{InputTokens: 100000, CostUSD: 0.5},
		Suggestions: []episode.Suggestion{{Step: -1, DwellMS: 1000, Features: map[string]any{"prefix_chars": 1200.0, "mid_line": true, "language": "go"}}},
		Decisions:   []episode.Decision{{Chosen: "show", Shown: &shown, EditDistance: &rounded, Release: "baseline", Actions: []episode.Action{{ID: "show", Propensity: 0.123456789}, {}}}},
		Outcomes:    []episode.Outcome{{Kind: "kept", Window: "10m", Value: 1}},
		Privacy:     &episode.Privacy{Level: "signal", Policy: "sha256:p"}, Terms: at("signal").Terms}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := lower(t, "maker", e, episode.LevelClean).StartedAt; got.Hour() != 23 || got.Minute() != 0 {
		t.Errorf("at clean the time is %s", got)
	}
}

func TestCleanKeepsTextAndDropsLocal(t *testing.T) {
	e := &episode.Episode{ID: "ep_1", Instruction: "do it", Local: &episode.Local{Repository: "r"}, Unknown: jsontext.Value(`{"x":"y"}`),
		Steps: []episode.Step{{Message: "m", ToolCalls: []episode.ToolCall{{ID: "c", Name: "Bash", Arguments: jsontext.Value(`{"cmd":"ls"}`)}}}}}
	got := lower(t, "maker", e, episode.LevelClean)
	if got.Instruction != "do it" || got.Steps[0].Message != "m" || string(got.Steps[0].ToolCalls[0].Arguments) != `{"cmd":"ls"}` {
		t.Errorf("text is lost: %+v", got)
	}
	if got.Local != nil || got.Unknown != nil || !isKeyed(got.Steps[0].ToolCalls[0].ID) {
		t.Errorf("too much leaves: %+v", got)
	}
}

func TestMaskedKeepsCodeWithoutPrivateWords(t *testing.T) {
	const secret = "SECRET_password_xq7"
	filter, err := scrub.New(scrub.Config{Key: derive("pseudonym", "local")})
	if err != nil {
		t.Fatal(err)
	}
	e := &episode.Episode{ID: "ep_1", Instruction: "run zorblatt twice", StartedAt: day,
		Steps:       []episode.Step{{Message: "it runs zorblatt", ToolCalls: []episode.ToolCall{{ID: "c", Name: "Edit", Arguments: jsontext.Value(`{"zorblatt_path":"src/zorblatt.go"}`)}}}},
		Suggestions: []episode.Suggestion{{ID: "s", Path: "zorblatt/main.go", After: `func Zorblatt() { run("zorblatt"); password := "hunter2hunter" }`, TokenIDs: []int32{1, 2}}}}
	if _, err := filter.Episode(e); err != nil {
		t.Fatal(err)
	}
	lowered := func(recipient string, at time.Time, prose bool) *episode.Episode {
		f := e.Clone()
		f.StartedAt = at
		out, err := lowerer(t, recipient).Lower(f, Decision{Level: episode.LevelMasked, Terms: &episode.Terms{}, Prose: prose})
		if err != nil {
			t.Fatal(err)
		}
		b, err := episode.Append(nil, out)
		if err != nil || strings.Contains(strings.ToLower(string(b)), "orblatt") {
			t.Errorf("%v: a private word leaves: %s", err, b)
		}
		return out
	}
	got := lowered("maker", day, false)
	s := got.Suggestions[0]
	if got.Instruction != "" || got.Steps[0].Message != "" || s.TokenIDs != nil {
		t.Errorf("too much leaves: %+v", got)
	}
	if !strings.Contains(s.After, "() { run(") || !strings.Contains(s.After, secret) || !strings.HasSuffix(s.Path, "/main.go") || !strings.Contains(string(got.Steps[0].ToolCalls[0].Arguments), `_path":"src/`) {
		t.Errorf("too little leaves: %+v", s)
	}
	if got.Privacy.Findings["word"] < 4 || got.Privacy.Level != episode.LevelMasked {
		t.Errorf("it says of itself: %+v", got.Privacy)
	}
	if with := lowered("maker", day, true); !strings.HasPrefix(with.Instruction, "run xq5") || with.Steps[0].Message == "" {
		t.Errorf("the rule lets prose leave: %+v", with)
	}
	if same := lowered("maker", day.AddDate(0, 1, 0), false); same.Suggestions[0].Path != s.Path {
		t.Error("in one year a word has two marks")
	}
	if lowered("maker", day.AddDate(1, 0, 0), false).Suggestions[0].Path == s.Path || lowered("us", day, false).Suggestions[0].Path == s.Path {
		t.Error("another year or recipient has the same mark")
	}
}

func TestWhatMustNotLeaveIsNotLowered(t *testing.T) {
	for _, d := range []Decision{{}, {Level: episode.LevelSignal}, at(episode.LevelNone), at(episode.LevelAggregate), at("all")} {
		if out, err := lowerer(t, "maker").Lower(demo(), d); err == nil {
			t.Errorf("%+v gives %+v", d, out)
		}
	}
}

func TestBucketsAndRoundingAreMonotoneAndStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Int64().Draw(t, "a"), rapid.Int64().Draw(t, "b")
		if a > b {
			a, b = b, a
		}
		if x, y := bucket(a), bucket(b); x > y || bucket(x) != x {
			t.Fatalf("bucket(%d) = %d, bucket(%d) = %d", a, x, b, y)
		}
		f := rapid.Float64().Draw(t, "f")
		if r := round(f); round(r) != r {
			t.Fatalf("round(%v) = %v, again %v", f, r, round(r))
		}
		if r := bucketFloat(f); bucketFloat(r) != r || math.Abs(r) > math.Abs(f) {
			t.Fatalf("bucketFloat(%v) = %v, again %v", f, r, bucketFloat(r))
		}
	})
	for n, want := range map[int64]int64{0: 0, 1: 1, 3: 2, 9: 5, 10: 10, 49: 20, 50: 50, 999: 500, -7: -5} {
		if got := bucket(n); got != want {
			t.Errorf("bucket(%d) = %d, want %d", n, got, want)
		}
	}
}

func BenchmarkLower(b *testing.B) {
	l := lowerer(b, "maker")
	e := decisionEpisode()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := l.Lower(e, at(episode.LevelSignal)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	p, e := Starter(), decisionEpisode()
	e.Local = &episode.Local{Repository: "r", Developer: "d"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Decide(e, Request{Recipient: "tool-maker", Now: day}); err != nil {
			b.Fatal(err)
		}
	}
}

// decisionEpisode is one decision of Headrace's own policy, as the demo makes them.
func decisionEpisode() *episode.Episode {
	r := rand.New(rand.NewSource(1))
	shown := true
	features := map[string]any{"language": "go", "prev_accepted": true, "mid_line": false}
	for _, n := range []string{"prefix_chars", "suggestion_chars", "lines", "mean_logprob", "seconds_since_last"} {
		features[n] = r.Float64() * 1000
	}
	return &episode.Episode{ID: "ep_1", StartedAt: day, Tool: episode.Tool{Name: "demo", Surface: "completion"}, Developer: "ada", Session: "x", Repository: "r",
		Privacy:     &episode.Privacy{Level: "clean", Scrubber: "headrace-scrub/2", Findings: map[string]int{"email": 1}},
		Suggestions: []episode.Suggestion{{ID: "s1", Step: -1, Kind: "completion", Language: "go", Before: "a", After: "b", ShownAt: day, DwellMS: 800, Features: features}},
		Decisions: []episode.Decision{{Suggestion: "s1", Verdict: "accepted", By: "person", At: day, DecisionID: "d", Release: "baseline", Chosen: "show", Shown: &shown,
			Actions: []episode.Action{{ID: "show", Propensity: 0.7}, {ID: "hide", Propensity: 0.3}}}},
		Outcomes: []episode.Outcome{{Suggestion: "s1", Kind: "kept", Window: "10m", Value: 1, ObservedAt: day}}}
}
