// SPDX-License-Identifier: Apache-2.0

package trusttest

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"

	"github.com/headrace/headrace/internal/killtest"
)

// Pages that must be among those that are searched: a trial that did not get there shows nothing of them.
func pagesOfEdge() []string {
	return []string{"/", "/start", "/episodes", "/preview", "/preview/…", "/mine", "/mine/preferences", "/policy", "/policy/…", "/bundles", "/bundles/…", "/releases", "/statements", "/withdrawals", "/audit"}
}

func pagesOfHub() []string {
	return []string{"/", "/snapshots", "/snapshots/…", "/gates", "/releases", "/statements", "/audit"}
}

// askForPages opens what the pages of edge and hub show without opening a seal, and what is nowhere.
func (w *world) askForPages(ctx context.Context) error {
	return errors.Join(w.follow(ctx, "edge", w.edge, pagesOfEdge()), w.follow(ctx, "hub", w.hub.p, pagesOfHub()))
}

var address = regexp.MustCompile(`href="([^"#]+)`)

// follow goes through a role's pages from link to link and looks at each. A page that answers otherwise than it should is an error:
// one that says only that something went wrong holds no planted string.
func (w *world) follow(ctx context.Context, role string, p *killtest.Process, must []string) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	client := &http.Client{Jar: jar}
	enter, err := url.Parse(strings.TrimPrefix(p.Ready[0], "Open  "))
	if err != nil {
		return err
	}
	if _, err := w.page(ctx, client, enter, http.StatusOK); err != nil {
		return err
	}
	const most = 20 // of a kind
	kinds, seen := map[string]int{}, map[string]bool{}
	for todo := []*url.URL{enter.ResolveReference(&url.URL{Path: "/"})}; len(todo) > 0; todo = todo[1:] {
		at := todo[0]
		kind := kindOf(at)
		if seen[at.String()] || at.Host != enter.Host || opensASeal(at) || kinds[kind] == most {
			continue
		}
		seen[at.String()] = true
		kinds[kind]++
		b, err := w.page(ctx, client, at, http.StatusOK)
		if err != nil {
			return fmt.Errorf("%s: %w", role, err)
		}
		w.report.Pages[role+" "+kind]++
		w.look("page "+role+at.RequestURI(), b)
		for _, to := range address.FindAllSubmatch(b, -1) {
			if u, err := at.Parse(html.UnescapeString(string(to[1]))); err == nil {
				todo = append(todo, u)
			}
		}
	}
	for _, kind := range must {
		if kinds[kind] == 0 {
			return fmt.Errorf("%s: no link led to a page %s", role, kind)
		}
	}
	for _, path := range []string{"/nowhere", "/episodes/ep_none", "/preview/none/none", "/snapshots/none", "/bundles/none"} {
		at := enter.ResolveReference(&url.URL{Path: path})
		b, err := w.page(ctx, client, at, http.StatusNotFound)
		if err != nil {
			return fmt.Errorf("%s: %w", role, err)
		}
		w.report.Pages[role+" nowhere"]++
		w.look("page "+role+at.RequestURI(), b)
	}
	return nil
}

// kindOf names a page without what it is of.
func kindOf(u *url.URL) string {
	first, rest, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	if rest == "" || u.Path == "/mine/preferences" {
		return u.Path
	}
	return "/" + first + "/…"
}

// opensASeal reports whether a page shows raw text because somebody who may see it asks for it.
func opensASeal(u *url.URL) bool {
	of := kindOf(u)
	return of == "/episodes/…" || of == "/mine/…" || u.Query().Get("raw") != ""
}

// page gets one that must answer so.
func (w *world) page(ctx context.Context, client *http.Client, at *url.URL, status int) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, err
	}
	return read(client, req, status)
}

// read does a request that must be answered so.
func read(client *http.Client, req *http.Request, status int) ([]byte, error) {
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	html := strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html")
	if err == nil && (resp.StatusCode != status || html && !strings.Contains(string(b), "</html>")) {
		err = fmt.Errorf("%s answers %s, and is to answer %d: %.300s", req.URL.Path, resp.Status, status, b)
	}
	return b, err
}
