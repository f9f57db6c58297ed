// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/draw"
	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/release"
)

// The kinds of question: whether to show a suggestion, and which of several to take (the model to ask, the variant to use).
const (
	kindOfShowing = string(release.Filter)
	kindOfRoute   = string(release.Route)
)

// What could be done about showing, as package dataset calls it.
const (
	actionShow = "show"
	actionHide = "hide"
)

// maxOffered bounds the actions of one question.
const maxOffered = 32

// DecideRequest asks what to do about one suggestion.
type DecideRequest struct {
	// Kind is "filter", or "route" where Actions are given; it may be left out.
	Kind string `json:"kind,omitempty"`
	// Developer is whom it would be shown to; a token that names its developer overrules it.
	Developer string `json:"developer"`
	// Suggestion is the tool's own id of what is decided on. Whoever asks about the same again gets the same answer. Left out,
	// it is the same where developer, features and actions are.
	Suggestion string `json:"suggestion,omitempty"`
	// Features as in the record: number, bool or a listed enum, by name. They are the context.
	Features map[string]any `json:"features"`
	// Actions are what could be done, the first of them what the tool would do by itself; left out they are to show and to
	// hide.
	Actions []Offered `json:"actions,omitempty"`
}

// Offered is one thing that could be done.
type Offered struct {
	ID       string         `json:"id"`
	Features map[string]any `json:"features,omitempty"`
}

// DecideAnswer says what to do. The tool sends decision_id with what came of it.
type DecideAnswer struct {
	// DecisionID is empty where the log is too far behind: nobody may learn from that decision.
	DecisionID string `json:"decision_id"`
	// Release is empty where none is in force: then the first action is taken, as if Headrace were not there.
	Release string `json:"release"`
	// Actions are the offered ones, in their order, each with the probability with which it would have been chosen.
	Actions []Likely `json:"actions"`
	Chosen  string   `json:"chosen"`
	Explore bool     `json:"explore"` // chance chose, where the release would have chosen another
	Shown   bool     `json:"shown"`   // false where to hide was chosen
}

// Likely is an action and the probability with which it would have been chosen.
type Likely struct {
	ID         string  `json:"id"`
	Propensity float64 `json:"propensity"`
}

// Propensity is that of what was chosen.
func (a *DecideAnswer) Propensity() float64 {
	for _, l := range a.Actions {
		if l.ID == a.Chosen {
			return l.Propensity
		}
	}
	return 0
}

// Decide answers from memory and never waits for the disk: the decision is durable some milliseconds later. It takes
// what the release in force thinks best; but a share of the probability, which the policy says (0 unless it does), is spread evenly
// over all actions. Where it falls is drawn by hash: the same developer who asks about the same again gets the same answer. A request that
// no policy could choose in is answered with nothing.
func (e *Edge) Decide(p Principal, req DecideRequest) DecideAnswer {
	q := e.decisions.questions.Get().(*question)
	defer e.decisions.questions.Put(q)
	q.of(&req)
	if q.check() != nil {
		return DecideAnswer{}
	}
	v := e.decide(p, q)
	a := DecideAnswer{DecisionID: string(v.id), Release: v.release, Actions: make([]Likely, len(q.actions)), Chosen: q.actions[v.chosen].ID, Explore: v.explore, Shown: v.shown}
	for i := range q.actions {
		a.Actions[i] = Likely{q.actions[i].ID, q.actions[i].Propensity}
	}
	return a
}

// verdict is what was decided about a question.
type verdict struct {
	id             []byte // empty where the log is too far behind; good until the question is used again
	release        string
	chosen         int // of the question's actions, which now have their propensities
	explore, shown bool
}

// decide decides about a question that was checked. What is logged is what was asked and what the model saw: as coarse as it would leave.
func (e *Edge) decide(p Principal, q *question) (v verdict) {
	if p.Name != "" {
		q.developer = p.Name
	}
	best := 0
	if c := e.deciding(release.Kind(q.kind), q.developer); c != nil && c.model != nil {
		if values, ok := c.values(q.values[:0], q.features, q.actions); ok {
			if i := learn.Greedy(values); i >= 0 { // else it knows none of them
				best, v.release = i, c.ID
			}
		}
	}
	share := e.decisions.explore()
	if v.chosen = best; share > 0 {
		if u := draw.Fraction(e.decisions.key, "explore", v.release, q.developer, q.subject()); u < share {
			v.chosen = min(int(u/share*float64(len(q.actions))), len(q.actions)-1)
		}
	}
	for i := range q.actions {
		q.actions[i].Propensity = share / float64(len(q.actions))
		if i == best {
			q.actions[i].Propensity += 1 - share
		}
	}
	v.explore, v.shown = v.chosen != best, q.actions[v.chosen].ID != actionHide
	now := e.cfg.Now()
	v.id = e.decisions.id(q, now)
	q.out = appendLogged(q.out[:0], q, &v, p.Authenticated, now)
	if !e.decisions.add(q.out) {
		v.id = nil // the log is too far behind: the tool still gets its answer, but one that nobody may learn from
	}
	return v
}

// maxDecide bounds a decide request: a few dozen features, and actions with theirs.
const maxDecide = 64 << 10

func (e *Edge) serveDecide(w http.ResponseWriter, r *http.Request, p Principal) {
	q := e.decisions.questions.Get().(*question)
	defer e.decisions.questions.Put(q)
	err := q.receive(w, r)
	if err == nil {
		err = q.read(q.body)
	}
	if err == nil {
		err = q.check()
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, &episode.Problem{Code: "decide/bad-request", Message: "not a decide request", Err: err,
			Hint: `send {"developer":"…","features":{"language":"go",…}}, or with actions, too; see decide-request.json in spec/examples`})
		return
	}
	v := e.decide(p, q)
	q.out = q.appendAnswer(q.out[:0], &v)
	w.Header().Set("Content-Type", "application/json")
	w.Write(q.out)
}

// receive reads a request's body.
func (q *question) receive(w http.ResponseWriter, r *http.Request) (err error) {
	if n := r.ContentLength; n > 0 && n <= maxDecide {
		q.body = slices.Grow(q.body[:0], int(n))[:n]
		_, err = io.ReadFull(r.Body, q.body)
		return err
	}
	q.body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxDecide))
	return err
}

// check settles what is left out of a question, and refuses one in which no policy could choose.
func (q *question) check() error {
	if len(q.actions) == 0 && q.kind != kindOfRoute {
		q.actions = append(q.actions, episode.Action{ID: actionShow}, episode.Action{ID: actionHide})
	}
	if q.kind == "" {
		q.kind = kindOfShowing
		if first := q.actions[0].ID; first != actionShow && first != actionHide {
			q.kind = kindOfRoute
		}
	}
	switch {
	case q.kind != kindOfShowing && q.kind != kindOfRoute:
		return fmt.Errorf("kind is %.40q: use %s or %s", q.kind, kindOfShowing, kindOfRoute)
	case q.kind == kindOfRoute && len(q.actions) < 2:
		return errors.New("a route needs two actions at least")
	case len(q.actions) > maxOffered:
		return fmt.Errorf("more than %d actions", maxOffered)
	case len(q.suggestion) > maxName || len(q.developer) > maxName:
		return fmt.Errorf("a name of more than %d bytes", maxName)
	}
	for i := range q.actions {
		id := q.actions[i].ID
		if id == "" || len(id) > maxName {
			return fmt.Errorf("action %d has no good id", i+1)
		}
		for j := range i {
			if q.actions[j].ID == id {
				return fmt.Errorf("action %.40q is there twice", id)
			}
		}
		if q.kind == kindOfShowing && id != actionShow && id != actionHide {
			return fmt.Errorf("%.40q is neither %s nor %s", id, actionShow, actionHide)
		}
	}
	return nil
}

// appendAnswer appends a [DecideAnswer] as JSON and a line's end.
func (q *question) appendAnswer(b []byte, v *verdict) []byte {
	b = append(append(append(b, `{"decision_id":"`...), v.id...), `","release":`...)
	b = append(appendText(b, v.release), `,"actions":[`...)
	for i := range q.actions {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(append(b, `{"id":`...), q.actions[i].ID)
		b = append(b, `,"propensity":`...)
		b = append(appendNumber(b, q.actions[i].Propensity), '}')
	}
	b = appendText(append(b, `],"chosen":`...), q.actions[v.chosen].ID)
	b = strconv.AppendBool(append(b, `,"explore":`...), v.explore)
	b = strconv.AppendBool(append(b, `,"shown":`...), v.shown)
	return append(b, "}\n"...)
}

func appendText(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s) // what is not UTF-8 was refused on the way in: it is there all the same, repaired
	return b
}

func appendNumber(b []byte, v float64) []byte { return strconv.AppendFloat(b, v, 'g', -1, 64) }
