// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"bytes"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/headrace/headrace/episode"
)

// Whatever a server answers, a pass ends, with figures that are numbers of people and things on days that were asked for, and
// episodes that encode.
func FuzzAnswers(f *testing.F) {
	seeds := [][]byte{[]byte(`{"data":[` + claudeLine("ada@example.com", 1, 2) + `],"has_more":false}`),
		[]byte(`{"day":"2026-11-04","user_login":"octocat","code_acceptance_activity_count":5}` + "\n" + `{"day_totals":[{"day":"2026-11-04","daily_active_users":3}]}`),
		[]byte(`{"data":[` + agentEdits + "," + tabs + `],"items":[` + commit + `],"totalCount":1}`),
		[]byte(`{"data":{"ada@example.com":[` + agentEdits + `]},"pagination":{"hasNextPage":true}}`),
		[]byte(`{"sessions":[` + julesSession + `],"activities":[` + julesPlan + "," + julesApproval + "," + julesEnd + `]}`),
		[]byte("user,team\nada,payments\n")}
	for kind := range byte(7) {
		for _, s := range seeds {
			f.Add(kind, s)
		}
	}
	f.Fuzz(func(t *testing.T, kind byte, answer []byte) {
		asked := 0
		// Without a network between: the others of these tests have one, and this one wants to be fast.
		answers := transport(func(r *http.Request) *http.Response {
			w := httptest.NewRecorder()
			if asked++; asked > 20 { // that a server which goes on for ever is left has a test of its own
				http.NotFound(w, r)
				return w.Result()
			}
			if r.URL.Path == "/orgs/alder/copilot/metrics/reports/users-1-day" || r.URL.Path == "/orgs/alder/copilot/metrics/reports/organization-1-day" {
				w.WriteString(`{"download_links":["https://reports.example/signed"]}`)
				return w.Result()
			}
			w.Write(answer)
			return w.Result()
		})
		configs := []Config{{Kind: "claude"}, {Kind: "copilot", Organisation: "alder"}, {Kind: "cursor"}, {Kind: "jules", Developer: "ada"}}
		c := configs[int(kind)%len(configs)]
		c.Since = "2026-11-04"
		var teams *Teams
		if kind >= 4 {
			var err error
			if teams, err = decodeTeams(bytes.NewReader(answer)); err != nil {
				teams = &Teams{}
			}
		}
		p := pollerWith(t, c, "https://maker.example", "k")
		p.client.http.Transport = answers
		err := p.Pass(t.Context(), "", noon, teams, func(p Page) error {
			for _, fig := range p.Figures {
				if fig.Day < dayNumber(t, "2026-11-04") || fig.Day > dayNumber(t, "2026-11-05") || fig.Developers < 0 {
					t.Fatalf("%+v", fig)
				}
				for _, n := range fig.Counts {
					if !(n > 0) || math.IsInf(n, 0) {
						t.Fatalf("%+v", fig)
					}
				}
			}
			for _, ep := range p.Episodes {
				if _, err := episode.Append(nil, ep); err != nil {
					t.Fatal(err)
				}
			}
			return nil
		})
		_ = err // it may well be one
	})
}

// transport answers requests by itself.
type transport func(*http.Request) *http.Response

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) { return t(r), nil }
