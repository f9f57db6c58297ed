// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"
)

// learned fills in what the loop has learned: a gate report of each verdict, a release on its way and one taken back, the reward
// over a month, changes of instructions in each state.
func (w *world) learned(t func(string) string) {
	est := func(v, h float64) Estimate { return Estimate{v, v - h, v + h, 400, 36090} }
	ref := func(v, h float64) *Estimate { e := est(v, h); return &e }
	few := Estimate{0.777, 0.1, 0.9, 9, 30}
	passed := Gate{ID: "gate/1", At: noon, Kind: "filter", Candidate: digestOf("cand"), Snapshot: "snap/1", Released: true, Release: "rel/1", Design: t("logged"), Method: t("doubly robust, cluster-robust by developer"), Reward: t("immediate"),
		Gain: est(0.0414, 0.0121), Bound: 0.0312, HasGain: true, Old: est(0.207, 0.011), New: est(0.2484, 0.012),
		Slices: []Slice{{t("contributor"), t("acme"), est(0.061, 0.02)}, {t("contributor"), t("borealis"), est(0.035, 0.03)}, {t("language"), t("go"), est(-0.004, 0.033)}, {t("language"), t("tiny"), few}},
		Checks: []Check{{t("developers held out"), true, "", 400, 300, "developers"}, {t("overlap"), true, t("every action had a chance of at least 5 %."), 0, 0, ""}},
		Guardrails: []Guardrail{{t("kept, of what was taken"), "", ref(0.8, 0.02), ref(0.81, 0.02), ref(0.01, 0.015), 0.05, true, true}, {t("reverted, of what was taken"), t("go"), ref(0.04, 0.01), ref(0.045, 0.01), ref(0.005, 0.01), 0.02, false, true},
			{t("shown"), "", ref(0.9, 0.01), ref(0.63, 0.01), ref(-0.27, 0.012), 0, true, true}, {t("small"), "", &few, nil, &few, 0.1, true, true}},
		Components: []Component{{t("taken"), est(0.26, 0.01), est(0.31, 0.01)}, {t("shown"), est(-0.2, 0.003), est(-0.15, 0.003)}, {t("late"), few, few}}, Worst: ref(-0.011, 0.02),
		Withheld: []Withheld{{t("acme"), "", est(0.41, 0.01), 0.2134, 0.012, ref(0.1966, 0.016), true}, {t("acme"), t("go"), est(0.2, 0.01), 0.19, 0.04, ref(0.01, 0.041), false}}, WithheldNote: t("One contributor does not say what it kept back.")}
	for i := range 11 {
		x := float64(i) * 0.05
		passed.Curve = append(passed.Curve, CurvePoint{x, 1 - 1.4*x, est(0.05-1.5*(x-0.25)*(x-0.25), 0.012), i == 5})
	}
	refused := Gate{ID: "gate 2", At: noon, Candidate: digestOf("c2"), Snapshot: "snap/1", Design: t("logged"), Checks: []Check{{t("developers held out"), false, t("Too few people to tell chance from help."), 1, 300, "developers"},
		{t("propensities"), false, t("the source logged no propensities."), 0, 0, ""}}, Gain: Estimate{math.NaN(), math.Inf(-1), math.Inf(1), 1, 4}, More: 1234}
	passed.Sure = 0.95
	tried := passed
	tried.ID, tried.Kind, tried.Release, tried.Design, tried.Method, tried.Reward, tried.Curve, tried.Withheld, tried.WithheldNote = "gate/3", "instructions", "", t("randomised"), t("difference of arms"), t("survival"), nil, nil, ""
	w.gates = []Gate{passed, refused, tried}

	began := noon.AddDate(0, 0, -9)
	good := Release{ID: "rel/1", MadeAt: began, Gate: "gate/1", Kind: "filter", Lever: t("show/hide"), Digest: digestOf("cand"), Snapshot: "snap/1", Reward: t("immediate"), Replaces: "rel/2", Signer: digestOf("hub"), State: "active", InUse: true,
		Channels: []Channel{{"early", t("contributors with a statement"), noon}, {"stable", t("everybody"), noon.AddDate(0, 0, 14)}}, Hub: t("hub 1"), Asks: true, Rule: t("Taken by the rule filters of the policy, automatically."),
		Steps: []Step{{began, 0.01, t("Every release begins with one developer in a hundred.")}, {began.AddDate(0, 0, 2), 0.05, t("Surely loses little.")}, {began.AddDate(0, 0, 5), 0.25, t("Surely loses little.")}}}
	bad := Release{ID: "rel/2", MadeAt: began.AddDate(0, 0, -6), Gate: "gate/9", Kind: "filter", Lever: t("show/hide"), Digest: digestOf("bad"), Signer: digestOf("hub"), State: "rolled back", Replaces: "rel/0",
		Steps: []Step{{began.AddDate(0, 0, -6), 0.01, t("Every release begins with one developer in a hundred.")}, {began.AddDate(0, 0, -5), 0.05, t("Surely loses little.")}, {began.AddDate(0, 0, -4), 0, t("Surely worse.")}}, RolledBack: &RolledBack{began.AddDate(0, 0, -4), t("it is surely worse than what it replaces."), 1204, "the hub"}}
	for i := range 10 {
		n := math.Sqrt(float64(i) + 0.4)
		e := Estimate{0.04 + 0.02/n, 0.04 + 0.02/n - 0.11/n, 0.04 + 0.02/n + 0.11/n, 20 * (i + 1), 900 * (i + 1)}
		if i == 0 {
			e.Developers = 4
		}
		good.Looks = append(good.Looks, Look{At: began.AddDate(0, 0, i), Share: 0.05, Difference: e})
		if i < 3 {
			bad.Looks = append(bad.Looks, Look{At: began.AddDate(0, 0, i-6), Share: 0.05, Difference: Estimate{-0.07, -0.07 - 0.1/n, -0.07 + 0.1/n, 30, 800}, Crossed: []string{"", "", t("taken")}[i]})
		}
	}
	w.releases = []Release{good, bad, {ID: "rel/0", MadeAt: noon.AddDate(0, -2, 0), Lever: t("show/hide"), State: "superseded", Channels: []Channel{{"early", t("all"), noon}}}}
	w.standing = Standing{Pinned: "rel/1", By: t("kim"), At: noon}

	w.rewards = Rewards{Spec: t("balanced"), Says: t("A suggestion that is taken and kept earns up to 0.75; one shown in vain costs 0.25."), From: "snap/1",
		Releases: []RewardMark{{began.AddDate(0, 0, -6), "rel/2", t("1 % of developers")}, {began.AddDate(0, 0, -4), "rel/2", t("taken back")}, {began, "rel/1", t("1 % of developers")}, {began.AddDate(0, 0, 5), "rel/1", t("25 % of developers")}},
		Alarms: []RewardAlarm{{t("Broken tool calls"), t("Calls that fail at once cannot be rejected."), est(0.021, 0.004), 0.05, false, true}, {t("Short easy suggestions"), t("Suggestions become shorter while more are taken."), est(0.31, 0.04), 0.2, true, true},
			{t("Stalling questions"), t("Questions that put off work."), few, 0.1, false, true}, {t("Undoing"), t("Suggestions that undo what was typed."), Estimate{}, 0.1, false, false}}}
	var taken, shown RewardLine
	taken.Name, shown.Name = t("taken"), t("shown_in_vain")
	for i := range 30 {
		day := noon.AddDate(0, 0, i-29).Truncate(24 * time.Hour)
		e := est(0.2+0.001*float64(i)+0.008*math.Sin(float64(i)*0.9), 0.02)
		if i == 12 || i == 13 {
			e.Developers = 3
		}
		w.rewards.Days = append(w.rewards.Days, RewardDay{day, e})
		taken.Days, shown.Days = append(taken.Days, RewardDay{day, est(e.Value+0.15, 0.02)}), append(shown.Days, RewardDay{day, est(-0.15, 0.01)})
	}
	w.rewards.Components = []RewardLine{taken, shown}

	change := []Change{{t("what a model is told"), t("--- a/words\n+++ b/words\n@@ -1,2 +1,3 @@\n Errors are lower-case.\n+Write the test first, and see it fail.\n Tests are named after the promise.\n"), ""}, {t("payments"), "", t("CLAUDE.md is not as the release has it")}}
	evidence := &Evidence{est(0.031, 0.02), t("developer, language")}
	w.instructions = []Instruction{{ID: "ins/1", At: noon, Title: t("Add a rule to CLAUDE.md"), State: "offered", Why: t("Where the file is in force more code is kept."), Seen: digestOf("seen"), Changes: change, Evidence: evidence},
		{ID: "ins/2", At: noon, Title: t("Write the test first"), State: "passed", Why: t("Where the file is in force more code is kept."), Said: t("Tried by kim."), Changes: change, Evidence: evidence,
			Trial: &Trial{From: began, Share: 0.5, Due: noon, With: &Arm{208, 3021, 3021, est(0.241, 0.02)}, Without: &Arm{197, 2874, 2500, est(0.207, 0.02)}, Looks: good.Looks, Judged: &tried}},
		{ID: "ins/3", At: noon, Title: t("Answer in French"), State: "dropped", Why: t("An idea."), Trial: &Trial{From: began, Until: noon, Share: 0.5}}, {ID: "ins/5", At: noon, Title: t("Small steps"), State: "trying", Trial: &Trial{From: began, Share: 0.5, Due: noon.AddDate(0, 0, 59), With: &Arm{12, 31, 2, few}, Without: &Arm{9, 28, 3, Estimate{}}, Looks: good.Looks[:2]}}, {ID: "ins/4", At: noon, Title: t("One more"), State: "offered", Problem: t("it can only be made in files")}}
}

func (w *world) Gates(context.Context) ([]Gate, error) { return w.gates, nil }
func (w *world) Gate(_ context.Context, id string) (*Gate, error) {
	return find(w.gates, id, func(g *Gate) string { return g.ID })
}
func (w *world) GateDocument(ctx context.Context, id string) ([]byte, error) {
	_, err := w.Gate(ctx, id)
	return []byte(`{"payload":""}`), err
}
func (w *world) Releases(context.Context) ([]Release, error) { return w.releases, nil }
func (w *world) Release(_ context.Context, id string) (*Release, error) {
	return find(w.releases, id, func(r *Release) string { return r.ID })
}
func (w *world) Rewards(context.Context) (*Rewards, error) { return &w.rewards, nil }
func (w *world) Instructions(context.Context) ([]Instruction, error) {
	return w.instructions, nil
}
func (w *world) Instruction(_ context.Context, id string) (*Instruction, error) {
	return find(w.instructions, id, func(i *Instruction) string { return i.ID })
}
func (w *world) TryInstruction(_ context.Context, who, id, seen string) error {
	return w.say(who, "tries", id, seen)
}
func (w *world) KeepInstruction(_ context.Context, who, id string) error {
	return w.say(who, "keeps", id)
}
func (w *world) RefuseInstruction(_ context.Context, who, id string) error {
	return w.say(who, "stops", id)
}
func (w *world) Standing(context.Context) (Standing, error)       { return w.standing, nil }
func (w *world) Approve(_ context.Context, who, id string) error  { return w.say(who, "approves", id) }
func (w *world) Pin(_ context.Context, who, id string) error      { return w.say(who, "pins", id) }
func (w *world) Stop(_ context.Context, who string, s bool) error { return w.say(who, "stops all", s) }
func (w *world) say(words ...any) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rulings = append(w.rulings, strings.TrimSpace(fmt.Sprintln(words...)))
	return w.refuse
}
