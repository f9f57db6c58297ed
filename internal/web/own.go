// SPDX-License-Identifier: Apache-2.0

package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/headrace/headrace/episode"
)

// Own is one of a developer's own records, as their list has it.
type Own struct {
	ID         string        `json:"id"`
	StartedAt  time.Time     `json:"started_at"`
	Tool       string        `json:"tool"`
	Repository string        `json:"repository,omitzero"`
	Title      string        `json:"title,omitzero"` // first words of the scrubbed instruction
	Level      episode.Level `json:"level,omitzero"`
	State      string        `json:"state"` // as EpisodeRow's; "asks you" where it waits for their yes
}

// OwnPage is one page of a developer's own records, newest first, and what they have said so far.
type OwnPage struct {
	Rows []Own  `json:"records"`
	Next string `json:"next,omitzero"` // opaque; empty on the last page
	// TwoKeys says that nothing of theirs leaves without their yes; Agree is what they have said, nil for nothing.
	TwoKeys bool  `json:"two_keys"`
	Agree   *bool `json:"agree,omitempty"`
	// Counts are what recipients are told of everybody here together, with noise.
	Counts []Counts `json:"counts,omitempty"`
}

// OwnView is one of a developer's own records: what was captured, what leaves of it, and where it went.
type OwnView struct {
	Own
	Why      string          `json:"why,omitzero"` // the policy's answer
	Raw      RawState        `json:"raw"`
	RawTill  time.Time       `json:"raw_until,omitzero"`
	Captured json.RawMessage `json:"captured,omitempty"`
	RawSeen  []Mark          `json:"-"`
	Leaves   []OwnLeaving    `json:"leaves"`
	Flag     *Flag           `json:"flag,omitempty"`
	Over     bool            `json:"over,omitzero"` // vetoed, withdrawn: nothing more becomes of it
}

// OwnLeaving is what leaves, or has left, of a record for one recipient.
type OwnLeaving struct {
	Recipient string          `json:"recipient"`
	Revision  int             `json:"revision"`
	Digest    string          `json:"digest"` // of the bytes; a yes names it
	Level     episode.Level   `json:"level"`
	State     string          `json:"state"`
	Rule      string          `json:"rule"`
	Note      string          `json:"note,omitzero"` // why it is held
	Terms     *episode.Terms  `json:"terms,omitempty"`
	Record    json.RawMessage `json:"record"` // the exact bytes
	Marks     []Mark          `json:"-"`
	Bundle    string          `json:"bundle,omitzero"`
	SentAt    time.Time       `json:"sent_at,omitzero"`
	// Receipt says where in the hub's log the bundle is entered; nil before the hub has answered.
	Receipt *OwnReceipt `json:"receipt,omitempty"`
}

// OwnReceipt is what of a hub's signed receipt tells where a record went.
type OwnReceipt struct {
	Signer   string `json:"signer"` // key id
	LogIndex int64  `json:"log_index"`
}

// Flag is a developer's word that a record is wrong or sensitive. It does not say whose.
type Flag struct {
	ID     string    `json:"-"` // of the episode
	Why    string    `json:"why"`
	At     time.Time `json:"at"`
	SeenBy string    `json:"seen_by,omitzero"` // the steward who has seen to it
}

// OwnChoice is what a developer says to one of their records.
type OwnChoice string

// The choices.
const (
	OwnVeto   OwnChoice = "veto"   // it does not leave
	OwnFlag   OwnChoice = "flag"   // it is wrong or sensitive: it is held, and a steward told
	OwnDelete OwnChoice = "delete" // what has left is taken back, and the raw text erased
	OwnYes    OwnChoice = "yes"    // it may leave, where they are asked

	ownChanged OwnChoice = "changed" // it could not be said
)

// OwnSaid is what a developer says to one of their records, having seen it.
type OwnSaid struct {
	Choice OwnChoice
	Why    string   // of a flag
	Seen   []string // of a yes: digests of what would leave, as they were shown
}

// Preferences are what a developer says of all their records.
type Preferences struct {
	Agree        *bool             `json:"agree,omitempty"`
	Level        episode.Level     `json:"level,omitzero"` // at most; empty: what the policy allows
	Ask          bool              `json:"ask"`            // about each record
	Repositories []RepositoryLimit `json:"repositories,omitempty"`
	// Text is all of it as a file. To set preferences, either Text or the others are given.
	Text string `json:"text,omitzero"`
	// More says that the file says more than the others can.
	More bool `json:"more,omitzero"`
}

// RepositoryLimit is the most that leaves of the repositories that a pattern fits.
type RepositoryLimit struct {
	Pattern string        `json:"pattern"`
	Level   episode.Level `json:"level"`
}

const ownPerPage = 50

func (s *Site) own(r *http.Request) (view, error) {
	after := r.URL.Query().Get("after")
	p, err := s.cfg.Edge.Own(r.Context(), who(r), after, ownPerPage)
	d := struct {
		OwnPage
		After, Who string
	}{p, after, who(r)}
	return view{Title: "My records", Data: d}, err
}

type ownData struct {
	*OwnView
	Records []ownRecord
	Said    string
	Changed bool // what was said could not be done
}

// ownRecord is what leaves, as the preview lays it beside what was captured.
type ownRecord struct {
	OwnLeaving
	Beside BatchRecord
}

func (s *Site) ownRecord(r *http.Request) (view, error) {
	v, err := s.cfg.Edge.OwnRecord(r.Context(), who(r), r.PathValue("id"))
	if err != nil {
		return view{}, err
	}
	d := ownData{OwnView: v}
	for _, l := range v.Leaves {
		d.Records = append(d.Records, ownRecord{l, BatchRecord{Out: l.Record, Marks: l.Marks, Raw: v.Captured, RawSeen: v.RawSeen}})
	}
	if len(d.Records) == 0 && v.Captured != nil {
		d.Records = append(d.Records, ownRecord{Beside: BatchRecord{Raw: v.Captured, RawSeen: v.RawSeen}})
	}
	switch OwnChoice(r.URL.Query().Get("said")) {
	case OwnVeto:
		d.Said = "It stays here, and so does whatever comes of it later."
	case OwnFlag:
		d.Said = "It is held, and a steward is told. Your name is not shown with it."
	case OwnDelete:
		d.Said = "It is erased here. What had left is taken back; the withdrawals page shows the certificate when it comes."
	case OwnYes:
		d.Said = "You said yes. It goes on as the policy says."
	case ownChanged:
		d.Changed = true
		d.Said = "It has changed since you looked, and nothing was decided. This is what would leave now."
	}
	return view{Title: "One of my records", Data: d}, nil
}

func (s *Site) ownAct(r *http.Request) (string, error) {
	if err := r.ParseForm(); err != nil {
		return "", badForm(err)
	}
	id, c := r.PathValue("id"), OwnChoice(r.PostForm.Get("choice"))
	err := s.cfg.Edge.OwnAct(r.Context(), who(r), id, OwnSaid{Choice: c, Why: oneLine(r.PostForm.Get("why")), Seen: r.PostForm["seen"]})
	if errors.Is(err, ErrChanged) {
		c, err = ownChanged, nil
	}
	if err != nil {
		return "", err
	}
	return to("mine", id) + "?" + url.Values{"said": {string(c)}}.Encode(), nil
}

type preferencesData struct {
	Preferences
	Lines  string // of repositories, as the form has them
	Levels []episode.Level
	Said   bool
}

func (s *Site) preferences(r *http.Request) (view, error) {
	p, err := s.cfg.Edge.Preferences(r.Context(), who(r))
	d := preferencesData{Preferences: p, Levels: episode.Levels()[1:], Said: r.URL.Query().Get("said") != ""}
	for _, l := range p.Repositories {
		d.Lines += l.Pattern + " " + string(l.Level) + "\n"
	}
	return view{Title: "My preferences", Data: d}, err
}

func (s *Site) setPreferences(r *http.Request) (string, error) {
	if err := r.ParseForm(); err != nil {
		return "", badForm(err)
	}
	f := r.PostForm
	p := Preferences{Level: episode.Level(f.Get("level")), Ask: f.Get("ask") != ""}
	if agree := f.Get("agree"); agree != "" {
		yes := agree == "yes"
		p.Agree = &yes
	}
	if p.Level != "" && !slices.Contains(episode.Levels()[1:], p.Level) {
		return "", &episode.Problem{Code: "page/level", Message: "that is no level", Hint: "open the page again and choose one"}
	}
	for line := range strings.Lines(f.Get("repositories")) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
			continue
		case len(words) != 2 || !slices.Contains(episode.Levels()[1:], episode.Level(words[1])):
			return "", &episode.Problem{Code: "page/repositories", Message: "a line is not a repository and a level: " + oneLine(line), Hint: "write for example: git.example/payments/** none"}
		}
		p.Repositories = append(p.Repositories, RepositoryLimit{words[0], episode.Level(words[1])})
	}
	return "/mine/preferences?said=1", s.cfg.Edge.SetPreferences(r.Context(), who(r), p)
}
