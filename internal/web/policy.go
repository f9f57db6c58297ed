// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"strconv"
	"time"

	"github.com/headrace/headrace/episode"
)

// PolicyPage is the versions of an edge's policy.
type PolicyPage struct {
	Versions  []PolicyVersion // newest first
	TwoPeople bool            // it takes two to loosen
	Held      string          // why nothing leaves: another version was in force last. Empty where all is well
	HeldHint  string          // what to do about it
	Differs   string          // that the policy file is not what is in force, and what to do
}

// PolicyVersion is one version.
type PolicyVersion struct {
	Version    int64
	State      string // proposed, in force, past, refused, overtaken
	Looser     bool   // than the one before it
	First      bool
	Digest     string
	Why        string
	ProposedBy string
	ProposedAt time.Time
	Yes        []string // who has approved it
	DecidedBy  string
	DecidedAt  time.Time
}

// PolicyView is a version in full.
type PolicyView struct {
	PolicyVersion
	TwoPeople bool
	Policy    string         // the file
	Changes   []PolicyChange // in the version in force, where it waits
	Trial     *PolicyTrial   // nil where none was asked for
}

// PolicyChange is one difference to the version in force.
type PolicyChange struct {
	Rule, What, Why string
	Looser          bool
}

// PolicyTrial is what a version would change for recorded episodes.
type PolicyTrial struct {
	Records, SetAside int
	All               bool // there were no more
	Moved             []PolicyMove
}

// PolicyMove is how many records would fare otherwise.
type PolicyMove struct {
	How, Was, Is string // more or less leaves
	Records      int
}

func (s *Site) policies(r *http.Request) (view, error) {
	p, err := s.cfg.Edge.PolicyVersions(r.Context())
	return view{Title: "Policy", Data: p}, err
}

func (s *Site) policy(r *http.Request) (view, error) {
	version, err := versionOf(r)
	if err != nil {
		return view{}, err
	}
	p, err := s.cfg.Edge.PolicyVersion(r.Context(), version, r.URL.Query().Get("try") == "1")
	if err != nil {
		return view{}, err
	}
	return view{Title: "Version " + strconv.FormatInt(version, 10) + " of the policy", Data: p}, nil
}

func versionOf(r *http.Request) (int64, error) {
	version, err := strconv.ParseInt(r.PathValue("version"), 10, 64)
	if err != nil {
		return 0, ErrNotFound
	}
	return version, nil
}

// decidePolicy says yes or no to a version that waits.
func (s *Site) decidePolicy(r *http.Request) (string, error) {
	version, err := versionOf(r)
	if err != nil {
		return "", err
	}
	if err := r.ParseForm(); err != nil {
		return "", err
	}
	choice := Choice(r.PostForm.Get("choice"))
	if choice != Approve && choice != Refuse {
		return "", &episode.Problem{Code: "page/choice", Message: "a version can be approved or refused", Hint: "open its page again and use its buttons"}
	}
	return to("policy", strconv.FormatInt(version, 10)), s.cfg.Edge.DecidePolicy(r.Context(), version, choice)
}
