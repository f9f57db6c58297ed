// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"strconv"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/consent"
)

// FuzzDecideRequest holds what reads requests as they come against package json: what one takes the other takes, as the same question.
// What is logged of it reads back.
func FuzzDecideRequest(f *testing.F) {
	for _, s := range []string{`{}`, `{"developer":"ada","features":{"language":"go","lines":3.14159,"mid_line":true,"secret":"words","x":null,"y":[1,{"z":2}]}}`,
		`{"kind":"route","suggestion":"s","actions":[{"id":"option-1","features":{"lines":1e3}},{"id":"option-2"},null]}`, `{"features":null,"actions":null}`, `null`, `[]`, `{"kind":1}`,
		`{"developer":"\u00e4\ud83d\ude00"}`, `{"developer":"\ud800"}`, `{"features":{"lines":1,"lines":2}}`, `{"features":{"lines":1e999}}`, `{"features":{"a":[1e999]}}`, `{"a":1}{"b":2}`, `{"actions":[{"id":"hide"},{"id":"show"}]}`,
		`{"actions":[{"id":"show"},{"id":"x"}]}`, ` {"other":{"a":[true]},"features":{"language":"g\u006f","lines":-0}} `} {
		f.Add([]byte(s))
	}
	coarse, err := consent.NewCoarsener()
	if err != nil {
		f.Fatal(err)
	}
	fast, slow := newQuestion(coarse), newQuestion(coarse)
	f.Fuzz(func(t *testing.T, body []byte) {
		err := fast.read(body)
		if err == nil {
			err = fast.check()
		}
		var req DecideRequest
		slowErr := json.Unmarshal(body, &req)
		if slowErr == nil {
			slow.of(&req)
			slowErr = slow.check()
		}
		if (err == nil) != (slowErr == nil) {
			t.Fatalf("%q: %v, by way of package json %v", body, err, slowErr)
		}
		if err != nil {
			return
		}
		if fast.kind != slow.kind || fast.developer != slow.developer || fast.suggestion != slow.suggestion || fast.about != slow.about {
			t.Fatalf("%q: read as %s %q %q %d, by way of package json %s %q %q %d", body, fast.kind, fast.developer, fast.suggestion, fast.about, slow.kind, slow.developer, slow.suggestion, slow.about)
		}
		if d := cmp.Diff(slow.features, fast.features); d != "" {
			t.Fatal(d)
		}
		if d := cmp.Diff(coarse.Features(req.Features), fast.features); d != "" {
			t.Fatal(d)
		}
		if d := cmp.Diff(slow.actions, fast.actions, cmpopts.EquateEmpty()); d != "" {
			t.Fatal(d)
		}
		v := verdict{id: []byte("d_1"), release: "rel_1", explore: true, shown: len(body)%2 == 0}
		fast.actions[0].Propensity = 0.25
		at := time.UnixMicro(1_777_777_777_777_777).UTC()
		b := appendLogged(nil, fast, &v, true, at)
		n := 0
		for r := range loggedIn(append(b, b...)) {
			row := r.row()
			if row.ID != "d_1" || row.Release != "rel_1" || row.Developer != fast.developer || !row.At.Equal(at) || row.Propensity != 0.25 || !row.Explore || row.Shown != v.shown {
				t.Fatalf("%+v", row)
			}
			var q asked
			if err := json.Unmarshal(r.asked, &q); err != nil {
				t.Fatalf("%s: %v", r.asked, err)
			}
			want := asked{Kind: fast.kind, Features: fast.features, Actions: fast.actions, Chosen: fast.actions[0].ID, Authenticated: true}
			if d := cmp.Diff(want, q, cmpopts.EquateEmpty()); d != "" {
				t.Fatal(d)
			}
			n++
		}
		if n != 2 {
			t.Fatalf("%d records of 2", n)
		}
	})
}

func TestARecordThatIsCutOffIsNone(t *testing.T) {
	coarse, err := consent.NewCoarsener()
	if err != nil {
		t.Fatal(err)
	}
	q := newQuestion(coarse)
	if err := q.read([]byte(`{"developer":"ada","features":{"language":"go"}}`)); err != nil {
		t.Fatal(err)
	}
	if err := q.check(); err != nil {
		t.Fatal(err)
	}
	b := appendLogged(nil, q, &verdict{id: []byte("d_1")}, false, time.Now())
	for n := range b {
		for r := range loggedIn(b[:n]) {
			t.Errorf("%d of %d bytes are a record: %+v", n, len(b), r)
		}
	}
}

// What is answered is what the API says it is.
func TestAnAnswerIsWrittenAsItsTypeSays(t *testing.T) {
	q := question{actions: []episode.Action{{ID: "sh\"ow", Propensity: 0.98}, {ID: "hide", Propensity: 1e-9}}}
	v := verdict{id: []byte("d_1"), release: "rel_1", chosen: 1, explore: true}
	var got DecideAnswer
	if err := json.Unmarshal(q.appendAnswer(nil, &v), &got, json.RejectUnknownMembers(true)); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(DecideAnswer{DecisionID: "d_1", Release: "rel_1", Actions: []Likely{{"sh\"ow", 0.98}, {"hide", 1e-9}}, Chosen: "hide", Explore: true}, got); d != "" {
		t.Error(d)
	}
}

func TestAQuestionLeavesNoGarbage(t *testing.T) {
	coarse, err := consent.NewCoarsener()
	if err != nil {
		t.Fatal(err)
	}
	q, lines := newQuestion(coarse), 0
	ask := func() {
		lines++
		q.body = strconv.AppendInt(append(q.body[:0], `{"developer":"ada@alder.example","features":{"language":"java","mid_line":false,"prev_accepted":true,"lines":`...), int64(lines%100), 10)
		q.body = append(q.body, `},"actions":[{"id":"option-1","features":{"language":"go"}},{"id":"option-2"}]}`...)
		if q.read(q.body) != nil || q.check() != nil || len(q.features) != 4 {
			t.Fatalf("%s: %v", q.body, q.features)
		}
		q.out = appendLogged(q.out[:0], q, &verdict{release: "rel_1"}, true, time.Time{})
		q.out = q.appendAnswer(q.out[:0], &verdict{release: "rel_1"})
	}
	if n := testing.AllocsPerRun(200, ask); n > 5 { // the developer, two ids, and a number
		t.Errorf("a question allocates %v times", n)
	}
}
