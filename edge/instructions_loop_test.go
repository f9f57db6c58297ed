// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"bytes"
	"encoding/base64"
	"os"
	"testing"
	"time"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/hub"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/sim"
)

// TestWhatHelpsIsFoundOfferedTriedJudgedAndKept is the whole way of instructions: a file that truly helps is in force for some by
// nature; the hub, which knows ids only, finds it; a person at the edge says yes; developers drawn by hash have it; and what
// becomes of their code lets it through the gate.
func TestWhatHelpsIsFoundOfferedTriedJudgedAndKept(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of episodes")
	}
	const contributor = "alder-bank"
	l := newLoop(t)
	start := time.Date(2026, 12, 20, 0, 0, 0, 0, time.UTC) // all is known of the simulator's first span
	l.now.Store(start.UnixNano())
	l.ok(os.MkdirAll(l.path(contributor, "keys"), 0o700)) // the same arms each time
	l.ok(os.WriteFile(l.path(contributor, "keys", "root.key"), []byte(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{3}, 32))+"\n"), 0o600))
	l.conf = func(c *edge.Config) {
		p, err := consent.DecodePolicy([]byte(policyFile + "  - {kind: instructions, hub: loop-maker, approver: person}\n"))
		l.ok(err)
		c.Policy = p
	}
	e := l.edge(contributor)
	span := func(period int, rules sim.Rules, until time.Time) {
		t.Helper()
		w, err := sim.New(sim.Config{Seed: 4, Decisions: 9_000, Developers: 420, Draws: 1, Period: period, Delays: true, Rules: &rules})
		l.ok(err)
		var list []*episode.Episode
		l.ok(w.Settled(contributor, until, func(ep *episode.Episode) error {
			ep = ep.Clone()
			ep.Tool.Name = "claude-code" // one that words reach, and that asks nobody what to show
			if ep.Decisions[0].By != episode.ByRule {
				d := &ep.Decisions[0]
				d.DecisionID, d.Actions, d.Chosen, d.Release, d.Explore = "", nil, "", "", false
				list = append(list, ep)
			}
			return nil
		}))
		l.send(e, list...)
		l.pass(25 * time.Hour)
		l.turn(e)
		l.turnHub()
		l.turn(e)
	}
	rules := sim.Rules{Helps: 2.5, Hurts: 2.5}
	span(0, rules, start)

	ctx := t.Context()
	all, err := e.Instructions(ctx)
	l.ok(err)
	if len(all) != 1 || all[0].State != "offered" {
		t.Fatalf("the hub offers %+v", all)
	}
	i, err := e.Instruction(ctx, all[0].ID)
	l.ok(err)
	if i.Words == "" || i.Problem != "" {
		t.Fatalf("%+v", i)
	}
	l.ok(e.TryInstructions(ctx, "steward", i.ID, i.Seen, 0.5))

	rules.InForce = func(p sim.Place, f *sim.RuleFile) bool { return f.Effect > 0 && e.Words(p.Developer) != "" }
	view := edge.View{Edge: e}
	l.now.Store(time.Date(2027, 1, 20, 0, 0, 0, 0, time.UTC).UnixNano()) // in the middle of the fifth span, which begins after the trial does
	span(4, rules, l.clock())
	going, err := view.Instruction(ctx, i.ID)
	l.ok(err)
	if w := going.Trial; w == nil || w.Judged != nil || w.Due.Before(time.Date(2027, 2, 25, 0, 0, 0, 0, time.UTC)) || w.With == nil || w.With.Developers < 10 || w.Without.Decisions < 100 || len(w.Looks) != 1 ||
		!w.Looks[0].Difference.Shown() || going.Evidence == nil || !(going.Evidence.Difference.Lower > 0) {
		t.Fatalf("while it is tried its page has %+v, %+v", going.Evidence, w)
	}

	l.now.Store(time.Date(2027, 3, 15, 0, 0, 0, 0, time.UTC).UnixNano()) // and all is known of it
	span(4, rules, l.clock())
	i, err = e.Instruction(ctx, i.ID)
	l.ok(err)
	over, err := view.Instruction(ctx, i.ID)
	l.ok(err)
	if w := over.Trial; w.Judged == nil || !w.Judged.Released || !w.With.Reward.Shown() || !(w.With.Reward.Value > w.Without.Reward.Value) || len(w.Looks) != 1 {
		t.Errorf("once it is judged its page has %+v", w)
	}
	if g, err := view.Gate(ctx, over.Trial.Judged.ID); err != nil || g.Kind != "instructions" || g.Design != "randomised" {
		t.Errorf("the report that judged it: %+v, %v", g, err)
	}
	if b, err := view.GateDocument(ctx, over.Trial.Judged.ID); err != nil || len(b) == 0 {
		t.Errorf("the signed report: %d bytes, %v", len(b), err)
	}
	atHub := hub.View{Hub: l.hub}
	if g, err := atHub.Gate(ctx, over.Trial.Judged.ID); err != nil || g.Kind != "instructions" || g.Design != "randomised" {
		t.Errorf("the report that judged it, at the hub: %+v, %v", g, err)
	}
	if b, err := atHub.GateDocument(ctx, over.Trial.Judged.ID); err != nil || len(b) == 0 {
		t.Errorf("the signed report at the hub: %d bytes, %v", len(b), err)
	}
	if i.State != "passed" || i.Note == "" {
		t.Fatalf("after the trial it is %s: %s", i.State, i.Note)
	}
	t.Log(i.Note)
	l.ok(e.KeepInstructions(ctx, "steward", i.ID))
	if e.Words("anybody") == "" {
		t.Error("what is kept is not for all")
	}
	var seen edge.Instruction
	if seen, err = e.Instruction(ctx, i.ID); err != nil || seen.State != "kept" {
		t.Errorf("%+v, %v", seen, err)
	}
	// The records that it was judged by are taken back, and so is the hub's word.
	l.ok(e.JudgeInstructions(ctx, "loop-maker", i.ID, false, "withdrawn"))
	if seen, err = e.Instruction(ctx, i.ID); err != nil || seen.State != "dropped" || e.Words("anybody") != "" {
		t.Errorf("what was judged by withdrawn records is %s, %v", seen.State, err)
	}
}
