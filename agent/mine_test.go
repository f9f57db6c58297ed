// SPDX-License-Identifier: Apache-2.0

package agent_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/headrace/headrace/agent"
	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/web"
)

// A certificate opens its developer's own records, by whatever a request may ask, and nobody else's.
func TestACertificateOpensItsOwnersRecordsAlone(t *testing.T) {
	m := newMachine(t)
	machines := map[string]*agent.Edge{}
	for _, who := range []string{"ada", "grace"} {
		code, err := m.edge.InviteDevice(t.Context(), who)
		m.ok(err)
		machines[who], err = agent.Enrol(t.Context(), filepath.Join(t.TempDir(), who), m.url, code, slog.New(slog.DiscardHandler))
		m.ok(err)
		for i := range 3 {
			ep := &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: episode.NewID("demo", fmt.Sprint(who, i)), StartedAt: time.Now().Add(-time.Duration(i+1) * time.Minute),
				Tool: episode.Tool{Name: "demo", Surface: episode.SurfaceChat}, Instruction: "words of " + who, Session: who}
			line, err := episode.Append(nil, ep)
			m.ok(err)
			_, err = m.edge.Receive(t.Context(), edge.Principal{Name: who, Authenticated: true}, append(line, '\n'))
			m.ok(err)
		}
	}
	m.ok(m.edge.Turn(t.Context()))
	ask := func(who string, q edge.OwnRequest, v any) string {
		t.Helper()
		b, err := json.Marshal(q)
		m.ok(err)
		answer, err := machines[who].Mine(t.Context(), b)
		if p, ok := errors.AsType[*episode.Problem](err); ok {
			return p.Code
		}
		m.ok(err)
		m.ok(json.Unmarshal(answer, v))
		return ""
	}
	ids := map[string][]string{}
	for who := range machines {
		var p web.OwnPage
		if code := ask(who, edge.OwnRequest{Do: "list"}, &p); code != "" || len(p.Rows) != 3 {
			t.Fatalf("%s is shown %d records, %s", who, len(p.Rows), code)
		}
		for _, r := range p.Rows {
			ids[who] = append(ids[who], r.ID)
			var v web.OwnView
			if code := ask(who, edge.OwnRequest{Do: "show", ID: r.ID}, &v); code != "" || v.ID != r.ID || v.Captured == nil {
				t.Errorf("%s does not see their own %s: %s", who, r.ID, code)
			}
		}
	}
	for _, id := range ids["grace"] {
		for _, do := range []string{"show", "veto", "flag", "delete", "yes", "", "list-all"} {
			var v json.RawMessage
			if code := ask("ada", edge.OwnRequest{Do: do, ID: id, Why: "x"}, &v); code != "mine/no-record" {
				t.Errorf("ada asks to %q grace's record: %q, %s", do, code, v)
			}
		}
	}
	yes := true
	var p web.Preferences
	if code := ask("ada", edge.OwnRequest{Do: "preferences", Preferences: &web.Preferences{Agree: &yes}}, &p); code != "" || p.Agree == nil || !*p.Agree {
		t.Errorf("ada's preferences: %s, %+v", code, p)
	}
	if code := ask("grace", edge.OwnRequest{Do: "preferences"}, &p); code != "" {
		t.Error(code)
	}
	var own web.Own
	if code := ask("ada", edge.OwnRequest{Do: "veto", ID: ids["ada"][0]}, &own); code != "" || own.State != "vetoed" {
		t.Errorf("ada vetoes: %s, %+v", code, own)
	}
	_, err := m.edge.RevokeDevices(t.Context(), "ada")
	m.ok(err)
	if code := ask("ada", edge.OwnRequest{Do: "list"}, &p); code != "device/not-enrolled" {
		t.Errorf("a certificate that was ended still opens: %q", code)
	}
}
