// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/web"
)

// as is a request of somebody's.
func as(t *testing.T, name string, roles access.Roles, raw bool) context.Context {
	return access.With(t.Context(), access.Person{Name: name, Roles: roles, Raw: raw})
}

// by is an episode of a developer's.
func by(developer, id, repository string) *episode.Episode {
	ep := one(id, repository)
	ep.Developer, ep.Instruction = developer, "let the wheel be stopped"
	return ep
}

func TestADeveloperSeesAndTakesBackTheirOwnAlone(t *testing.T) {
	l := newLoop(t)
	a := l.edge("alder-bank")
	l.send(a, by("ada@example.com", "1", "portal"), by("ada@example.com", "2", "payments"), by("bob@example.com", "3", "portal"), by("", "4", "portal"))
	l.turn(a)
	v := edge.View{Edge: a}
	ada := as(t, "ada@example.com", access.Developer, false)
	all, err := v.Episodes(t.Context(), web.EpisodeFilter{Limit: 10})
	l.ok(err)
	if all.Total != 4 {
		t.Fatalf("there are %d", all.Total)
	}
	mine, err := v.Episodes(ada, web.EpisodeFilter{Limit: 10})
	l.ok(err)
	if mine.Total != 2 || mine.All != 2 || len(mine.Rows) != 2 || mine.Few {
		t.Errorf("ada sees %d of %d, few %v", mine.Total, mine.All, mine.Few)
	}
	own := map[string]bool{}
	for _, r := range mine.Rows {
		own[r.ID] = true
	}
	for _, r := range all.Rows {
		e, err := v.Episode(ada, "ada@example.com", r.ID)
		if own[r.ID] {
			if err != nil || e.Raw != web.RawShown || e.Episode.Developer != "ada@example.com" {
				t.Errorf("her own: %v %+v", err, e)
			}
		} else if !errors.Is(err, web.ErrNotFound) {
			t.Errorf("another's: %v", err)
		}
	}
	// Whoever has no name has nothing, not what belongs to nobody.
	if none, err := v.Episodes(as(t, "", access.Developer, false), web.EpisodeFilter{Limit: 10}); err != nil || len(none.Rows) > 0 || none.All > 0 {
		t.Errorf("nobody sees %+v, %v", none, err)
	}

	// What she takes back is hers, whatever she asks for.
	for name, s := range map[string]web.Scope{"another's": {Developer: "bob@example.com"}, "everything, as if it were the contributor's": {All: true, Confirm: "birch-telecom"}} {
		_, err := v.Withdraw(ada, "ada@example.com", s)
		if p, _ := errors.AsType[*episode.Problem](err); s.Developer != "" && (p == nil || p.Code != "withdraw/bad-scope") {
			t.Errorf("%s: %v", name, err)
		}
	}
	l.turn(a)
	left, err := v.Episodes(t.Context(), web.EpisodeFilter{Limit: 10, State: "withdrawn"})
	l.ok(err)
	if len(left.Rows) != 2 || !own[left.Rows[0].ID] || !own[left.Rows[1].ID] {
		t.Errorf("withdrawn are %+v", left.Rows)
	}
	bob := as(t, "bob@example.com", access.Developer, false)
	for who, ctx := range map[string]context.Context{"bob": bob, "a steward": as(t, "kim@example.com", access.Steward, true), "an auditor": as(t, "lee@example.com", access.Auditor, false)} {
		list, err := v.Withdrawals(ctx)
		l.ok(err)
		if who == "bob" && len(list) > 0 || strings.Contains(fmt.Sprint(list), "ada@") {
			t.Errorf("%s sees %+v", who, list)
		}
	}
	list, err := v.Withdrawals(ada)
	l.ok(err)
	if len(list) == 0 || list[0].Who != "ada@example.com" {
		t.Errorf("she sees %+v", list)
	}
}

func TestRawTextOfOthersIsShownOnlyWhereThatIsConfiguredAndNeverWithTheirName(t *testing.T) {
	l := newLoop(t)
	a := l.edge("alder-bank")
	l.send(a, by("ada@example.com", "1", "payments"))
	l.turn(a)
	v := edge.View{Edge: a}
	for _, c := range []struct {
		name string
		ctx  context.Context
		raw  web.RawState
	}{
		{"a steward", as(t, "kim", access.Steward, false), web.RawForbidden},
		{"a steward who may see raw text", as(t, "kim", access.Steward, true), web.RawShown},
		{"an auditor", as(t, "kim", access.Steward|access.Auditor, false), web.RawForbidden},
		{"whoever is at the machine", access.With(t.Context(), access.Local("kim")), web.RawShown},
		{"somebody of that name who is no developer", as(t, "ada@example.com", access.Steward, false), web.RawForbidden},
	} {
		list, err := v.Episodes(c.ctx, web.EpisodeFilter{Limit: 10})
		l.ok(err)
		if !list.Few {
			t.Errorf("%s sees how many are of one developer", c.name)
		}
		e, err := v.Episode(c.ctx, "kim", list.Rows[0].ID)
		l.ok(err)
		if e.Raw != c.raw || e.Episode.Developer == "ada@example.com" || (e.Episode.Instruction != "") != (c.raw == web.RawShown) {
			t.Errorf("%s: %s, %+v", c.name, e.Raw, e.Episode)
		}
		b, err := v.Batch(c.ctx, "kim", maker, web.BatchQuery{Limit: 10, Raw: true})
		l.ok(err)
		if len(b.Records) == 0 {
			t.Fatal("nothing waits")
		}
		for _, r := range b.Records {
			if (len(r.Raw) > 0) != (c.raw == web.RawShown) || strings.Contains(string(r.Raw), "ada@") {
				t.Errorf("%s, beside what leaves: %s", c.name, r.Raw)
			}
		}
	}
}

func TestFiguresOfFewDevelopersAreNotShown(t *testing.T) {
	l := newLoop(t)
	a := l.edge("alder-bank")
	var list []*episode.Episode
	for i := range 12 {
		ep := by(fmt.Sprintf("d%02d@example.com", i), fmt.Sprint(i), "portal")
		if i < 9 {
			ep.Tool.Name = "codex"
		}
		list = append(list, ep)
	}
	l.send(a, list...)
	l.turn(a)
	v := edge.View{Edge: a}
	kim := as(t, "kim", access.Steward, false)
	for _, c := range []struct {
		filter web.EpisodeFilter
		few    bool
	}{{web.EpisodeFilter{}, false}, {web.EpisodeFilter{Tool: "codex"}, true}, {web.EpisodeFilter{Tool: list[11].Tool.Name}, true}, {web.EpisodeFilter{Verdict: "no such"}, true}} {
		c.filter.Limit = 50
		got, err := v.Episodes(kim, c.filter)
		l.ok(err)
		if got.All != 12 {
			t.Fatalf("there are %d", got.All)
		}
		if got.Few != c.few {
			t.Errorf("%+v: few %v", c.filter, got.Few)
		}
	}
}
