// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/published"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/reward"
	"github.com/headrace/headrace/internal/sqlstore"
)

// watch looks at what came of the decisions by what is being rolled out, over all contributors. What follows from it roll does.
func (h *Hub) watch(ctx context.Context, s *snapshot) error {
	var errs []error
	for _, kind := range []release.Kind{release.Filter, release.Route} {
		if err := h.watchKind(ctx, s, kind); err != nil { // the other is watched all the same
			errs = append(errs, fmt.Errorf("watch %s: %w", kind, err))
		}
	}
	return errors.Join(errs...)
}

func (h *Hub) watchKind(ctx context.Context, s *snapshot, kind release.Kind) error {
	h.rolling.Lock()
	list, err := h.rollouts(ctx, kind)
	h.rolling.Unlock()
	if err != nil || len(list) == 0 || list[0].Over() {
		return err
	}
	w, err := h.newWatched(ctx, list)
	if err != nil {
		return err
	}
	permitted := slices.DeleteFunc(slices.Clone(s.rows), func(r dataset.Row) bool { return !r.Permit(h.rights, h.cfg.Name, episode.PurposeEvaluate, h.cfg.Now()) })
	decisions := dataset.Decisions(permitted)
	seen := w.add(w.compared(decisions), h.scorer(decisions, h.today()))
	return h.saveLook(ctx, s, w, reward.Alarms(seen, w.on.Release, w.on.Base))
}

// saveLook keeps what is seen of a roll-out in a snapshot, for what follows from it and for pages. Both go on with it after a restart.
func (h *Hub) saveLook(ctx context.Context, s *snapshot, w *watched, alarms []reward.Alarm) error {
	look := w.monitor.Look()
	if w.told > 0 {
		look.Open = float64(w.open) / float64(w.told)
	}
	b, err := json.Marshal(published.Looked{At: h.cfg.Now(), Stage: w.on.Stage, Look: look, Alarms: alarms})
	if err != nil {
		return err
	}
	step := stepOf(w.on)
	return h.db.SaveDocument(ctx, sqlstore.DocumentRow{Kind: sqlstore.DocLook, ID: step + " " + s.manifest.ID, Parent: w.on.Release, Envelope: b, LogIndex: -1, Note: step, MadeAt: h.cfg.Now()})
}

// stepOf names a step of a roll-out.
func stepOf(on release.Rollout) string { return fmt.Sprintf("%s %d", on.Kind, on.Sequence) }

// looks are those at a release, the newest first, each with the step at which it was looked at: n at most, or all where n is 0.
func (h *Hub) looks(ctx context.Context, id string, n int) (list []published.Looked, steps []string, err error) {
	docs, err := h.db.DocumentsBelow(ctx, sqlstore.DocLook, id, n)
	for _, doc := range docs {
		var l published.Looked
		if err := json.Unmarshal(doc.Envelope, &l); err != nil {
			return nil, nil, fmt.Errorf("a look at %s: %w", id, err)
		}
		list, steps = append(list, l), append(steps, doc.Note)
	}
	return list, steps, err
}

// lastLook is what was last seen of a roll-out since its last step; ok is false where nothing was.
func (h *Hub) lastLook(ctx context.Context, on release.Rollout) (look published.Looked, ok bool, err error) {
	list, steps, err := h.looks(ctx, on.Release, 1)
	if err != nil || len(list) == 0 || steps[0] != stepOf(on) {
		return look, false, err
	}
	return list[0], true, nil
}

// watched is a roll-out and what is compared for it.
type watched struct {
	on      release.Rollout
	began   []int64 // the days on which its stages began, from the first
	between release.Comparison
	monitor *release.Monitor
	// Of the decisions of the new one that are worth anything, all, and those of which something is open.
	told, open int
}

// newWatched prepares to watch the first of a list of roll-outs.
func (h *Hub) newWatched(ctx context.Context, list []link.Rollout) (*watched, error) {
	w := &watched{on: list[0].Rollout}
	for _, r := range list {
		if r.Release != w.on.Release {
			break
		}
		w.began = append(w.began, r.Since.Unix()/86400)
	}
	slices.Reverse(w.began)
	m, old, err := h.modelOf(ctx, w.on.Release)
	if err != nil {
		return nil, err
	}
	w.between.New = m
	if w.on.Base != "" {
		if w.between.Old, _, err = h.modelOf(ctx, w.on.Base); err != nil {
			return nil, err
		}
	}
	w.monitor = release.NewMonitor(release.Watch{Value: old})
	return w, nil
}

// modelOf is the model of a release, and what its gate report says that a decision was worth before it.
func (h *Hub) modelOf(ctx context.Context, id string) (learn.Model, float64, error) {
	doc, err := h.db.Document(ctx, sqlstore.DocRelease, id)
	if err != nil {
		return nil, 0, fmt.Errorf("release %s: %w", id, err)
	}
	r := new(release.Release)
	if err := h.openRelease(doc, r); err != nil {
		return nil, 0, err
	}
	b, err := h.blobs.Get(ctx, r.Payload)
	if err != nil {
		return nil, 0, fmt.Errorf("release %s: %w", id, err)
	}
	m, err := learn.Decode(b)
	if err != nil {
		return nil, 0, fmt.Errorf("release %s: %w", id, err)
	}
	judged, err := h.db.Document(ctx, sqlstore.DocGate, doc.Parent)
	if err != nil {
		return nil, 0, err
	}
	var report gate.Report
	if err := h.open(judged.Envelope, bundle.TypeGateReport, &report); err != nil || report.Old == nil {
		return m, 0, nil // one of an earlier format: the monitor has a value of its own to go by
	}
	return m, report.Old.Estimate, nil
}

// compared are the decisions that were made by one of the two since the new one began to decide there.
func (w *watched) compared(decisions []dataset.Decision) (list []dataset.Decision) {
	type place struct {
		contributor string
		stage       int
	}
	first := map[place]int64{} // day on which the new one decided: where it was held back or approved late, all before is of the old alone
	at := func(d *dataset.Decision) place { return place{d.Contributor, w.stage(d)} }
	for i := range decisions {
		if d := &decisions[i]; w.concerns(d) && d.Release == w.on.Release {
			if day, ok := first[at(d)]; !ok || d.Day < day {
				first[at(d)] = d.Day
			}
		}
	}
	for i := range decisions {
		d := &decisions[i]
		if day, began := first[at(d)]; began && d.Day >= day && w.concerns(d) {
			list = append(list, *d)
		}
	}
	return list
}

// add adds decisions that are compared, with what they are worth, and returns those in which both of the two had a say. What is open yet is
// estimated, on both sides alike: such an estimate knows nothing of who decided, so that how much of it is open is counted, too.
func (w *watched) add(compared []dataset.Decision, worth *reward.Scorer) (seen []dataset.Decision) {
	showing := []episode.Action{{ID: dataset.ActionShow}, {ID: dataset.ActionHide}}
	for i := range compared {
		d := &compared[i]
		actions, chosen := d.Actions, d.Chosen
		if len(actions) == 0 {
			actions = showing
		}
		if chosen == "" && !d.Shown {
			chosen = dataset.ActionHide
		} else if chosen == "" {
			chosen = dataset.ActionShow
		}
		s, ok := w.between.See(d.Features, actions, chosen)
		if !ok {
			continue
		}
		seen = append(seen, *d)
		v, told := worth.Of(d)
		if told && d.Release == w.on.Release {
			w.told++
			if !v.Mature {
				w.open++
			}
		}
		s.Asked, s.Told, s.Reward, s.Taken = d.Shown, told, v.Sum, reward.Taken(d)
		s.Reverted = slices.ContainsFunc(d.Outcomes, func(o episode.Outcome) bool { return o.Kind == episode.OutcomeReverted && o.Value > 0 })
		w.monitor.Add(w.monitor.Cell(d.Contributor, strconv.Itoa(w.stage(d)), d.Developer, d.Release == w.on.Release), s)
	}
	return seen
}

// concerns says that a decision was made by one of the two since the roll-out began. What was explored is drawn apart from both, and
// where nobody asked an edge what to do, as most tools do not, neither of the two had a say.
func (w *watched) concerns(d *dataset.Decision) bool {
	return (d.Release == w.on.Release || d.Release == w.on.Base) && d.DecisionID != "" && d.Day >= w.began[0] && !d.Explore
}

// stage is the index of the stage at which a decision was made. The day on which one begins is for the most part still the one before's.
func (w *watched) stage(d *dataset.Decision) (stage int) {
	for stage+1 < len(w.began) && d.Day > w.began[stage+1] {
		stage++
	}
	return stage
}
