// SPDX-License-Identifier: Apache-2.0

package link

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"oras.land/oras-go/v2/registry/remote/errcode"

	"github.com/headrace/headrace/episode"
)

// IncidentError is a hub's signed word that it has refused a bundle for what it found in it. It is not verified yet.
type IncidentError struct {
	*episode.Problem
	Envelope []byte
}

func (e *IncidentError) Unwrap() error { return e.Problem }

// WaitError is a hub's word that a contributor has sent enough for now.
type WaitError struct {
	*episode.Problem
	After time.Duration
}

func (e *WaitError) Unwrap() error { return e.Problem }

const (
	maxRefusal = 1 << 20
	// LongestWait is how long a hub can make us wait before we ask again: its operator may have raised the quota.
	LongestWait = time.Hour
	wait429     = time.Minute // where it does not say how long
)

// refusalOf reads what a hub refuses a request with, where it says more than a status: an incident or a quota. Other answers
// are left as they are, for the client to read.
func refusalOf(resp *http.Response) error {
	if resp.StatusCode != http.StatusBadRequest && resp.StatusCode != http.StatusTooManyRequests {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
	resp.Body.Close()
	resp.Body = io.NopCloser(strings.NewReader(string(body)))
	if err != nil {
		return err
	}
	var answer struct {
		Errors []struct {
			Message string `json:"message"`
			Detail  struct {
				episode.Problem
				Incident json.RawMessage `json:"incident"`
			} `json:"detail"`
		} `json:"errors"`
	}
	known := json.Unmarshal(body, &answer) == nil && len(answer.Errors) > 0
	if resp.StatusCode == http.StatusTooManyRequests {
		p := &episode.Problem{Code: "hub/quota", Message: "the hub asks to wait", Hint: "nothing is lost: what is packed is sent later"}
		if known && answer.Errors[0].Detail.Code != "" {
			p.Code, p.Message = answer.Errors[0].Detail.Code, "the hub asks to wait: "+answer.Errors[0].Detail.Message
		}
		after := wait429
		if n, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && n > 0 {
			after = min(time.Duration(n)*time.Second, LongestWait)
		}
		return &WaitError{p, after}
	}
	if !known || len(answer.Errors[0].Detail.Incident) == 0 {
		return nil
	}
	d := answer.Errors[0].Detail
	return &IncidentError{&episode.Problem{Code: d.Code, Message: d.Message, Hint: d.Hint}, d.Incident}
}

// problemOf is what a hub said in refusing what was pushed, as a Problem in front of the client's words; other errors are left as they
// are.
func problemOf(err error) error {
	r, ok := errors.AsType[*errcode.ErrorResponse](err)
	if !ok || len(r.Errors) == 0 {
		return err
	}
	said, _ := r.Errors[0].Detail.(map[string]any)
	word := func(key string) string { s, _ := said[key].(string); return s }
	if word("code") == "" {
		return err
	}
	return &episode.Problem{Code: word("code"), Message: word("message"), Hint: word("hint"), Err: err}
}
