// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"fmt"
	"strings"

	"github.com/headrace/headrace/internal/trail"
)

// said is a string of the world, if it has any.
func (w *world) said(s string) string {
	if w.text == nil {
		return s
	}
	return w.text(s)
}

func (w *world) Audit(_ context.Context, f trail.Filter) (p trail.Page, err error) {
	if w.text == nil {
		return p, nil
	}
	r := trail.Next(0, "", trail.Entry{At: noon, Who: w.said("ada"), Role: "steward", What: "approve", Subject: "sha256:" + strings.Repeat("ab", 32)})
	p.Rows, p.Who, p.What = []trail.Row{r, trail.Next(1, r.Hash, trail.Entry{At: noon, Who: "bob", Role: "local", What: "see raw", Subject: w.said("ep_1")})}, []string{"ada", "bob"}, []string{"approve", "see raw"}
	p.Head, p.Server, p.Unsent, p.Away, p.Next = trail.Head{Seq: 2, Hash: r.Hash}, "tcp://siem.example:601", 2, w.said("connection refused"), 1
	if f.Who == "bob" {
		p.Rows, p.Away, p.Unsent, p.Next = p.Rows[1:], "", 0, 0
	}
	return p, nil
}

func (w *world) PolicyVersions(context.Context) (p PolicyPage, err error) {
	p.Differs = "the policy file policy.yaml is not the version in force: headrace policy propose policy.yaml"
	p.Versions = []PolicyVersion{{Version: 2, State: "proposed", Looser: true, Why: w.said("the works council has agreed"), ProposedBy: "ada", ProposedAt: noon, Yes: []string{"ada"}},
		{Version: 1, State: "in force", First: true, ProposedBy: "configuration", ProposedAt: noon, DecidedAt: noon}}
	return p, nil
}

func (w *world) PolicyVersion(_ context.Context, version int64, try bool) (*PolicyView, error) {
	all, _ := w.PolicyVersions(context.Background())
	for _, v := range all.Versions {
		if v.Version != version {
			continue
		}
		p := &PolicyView{PolicyVersion: v, Policy: w.said("version: 1\nrules: []\n")}
		if v.State == "proposed" {
			p.Changes = []PolicyChange{{Rule: "everything-as-signal", What: "retention_days: 7 → 400", Looser: true}, {What: "recipient us removed"}}
		}
		if try {
			p.Trial = &PolicyTrial{Records: 300, SetAside: 2, Moved: []PolicyMove{{How: "more", Was: "stays", Is: "signal for evaluate, 400 days", Records: 12}}}
		}
		return p, nil
	}
	return nil, ErrNotFound
}

func (w *world) DecidePolicy(_ context.Context, version int64, choice Choice) error {
	w.decided = fmt.Sprint(version, " ", choice)
	return nil
}
