// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"fmt"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/ope"
)

// Decode reads a report and checks it. Unknown fields are refused.
func Decode(b []byte) (*Report, error) {
	r := new(Report)
	if err := json.Unmarshal(b, r, json.RejectUnknownMembers(true)); err != nil {
		return nil, bad(err)
	}
	return r, r.Check()
}

// Check reports whether a report agrees with itself: its design is one that is evidence, its intervals are in order and no
// figure is of fewer than 10 developers, and it says released where, and only where, nothing stands against that.
func (r *Report) Check() error {
	switch {
	case r.Format != reportFormat:
		return bad(fmt.Errorf("format %q is not %s", r.Format, reportFormat))
	case r.Design != Logged && r.Design != Randomised && r.Design != Paired:
		return bad(fmt.Errorf("design %q is no evidence", r.Design))
	case r.Verdict != Released && r.Verdict != Refused:
		return bad(fmt.Errorf("verdict %q", r.Verdict))
	case (r.Verdict == Refused) != (len(r.Reasons) > 0):
		return bad(fmt.Errorf("%s for %d reasons", r.Verdict, len(r.Reasons)))
	case r.Verdict == Released && (r.Gain == nil || !(r.Certified() > 0)):
		return bad(fmt.Errorf("released without a bound of the gain above 0"))
	}
	if r.Look != nil {
		if err := r.Look.check(r.Gain); err != nil {
			return bad(err)
		}
	}
	for _, iv := range r.intervals() {
		if iv != nil && !(iv.Lower <= iv.Bound && iv.Bound <= iv.Estimate && iv.Estimate <= iv.Upper && iv.Developers >= minShown) {
			return bad(fmt.Errorf("%+v is no interval, or of fewer than %d developers", *iv, minShown))
		}
	}
	for i := range r.Guardrails {
		if g := &r.Guardrails[i]; r.Verdict == Released && (g.State == Broken || g.Required && g.State != Held) {
			return bad(fmt.Errorf("released, and %s is %s", g.label(), g.State))
		}
	}
	if d := r.WorstDecile; d != nil && (d.Developers < minShown || d.Gain.Developers < minDevelopers) {
		return bad(fmt.Errorf("a figure of %d developers", d.Developers))
	}
	return nil
}

// intervals are all that the report shows.
func (r *Report) intervals() []*ope.Interval {
	all := []*ope.Interval{r.Gain, r.Old, r.New}
	for i := range r.Components {
		all = append(all, r.Components[i].Old, r.Components[i].New, r.Components[i].Gain)
	}
	for i := range r.Guardrails {
		all = append(all, r.Guardrails[i].Old, r.Guardrails[i].New, r.Guardrails[i].Difference)
	}
	for i := range r.Curve {
		all = append(all, &r.Curve[i].Gain)
	}
	for i := range r.Parts {
		all = append(all, &r.Parts[i].Gain)
	}
	return all
}

func bad(err error) error {
	return &episode.Problem{Code: "gate/bad-report", Message: "not a gate report that anything may rest on",
		Hint: "ask the hub's operator, or fetch it again with the version of headrace that made it", Err: err}
}
