// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/instruct"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/sqlstore"
)

// instructions are the releases of instructions that anything was decided about. Nothing of one reaches a tool before a person has
// said yes to what it changes; then some developers have it, and their episodes say who; and all have it only once the gate has
// said that code lasts longer with it, and a person has said yes again.
type instructions struct {
	deciding sync.Mutex              // one word at a time
	all      atomic.Pointer[[]given] // with a trial, going on or over, as last read: the oldest first
}

// given is a release of instructions that was tried.
type given struct {
	trial instruct.Trial
	state string
	words string
}

// instructionsBody is what rests of a release of instructions, sealed: texts of the enterprise's files are in it.
type instructionsBody struct {
	Payload  *instruct.Payload  `json:"payload"`
	Resolved *instruct.Resolved `json:"resolved,omitempty"` // what somebody has said yes to
	Told     instruct.Told      `json:"told"`               // by the hub; its report as it was signed
}

func (e *Edge) sealContent(id string, c instructionsBody) ([]byte, error) {
	b, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	key, err := aead(e.ring.Derive("instructions"))
	if err != nil {
		return nil, err
	}
	return key.Seal(nil, nil, b, []byte(id)), nil
}

func (e *Edge) openContent(r sqlstore.InstructionsRow) (c instructionsBody, err error) {
	key, err := aead(e.ring.Derive("instructions"))
	if err != nil {
		return c, err
	}
	b, err := key.Open(nil, nil, r.Sealed, []byte(r.ID))
	if err != nil {
		return c, fmt.Errorf("instructions %s: %w", r.ID, errDamaged)
	}
	return c, json.Unmarshal(b, &c)
}

// loadInstructions takes up what was decided.
func (e *Edge) loadInstructions(ctx context.Context) error {
	rows, err := e.db.Instructions(ctx)
	if err != nil {
		return err
	}
	var all []given
	for _, r := range slices.Backward(rows) {
		if r.From.IsZero() {
			continue
		}
		t := given{trial: instruct.Trial{Release: r.ID, Share: r.Share, From: r.From, Until: r.Until}, state: r.State}
		if gives(r.State) {
			c, err := e.openContent(r)
			if err != nil { // nobody gets what cannot be read; what was drawn stays known
				e.log.Error("instructions are given to nobody", "release", r.ID, "err", err, "hint", "put the edge's keys back from a backup, or stop the release")
			} else {
				t.words = c.Resolved.Words
			}
		}
		all = append(all, t)
	}
	slices.SortStableFunc(all, func(a, b given) int { return a.trial.From.Compare(b.trial.From) })
	e.instructions.all.Store(&all)
	return nil
}

// gives says that anybody has a release in that state.
func gives(state string) bool {
	return state == sqlstore.InstructionsTrying || state == sqlstore.InstructionsPassed || state == sqlstore.InstructionsKept
}

func (e *Edge) allTried() []given {
	if all := e.instructions.all.Load(); all != nil {
		return *all
	}
	return nil
}

func (e *Edge) trialKey() []byte { return e.ring.Derive("trial") }

// Words are what a model is told at the start of a developer's sessions: the instructions that all have, and those that are tried
// on this developer, in the order in which they came.
func (e *Edge) Words(developer string) string {
	var parts []string
	for _, t := range e.allTried() {
		if t.words != "" && (t.state == sqlstore.InstructionsKept || developer != "" && t.trial.Arm(e.trialKey(), developer) == instruct.With) {
			parts = append(parts, t.words)
		}
	}
	return strings.Join(parts, "\n")
}

// serveWords answers a developer's machine which instructions its developer has.
func (e *Edge) serveWords(w http.ResponseWriter, r *http.Request) {
	d, err := e.deviceOf(r)
	if err != nil {
		e.refuseDevice(w, err)
		return
	}
	answer(w, http.StatusOK, struct {
		Words string `json:"words"`
	}{e.Words(d.Developer)})
}

// mark writes into an episode which arm of a trial its developer was in.
func (e *Edge) mark(ep *episode.Episode, developer string) {
	for _, t := range e.allTried() {
		t.trial.Mark(e.trialKey(), ep, developer)
	}
}

// OfferInstructions takes in a release of instructions that a hub has made, and asks a person about it. It may come again.
func (e *Edge) OfferInstructions(ctx context.Context, hub string, o *instruct.Offer) error {
	p, err := instruct.Decode(o.Payload)
	if err != nil {
		return err
	}
	sealed, err := e.sealContent(o.ID, instructionsBody{Payload: p, Told: o.Told})
	if err != nil {
		return err
	}
	_, err = e.db.OfferInstructions(ctx, sqlstore.InstructionsRow{ID: o.ID, Hub: hub, Sealed: sealed, OfferedAt: e.cfg.Now()})
	return err
}

// instructionsRow is a release that is in one of those states.
func (e *Edge) instructionsRow(ctx context.Context, id string, states ...string) (sqlstore.InstructionsRow, error) {
	rows, err := e.db.Instructions(ctx)
	if err != nil {
		return sqlstore.InstructionsRow{}, err
	}
	i := slices.IndexFunc(rows, func(r sqlstore.InstructionsRow) bool { return r.ID == id })
	if i < 0 {
		return sqlstore.InstructionsRow{}, &episode.Problem{Code: "instructions/none", Message: "there is no release of instructions " + id, Hint: "headrace instructions lists them"}
	}
	if len(states) > 0 && !slices.Contains(states, rows[i].State) {
		return rows[i], &episode.Problem{Code: "instructions/state", Message: fmt.Sprintf("%s is %s", id, rows[i].State),
			Hint: "this can be said of one that is " + strings.Join(states, " or ")}
	}
	return rows[i], nil
}

// move stores what was decided about a release, writes it into the audit trail, and takes it up.
func (e *Edge) move(ctx context.Context, from string, r sqlstore.InstructionsRow, what string) error {
	err := e.db.Noting(e.entry(ctx, r.By, what, r.ID+" "+r.Note)).MoveInstructions(ctx, from, r)
	if errors.Is(err, sqlstore.ErrChanged) {
		return &episode.Problem{Code: "instructions/state", Message: r.ID + " has changed meanwhile", Hint: "look again", Err: err}
	}
	return errors.Join(err, e.loadInstructions(context.WithoutCancel(ctx))) // it is said: whoever asked may be gone
}

// TryInstructions gives a release to a share of the developers, after a person has seen what it changes: seen is the digest that
// [Edge.Instruction] showed them. One is tried at a time, since an episode tells of one.
func (e *Edge) TryInstructions(ctx context.Context, by, id, seen string, share float64) error {
	e.instructions.deciding.Lock()
	defer e.instructions.deciding.Unlock()
	if !(share >= 0.1 && share <= 0.9) {
		return &episode.Problem{Code: "instructions/share", Message: fmt.Sprintf("a share of %v", share), Hint: "between 0.1 and 0.9 of the developers; 0.5 tells soonest"}
	}
	r, err := e.instructionsRow(ctx, id, sqlstore.InstructionsOffered)
	if err != nil {
		return err
	}
	for _, t := range e.allTried() {
		if t.state == sqlstore.InstructionsTrying || t.state == sqlstore.InstructionsPassed {
			return &episode.Problem{Code: "instructions/one-trial", Message: t.trial.Release + " is being tried", Hint: "wait for what the gate says of it, or stop it: headrace instructions stop " + t.trial.Release}
		}
	}
	c, err := e.openContent(r)
	if err != nil {
		return err
	}
	if c.Resolved, err = e.resolve(ctx, r, c.Payload); err != nil {
		return err
	}
	if c.Resolved.Words == "" {
		return &episode.Problem{Code: "instructions/only-files", Message: "what it changes can only be made in files, and files are every developer's: it cannot be tried by developer",
			Hint: "headrace instructions patch " + id + " gives the change for a pull request"}
	}
	if n := len(e.Words("")) + 1 + len(c.Resolved.Words); n > instruct.MaxWords {
		return &episode.Problem{Code: "instructions/room", Message: fmt.Sprintf("with what all have already it would be %d bytes, and a model is told %d at most", n, instruct.MaxWords),
			Hint: "stop one that is kept: headrace instructions"}
	}
	if seenOf(c.Resolved) != seen {
		return &episode.Problem{Code: "instructions/not-seen", Message: "what it would change is not what was looked at", Hint: "look again: headrace instructions show " + id}
	}
	if r.Sealed, err = e.sealContent(id, c); err != nil {
		return err
	}
	r.State, r.By, r.Share, r.From, r.Note = sqlstore.InstructionsTrying, by, share, e.cfg.Now(), ""
	return e.move(ctx, sqlstore.InstructionsOffered, r, "try instructions")
}

// seenOf is the digest of what a person looks at.
func seenOf(r *instruct.Resolved) string {
	b, err := json.Marshal(r)
	if err != nil {
		panic(err) // strings and bools of ours
	}
	return episode.Digest(b)
}

// followTrial keeps what the hub tells of a trial that is going on: where it stands, and what judged it.
func (e *Edge) followTrial(ctx context.Context, hub string, o *instruct.Offer) error {
	e.instructions.deciding.Lock()
	defer e.instructions.deciding.Unlock()
	r, err := e.instructionsRow(ctx, o.ID)
	if err != nil || r.State != sqlstore.InstructionsTrying || r.Hub != hub {
		return err
	}
	c, err := e.openContent(r)
	if err != nil || len(c.Told.Looks) == len(o.Looks) && len(c.Told.Gate) == len(o.Gate) {
		return err
	}
	c.Told = o.Told
	if r.Sealed, err = e.sealContent(o.ID, c); err != nil {
		return err
	}
	if err := e.db.MoveInstructions(ctx, r.State, r); !errors.Is(err, sqlstore.ErrChanged) {
		return err
	}
	return nil // stopped meanwhile
}

// JudgeInstructions tells what the gate has said of a trial: it may be kept, once a person says so, or is dropped. What has passed, or is
// kept, is dropped too where the hub takes its word back: the records that it was judged by were withdrawn. Any other release it leaves
// alone, and so another hub's. The report is the hub's signed word, which whoever calls has verified.
func (e *Edge) JudgeInstructions(ctx context.Context, hub, id string, better bool, why string) error {
	e.instructions.deciding.Lock()
	defer e.instructions.deciding.Unlock()
	r, err := e.instructionsRow(ctx, id)
	from := r.State
	concerns := from == sqlstore.InstructionsTrying || !better && (from == sqlstore.InstructionsPassed || from == sqlstore.InstructionsKept)
	if err != nil || !concerns || r.Hub != hub {
		return err
	}
	r.Note, r.State = printable(why, 300), sqlstore.InstructionsPassed
	if !better {
		r.State = sqlstore.InstructionsDropped
		if r.Until.IsZero() {
			r.Until = e.cfg.Now()
		}
	}
	return e.move(ctx, from, r, "instructions "+r.State)
}

// KeepInstructions gives a release that has passed to all developers: the trial is over.
func (e *Edge) KeepInstructions(ctx context.Context, by, id string) error {
	e.instructions.deciding.Lock()
	defer e.instructions.deciding.Unlock()
	r, err := e.instructionsRow(ctx, id, sqlstore.InstructionsPassed)
	if err != nil {
		return err
	}
	now := e.cfg.Now()
	r.State, r.By, r.Until, r.KeptAt = sqlstore.InstructionsKept, by, now, now
	return e.move(ctx, sqlstore.InstructionsPassed, r, "keep instructions")
}

// StopInstructions ends a release, or says no to it: from the next session on nobody has it.
func (e *Edge) StopInstructions(ctx context.Context, by, id, why string) error {
	e.instructions.deciding.Lock()
	defer e.instructions.deciding.Unlock()
	r, err := e.instructionsRow(ctx, id, sqlstore.InstructionsOffered, sqlstore.InstructionsTrying, sqlstore.InstructionsPassed, sqlstore.InstructionsKept)
	if err != nil {
		return err
	}
	from := r.State
	r.State, r.By, r.Note = sqlstore.InstructionsStopped, by, printable(why, 300)
	if from == sqlstore.InstructionsOffered {
		r.State = sqlstore.InstructionsDeclined
	} else if r.Until.IsZero() {
		r.Until = e.cfg.Now()
	}
	return e.move(ctx, from, r, r.State+" instructions")
}

// StopAllInstructions ends all that anybody has: the edge's one word that stops everything calls it.
func (e *Edge) StopAllInstructions(ctx context.Context, by, why string) error {
	var errs []error
	for _, t := range e.allTried() {
		if gives(t.state) {
			errs = append(errs, e.StopInstructions(ctx, by, t.trial.Release, why))
		}
	}
	return errors.Join(errs...)
}

// fetchInstructions takes in what the hub asks us to have tried, and what the gate has said of it, where the policy has a rule for
// releases of that kind. Whatever the rule says of approving, a person must.
func (h *hub) fetchInstructions(ctx context.Context) error {
	if _, ok := h.policy().ReleaseRule(string(release.Instructions), h.link.Name); !ok {
		return nil
	}
	all, err := h.link.Instructions(ctx)
	if err != nil || all == nil {
		return err
	}
	seen, ours, err := h.db.OffersSeen(ctx, h.link.Name, h.signer())
	if err != nil {
		return err
	}
	if all.Sequence < seen {
		return &episode.Problem{Code: "instructions/old", Message: fmt.Sprintf("hub %s shows offers of instructions with the number %d, after those with %d", h.link.Name, all.Sequence, seen),
			Hint: "ask the hub's operator: whoever stands before it may hold back what came since"}
	}
	var errs []error
	for _, o := range all.Offers {
		errs = append(errs, h.takeOffer(ctx, &o))
	}
	if all.Sequence > seen || !ours {
		errs = append(errs, h.db.SawOffers(ctx, h.link.Name, h.signer(), all.Sequence))
	}
	return errors.Join(errs...)
}

func (h *hub) takeOffer(ctx context.Context, o *instruct.Offer) error {
	if err := h.OfferInstructions(ctx, h.link.Name, o); err != nil {
		return err
	}
	var report gate.Report
	if len(o.Gate) > 0 {
		var err error
		if report, err = h.link.OpenTrial(o.Gate, o.Payload); err != nil {
			return err
		}
	}
	if err := h.followTrial(ctx, h.link.Name, o); err != nil {
		return err
	}
	if o.Dropped != "" {
		return h.JudgeInstructions(ctx, h.link.Name, o.ID, false, o.Dropped)
	}
	if len(o.Gate) == 0 {
		return nil
	}
	why := fmt.Sprintf("gain %+.4f a decision, at least %+.4f, of %d developers", report.Gain.Estimate, report.Gain.Bound, report.Gain.Developers)
	return h.JudgeInstructions(ctx, h.link.Name, o.ID, report.Verdict == gate.Released, why)
}
