// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/published"
	"github.com/headrace/headrace/internal/web"
)

// half of the developers try a change that is approved on the pages: so it is told soonest whether it helps.
const half = 0.5

var _ web.InstructionSource = View{}

// Instructions returns the releases of instructions, newest first.
func (v View) Instructions(ctx context.Context) ([]web.Instruction, error) {
	all, err := v.Edge.Instructions(ctx)
	var list []web.Instruction
	for _, i := range all {
		list = append(list, v.instruction(i))
	}
	return list, err
}

// Instruction returns one with what it changes here.
func (v View) Instruction(ctx context.Context, id string) (*web.Instruction, error) {
	all, err := v.Edge.Instructions(ctx)
	if err != nil {
		return nil, err
	}
	for _, known := range all {
		if known.ID != id {
			continue
		}
		i, err := v.Edge.Instruction(ctx, id)
		if err != nil {
			return nil, err
		}
		w := v.instruction(i)
		p, in := access.Of(ctx)
		if in && !p.Raw && !p.Has(access.Steward) { // the text is the enterprise's own, as it stands
			w.Changes, w.Seen = nil, ""
			w.Problem = "what it changes is shown to stewards, and to those who may see raw text"
			return &w, nil
		}
		if in && len(w.Changes) > 0 {
			return &w, v.db.Note(ctx, v.entry(ctx, p.Name, "see instructions", id))
		}
		return &w, nil
	}
	return nil, web.ErrNotFound
}

// TryInstruction gives one to half of the developers.
func (v View) TryInstruction(ctx context.Context, who, id, seen string) error {
	return v.TryInstructions(ctx, who, id, seen, half)
}

// KeepInstruction gives one that has passed to all.
func (v View) KeepInstruction(ctx context.Context, who, id string) error {
	return v.KeepInstructions(ctx, who, id)
}

// RefuseInstruction ends one, or says no to it.
func (v View) RefuseInstruction(ctx context.Context, who, id string) error {
	return v.StopInstructions(ctx, who, id, "on its page")
}

func (v View) instruction(i Instruction) web.Instruction {
	w := web.Instruction{Evidence: published.Evidence(&i.Told), ID: i.ID, At: i.OfferedAt, Title: i.Title, State: i.State, Why: i.Why, Problem: i.Problem, Seen: i.Seen, Hub: v.oneOf(i.Hub)}
	if i.By != "" {
		w.Said = "Last decided by " + i.By + "."
	}
	if i.Note != "" {
		w.Said += " " + i.Note
	}
	if i.Words != "" {
		w.Changes = append(w.Changes, web.Change{Where: "What a model is told at the start of a session", Diff: i.Words})
	}
	for _, f := range i.Files {
		w.Changes = append(w.Changes, web.Change{Where: "Files of " + f.Repository, Diff: f.Diff, Problem: f.Problem})
	}
	if !i.From.IsZero() {
		w.Trial = &web.Trial{From: i.From, Until: i.Until, Share: i.Share}
		report, err := v.trialReport(i)
		if err != nil {
			v.log.Warn("the report of a trial is not shown: it does not verify", "release", i.ID, "err", err)
		}
		published.Trial(w.Trial, &i.Told, episode.Digest(i.Told.Gate), report)
	}
	return w
}
