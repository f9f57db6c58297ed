// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/published"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/reward"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/web"
)

// told is what a snapshot tells of rewards, kept beside it for the pages.
type told struct {
	Daily  reward.Daily   `json:"daily"`
	Alarms []reward.Alarm `json:"alarms,omitempty"`
}

// tell keeps what the decisions of a snapshot were worth, day by day, and whether the newest release earns its reward by helping.
func (h *Hub) tell(ctx context.Context, s *snapshot, c *candidate) error {
	learned, others := c.train, c.heldOut
	if c.filter == nil { // then all are held out
		learned, others = c.judges, nil
	}
	scorer := reward.Fit(h.reward(), learned, h.today()-1)
	t := told{Daily: scorer.Daily(learned, others)}
	h.rolling.Lock()
	list, err := h.rollouts(ctx, release.Filter)
	h.rolling.Unlock()
	if err != nil {
		return err
	}
	if len(list) > 0 {
		shown := slices.DeleteFunc(slices.Clone(learned), func(d dataset.Decision) bool {
			return d.Explore || d.Choice() > dataset.ShowOrHide // chance chose, or it is no filter's
		})
		t.Alarms = reward.Alarms(shown, list[0].Release, list[0].Base)
	}
	b, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return h.db.SaveDocument(ctx, sqlstore.DocumentRow{Kind: sqlstore.DocReward, ID: s.manifest.ID, Parent: s.manifest.ID, Envelope: b, LogIndex: -1, MadeAt: h.cfg.Now()})
}

// reward is the spec that decisions are valued by.
func (h *Hub) reward() reward.Spec {
	if h.cfg.Reward.Name == "" {
		return reward.Immediate()
	}
	return h.cfg.Reward
}

// today is the day, counted from 1970-01-01.
func (h *Hub) today() int64 { return dataset.UnixDay(h.cfg.Now().Unix()) }

// scorer values decisions as of a day, by what rows tell of those who have been waited for: until the end of the day before.
func (h *Hub) scorer(rows []dataset.Decision, today int64) *reward.Scorer {
	if spec := h.reward(); spec.Waits() {
		return reward.Fit(spec, rows, today-1)
	}
	return reward.New(h.reward())
}

var _ web.RewardSource = View{}

// Rewards returns what decisions were worth, by the newest snapshot.
func (v View) Rewards(ctx context.Context) (*web.Rewards, error) {
	out := published.Rewards(v.reward())
	docs, err := v.db.Documents(ctx, sqlstore.DocReward)
	if err != nil || len(docs) == 0 || only(ctx) != "" {
		return out, err
	}
	if of, err := v.db.Document(ctx, sqlstore.DocSnapshot, docs[0].Parent); err != nil {
		return nil, err
	} else if s, err := openStored(of); err != nil || s.note != "" {
		return out, err // records of it were withdrawn, and nothing is left to make it anew of
	}
	var t told
	if err := json.Unmarshal(docs[0].Envelope, &t); err != nil {
		return nil, fmt.Errorf("rewards of snapshot %s: %w", docs[0].ID, err)
	}
	published.Daily(out, &t.Daily, t.Alarms)
	out.From = docs[0].ID
	releases, err := v.Releases(ctx)
	out.Releases = published.Marks(releases)
	return out, err
}
