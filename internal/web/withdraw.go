// SPDX-License-Identifier: Apache-2.0

package web

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"
)

type withdrawalsData struct {
	List  []Withdrawal
	Scope Scope  // as asked for, to fill the form with
	Reach *Reach // what it would take back; nil where nothing was asked for
}

// withdrawals lists what was taken back. Asked for a scope, it says first what that would reach: taking back is a second
// step, with the same scope.
func (s *Site) withdrawals(r *http.Request) (view, error) {
	l, err := s.cfg.Edge.Withdrawals(r.Context())
	if err != nil {
		return view{}, err
	}
	d := withdrawalsData{List: l, Scope: scopeOf(r.URL.Query())}
	if d.Scope.asked() {
		if d.Reach, err = s.cfg.Edge.WouldWithdraw(r.Context(), d.Scope); err != nil {
			return view{}, err
		}
	}
	return view{Title: "Withdrawals", Data: d}, nil
}

func (s *Site) withdrawal(r *http.Request) (view, error) {
	x, err := s.cfg.Edge.Withdrawal(r.Context(), r.PathValue("id"))
	if err != nil {
		return view{}, err
	}
	return view{Title: "One withdrawal", Data: x}, nil
}

func (s *Site) withdraw(r *http.Request) (string, error) {
	if err := r.ParseForm(); err != nil {
		return "", err
	}
	ids, err := s.cfg.Edge.Withdraw(r.Context(), who(r), scopeOf(r.PostForm))
	if len(ids) == 1 {
		return to("withdrawals", ids[0]), err
	}
	return "/withdrawals", err
}

// scopeOf reads the form's fields.
func scopeOf(v url.Values) Scope {
	get := func(name string) string { return strings.TrimSpace(v.Get(name)) }
	return Scope{Records: strings.Fields(v.Get("record")), Session: get("session"), Developer: get("developer"), Repository: get("repository"),
		From: get("from"), To: get("to"), All: v.Get("all") != "", Confirm: get("confirm")}
}

func (s Scope) asked() bool {
	return len(s.Records) > 0 || s.All || cmp.Or(s.Session, s.Developer, s.Repository, s.From, s.To) != ""
}
