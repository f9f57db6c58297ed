// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
)

func post(t testing.TB, e *edge.Edge, path, contentType, body string) (int, string) {
	t.Helper()
	r := httptest.NewRequest("POST", path, strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	e.Handler(func(*http.Request) edge.Principal { return edge.Principal{Authenticated: true} }).ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestTheMakerOfAToolTellsLaterWhatWasDecidedAndBecameOfIt(t *testing.T) {
	l := newLoop(t)
	e := l.edge("mill")
	said := one("told", "wheelhouse")
	id, sg := said.ID, said.Suggestions[0].ID
	said.Decisions, said.Outcomes = nil, nil
	ep := strings.TrimSpace(string(lines(t, said)))
	decision := `{"episode":"` + id + `","suggestion":"` + sg + `","verdict":"rejected","by":"person","reason":"too slow"}`
	outcome := `{"episode":"` + id + `","suggestion":"` + sg + `","kind":"kept","value":0.25,"window":"7d"}`
	event := func(kind, data string) string {
		return `{"specversion":"1.0","id":"1","source":"/mill","type":"com.github.headrace.` + kind + `.v1",` + data + `}`
	}
	for name, requests := range map[string][][3]string{
		"lines":       {{"/v1/episodes", "application/x-ndjson", ep}, {"/v1/decisions", "", decision + "\n\n"}, {"/v1/outcomes", "application/json", outcome}},
		"late first":  {{"/v1/outcomes", "", outcome}, {"/v1/decisions", "", decision}, {"/v1/episodes", "", ep}},
		"twice":       {{"/v1/episodes", "", ep}, {"/v1/decisions", "", decision}, {"/v1/outcomes", "", outcome + "\n" + outcome}, {"/v1/episodes", "", ep}, {"/v1/decisions", "", decision}},
		"structured":  {{"/v1/episodes", "application/cloudevents+json; charset=utf-8", event("episode", `"data":`+ep)}, {"/v1/episodes", "application/cloudevents+json", event("decision", `"data":`+decision)}, {"/v1/episodes", "application/cloudevents+json", event("outcome", `"data_base64":"`+base64.StdEncoding.EncodeToString([]byte(outcome))+`"`)}},
		"batch":       {{"/v1/episodes", "application/cloudevents-batch+json", "[" + event("episode", `"data":`+ep) + "," + event("decision", `"data":`+decision) + "," + event("outcome", `"data":`+outcome) + "]"}},
		"empty batch": {{"/v1/episodes", "application/cloudevents-batch+json", "[]"}, {"/v1/episodes", "", ep}, {"/v1/decisions", "", decision}, {"/v1/outcomes", "", outcome}},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLoop(t)
			l.conf = func(c *edge.Config) { c.Settle = 1 << 50 }
			e := l.edge("mill")
			for _, r := range requests {
				if code, said := post(t, e, r[0], r[1], r[2]); code != http.StatusOK {
					t.Fatalf("%s: %d %s", r[0], code, said)
				}
			}
			l.ok(e.Turn(context.Background()))
			all, err := e.Stored(t.Context())
			if err != nil || len(all) != 1 {
				t.Fatalf("%d episodes, %v", len(all), err)
			}
			got := all[0]
			if len(got.Decisions) != 1 || got.Decisions[0].Verdict != episode.Rejected || got.Decisions[0].Reason != "too slow" ||
				len(got.Outcomes) != 1 || got.Outcomes[0].Value != 0.25 || len(got.Suggestions) != 1 || !strings.HasSuffix(got.Repository, "wheelhouse") {
				t.Errorf("%+v", got)
			}
		})
	}
	for _, bad := range [][3]string{
		{"/v1/decisions", "", `{"episode":"e","suggestion":"s","verdict":"liked"}`}, {"/v1/decisions", "", `{"suggestion":"s","verdict":"accepted"}`},
		{"/v1/decisions", "", `{"episode":"e","suggestion":"s","verdict":"accepted","by":"ceo"}`}, {"/v1/outcomes", "", `{"episode":"e","suggestion":"s","kind":"kept","value":2}`},
		{"/v1/outcomes", "", `{"episode":"e","suggestion":"s","kind":"loved","value":1}`}, {"/v1/outcomes", "", `[]`}, {"/v1/episodes", "application/cloudevents+json", `{}`},
		{"/v1/episodes", "application/cloudevents+json", event("decision", `"data":{},"data_base64":"e30="`)}, {"/v1/episodes", "application/cloudevents+json", event("gossip", `"data":{}`)},
		{"/v1/episodes", "application/cloudevents-batch+json", `{}`}, {"/v1/episodes", "application/cloudevents+json", event("outcome", `"data_base64":"!"`)},
	} {
		if code, said := post(t, e, bad[0], bad[1], bad[2]); code != http.StatusBadRequest || !strings.Contains(said, `"code"`) {
			t.Errorf("%s %s: %d %s", bad[0], bad[2], code, said)
		}
	}
	if code, said := post(t, e, "/v1/decisions", "", decision+"\n{}\n"); code != http.StatusOK || !strings.Contains(said, `"line":2`) {
		t.Errorf("a bad line among good ones: %d %s", code, said)
	}
}

func FuzzAPI(f *testing.F) {
	l := newLoop(f)
	e := l.edge("mill")
	f.Add("/v1/decisions", "", `{"episode":"e","suggestion":"s","verdict":"accepted"}`)
	f.Add("/v1/outcomes", "application/cloudevents+json", `{"specversion":"1.0","id":"1","source":"/","type":"com.github.headrace.outcome.v1","data":{"episode":"e","suggestion":"s","kind":"kept","value":1}}`)
	f.Fuzz(func(t *testing.T, path, contentType, body string) {
		if path != "/v1/decisions" && path != "/v1/outcomes" && path != "/v1/episodes" {
			return
		}
		post(t, e, path, contentType, body)
	})
}

func TestTheExamplesOfLaterFactsAreTaken(t *testing.T) {
	l := newLoop(t)
	l.conf = func(c *edge.Config) { c.Settle = 1 << 50 }
	e := l.edge("mill")
	for _, what := range []string{"decisions", "outcomes"} {
		b, err := os.ReadFile("../spec/examples/" + what + ".jsonl")
		l.ok(err)
		if code, said := post(t, e, "/v1/"+what, "", string(b)); code != http.StatusOK || !strings.Contains(said, `"accepted":1`) {
			t.Errorf("%s: %d %s", what, code, said)
		}
	}
	l.ok(e.Turn(t.Context()))
	all, err := e.Stored(t.Context())
	l.ok(err)
	if len(all) != 1 || len(all[0].Decisions) != 1 || len(all[0].Outcomes) != 1 || all[0].ID != "ep_6f1d0c2b7a9e4f53b8c1d2e3f4a5b6c7" {
		t.Errorf("%+v", all)
	}
}
