// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/headrace/headrace/internal/trail"
)

// Audited is whoever has an audit trail.
type Audited interface {
	// Audit returns a page of the trail, newest first.
	Audit(ctx context.Context, f trail.Filter) (trail.Page, error)
}

const auditPerPage = 50

type auditData struct {
	trail.Page
	Of         string // edge or hub
	Both       bool   // there are two trails to choose from
	Filter     trail.Filter
	Day, Older string
}

// audit shows a trail, searched by person, action and day.
func (s *Site) audit(r *http.Request) (view, error) {
	q := r.URL.Query()
	d := auditData{Of: "edge", Both: s.cfg.Edge != nil && s.cfg.Hub != nil, Day: q.Get("day"), Filter: trail.Filter{Who: q.Get("who"), What: q.Get("what"), Limit: auditPerPage}}
	var from Audited = s.cfg.Edge
	if s.cfg.Edge == nil || d.Both && q.Get("of") == "hub" {
		d.Of, from = "hub", s.cfg.Hub
	}
	d.Filter.Below, _ = strconv.ParseInt(q.Get("below"), 10, 64)
	if d.Day != "" {
		if err := d.Filter.OnDay(d.Day); err != nil {
			return view{}, err
		}
	}
	var err error
	if d.Page, err = from.Audit(r.Context(), d.Filter); err != nil {
		return view{}, err
	}
	if d.Next > 0 {
		older := url.Values{"of": {d.Of}, "who": {d.Filter.Who}, "what": {d.Filter.What}, "day": {d.Day}, "below": {strconv.FormatInt(d.Next, 10)}}
		d.Older = "/audit?" + older.Encode()
	}
	return view{Title: "Audit trail", Data: d}, nil
}
