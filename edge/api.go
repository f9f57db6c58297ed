// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
)

// What a tool's maker may send, one a line: the endpoint says which, or a CloudEvent's type.
const (
	sendsEpisodes  = "episode"
	sendsDecisions = "decision"
	sendsOutcomes  = "outcome"
)

// eventTypes are the CloudEvents types that we take.
var eventTypes = map[string]string{
	"com.github.headrace.episode.v1":  sendsEpisodes,
	"com.github.headrace.decision.v1": sendsDecisions,
	"com.github.headrace.outcome.v1":  sendsOutcomes,
}

// serveAPI takes what a tool's maker sends: JSON Lines, or CloudEvents (1.0.2, structured or batch). It answers once all
// that was good is durable. Sending the same again changes nothing: what is told of an episode has a name in it.
func (e *Edge) serveAPI(w http.ResponseWriter, r *http.Request, p Principal, what string) {
	body, err := readBody(w, r)
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, &episode.Problem{Code: "intake/too-large", Message: fmt.Sprintf("the request is larger than %d bytes", MaxRequest),
			Hint: "send less in a request", Err: err})
		return
	}
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	var ans Answer
	switch media {
	case "application/cloudevents+json", "application/cloudevents-batch+json":
		var events []jsontext.Value
		if media == "application/cloudevents+json" {
			events = []jsontext.Value{body}
		} else if err := json.Unmarshal(body, &events); err != nil {
			refuse(w, http.StatusBadRequest, &episode.Problem{Code: "intake/cloudevents", Message: "the batch is not a JSON array of events", Err: err, Hint: "see CloudEvents 1.0.2, JSON Batch Format"})
			return
		}
		var good []byte
		for n, ev := range events {
			line, decision, err := fromEvent(ev)
			if line, err = e.checked(r.Context(), line, decision, err); isDown(err) {
				e.unavailable(w, err)
				return
			}
			good = ans.note(n+1, good, line, err)
		}
		body = good
	default:
		if what == sendsEpisodes {
			ans, err = e.Receive(r.Context(), p, body)
			e.answerAPI(w, ans, err)
			return
		}
		var good []byte
		n := 0
		for line := range bytes.Lines(body) {
			if n++; len(bytes.TrimSpace(line)) == 0 {
				continue
			}
			part, decision, err := partOf(what, line)
			if part, err = e.checked(r.Context(), part, decision, err); isDown(err) {
				e.unavailable(w, err)
				return
			}
			good = ans.note(n, good, part, err)
		}
		body = good
	}
	if ans.Accepted > 0 {
		err = e.Deliver(r.Context(), p, body, ans.Accepted)
	}
	e.answerAPI(w, ans, err)
}

// checked refuses what is told of a decision of Headrace's own policy that is not in the log.
func (e *Edge) checked(ctx context.Context, line []byte, decision string, err error) ([]byte, error) {
	if err != nil || decision == "" {
		return line, err
	}
	is, err := e.logs(ctx, decision)
	if err != nil {
		return nil, downError{err}
	}
	if !is {
		return nil, unlogged(decision, "is not in the log")
	}
	return line, nil
}

// downError says that it could not be found out now.
type downError struct{ error }

func isDown(err error) bool {
	_, is := errors.AsType[downError](err)
	return is
}

// note appends a line that is good, or says why it is not.
func (a *Answer) note(n int, good, line []byte, err error) []byte {
	if err != nil {
		a.SetAside = append(a.SetAside, BadLine{n, err.Error()})
		return good
	}
	a.Accepted++
	return append(append(good, line...), '\n')
}

func (e *Edge) answerAPI(w http.ResponseWriter, ans Answer, err error) {
	switch {
	case err != nil:
		e.unavailable(w, err)
	case ans.Accepted == 0 && len(ans.SetAside) > 0:
		answer(w, http.StatusBadRequest, struct {
			episode.Problem
			Answer
		}{episode.Problem{Code: "intake/no-episode", Message: "nothing in the request could be taken",
			Hint: "send JSON Lines, each object on one line (jq -c . makes that), or CloudEvents; see decisions.jsonl and outcomes.jsonl in spec/examples"}, ans})
	default:
		answer(w, http.StatusOK, ans)
	}
}

// fromEvent makes a line of an episode of a CloudEvent.
func fromEvent(b []byte) (line []byte, decision string, err error) {
	var ev struct {
		SpecVersion string         `json:"specversion"`
		ID          string         `json:"id"`
		Source      string         `json:"source"`
		Type        string         `json:"type"`
		Data        jsontext.Value `json:"data"`
		DataBase64  *string        `json:"data_base64"`
	}
	if err := json.Unmarshal(b, &ev); err != nil {
		return nil, "", fmt.Errorf("not a CloudEvent: %w", err)
	}
	what, known := eventTypes[ev.Type]
	switch {
	case ev.SpecVersion != "1.0":
		return nil, "", fmt.Errorf("specversion is %q, not 1.0", ev.SpecVersion)
	case ev.ID == "" || ev.Source == "":
		return nil, "", errors.New("a CloudEvent needs an id and a source")
	case !known:
		return nil, "", fmt.Errorf("%.100q is no type of event that is taken", ev.Type)
	case ev.Data.Kind() != 0 && ev.DataBase64 != nil:
		return nil, "", errors.New("a CloudEvent has data or data_base64, never both")
	}
	if ev.DataBase64 != nil {
		data, err := base64.StdEncoding.DecodeString(*ev.DataBase64)
		if err != nil {
			return nil, "", fmt.Errorf("data_base64: %w", err)
		}
		ev.Data = data
	}
	if what == sendsEpisodes {
		ep, err := episode.Decode(ev.Data)
		if err != nil {
			return nil, "", err
		}
		line, err = episode.Append(nil, ep)
		return line, "", err
	}
	return partOf(what, ev.Data)
}

// partOf makes a line of an episode that only tells of one decision or outcome. Of a decision of Headrace's own policy it returns
// the id, too, by which episode and suggestion need not be named.
func partOf(what string, told []byte) (line []byte, decision string, err error) {
	var about struct {
		Episode    string `json:"episode"`
		Suggestion string `json:"suggestion"`
		Developer  string `json:"developer"`
		Session    string `json:"session"`
		Tool       string `json:"tool"`
		DecisionID string `json:"decision_id"`
	}
	if err := json.Unmarshal(told, &about); err != nil {
		return nil, "", err
	}
	if about.DecisionID != "" && about.Episode == "" {
		about.Episode, about.Suggestion = loneEpisode(about.DecisionID), loneSuggestion
	}
	if about.Episode == "" || about.Suggestion == "" {
		return nil, "", fmt.Errorf("the %s names no episode or no suggestion", what)
	}
	ep := &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: about.Episode, Developer: about.Developer, Session: about.Session, Tool: episode.Tool{Name: about.Tool}}
	if what == sendsDecisions {
		var d episode.Decision
		if err := json.Unmarshal(told, &d); err != nil {
			return nil, "", err
		}
		if d.Unknown = nil; d.By == "" {
			d.By = episode.ByUnknown
		}
		d.Suggestion = about.Suggestion
		if !slices.Contains([]episode.Verdict{episode.Accepted, episode.Rejected, episode.Modified, episode.Ignored, episode.Cancelled, episode.TimedOut}, d.Verdict) {
			return nil, "", fmt.Errorf("%.40q is no verdict: use accepted, rejected, modified, ignored, cancelled or timed_out", d.Verdict)
		}
		if !slices.Contains([]episode.By{episode.ByPerson, episode.ByRule, episode.ByHook, episode.ByModel, episode.ByUnknown}, d.By) {
			return nil, "", fmt.Errorf("%.40q cannot decide: use person, rule, hook, model or unknown", d.By)
		}
		ep.Decisions = []episode.Decision{d}
		line, err = episode.Append(nil, ep)
		return line, d.DecisionID, err
	}
	var o episode.Outcome
	if err := json.Unmarshal(told, &o); err != nil {
		return nil, "", err
	}
	if o.Unknown = nil; o.Suggestion == "" {
		o.Suggestion = about.Suggestion
	}
	if !slices.Contains([]episode.OutcomeKind{episode.OutcomeKept, episode.OutcomeCommitted, episode.OutcomeReviewed, episode.OutcomeMerged, episode.OutcomeReverted, episode.OutcomeTests, episode.OutcomeBuild, episode.OutcomeFixed}, o.Kind) {
		return nil, "", fmt.Errorf("%.40q is no outcome: use kept, committed, reviewed, merged, reverted, tests, build or fixed", o.Kind)
	}
	if !(o.Value >= 0 && o.Value <= 1) {
		return nil, "", fmt.Errorf("an outcome's value is between 0 and 1, not %v", o.Value)
	}
	ep.Outcomes = []episode.Outcome{o}
	line, err = episode.Append(nil, ep)
	return line, about.DecisionID, err
}
