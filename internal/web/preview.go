// SPDX-License-Identifier: Apache-2.0

package web

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/access"
)

const recordsPerPage = 10 // each is shown byte for byte

func (s *Site) batches(r *http.Request) (view, error) {
	b, err := s.cfg.Edge.Batches(r.Context())
	return view{Title: "Preview", Data: b}, err
}

type batchData struct {
	*BatchView
	After   string
	Said    string // what the last ruling did
	Changed bool   // not all that it should
	States  []batchState
	More    string // address of the next page
	Back    string // what the forms lead back to
}

// batchState is one of the lists of a batch.
type batchState struct {
	Name string
	N    int
	To   string
	Here bool
}

func (s *Site) batch(r *http.Request) (view, error) {
	q := r.URL.Query()
	p, _ := access.Of(r.Context())
	raw := p.Raw && q.Get("raw") == "1"
	if raw {
		if err := s.look(p, recordsPerPage); err != nil {
			return view{}, err
		}
	}
	b, err := s.cfg.Edge.Batch(r.Context(), p.Name, r.PathValue("id"), BatchQuery{State: q.Get("state"), After: q.Get("after"), Limit: recordsPerPage, Raw: raw})
	if err != nil {
		return view{}, err
	}
	if !p.Raw {
		b.Raw = RawForbidden
	}
	d := batchData{BatchView: b, After: q.Get("after"), Said: saidOf(Choice(q.Get("said"))), Changed: Choice(q.Get("said")) == changed}
	for _, st := range []struct {
		name string
		n    int
	}{{"waiting", b.Waiting}, {"held", b.Held}, {"approved", b.Approved}, {"refused", b.Refused}} {
		d.States = append(d.States, batchState{st.name, st.n, "?" + url.Values{"state": {st.name}}.Encode(), st.name == b.State})
	}
	back := url.Values{"state": {b.State}}
	if d.After != "" {
		back.Set("after", d.After)
	}
	if b.Raw == RawShown {
		back.Set("raw", "1")
	}
	d.Back = "?" + back.Encode()
	if b.Next != "" {
		back.Set("after", b.Next)
		d.More = "?" + back.Encode()
	}
	return view{Title: "Preview for " + b.Recipient, Data: d}, nil
}

// changed is what is said of a choice that could not be carried out as it was meant.
const changed Choice = "changed"

func saidOf(c Choice) string {
	switch c {
	case Approve:
		return "Approved. What you approved is what will leave, byte for byte."
	case Refuse:
		return "Refused. It stays here."
	case Hold:
		return "Held. It waits until somebody releases it, and so does what comes of the same episodes."
	case Unhold:
		return "Released. It waits for a decision again."
	case changed:
		return "Not all that you decided on was still what you saw: what has changed, or somebody has decided meanwhile, stands as it does now. Look again."
	}
	return ""
}

// maxSelected bounds how many records a form names one by one.
const maxSelected = 1000

func (s *Site) rule(r *http.Request) (string, error) {
	if err := r.ParseForm(); err != nil {
		return "", badForm(err)
	}
	f := r.PostForm
	if id := f.Get("flag"); id != "" {
		return r.URL.RequestURI(), s.cfg.Edge.SeeFlag(r.Context(), who(r), id)
	}
	if rule := f.Get("start"); rule != "" {
		return r.URL.RequestURI(), s.cfg.Edge.StartRule(r.Context(), who(r), r.PathValue("id"), rule)
	}
	g := Ruling{Batch: r.PathValue("id"), Choice: Choice(f.Get("choice")), Note: oneLine(f.Get("note")), Records: f["record"], Seen: f.Get("seen"), Plain: f.Get("plain") != ""}
	switch g.Choice {
	case Approve, Refuse, Unhold:
	case Hold:
		if g.Note == "" {
			return "", &episode.Problem{Code: "page/reason", Message: "what is held is held for a reason", Hint: "go back and say in a few words why, for whoever decides later"}
		}
	default:
		return "", &episode.Problem{Code: "page/choice", Message: "a record can be approved, refused, held or released", Hint: "open the preview again and use its buttons"}
	}
	if len(g.Records) > maxSelected {
		return "", &episode.Problem{Code: "page/too-many", Message: "too many records are selected at once", Hint: "decide in parts, or on all that wait"}
	}
	if len(g.Records) > 0 {
		g.Seen = f.Get("at") // not "seen": a form in which nothing is ticked means nothing, and not all
	}
	if len(g.Records) == 0 && g.Seen == "" {
		return "", &episode.Problem{Code: "page/selection", Message: "no record is selected", Hint: "go back, tick the records that you mean, and choose again"}
	}
	said := g.Choice
	err := s.cfg.Edge.Rule(r.Context(), who(r), g)
	if errors.Is(err, ErrChanged) {
		said, err = changed, nil
	}
	if err != nil {
		return "", err
	}
	back := r.URL.Query()
	back.Set("said", string(said))
	back.Del("after") // what was there has moved on
	return to("preview", g.Batch) + "?" + back.Encode(), nil
}

func badForm(err error) error {
	return &episode.Problem{Code: "page/form", Message: "this form could not be read", Hint: "open the page again", Err: err}
}
