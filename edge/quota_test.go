// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/hub"
	"github.com/headrace/headrace/internal/web"
)

func TestAnEdgeThatHasSentEnoughWaitsAndSaysSoAndLosesNothing(t *testing.T) {
	for name, lims := range map[string]hub.Quotas{"quota/bundles": {Bundles: 1}, "quota/bytes": {Bytes: 3400}} {
		t.Run(name, func(t *testing.T) {
			l := newLoop(t)
			l.in.Quotas = lims
			l.restartHub()
			e := l.edge("alder-bank")
			l.send(e, one("1", "portal"))
			l.turn(e)
			l.restartHub() // it still knows what was sent
			l.send(e, one("2", "portal"))
			err := e.Turn(t.Context())
			if p, ok := errors.AsType[*episode.Problem](err); !ok || p.Code != name || p.Hint == "" {
				t.Fatalf("got %v, want %s with a hint", err, name)
			}
			if n := len(l.atHub("alder-bank")); n != 1 {
				t.Fatalf("%d records at the hub, want 1", n)
			}
			rows, err := l.edgeDB("alder-bank").Bundles(t.Context(), "packed")
			l.ok(err)
			if len(rows) != 1 || !strings.Contains(rows[0].Note, "the hub asks to wait") {
				t.Errorf("what waits says %+v", rows)
			}
			l.turn(e) // it was told to wait, and does
			// What is taken back is not put off.
			_, err = e.Withdraw(t.Context(), "steward", web.Scope{Session: one("1", "portal").Session})
			l.ok(err)
			l.turn(e)
			l.turnHub()
			l.turn(e)
			if c := l.certificate("alder-bank"); c.Records != 1 {
				t.Errorf("the certificate is about %d records", c.Records)
			}
			l.pass(24 * time.Hour)
			l.turn(e)
			if n := len(l.atHub("alder-bank")); n != 1 {
				t.Errorf("%d records at the hub, want the second", n)
			}
		})
	}
}

func TestTooManyUploadsAreToldWhichQuotaAndWhenToComeAgain(t *testing.T) {
	l := newLoop(t)
	l.in.Quotas = hub.Quotas{Uploads: 2}
	l.restartHub()
	ans, err := l.hub.Enlist(t.Context(), "alder-bank", l.edge("alder-bank").Public(), false)
	l.ok(err)
	other, err := l.hub.Enlist(t.Context(), "birch-telecom", l.edge("birch-telecom").Public(), false)
	l.ok(err)
	begin := func(a hub.EnrolAnswer) *http.Response {
		req, err := http.NewRequest(http.MethodPost, l.url+"/v2/"+a.Contributor+"/bundles/blobs/uploads/", nil)
		l.ok(err)
		req.Header.Set("Authorization", "Bearer "+a.Token)
		resp, err := http.DefaultClient.Do(req)
		l.ok(err)
		t.Cleanup(func() { resp.Body.Close() })
		return resp
	}
	for i := range 4 {
		resp := begin(ans)
		if i < 2 {
			if resp.StatusCode != http.StatusAccepted {
				t.Fatalf("upload %d: %s", i, resp.Status)
			}
			continue
		}
		var said struct {
			Errors []struct{ Detail episode.Problem }
		}
		if err := json.NewDecoder(resp.Body).Decode(&said); err != nil || len(said.Errors) != 1 || said.Errors[0].Detail.Code != "quota/uploads" {
			t.Errorf("%+v, %v", said, err)
		}
		if n, err := strconv.Atoi(resp.Header.Get("Retry-After")); resp.StatusCode != http.StatusTooManyRequests || err != nil || n < 1 {
			t.Errorf("%s, Retry-After %q", resp.Status, resp.Header.Get("Retry-After"))
		}
	}
	if resp := begin(other); resp.StatusCode != http.StatusAccepted {
		t.Errorf("another contributor's upload: %s", resp.Status)
	}
}
