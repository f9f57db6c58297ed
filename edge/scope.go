// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"fmt"
	"strings"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/web"
)

// maxScopeRecords is how many records can be named one by one.
const maxScopeRecords = 500

// scope reads what a person wants to take back: how the store finds it, and in words. A scope that says nothing, or two
// things that do not go together, is refused: nobody takes back everything by a slip.
func (e *Edge) scope(s web.Scope) (sqlstore.Scope, string, error) {
	name := strings.TrimSpace
	q := sqlstore.Scope{Session: e.plain(name(s.Session)), Developer: printable(name(s.Developer), maxName), Repository: e.plain(name(s.Repository)), All: s.All || s.Mine}
	var words []string
	for _, id := range s.Records {
		if id = name(id); id != "" {
			q.Records = append(q.Records, id)
		}
	}
	if n := len(q.Records); n > maxScopeRecords {
		return q, "", badScope(fmt.Sprintf("%d records are named; at most %d can be", n, maxScopeRecords), "name their session, or take them back in parts")
	} else if n == 1 {
		words = append(words, "record "+q.Records[0])
	} else if n > 1 {
		words = append(words, fmt.Sprintf("%d records", n))
	}
	if len(s.Records) > 0 && len(q.Records) == 0 {
		return q, "", badScope("the list of records is empty", "name one or more, or leave it out")
	}
	for _, w := range []struct{ what, asked, got string }{{"session", s.Session, q.Session}, {"developer", s.Developer, q.Developer}, {"repository", s.Repository, q.Repository}} {
		switch {
		case w.got != "":
			words = append(words, w.what+" "+w.got)
		case w.asked != "": // nothing of it can be printed: to leave the condition out would take back more than was meant
			return q, "", badScope("the "+w.what+" is empty", "name one, or leave it out")
		}
	}
	var err error
	if q.From, err = dayOf(s.From); err != nil {
		return q, "", err
	}
	to, err := dayOf(s.To)
	if err != nil {
		return q, "", err
	}
	if !q.From.IsZero() {
		words = append(words, "from "+q.From.Format(time.DateOnly))
	}
	if !to.IsZero() {
		q.Before = to.AddDate(0, 0, 1)
		words = append(words, "to "+to.Format(time.DateOnly))
	}
	switch {
	case !to.IsZero() && to.Before(q.From):
		return q, "", badScope("the last day is before the first", "give the earlier day as the first")
	case q.All && len(words) > 0:
		return q, "", badScope("everything is asked for, and a part of it as well", "ask for one of both")
	case s.Mine && !e.cfg.Own:
		return q, "", badScope("this edge serves more than one developer, so it does not know which records are yours", "ask the steward to withdraw by developer")
	case s.Mine:
		return q, "everything of mine", nil
	case q.All:
		return q, "everything", nil
	case len(words) == 0:
		return q, "", badScope("it is not said what to take back", "name a record, session, developer, repository or days, or ask for everything")
	}
	return q, strings.Join(words, ", "), nil
}

func dayOf(s string) (time.Time, error) {
	if s = strings.TrimSpace(s); s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return t, badScope(fmt.Sprintf("%.40q is not a day", s), "write it as 2026-11-02")
	}
	return t, nil
}

func badScope(message, hint string) error {
	return &episode.Problem{Code: "withdraw/bad-scope", Message: message, Hint: hint}
}
