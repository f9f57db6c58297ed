// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/sqlstore"
)

// DecideRequest asks whether to show one suggestion.
type DecideRequest struct {
	// Developer is whom it would be shown to; a token that names its developer overrules it.
	Developer string `json:"developer"`
	// Features as in the record: number, bool or a listed enum, by name.
	Features map[string]any `json:"features"`
}

// DecideAnswer says what to do, and what to write into the episode's decision so that it can be learned from.
type DecideAnswer struct {
	DecisionID string `json:"decision_id"`
	// Release is empty where none is in force: then everything is shown, as if Headrace were not there.
	Release    string  `json:"release"`
	Show       bool    `json:"show"`
	Propensity float64 `json:"propensity"` // of what was chosen
	Explore    bool    `json:"explore"`
	// Accept is the model's probability that the suggestion would be accepted; 0 where there is no release.
	Accept float64 `json:"accept"`
}

// Decide answers from memory and never waits for the disk: the decision is durable some milliseconds later. Exploration
// is off until a policy can turn it on, so the propensity of what was chosen is 1.
func (e *Edge) Decide(p Principal, req DecideRequest) DecideAnswer {
	a := DecideAnswer{DecisionID: "d_" + rand.Text(), Show: true, Propensity: 1}
	if p.Name != "" {
		req.Developer = p.Name
	}
	if c := e.deciding(release.Filter, req.Developer); c != nil {
		features := e.coarse.Features(req.Features)
		if values, ok := c.values(nil, features, []episode.Action{{ID: "show"}, {ID: "hide"}}); ok {
			a.Release, a.Show = c.ID, values[0] > values[1]
			if f, is := c.model.(*learn.Filter); is {
				_, a.Accept = f.Decide(features)
			}
		}
	}
	row := sqlstore.DecisionRow{ID: a.DecisionID, Release: a.Release, Developer: req.Developer, At: e.cfg.Now(), Shown: a.Show, Propensity: a.Propensity, Explore: a.Explore}
	row.Sealed, _ = json.Marshal(req.Features) // numbers, bools and enums: no raw text; sealed with the row
	select {
	case e.undurable <- row:
	default:
		// The log is more than 16,384 decisions behind: the tool still gets its answer, but one that nobody may learn from.
		a.DecisionID = ""
	}
	return a
}

// maxDecide bounds a decide request: a few dozen features.
const maxDecide = 64 << 10

func (e *Edge) serveDecide(w http.ResponseWriter, r *http.Request, p Principal) {
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxDecide))
	var req DecideRequest
	if err == nil {
		err = json.Unmarshal(b, &req)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, &episode.Problem{Code: "decide/bad-request", Message: "not a decide request", Err: err,
			Hint: `send {"developer":"…","features":{"language":"go",…}}; see spec/examples`})
		return
	}
	answer(w, http.StatusOK, e.Decide(p, req))
}

// logDecisions makes decisions durable, many with one fsync, until ctx ends; what waits then is written still. They rest
// in a spool of their own: a turn that holds the database keeps none of them waiting.
func (e *Edge) logDecisions(ctx context.Context) {
	write := func(first sqlstore.DecisionRow) {
		batch := []sqlstore.DecisionRow{first}
		for len(batch) < 1000 {
			select {
			case r := <-e.undurable:
				batch = append(batch, r)
				continue
			default:
			}
			break
		}
		if err := e.keepDecisions(context.WithoutCancel(ctx), batch); err != nil {
			e.log.Error("decision log", "err", err, "lost", len(batch))
			return
		}
		e.unrecorded.Add(int64(len(batch)))
	}
	for {
		select {
		case r := <-e.undurable:
			write(r)
			time.Sleep(10 * time.Millisecond) // gather: durable well within 50 ms all the same
		case <-ctx.Done():
			for {
				select {
				case r := <-e.undurable:
					write(r)
				default:
					return
				}
			}
		}
	}
}

// keepDecisions returns after the fsync.
func (e *Edge) keepDecisions(ctx context.Context, batch []sqlstore.DecisionRow) error {
	plain, err := json.Marshal(batch)
	if err != nil {
		return err
	}
	sealed, err := e.sealFor(ctx, spoolDecisions, plain)
	if err != nil {
		return err
	}
	return e.decided.Append(sealed)
}

// recordDecisions makes rows of the decisions in the spool. No decision wakes a turn for it.
func (e *Edge) recordDecisions(ctx context.Context) error {
	e.unrecorded.Store(0)
	return e.drain(e.decided, func(payloads [][]byte, last uint64) error {
		var rows []sqlstore.DecisionRow
		for _, sealed := range payloads {
			var batch []sqlstore.DecisionRow
			plain, err := e.openFrom(ctx, spoolDecisions, sealed)
			if err != nil && !errors.Is(err, errExpired) && !errors.Is(err, errDamaged) {
				return err
			}
			if err == nil {
				err = json.Unmarshal(plain, &batch)
			}
			if err != nil {
				e.setAside("a part of the decision log is set aside", err)
				continue
			}
			rows = append(rows, batch...)
		}
		key, err := e.vault.inbox(ctx, day(e.cfg.Now()))
		if err != nil {
			return err
		}
		for i := range rows {
			rows[i].Sealed = key.Seal(nil, nil, rows[i].Sealed, []byte(rows[i].ID))
		}
		return e.db.LogDecisions(ctx, rows, last)
	})
}
