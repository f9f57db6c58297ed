// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/web"
)

// OwnRequest is what a developer asks of their own records: headrace mine sends it. Whose they are is proven by what it is
// sent with, and never said in it.
type OwnRequest struct {
	Do          string           `json:"do"` // list, show, veto, flag, delete, yes, preferences
	ID          string           `json:"id,omitzero"`
	Why         string           `json:"why,omitzero"`
	Seen        []string         `json:"seen,omitempty"` // of a yes: digests of what would leave, as show has them
	After       string           `json:"after,omitzero"`
	Limit       int              `json:"limit,omitzero"`
	Preferences *web.Preferences `json:"preferences,omitempty"` // to be set; nil asks for those that hold
}

const (
	maxOwnRequest = 256 << 10
	maxOwnList    = 500
	maxSeen       = 1000
)

// Mine answers what a developer asks of their own records.
func (e *Edge) Mine(ctx context.Context, who string, q OwnRequest) (any, error) {
	switch q.Do {
	case "list":
		if q.Limit <= 0 || q.Limit > maxOwnList {
			q.Limit = maxOwnList
		}
		return e.Own(ctx, who, q.After, q.Limit)
	case "show":
		return e.OwnRecord(ctx, who, q.ID)
	case "preferences":
		if q.Preferences != nil {
			if err := e.SetPreferences(ctx, who, *q.Preferences); err != nil {
				return nil, err
			}
		}
		return e.Preferences(ctx, who)
	}
	if len(q.Seen) > maxSeen {
		return nil, &episode.Problem{Code: "mine/bad-request", Message: "too many digests", Hint: "a record leaves in a few forms at most"}
	}
	if err := e.OwnAct(ctx, who, q.ID, web.OwnSaid{Choice: web.OwnChoice(q.Do), Why: printable(q.Why, 200), Seen: q.Seen}); err != nil {
		return nil, err
	}
	v, err := e.OwnRecord(ctx, who, q.ID)
	if err != nil {
		return nil, err
	}
	return v.Own, nil // what has become of it
}

// OwnProblem is what an error of [Edge.Mine] says to the developer.
func OwnProblem(err error) error {
	if errors.Is(err, web.ErrNotFound) {
		return &episode.Problem{Code: "mine/no-record", Message: "there is no such record of yours", Hint: "headrace mine list lists them"}
	}
	return err
}

// serveMine answers a developer's machine.
func (e *Edge) serveMine(w http.ResponseWriter, r *http.Request) {
	d, err := e.deviceOf(r)
	if err != nil {
		e.refuseDevice(w, err)
		return
	}
	var q OwnRequest
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxOwnRequest))
	if err == nil {
		err = json.Unmarshal(body, &q)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, &episode.Problem{Code: "mine/bad-request", Message: "not a request about records", Err: err, Hint: "use headrace mine"})
		return
	}
	v, err := e.Mine(r.Context(), d.Developer, q)
	if p, ok := errors.AsType[*episode.Problem](OwnProblem(err)); ok {
		refuse(w, http.StatusUnprocessableEntity, p)
		return
	}
	if err != nil {
		e.unavailable(w, err)
		return
	}
	answer(w, http.StatusOK, v)
}
