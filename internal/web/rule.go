// SPDX-License-Identifier: Apache-2.0

package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/headrace/headrace/episode"
)

// RuleDraft is a rule that a steward makes from records of a batch.
type RuleDraft struct {
	Batch   string
	Records []string // digests of those that were selected
	Name    string
	When    []string      // conditions that must all hold; none asks what there is to choose from
	Level   episode.Level // none or signal
}

// RuleTrial is what the records share, and what the rule would change.
type RuleTrial struct {
	Draft   RuleDraft
	Records int      // of those selected, of which the raw text is still there
	Shared  []string // conditions that hold for each of them
	Text    string   // the rule, to be put first in the policy's list; empty while no condition is chosen
	Looser  bool     // it may let more leave
	Tried   *PolicyTrial
	Policy  string // digest of the policy with the rule
}

type ruleData struct {
	*RuleTrial
	Chosen map[string]bool
}

// draftOf reads a draft from an address or a form.
func draftOf(batch string, q url.Values) (RuleDraft, error) {
	d := RuleDraft{Batch: batch, Records: q["record"], Name: oneLine(q.Get("name")), When: q["when"], Level: episode.Level(q.Get("level"))}
	if len(d.Records) == 0 {
		return d, &episode.Problem{Code: "page/selection", Message: "no record is selected", Hint: "go back and tick the records that the rule is to be made from"}
	}
	if len(d.Records) > maxSelected {
		return d, &episode.Problem{Code: "page/too-many", Message: "too many records are selected at once", Hint: "a few that are alike are enough"}
	}
	if d.Name == "" {
		d.Name = "from-the-preview"
	}
	if d.Level != episode.LevelSignal {
		d.Level = episode.LevelNone
	}
	return d, nil
}

// proposeRule proposes the policy with the rule that was tried, and leads to its page.
func (s *Site) proposeRule(r *http.Request) (string, error) {
	if err := r.ParseForm(); err != nil {
		return "", badForm(err)
	}
	d, err := draftOf(r.PathValue("id"), r.PostForm)
	if err != nil {
		return "", err
	}
	version, err := s.cfg.Edge.ProposeRule(r.Context(), who(r), d, r.PostForm.Get("policy"))
	if errors.Is(err, ErrChanged) {
		again := r.PostForm
		again.Del("policy")
		return to("preview", d.Batch, "rule") + "?" + again.Encode(), nil
	}
	return to("policy", strconv.FormatInt(version, 10)) + "?try=1", err
}

// ruleFrom shows a rule before there is one. It only reads: the whole draft is in its address.
func (s *Site) ruleFrom(r *http.Request) (view, error) {
	d, err := draftOf(r.PathValue("id"), r.URL.Query())
	if err != nil {
		return view{}, err
	}
	t, err := s.cfg.Edge.RuleFrom(r.Context(), who(r), d)
	if err != nil {
		return view{}, err
	}
	chosen := map[string]bool{}
	for _, c := range d.When {
		chosen[c] = slices.Contains(t.Shared, c)
	}
	return view{Title: "A rule from records", Data: ruleData{t, chosen}}, nil
}
