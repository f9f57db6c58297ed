// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/draw"
	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/sqlstore"
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
// over all actions. Where it falls is drawn by hash: the same developer who asks about the same again gets the same answer.
func (e *Edge) Decide(p Principal, req DecideRequest) DecideAnswer {
	if p.Name != "" {
		req.Developer = p.Name
	}
	if len(req.Actions) == 0 {
		req.Actions = []Offered{{ID: actionShow}, {ID: actionHide}}
	}
	if req.Kind == "" {
		req.Kind = kindOfShowing
		if req.Actions[0].ID != actionShow {
			req.Kind = kindOfRoute
		}
	}
	a := DecideAnswer{DecisionID: e.decisions.id(), Actions: make([]Likely, len(req.Actions))}
	best := 0
	context, actions := e.coarse.Features(req.Features), make([]episode.Action, len(req.Actions))
	for i := range actions {
		actions[i] = episode.Action{ID: req.Actions[i].ID}
		if len(req.Actions[i].Features) > 0 {
			actions[i].Features = e.coarse.Features(req.Actions[i].Features)
		}
	}
	if c := e.deciding(release.Kind(req.Kind), req.Developer); c != nil && c.model != nil {
		var room [maxOffered]float64
		if values, ok := c.values(room[:0], context, actions); ok {
			if i := learn.Greedy(values); i >= 0 { // else it knows none of them
				best, a.Release = i, c.ID
			}
		}
	}
	chosen, share := best, e.decisions.explore()
	if share > 0 {
		if u := draw.Fraction(e.decisions.key, "explore", a.Release, req.Developer, req.about()); u < share {
			chosen = min(int(u/share*float64(len(actions))), len(actions)-1)
		}
	}
	for i := range actions {
		q := share / float64(len(actions))
		if i == best {
			q += 1 - share
		}
		actions[i].Propensity, a.Actions[i] = q, Likely{actions[i].ID, q}
	}
	a.Chosen, a.Explore, a.Shown = actions[chosen].ID, chosen != best, actions[chosen].ID != actionHide
	// What is logged is what was asked and what the model saw: as coarse as it would leave.
	d := logged{DecisionRow: sqlstore.DecisionRow{ID: a.DecisionID, Release: a.Release, Developer: req.Developer, At: e.cfg.Now(), Shown: a.Shown, Propensity: actions[chosen].Propensity, Explore: a.Explore},
		asked: asked{Kind: req.Kind, Features: context, Actions: actions, Chosen: a.Chosen, Authenticated: p.Authenticated}}
	select {
	case e.decisions.queue <- d:
	default:
		// The log is more than 16,384 decisions behind: the tool still gets its answer, but one that nobody may learn from.
		a.DecisionID = ""
	}
	return a
}

// about names what is asked about: by the tool's id, or by features and actions, in whatever order the features are.
func (req *DecideRequest) about() string {
	if req.Suggestion != "" {
		return req.Suggestion
	}
	sum := fingerprint(req.Features)
	for i := range req.Actions {
		sum = 31*sum + fnv(offset64, req.Actions[i].ID) + fingerprint(req.Actions[i].Features)
	}
	return strconv.FormatUint(sum, 36)
}

const offset64, prime64 = 14695981039346656037, 1099511628211 // of FNV-1a

func fnv(h uint64, s string) uint64 {
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * prime64
	}
	return h
}

// fingerprint is a sum over features, so that their order does not matter.
func fingerprint(features map[string]any) (sum uint64) {
	for name, v := range features {
		h := fnv(offset64, name)
		switch v := v.(type) {
		case string:
			h = fnv(h*prime64, v)
		case bool:
			if v {
				h *= prime64
			}
		case float64:
			h = (h ^ math.Float64bits(v)) * prime64
			h ^= h >> 32
		}
		sum += h * prime64
	}
	return sum
}

// maxDecide bounds a decide request: a few dozen features, and actions with theirs.
const maxDecide = 64 << 10

func (e *Edge) serveDecide(w http.ResponseWriter, r *http.Request, p Principal) {
	b, err := readSmall(w, r)
	var req DecideRequest
	if err == nil {
		err = json.Unmarshal(b, &req)
	}
	if err == nil {
		err = req.check()
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, &episode.Problem{Code: "decide/bad-request", Message: "not a decide request", Err: err,
			Hint: `send {"developer":"…","features":{"language":"go",…}}, or with actions, too; see decide-request.json in spec/examples`})
		return
	}
	a := e.Decide(p, req)
	w.Header().Set("Content-Type", "application/json")
	w.Write(a.append(make([]byte, 0, 512)))
}

func readSmall(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body := http.MaxBytesReader(w, r.Body, maxDecide)
	if n := r.ContentLength; n > 0 && n <= maxDecide {
		b := make([]byte, n)
		_, err := io.ReadFull(body, b)
		return b, err
	}
	return io.ReadAll(body)
}

// check refuses what no policy could choose among.
func (req *DecideRequest) check() error {
	switch {
	case req.Kind != "" && req.Kind != kindOfShowing && req.Kind != kindOfRoute:
		return fmt.Errorf("kind is %.40q: use %s or %s", req.Kind, kindOfShowing, kindOfRoute)
	case req.Kind == kindOfRoute && len(req.Actions) < 2:
		return errors.New("a route needs two actions at least")
	case len(req.Actions) > maxOffered:
		return fmt.Errorf("more than %d actions", maxOffered)
	case len(req.Suggestion) > maxName || len(req.Developer) > maxName:
		return fmt.Errorf("a name of more than %d bytes", maxName)
	}
	for i := range req.Actions {
		id := req.Actions[i].ID
		if id == "" || len(id) > maxName {
			return fmt.Errorf("action %d has no good id", i+1)
		}
		for j := range i {
			if req.Actions[j].ID == id {
				return fmt.Errorf("action %.40q is there twice", id)
			}
		}
		if req.Kind == kindOfShowing && id != actionShow && id != actionHide {
			return fmt.Errorf("%.40q is neither %s nor %s", id, actionShow, actionHide)
		}
	}
	return nil
}

// append appends the answer as JSON and a line's end.
func (a *DecideAnswer) append(b []byte) []byte {
	text := func(b []byte, s string) []byte {
		b, err := jsontext.AppendQuote(b, s)
		if err != nil { // not UTF-8, which was refused on the way in: it is there all the same, repaired
			return b
		}
		return b
	}
	b = text(append(b, `{"decision_id":`...), a.DecisionID)
	b = text(append(b, `,"release":`...), a.Release)
	b = append(b, `,"actions":[`...)
	for i, l := range a.Actions {
		if i > 0 {
			b = append(b, ',')
		}
		b = text(append(b, `{"id":`...), l.ID)
		b = append(b, `,"propensity":`...)
		b = append(strconv.AppendFloat(b, l.Propensity, 'g', -1, 64), '}')
	}
	b = text(append(b, `],"chosen":`...), a.Chosen)
	b = strconv.AppendBool(append(b, `,"explore":`...), a.Explore)
	b = strconv.AppendBool(append(b, `,"shown":`...), a.Shown)
	return append(b, "}\n"...)
}
