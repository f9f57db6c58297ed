// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/web"
)

// asked is an answer as far as it may tell something.
type asked struct {
	status int
	header string
	body   string
}

// tenant asks the hub in the name of one contributor.
type tenant struct {
	t     *testing.T
	url   string
	token string
	n     int
}

func (x *tenant) ask(method, path, contentType string, body []byte) asked {
	x.t.Helper()
	x.n++
	req, err := http.NewRequest(method, x.url+path, bytes.NewReader(body))
	if err != nil {
		x.t.Fatal(err)
	}
	if x.token != "" {
		req.Header.Set("Authorization", "Bearer "+x.token)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		x.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		x.t.Fatal(err)
	}
	var told []string
	for _, h := range []string{"Docker-Content-Digest", "Location", "ETag", "Link", "OCI-Subject"} {
		told = append(told, resp.Header.Get(h))
	}
	return asked{resp.StatusCode, strings.Join(told, ""), string(b)}
}

// TestNoContributorReachesWhatIsAnothers goes through every repository that a contributor has at the hub, everything in
// them, every endpoint and every method, as another contributor, as nobody and with a token that was guessed.
func TestNoContributorReachesWhatIsAnothers(t *testing.T) {
	l := newLoop(t)
	a, b := l.edge("alder-bank"), l.edge("birch-telecom")
	l.send(a, one("1", "portal"), one("2", "portal"))
	l.send(b, one("3", "portal"))
	l.turn(a)
	l.turn(b)
	l.turnHub()
	_, err := a.Withdraw(t.Context(), "steward", web.Scope{Session: one("1", "portal").Session})
	l.ok(err)
	l.turn(a)
	l.turnHub()
	l.turn(a)
	l.certificate("alder-bank")

	db, err := sql.Open("sqlite", l.path("hub", "hub.db"))
	l.ok(err)
	defer db.Close()
	column := func(query string) (out [][2]string) {
		rows, err := db.Query(query)
		l.ok(err)
		defer rows.Close()
		for rows.Next() {
			var r [2]string
			l.ok(rows.Scan(&r[0], &r[1]))
			out = append(out, r)
		}
		return out
	}
	blobs := column(`SELECT repo, digest FROM repo_blobs WHERE repo LIKE 'alder-bank/%'`)
	manifests := column(`SELECT repo, digest FROM manifests WHERE repo LIKE 'alder-bank/%'`)
	tags := column(`SELECT repo, tag FROM tags WHERE repo LIKE 'alder-bank/%'`)
	repos := map[string]bool{}
	for _, r := range append(append(blobs, manifests...), tags...) {
		repos[r[0]] = true
	}
	for _, want := range []string{"bundles", "withdrawals", "statements", "agreements"} {
		if !repos["alder-bank/"+want] {
			t.Fatalf("there is nothing in %s: %v", want, repos)
		}
	}
	ans, err := l.hub.Enlist(t.Context(), "birch-telecom", b.Public(), false)
	l.ok(err)
	birch := &tenant{t: t, url: l.url, token: ans.Token}
	absent := "sha256:" + strings.Repeat("0", 64)
	const manifest = "application/vnd.oci.image.manifest.v1+json"

	// What is there and what is not look the same, and neither is given.
	for _, who := range []*tenant{birch, {t: t, url: l.url}, {t: t, url: l.url, token: "guessed"}} {
		same := func(method, there, gone string, body []byte) {
			t.Helper()
			got, ref := who.ask(method, there, manifest, body), who.ask(method, gone, manifest, body)
			if got != ref || got.status != http.StatusForbidden && got.status != http.StatusUnauthorized && got.status != http.StatusMethodNotAllowed && got.status != http.StatusNotFound {
				t.Errorf("%s %s: %+v, but %+v for what is not there", method, there, got, ref)
			}
		}
		for _, method := range []string{"GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"} {
			for _, r := range blobs {
				same(method, "/v2/"+r[0]+"/blobs/"+r[1], "/v2/"+r[0]+"/blobs/"+absent, []byte("{}"))
			}
			for _, r := range append(manifests, tags...) {
				same(method, "/v2/"+r[0]+"/manifests/"+r[1], "/v2/"+r[0]+"/manifests/"+absent, []byte("{}"))
				same(method, "/v2/"+r[0]+"/referrers/"+r[1], "/v2/"+r[0]+"/referrers/"+absent, nil)
			}
			for repo := range repos {
				same(method, "/v2/"+repo+"/tags/list", "/v2/nobody/bundles/tags/list", nil)
				same(method, "/v2/"+repo+"/blobs/uploads/", "/v2/nobody/bundles/blobs/uploads/", nil)
				same(method, "/v2/"+repo+"/blobs/uploads/ABC", "/v2/nobody/bundles/blobs/uploads/ABC", nil)
			}
		}
	}

	// Nor can it be had by way of one's own repositories: a digest that somebody else has is as good as none.
	for _, place := range []string{"bundles", "withdrawals", "passages", "agreements", "returns"} {
		own := "/v2/birch-telecom/" + place
		for _, r := range blobs {
			if r[1] == episode.Digest([]byte("{}")) {
				continue // everybody has it
			}
			for _, method := range []string{"GET", "HEAD"} {
				if got, ref := birch.ask(method, own+"/blobs/"+r[1], "", nil), birch.ask(method, own+"/blobs/"+absent, "", nil); got != ref || got.status != http.StatusNotFound {
					t.Errorf("%s of %s in one's own repository: %+v, %+v", method, r[1], got, ref)
				}
			}
			mount := birch.ask("POST", own+"/blobs/uploads/?mount="+r[1]+"&from="+url.QueryEscape(r[0]), "", nil)
			if mount.status != http.StatusAccepted || strings.Contains(mount.header, r[1]) {
				t.Errorf("mounting %s from %s: %+v", r[1], r[0], mount)
			}
			// An empty body in the name of a digest is refused whether the store has the bytes or not.
			put := func(d string) asked { return birch.ask("POST", own+"/blobs/uploads/?digest="+d, "", nil) }
			if got, ref := put(r[1]), put(absent); got != ref || got.status != http.StatusBadRequest {
				t.Errorf("claiming %s: %+v, %+v", r[1], got, ref)
			}
			claim := func(d string) asked {
				body := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"artifactType":"application/vnd.in-toto+json","config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":%q,"size":2},"layers":[]}`, manifest, d)
				return birch.ask("PUT", own+"/manifests/"+episode.Digest([]byte(body)), manifest, []byte(body))
			}
			if got, ref := claim(r[1]), claim(absent); got.status != ref.status || strings.ReplaceAll(got.body, r[1], absent) != ref.body || got.status/100 != 4 {
				t.Errorf("a manifest that names %s: %+v, %+v", r[1], got, ref)
			}
		}
		for _, r := range manifests {
			if got, ref := birch.ask("GET", own+"/manifests/"+r[1], "", nil), birch.ask("GET", own+"/manifests/"+absent, "", nil); got != ref || got.status != http.StatusNotFound {
				t.Errorf("manifest %s in one's own repository: %+v", r[1], got)
			}
			if got, ref := birch.ask("GET", own+"/referrers/"+r[1], "", nil), birch.ask("GET", own+"/referrers/"+absent, "", nil); got != ref {
				t.Errorf("referrers of %s in one's own repository: %+v", r[1], got)
			}
		}
	}

	// What the hub alone writes, no contributor writes, not even in its own name.
	for _, repo := range []string{"birch-telecom/statements", "birch-telecom/other", "releases", "releases/bundles", "birch-telecom/bundles/more", "alder-bank", "birch-telecom"} {
		for _, r := range []asked{birch.ask("POST", "/v2/"+repo+"/blobs/uploads/", "", nil), birch.ask("PUT", "/v2/"+repo+"/manifests/early", manifest, []byte("{}"))} {
			if r.status != http.StatusForbidden {
				t.Errorf("writing to %s: %+v", repo, r)
			}
		}
	}

	// A bundle that is signed by one and pushed by the other is refused, in both repositories.
	rows, err := l.edgeDB("alder-bank").Bundles(t.Context(), "received")
	l.ok(err)
	m := link.Membership{URL: l.url, Contributor: "birch-telecom", Token: ans.Token, Hub: maker, PublicKey: l.hub.Public()}
	for _, as := range []string{"birch-telecom", "alder-bank"} {
		m.Contributor = as
		if _, err := edge.PushTo(t.Context(), m.Remote(t.TempDir(), nil), l.path("alder-bank", "bundles", strings.TrimPrefix(rows[0].ID, "sha256:")), a.Public()); err == nil {
			t.Errorf("a bundle of alder-bank's is taken from birch-telecom as %s", as)
		}
	}
	t.Logf("%d requests", birch.n)
}
