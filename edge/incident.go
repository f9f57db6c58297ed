// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/sqlstore"
)

// incidentError is a hub's signed word that it has refused a bundle for what it found in it. It is not verified yet.
type incidentError struct {
	*episode.Problem
	envelope []byte
}

func (e *incidentError) Unwrap() error { return e.Problem }

// waitError is a hub's word that a contributor has sent enough for now.
type waitError struct {
	*episode.Problem
	after time.Duration
}

func (e *waitError) Unwrap() error { return e.Problem }

const (
	maxRefusal = 1 << 20
	// longestWait is how long a hub can make us wait before we ask again: its operator may have raised the quota.
	longestWait = time.Hour
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
			after = min(time.Duration(n)*time.Second, longestWait)
		}
		return &waitError{p, after}
	}
	if !known || len(answer.Errors[0].Detail.Incident) == 0 {
		return nil
	}
	d := answer.Errors[0].Detail
	return &incidentError{&episode.Problem{Code: d.Code, Message: d.Message, Hint: d.Hint}, d.Incident}
}

// OpenIncident verifies an incident that the hub signed and returns it.
func (e *Edge) openIncident(envelope []byte, id string) (inc bundle.Incident, err error) {
	if err := e.openFromHub(envelope, bundle.TypeIncident, &inc); err != nil {
		return inc, err
	}
	if inc.Bundle != id || inc.Contributor != e.cfg.Contributor || inc.Recipient != e.cfg.Recipient {
		return inc, &episode.Problem{Code: "incident/mismatch", Message: fmt.Sprintf("the hub signed an incident about %s of %s", inc.Bundle, inc.Contributor), Hint: "ask the hub's operator: it does not speak of what was sent"}
	}
	return inc, nil
}

// refuse takes a verified incident in: the records that it names stay here for good as they are, the others of the bundle are
// held until a person has looked, and the bundle is never sent again.
func (e *Edge) refuse(ctx context.Context, b sqlstore.BundleRow, envelope []byte) error {
	inc, err := e.openIncident(envelope, b.ID)
	if err != nil {
		return err
	}
	packed, err := bundle.Verify(e.bundleDir(b.ID), bundle.NewTrust(bundle.TrustedKey{Name: e.cfg.Contributor, Key: e.Public()}))
	if err != nil {
		return err
	}
	named := map[string]bool{}
	for _, f := range inc.Findings {
		if f.Record >= 0 && f.Record < packed.Len() {
			named[episode.Digest(packed.Record(f.Record))] = true
		}
	}
	e.log.Error("the hub refused a bundle for what it found in it; its records are held here", "bundle", b.ID, "incident", inc.ID, "records", len(named), "rotate_by", inc.RotateBy)
	return e.db.Noting(e.entry(ctx, "incident "+inc.ID, "refuse", b.ID)).RefuseBundle(ctx, b.ID, "incident "+inc.ID, envelope, slices.Sorted(maps.Keys(named)), e.cfg.Now())
}

// Incidents says in one line each which bundles the hub has refused for what it found in them; none is the empty string.
func (e *Edge) Incidents(ctx context.Context) (string, error) {
	rows, err := e.db.Bundles(ctx, "refused")
	if err != nil {
		return "", err
	}
	var lines []string
	for _, b := range rows {
		if b.Recipient != e.cfg.Recipient {
			continue
		}
		inc, err := e.openIncident(b.Receipt, b.ID)
		if err != nil {
			return "", err
		}
		lines = append(lines, inc.ID+" of "+inc.Day+": the hub refused "+b.ID[:min(len(b.ID), 19)]+" for "+kindsOf(inc)+"; make what was in it worthless by "+inc.RotateBy)
	}
	return strings.Join(lines, "\n"), nil
}

// kindsOf lists what an incident found, with counts.
func kindsOf(inc bundle.Incident) string {
	n := map[string]int{}
	for _, f := range inc.Findings {
		n[f.Kind]++
	}
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(n)) {
		parts = append(parts, fmt.Sprintf("%d × %s", n[k], k))
	}
	if inc.More > 0 {
		parts = append(parts, fmt.Sprintf("%d more", inc.More))
	}
	return strings.Join(parts, ", ")
}
