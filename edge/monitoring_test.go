// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/hub"
	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/sim"
	"github.com/headrace/headrace/internal/web"
)

// reader is somebody who is signed in and follows every link.
type reader struct {
	t      *testing.T
	site   *web.Site
	secret string
}

// readers are one for each group, by name: of groups that the configuration knows.
func readers(t *testing.T, conf web.Config, groups map[string]string) map[string]reader {
	t.Helper()
	sessions := access.NewMemory()
	conf.Sessions = sessions
	conf.Access.Issuer, conf.Access.ClientID, conf.Access.URL = "https://login.example", "headrace", "http://localhost"
	conf.Access.Limits = access.Limits{Requests: -1, RawLooks: -1}
	if err := conf.Access.Check(true); err != nil {
		t.Fatal(err)
	}
	site, err := web.New(conf)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]reader{}
	now := time.Now()
	for name, group := range groups {
		sum := sha256.Sum256([]byte(name))
		err := sessions.AddSession(t.Context(), access.Session{Digest: hex.EncodeToString(sum[:]), Issuer: conf.Access.Issuer, Name: name, Groups: []string{group}, OpenedAt: now, SeenAt: now, EndsAt: now.Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		all[name] = reader{t, site, name}
	}
	return all
}

func (r reader) get(path string) (int, string) {
	r.t.Helper()
	req := httptest.NewRequest("GET", "http://localhost"+path, nil)
	req.AddCookie(&http.Cookie{Name: "headrace", Value: r.secret})
	w := httptest.NewRecorder()
	r.site.ServeHTTP(w, req)
	return w.Code, w.Body.String()
}

var href = regexp.MustCompile(`(?:href|action)="([^"]+)"`)

// walk opens every page without an id, and from there what links lead to: of each kind so many.
func (r reader) walk(perKind int) map[string]string {
	r.t.Helper()
	pages, opened := map[string]string{}, map[string]int{}
	var todo []string
	for _, route := range r.site.Routes() {
		if path, ok := strings.CutPrefix(route, "GET "); ok && !strings.Contains(path, "{id}") && !strings.HasPrefix(path, "/static") && !strings.HasPrefix(path, "/login") {
			todo = append(todo, strings.Replace(path, "{$}", "", 1))
		}
	}
	for _, verdict := range []string{"accepted", "rejected", "ignored"} {
		todo = append(todo, "/episodes?verdict="+verdict, "/episodes?level=signal&verdict="+verdict)
	}
	for len(todo) > 0 {
		path := todo[0]
		todo = todo[1:]
		u, err := url.Parse(path)
		if err != nil {
			r.t.Fatalf("%q: %v", path, err)
		}
		kind := strings.Join(strings.SplitN(u.Path, "/", 4)[:min(2, strings.Count(u.Path, "/")+1)], "/") + fmt.Sprint(strings.Count(u.Path, "/"))
		if _, seen := pages[path]; seen || opened[kind] >= perKind {
			continue
		}
		opened[kind]++
		code, body := r.get(path)
		if code == http.StatusInternalServerError {
			r.t.Errorf("%s: %s", path, body)
		}
		if pages[path] = ""; code == http.StatusOK {
			pages[path] = body
		}
		for _, m := range href.FindAllStringSubmatch(body, -1) {
			to, err := u.Parse(html.UnescapeString(m[1]))
			if err == nil && to.Host == "" && !strings.HasPrefix(to.Path, "/static") && !strings.HasPrefix(to.Path, "/log") {
				to.Fragment = ""
				todo = append(todo, to.String())
			}
		}
	}
	return pages
}

// TestNoPageTellsOnDevelopers opens, as every role, every page and export over what simulated developers did, filtered by
// what can be filtered, and looks for developers: their names, and the pseudonyms under which what they did leaves.
func TestNoPageTellsOnDevelopers(t *testing.T) {
	l := newLoop(t)
	world, err := sim.New(sim.Config{Seed: 3, Gain: 0.2, Decisions: 300, Developers: 60})
	l.ok(err)
	name := world.Contributors()[0]
	var list []*episode.Episode
	developers := map[string]bool{}
	l.ok(world.Episodes(name, func(ep *episode.Episode) error {
		own := *ep
		list = append(list, &own)
		developers[ep.Developer] = true
		return nil
	}))
	l.conf = func(c *edge.Config) { c.Demo = true }
	a := l.edge(name)
	l.send(a, list...)
	l.turn(a)
	v := edge.View{Edge: a}
	l.turnHub()
	l.turn(a)
	pseudonyms := map[string]bool{}
	for _, ep := range l.atHub(name) {
		pseudonyms[ep.Developer] = true
	}
	if len(developers) < 12 || len(pseudonyms) < 5 || pseudonyms[""] {
		t.Fatalf("%d developers, %d pseudonyms at the hub", len(developers), len(pseudonyms))
	}
	own := list[0].Developer
	groups := map[string]string{own: "g-developer", "kim": "g-steward", "eve": "g-expert", "opa": "g-operator", "aud": "g-auditor", "con": "g-contributor"}
	conf := web.Config{Edge: v, Hub: hub.View{Hub: l.hub}, Access: access.Config{Raw: true, Roles: map[string][]string{}, Contributors: map[string][]string{name: {"g-contributor"}}}}
	for _, role := range access.Names() {
		conf.Access.Roles[role] = []string{"g-" + role}
	}
	for who, r := range readers(t, conf, groups) {
		pages := r.walk(8)
		shown, mine := 0, map[string]bool{}
		for path, body := range pages {
			if body == "" {
				continue
			}
			shown++
			for d := range developers {
				if groups[who] == "g-auditor" && d == own && strings.HasPrefix(path, "/audit") {
					continue // it names who looked at raw text, were it their own
				}
				if d != own && strings.Contains(body, d) || d == own && who != own && strings.Contains(body, d) {
					t.Errorf("%s sees %s at %s", groups[who], d, path)
				}
			}
			// What leaves is shown as it leaves, byte for byte, to those who approve it, and an export is for a trainer.
			if strings.HasPrefix(path, "/preview/") || strings.Contains(path, "/export/") {
				continue
			}
			for p := range pseudonyms {
				switch {
				case !strings.Contains(body, p):
				case who == own && strings.HasPrefix(path, "/mine/"): // so it does to whose it is: one pseudonym, their own
					mine[p] = true
				default:
					t.Errorf("%s sees %s at %s", groups[who], p, path)
				}
			}
			if figure := small.FindString(body); figure != "" {
				t.Errorf("%s sees %q at %s", groups[who], figure, path)
			}
		}
		if len(mine) > 1 {
			t.Errorf("%s sees %d developers under /mine", groups[who], len(mine))
		}
		if shown < 2 {
			t.Errorf("%s sees %d pages of %d", groups[who], shown, len(pages))
		}
	}
	// The APIs answer no session: they are for programs that have a token.
	for _, h := range []http.Handler{a.Handler(func(*http.Request) edge.Principal { return edge.Principal{} }), l.hub.Handler()} {
		for _, route := range h.(interface{ Routes() []string }).Routes() {
			method, path, ok := strings.Cut(route, " ")
			if !ok {
				method, path = http.MethodGet, route
			}
			req := httptest.NewRequest(method, "http://localhost"+path, strings.NewReader("{}"))
			w := httptest.NewRecorder()
			h.ServeHTTP(w, req)
			for d := range developers {
				if strings.Contains(w.Body.String(), d) {
					t.Errorf("%s tells of %s", route, d)
				}
			}
		}
	}
}

// small finds a figure that says itself that it is of fewer than ten.
var small = regexp.MustCompile(`from [1-9] developers?\b`)

// TestAContributorsPeopleSeeItsOwnAlone opens every page of a hub as one contributor's people, with every id that the hub has.
func TestAContributorsPeopleSeeItsOwnAlone(t *testing.T) {
	l := newLoop(t)
	names := []string{"alder-bank", "birch-telecom"}
	for i, name := range names {
		e := l.edge(name)
		l.send(e, one(fmt.Sprint(i, "a"), "portal"), one(fmt.Sprint(i, "b"), "portal"))
		l.turn(e)
	}
	l.turnHub()
	v := hub.View{Hub: l.hub}
	statements, err := v.Statements(t.Context())
	l.ok(err)
	snapshots, err := v.Snapshots(t.Context())
	l.ok(err)
	gates, err := v.Gates(t.Context())
	l.ok(err)
	if len(statements) != 2 || len(snapshots) == 0 || len(gates) == 0 {
		t.Fatalf("the hub has %d statements, %d snapshots, %d gate reports", len(statements), len(snapshots), len(gates))
	}
	conf := web.Config{Hub: v, Access: access.Config{Contributors: map[string][]string{names[0]: {"g-a"}, names[1]: {"g-b"}}}}
	for who, r := range readers(t, conf, map[string]string{names[0]: "g-a", names[1]: "g-b"}) {
		other := names[0]
		if who == other {
			other = names[1]
		}
		pages := r.walk(50)
		for path, body := range pages {
			if strings.Contains(body, other) {
				t.Errorf("%s sees %s at %s", who, other, path)
			}
		}
		if !strings.Contains(pages["/statements"], who) {
			t.Errorf("%s does not see its own statement", who)
		}
		for _, s := range statements {
			want := http.StatusNotFound
			if s.Contributor == who {
				want = http.StatusOK
			}
			if code, _ := r.get("/statements/" + url.PathEscape(s.ID)); code != want {
				t.Errorf("%s asks for the statement of %s: %d", who, s.Contributor, code)
			}
		}
		for _, path := range []string{"/snapshots/" + url.PathEscape(snapshots[0].ID), "/gates/" + url.PathEscape(gates[0].ID), filepath.Join("/snapshots", url.PathEscape(snapshots[0].ID), "export", "trl-kto"), "/snapshots", "/gates"} {
			if code, _ := r.get(path); code != http.StatusForbidden {
				t.Errorf("%s asks for %s: %d", who, path, code)
			}
		}
		// And below the table, each query by itself.
		ctx := access.With(t.Context(), access.Person{Name: who, Roles: access.Everyone, Contributor: who})
		if list, err := v.Statements(ctx); err != nil || len(list) != 1 || list[0].Contributor != who {
			t.Errorf("statements of %s: %+v, %v", who, list, err)
		}
		if list, err := v.Snapshots(ctx); err != nil || len(list) > 0 {
			t.Errorf("snapshots of %s: %v, %v", who, list, err)
		}
		if _, err := v.Snapshot(ctx, snapshots[0].ID); err == nil {
			t.Errorf("%s has a snapshot", who)
		}
		if list, err := v.Gates(ctx); err != nil || len(list) > 0 {
			t.Errorf("gates of %s: %v, %v", who, list, err)
		}
		if err := v.Export(ctx, snapshots[0].ID, "trl-kto", &strings.Builder{}); err == nil {
			t.Errorf("%s has an export", who)
		}
		stages, err := v.HubStages(ctx)
		l.ok(err)
		if len(stages) != 3 || stages[0].Count != 1 || stages[2].Count != 1 {
			t.Errorf("stages of %s: %+v", who, stages)
		}
	}
}
