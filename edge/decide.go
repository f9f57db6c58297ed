// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/sqlstore"
)

// control is a release in force: what a tool's lever is moved by.
type control struct {
	release *release.Release
	filter  *learn.Filter
	digest  string // of the artifact it came in
}

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
	if c := e.current.Load(); c != nil && c.release.Reaches(e.cfg.Channel, req.Developer) {
		a.Release = c.release.ID
		a.Show, a.Accept = c.filter.Decide(e.coarse.Features(req.Features))
	}
	row := sqlstore.DecisionRow{ID: a.DecisionID, Release: a.Release, Developer: req.Developer, At: e.cfg.Now(), Shown: a.Show, Propensity: a.Propensity, Explore: a.Explore}
	row.Sealed, _ = json.Marshal(req.Features) // numbers, bools and enums: no raw text; sealed below by the logger
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

// logDecisions makes decisions durable, many in one commit, until ctx ends; what waits then is written still.
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
		if err := e.sealDecisions(batch); err != nil {
			e.log.Error("decision log", "err", err, "lost", len(batch))
			return
		}
		if err := e.db.LogDecisions(context.WithoutCancel(ctx), batch); err != nil {
			e.log.Error("decision log", "err", err, "lost", len(batch))
		}
	}
	for {
		select {
		case r := <-e.undurable:
			write(r)
			time.Sleep(5 * time.Millisecond) // gather: durable well within 50 ms all the same
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

// sealDecisions seals the features under the key of the day.
func (e *Edge) sealDecisions(batch []sqlstore.DecisionRow) error {
	keys, err := e.vault.open(context.Background(), day(e.cfg.Now()), "")
	if err != nil {
		return err
	}
	for i := range batch {
		batch[i].Sealed = keys[""].Seal(nil, nil, batch[i].Sealed, []byte(batch[i].ID))
	}
	return nil
}
