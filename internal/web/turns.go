// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/headrace/headrace/internal/access"
)

// turned is one line on what the loop has come to, and the page that says more.
type turned struct{ What, To, Says string }

// turns fills in what the person may see of what the loop has come to: the latest verdict, the reward, the release on its way,
// the last that was taken back, the latest change of instructions.
func (s *Site) turns(r *http.Request, d *overviewData) error {
	p := s.published()
	if p == nil {
		return nil
	}
	ctx := r.Context()
	who, _ := access.Of(ctx)
	gates, err := p.Gates(ctx)
	if err != nil {
		return err
	}
	if len(gates) > 0 {
		d.Gate, d.SeesGate = &gates[0], s.mux.May(who, "/gates")
	}
	say := func(what, to, says string) { d.Turns = append(d.Turns, turned{what, to, says}) }
	if src := s.cfg.rewards(); src != nil && s.mux.May(who, "/reward") {
		w, err := src.Rewards(ctx)
		if err != nil {
			return err
		}
		if w := rewardDataOf(w); w.Latest != nil && w.Latest != w.First {
			e := w.Latest.Mean
			says := fmt.Sprintf("%s per decision on %s, nineteen times of twenty between %s and %s; %s on %s.", unsigned(e.Value, digits(e)), shortDay(w.Latest.Day),
				unsigned(e.Lower, digits(e)), unsigned(e.Upper, digits(e)), unsigned(w.First.Mean.Value, digits(w.First.Mean)), shortDay(w.First.Day))
			if w.Raised > 0 {
				says += " " + count(w.Raised, "alarms") + "."
			}
			say("Reward", "/reward", says)
		}
	}
	releases, err := p.Releases(ctx)
	if err != nil {
		return err
	}
	var moving, back bool
	for i := range releases {
		rel := &releases[i]
		switch {
		case rel.RolledBack != nil && !back:
			back = true
			says := fmt.Sprintf("on %s: %s", shortDay(rel.RolledBack.At), period(rel.RolledBack.Why))
			if n := rel.RolledBack.Served; n > 0 {
				says += fmt.Sprintf(" It had made %s.", count(n, "decisions"))
			}
			say("Taken back", to("releases", rel.ID), says)
		case rel.RolledBack == nil && len(rel.Steps) > 0 && !moving:
			moving = true
			say("Roll-out", to("releases", rel.ID), fmt.Sprintf("The newest release reaches %s of developers since %s.", share(rel.Share()), shortDay(rel.Steps[len(rel.Steps)-1].At)))
		}
	}
	if src, ok := s.cfg.Edge.(InstructionSource); ok && s.mux.May(who, "/instructions") {
		l, err := src.Instructions(ctx)
		if err != nil {
			return err
		}
		for _, is := range []func(*Instruction) bool{(*Instruction).Has, (*Instruction).Waits} { // the newest of either
			if i := slices.IndexFunc(l, func(i Instruction) bool { return is(&i) }); i >= 0 {
				say("Instructions", to("instructions", l[i].ID), l[i].Title+": "+l[i].Standing()+".")
			}
		}
	}
	return nil
}
