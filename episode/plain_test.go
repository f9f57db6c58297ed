// SPDX-License-Identifier: Apache-2.0

package episode

import (
	"bytes"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// plainRecord has every field that a plan reads and writes, but for what only a slow record has.
const plainRecord = `{"schema_version":"1.0","id":"ep_1","revision":2,"amends":"ep_0","started_at":"2026-09-07T08:00:00.5Z","ended_at":"2026-09-07T08:00:04Z",` +
	`"tool":{"name":"demo","version":"1.0","surface":"completion"},"model":{"provider":"demo","name":"demo-complete-1"},"developer":"ada@corp.example","session":"ada/1","repository":"corp/portal",` +
	`"languages":["go","sql"],"instruction":"say \"hé\" and \\ \u001f€\n","artifacts":[{"digest":"sha256:00","kind":"rule","truncated":true}],` +
	`"steps":[{"at":"2026-09-07T08:00:00Z","source":"agent","message":"m","tool_calls":[{"id":"c","name":"run"}],"observation":{"results":[{"call":"c","content":"\t\r\b\f","error":true}]}}],` +
	`"suggestions":[{"id":"s1","step":-1,"kind":"completion","path":"src/a.go","language":"go","before":"func f() {\n","after":"\treturn\n","shown_at":"2026-09-07T08:00:00Z","dwell_ms":1450,"slot":1,` +
	`"features":{"language":"go","lines":3,"mean_logprob":-0.57,"mid_line":false,"prev_accepted":true},"policy":"baseline","propensity":0.95,"token_ids":[1,2],"log_probs":[-0.5,0],"truncated":true}],` +
	`"decisions":[{"suggestion":"s1","verdict":"accepted","by":"person","at":"2026-09-07T08:00:02Z","reason":"r","final":"f","edit_distance":0.25,"decision_id":"d_1","release":"baseline",` +
	`"actions":[{"id":"show","features":{"x":1},"propensity":0.95},{"id":"hide","propensity":0.05}],"chosen":"show","explore":true,"shown":true}],` +
	`"outcomes":[{"suggestion":"s1","kind":"kept","value":1,"observed_at":"2026-09-07T08:10:00Z","window":"10m"}],"ratings":[{"by":"x","target":"s1","scale":"1-5","value":4.5,"comment":"c"}],` +
	`"usage":{"input_tokens":900,"cost_usd":0.02},"links":{"commit":"abc","abandoned_branch":true},"origin":{"provider":"demo","contract_class":"business","license":"proprietary"},` +
	`"privacy":{"level":"clean","scrubber":"headrace-scrub/2","policy":"sha256:00","findings":{"email":1,"token":2},"dropped_fields":1},` +
	`"terms":{"purposes":["train"],"recipients":["hub"],"region":"eu","retention_days":365,"expires_at":"2027-09-07T00:00:00Z"},` +
	`"local":{"repository":"corp/portal","paths":["src/a.go"],"developer":"ada","team":"t","license":"l","unauthenticated":true,"findings":{"email":1}}}`

func TestPlainRecordsAreReadAndWrittenByPlan(t *testing.T) {
	e := new(Episode)
	if !decodePlain([]byte(plainRecord+"\r\n"), e) {
		t.Fatal("it was not read")
	}
	out, ok := appendPlain(nil, e, false)
	if !ok || string(out) != plainRecord {
		t.Errorf("%v\n%s\n%s", ok, out, plainRecord)
	}
	canonical, ok := appendPlain(nil, e, true)
	if !ok || !decodePlain(canonical, new(Episode)) {
		t.Errorf("%v\n%s", ok, canonical)
	}
	samePlan(t, e)
}

func TestWhatIsBuiltInGoIsWrittenAsPackageJSONDoes(t *testing.T) {
	zone := time.FixedZone("", 3600)
	for _, e := range []*Episode{
		nil, {}, {ID: "a\xff"}, {ID: "\u2028\u007f\x00"}, {StartedAt: time.Unix(0, 0).In(zone)}, {StartedAt: time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)},
		{Unknown: jsontext.Value(`{"x":1}`)}, {Unknown: jsontext.Value{}}, {Revision: math.MaxInt64}, {Revision: -1}, {Usage: &Usage{CostUSD: 1e-9}},
		{Languages: []string{}, Steps: []Step{{}}, Artifacts: []Artifact{}, Outcomes: []Outcome{{Value: math.Copysign(0, -1)}, {Value: 1e21}, {Value: 123456789.125}}},
		{Outcomes: []Outcome{{Value: math.NaN()}}}, {Outcomes: []Outcome{{Value: math.Inf(1)}}}, {Tool: Tool{Unknown: jsontext.Value{}}},
		{Suggestions: []Suggestion{{Features: map[string]any{"a": 1, "é": "x", "\ufb33": 1.5, "😀": true, "n": nil, "l": []any{1.0}}}}},
		{Suggestions: []Suggestion{{Features: map[string]any{"a": int64(1), "b": float32(1)}}, {Features: map[string]any{}}}},
		{Privacy: &Privacy{Findings: map[string]int{"b": math.MaxInt64, "a": 1, "": 0}}}, {Decisions: []Decision{{Shown: new(bool), EditDistance: new(float64)}}},
		{Steps: []Step{{ToolCalls: []ToolCall{{Arguments: jsontext.Value(`{"b":1, "a":2}`)}}}}},
	} {
		samePlan(t, e)
	}
}

// samePlan checks that what a plan writes is what package json writes.
func samePlan(t *testing.T, e *Episode) {
	t.Helper()
	want, err := json.Marshal(e, json.Deterministic(true))
	if out, ok := appendPlain(nil, e, false); ok && (err != nil || !bytes.Equal(out, want)) {
		t.Errorf("written as\n%s\nnot as\n%s\n%v", out, want, err)
	}
	canonical := jsontext.Value(bytes.Clone(want))
	if err == nil {
		err = canonical.Canonicalize()
	}
	if out, ok := appendPlain(nil, e, true); ok && (err != nil || !bytes.Equal(out, canonical)) {
		t.Errorf("canonical form\n%s\nnot\n%s\n%v", out, canonical, err)
	}
}

func FuzzPlain(f *testing.F) {
	f.Add([]byte(plainRecord))
	f.Add([]byte(everywhere))
	for _, s := range []string{`{"id":"\ud800"}`, `{"id":"\u0041","i\u0064":"b"}`, `{"id":null}`, `{"revision":1.0}`, `{"revision":-0}`, `{"revision":01}`, `{"usage":{"cost_usd":1e400}}`,
		`{"outcomes":[{"value":-0},{"value":1e-7},{"value":1.},{"value":.5}]}`, `{"steps":[]}`, `{"steps":[{}],"steps":[]}`, `{"started_at":"2026-09-07T08:00:00+02:00"}`, `{"started_at":"2026-09-07T8:00:00Z"}`,
		`{"started_at":"2026-09-07T08:00:00,5Z"}`, `{"suggestions":[{"token_ids":[2147483648],"features":{"a":1,"a":2}}]}`, `{"suggestions":[{"features":{}}],"languages":["a",]}`, `{ "id":"a"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		want := new(Episode)
		err := json.Unmarshal(b, want)
		got := new(Episode)
		if decodePlain(b, got) && (err != nil || !reflect.DeepEqual(want, got)) {
			t.Fatalf("%s was read as\n%+v\nnot as\n%+v\n%v", b, got, want, err)
		}
		if err == nil {
			samePlan(t, want)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	line := []byte(plainRecord)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(line); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B)          { benchmarkAppend(b, Append) }
func BenchmarkAppendCanonical(b *testing.B) { benchmarkAppend(b, AppendCanonical) }

func benchmarkAppend(b *testing.B, encode func([]byte, *Episode) ([]byte, error)) {
	e, err := Decode([]byte(plainRecord))
	if err != nil {
		b.Fatal(err)
	}
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		if out, err = encode(out[:0], e); err != nil {
			b.Fatal(err)
		}
	}
}
