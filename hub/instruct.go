// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/instruct"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/propose"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/reward"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/tlog/proof"
)

// What there must be before a trial of instructions is judged, and how long it is waited for.
const (
	trialDays   = 28         // of decisions that count
	trialWait   = 4          // times that and what it waits for, until one that nobody tries is given up
	trialLook   = 7          // days between two looks that the contributor is told of
	noteJudged  = "gate:"    // followed by the digest of the report
	noteDropped = "dropped:" // followed by why

	noteWithdrawn = "withdrawn:" // followed by the day on which what it was judged by was taken back
)

// trialOffer is what rests of an offer.
type trialOffer struct {
	Payload  []byte            `json:"payload"`
	Proposal *propose.Proposal `json:"proposal,omitempty"` // what it was made from; nil where a person thought of it
}

// instruct judges the trials of instructions whose time is over, and offers each contributor the best proposal where none of theirs is
// open. A person at the contributor's edge says whether anything is tried: an offer asks, and moves nothing. What is offered is
// found in records that may serve to learn, and what is tried is judged by those that may serve to judge.
func (h *Hub) instruct(ctx context.Context, s *snapshot) error {
	learned, judged := h.permitted(s, episode.PurposeReward), h.permitted(s, episode.PurposeEvaluate)
	contributors := map[string]bool{}
	for _, by := range []map[string][]dataset.Row{learned, judged} {
		for c := range by {
			contributors[c] = true
		}
	}
	for _, contributor := range slices.Sorted(keysOf(contributors)) {
		offers, err := h.db.DocumentsOf(ctx, sqlstore.DocInstructions, contributor)
		if err != nil {
			return err
		}
		open := slices.DeleteFunc(slices.Clone(offers), func(d sqlstore.DocumentRow) bool { return d.Note != "" })
		var errs []error
		if len(open) > 0 {
			decisions, scorer := h.surviving(judged[contributor])
			for _, doc := range open { // which of them is tried the edge decides
				errs = append(errs, h.judgeTrial(ctx, s, doc, decisions, scorer))
			}
		} else if rows := learned[contributor]; slices.ContainsFunc(rows, namesFile) {
			_, scorer := h.surviving(rows)
			errs = append(errs, h.offerBest(ctx, s, contributor, rows, scorer, offers))
		}
		if err := errors.Join(errs...); err != nil {
			return fmt.Errorf("instructions of %s: %w", contributor, err)
		}
	}
	return nil
}

// permitted are the rows of a snapshot that may serve a purpose, by contributor.
func (h *Hub) permitted(s *snapshot, p episode.Purpose) map[string][]dataset.Row {
	by := map[string][]dataset.Row{}
	for _, r := range s.rows {
		if r.Permit(h.rights, h.cfg.Name, p, h.cfg.Now()) {
			by[r.Contributor] = append(by[r.Contributor], r)
		}
	}
	return by
}

// namesFile reports whether a row says which instruction files were in force.
func namesFile(r dataset.Row) bool {
	return slices.ContainsFunc(r.Episode.Artifacts, func(a episode.Artifact) bool { return a.Digest != "" })
}

// surviving are the decisions of rows, and what they are worth by what became of them, as far as these rows tell.
func (h *Hub) surviving(rows []dataset.Row) ([]dataset.Decision, *reward.Scorer) {
	decisions := dataset.Decisions(rows)
	return decisions, reward.Fit(propose.Survival(), decisions, h.today())
}

func keysOf[V any](m map[string]V) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// offerBest offers the surest proposal to have a file that was not offered before. What is better without a file can be changed in
// files only, and tried on nobody: it stands among the proposals, and is offered to no one.
func (h *Hub) offerBest(ctx context.Context, s *snapshot, contributor string, rows []dataset.Row, scorer *reward.Scorer, offers []sqlstore.DocumentRow) error {
	for _, p := range propose.Rank(rows, propose.Lasting(scorer)) {
		payload, err := payloadOf(&p)
		if err != nil {
			return err
		}
		id := offerID(contributor, payload)
		if p.Without || slices.ContainsFunc(offers, func(d sqlstore.DocumentRow) bool { return d.ID == id }) {
			continue
		}
		return h.saveOffer(ctx, contributor, s.manifest.ID, trialOffer{payload, &p})
	}
	return nil
}

// payloadOf makes of a proposal what a person is asked. It says nothing that the next snapshot would say otherwise: the same proposal
// is offered once.
func payloadOf(p *propose.Proposal) ([]byte, error) {
	out := instruct.New("A file with which code lasted longer", "Where this "+p.Kind+" file was in force, more of what was taken was kept, merged and not reverted, as against the same developers in the same "+
		"languages without it. That is from watching: whoever has it may differ in other ways, so it is to be tried first.", instruct.Change{Artifact: p.Artifact, Without: p.Without})
	out.Proposal = p.ID
	return out.Marshal()
}

func offerID(contributor string, payload []byte) string {
	return contributor + "/" + instruct.ID(payload)
}

// OfferInstructions asks a contributor's edge to have instructions tried that somebody here wrote, or that were proposed. What was offered
// to it before and has come to an end is refused with that end: it is not asked twice.
func (h *Hub) OfferInstructions(ctx context.Context, contributor string, payload []byte) (id string, err error) {
	if _, err := instruct.Decode(payload); err != nil {
		return "", err
	}
	known, err := h.db.Contributors(ctx)
	if err != nil {
		return "", err
	}
	if !slices.ContainsFunc(known, func(c sqlstore.ContributorRow) bool { return c.Name == contributor }) {
		return "", &episode.Problem{Code: "hub/contributor", Message: fmt.Sprintf("no contributor is called %.100q here", contributor), Hint: "headrace hub invite NAME invites one"}
	}
	h.turning.Lock()
	defer h.turning.Unlock()
	before, err := h.db.Document(ctx, sqlstore.DocInstructions, offerID(contributor, payload))
	if err != nil && !errors.Is(err, sqlstore.ErrNotFound) {
		return "", err
	}
	if before.Note != "" {
		end, err := h.endOf(ctx, before)
		if err != nil {
			return "", err
		}
		return "", &episode.Problem{Code: "instructions/over", Message: fmt.Sprintf("%s was offered to %s on %s, and %s", instruct.ID(payload), contributor, before.MadeAt.UTC().Format(time.DateOnly), end),
			Hint: "the same is offered once: change what it does, or say in other words why it is worth another trial (--title, --why)"}
	}
	return instruct.ID(payload), h.saveOffer(ctx, contributor, "", trialOffer{Payload: payload})
}

// endOf says in words what became of an offer that is over.
func (h *Hub) endOf(ctx context.Context, offer sqlstore.DocumentRow) (string, error) {
	if day, ok := strings.CutPrefix(offer.Note, noteWithdrawn); ok {
		return "records that it was judged by were withdrawn, on " + day, nil
	}
	digest, ok := strings.CutPrefix(offer.Note, noteJudged)
	if !ok {
		return "was dropped: " + strings.TrimPrefix(offer.Note, noteDropped), nil
	}
	judged, err := h.db.Document(ctx, sqlstore.DocTrial, digest)
	if err != nil {
		return "", err
	}
	var report gate.Report
	if err := h.open(judged.Envelope, bundle.TypeGateReport, &report); err != nil {
		return "", err
	}
	if report.Verdict == gate.Released {
		return "its trial was judged: the gate has let it through", nil
	}
	return "its trial was judged: the gate has refused it", nil
}

func (h *Hub) saveOffer(ctx context.Context, contributor, snapshot string, o trialOffer) error {
	b, err := json.Marshal(o)
	if err != nil {
		return err
	}
	err = h.db.SaveDocument(ctx, sqlstore.DocumentRow{Kind: sqlstore.DocInstructions, ID: offerID(contributor, o.Payload), Parent: snapshot, Contributor: contributor, Envelope: b, LogIndex: -1, MadeAt: h.cfg.Now()})
	if err != nil {
		return err
	}
	return h.publishOffers(ctx, contributor)
}

// judgeTrial puts a trial before the gate, once: when all is known that becomes of the decisions of its first four weeks, and they are
// enough. Until then the contributor is told each week where it stands; by that nothing is decided here, so the gate's bound is what
// it says.
func (h *Hub) judgeTrial(ctx context.Context, s *snapshot, doc sqlstore.DocumentRow, decisions []dataset.Decision, scorer *reward.Scorer) error {
	var o trialOffer
	if err := json.Unmarshal(doc.Envelope, &o); err != nil {
		return err
	}
	id, today := instruct.ID(o.Payload), dataset.UnixDay(h.cfg.Now().Unix())
	first := int64(math.MaxInt64)
	for i := range decisions {
		if d := &decisions[i]; d.Release == id {
			first = min(first, d.Day)
		}
	}
	if first == math.MaxInt64 {
		if doc.MadeAt.AddDate(0, 0, trialWait*(trialDays+scorer.Report.Horizon)).Before(h.cfg.Now()) {
			return h.endOffer(ctx, doc, noteDropped+"nobody tried it")
		}
		return nil
	}
	due := first + int64(trialDays+scorer.Report.Horizon)
	if today < due {
		return h.lookAt(ctx, doc, id, gate.Stands(decisions, armOf(id), scorer), today, due)
	}
	span := slices.DeleteFunc(slices.Clone(decisions), func(d dataset.Decision) bool { return d.Release != id || d.Day >= first+trialDays })
	home, err := h.countedBeside(ctx, release.Instructions)
	if err != nil {
		return err
	}
	report := gate.Trial(span, armOf(id), nil, gate.Options{Model: episode.Digest(o.Payload), Snapshot: s.manifest.ID, AsOf: today, Reward: scorer, Withheld: home})
	if report.Gain == nil { // of those four weeks little more will come
		if today >= due+trialDays {
			return h.endOffer(ctx, doc, noteDropped+report.Reasons[0].Message)
		}
		return nil
	}
	envelope, err := bundle.SealDocument(bundle.TypeGateReport, report, h.ring.Signing())
	if err != nil {
		return err
	}
	digest := episode.Digest(envelope)
	if err := h.saveSelection(ctx, digest, report.Selection); err != nil {
		return err
	}
	err = h.db.SaveDocument(ctx, sqlstore.DocumentRow{Kind: sqlstore.DocTrial, ID: digest, Parent: s.manifest.ID, Contributor: doc.Contributor, Envelope: envelope, LogIndex: -1, Note: id, MadeAt: h.cfg.Now()})
	if err != nil {
		return err
	}
	return h.endOffer(ctx, doc, noteJudged+digest)
}

// lookAt tells a contributor where its trial stands, where enough developers are in it and the last look was a while ago.
func (h *Hub) lookAt(ctx context.Context, doc sqlstore.DocumentRow, id string, st gate.Standing, today, due int64) error {
	look := instruct.Look{Day: today, Due: due, Without: instruct.Arm(st.Without), With: instruct.Arm(st.With), Difference: st.Difference}
	before, err := h.looksAt(ctx, doc.Contributor, id)
	if err != nil || !look.Shown() || len(before) > 0 && today < before[len(before)-1].Day+trialLook {
		return err
	}
	b, err := json.Marshal(look)
	if err != nil {
		return err
	}
	err = h.db.SaveDocument(ctx, sqlstore.DocumentRow{Kind: sqlstore.DocTrialLook, ID: fmt.Sprintf("%s/%d", doc.ID, today), Parent: doc.ID, Contributor: doc.Contributor, Envelope: b, LogIndex: -1, Note: id, MadeAt: h.cfg.Now()})
	if err != nil {
		return err
	}
	return h.publishOffers(ctx, doc.Contributor)
}

// looksAt are the looks at a trial, the oldest first.
func (h *Hub) looksAt(ctx context.Context, contributor, id string) (looks []instruct.Look, err error) {
	docs, err := h.db.DocumentsOf(ctx, sqlstore.DocTrialLook, contributor)
	for _, doc := range slices.Backward(docs) {
		var l instruct.Look
		if doc.Note != id {
			continue
		}
		if err := json.Unmarshal(doc.Envelope, &l); err != nil {
			return nil, err
		}
		looks = append(looks, l)
	}
	return looks, err
}

// armOf tells of a decision whether it is in the trial of a release, and whether its developer was drawn to have it.
func armOf(id string) func(*dataset.Decision) (treated, in bool) {
	return func(d *dataset.Decision) (treated, in bool) {
		return d.Chosen == instruct.With, d.Release == id && (d.Chosen == instruct.With || d.Chosen == instruct.Without)
	}
}

// retireTrials ends what was judged by records that its contributor has taken back. A trial that is not judged yet goes on with
// those that are left; and a contributor's trial rests on no other's.
func (h *Hub) retireTrials(ctx context.Context, contributor string, erased []bundle.Fate, day string) (fates []bundle.Fate, err error) {
	trials, err := h.db.DocumentsOf(ctx, sqlstore.DocTrial, contributor)
	if err != nil {
		return nil, err
	}
	for _, t := range trials {
		if !restsOn(erased, t.Parent) {
			continue
		}
		fate := bundle.Fate{Artifact: t.ID, Kind: "trial", Fate: "retired on " + day}
		offer, err := h.db.Document(ctx, sqlstore.DocInstructions, contributor+"/"+t.Note)
		if err != nil {
			return nil, err
		}
		if before, ok := strings.CutPrefix(offer.Note, noteWithdrawn); ok {
			fate.Fate = "retired on " + before
			err = h.publishOffers(ctx, contributor) // it may have been interrupted
		} else {
			err = h.endOffer(ctx, offer, noteWithdrawn+day)
		}
		if err != nil {
			return nil, err
		}
		fates = append(fates, fate)
	}
	return fates, nil
}

func (h *Hub) endOffer(ctx context.Context, doc sqlstore.DocumentRow, note string) error {
	if err := h.db.NoteDocument(ctx, sqlstore.DocInstructions, doc.ID, note); err != nil {
		return err
	}
	return h.publishOffers(ctx, doc.Contributor)
}

// publishOffers signs and logs all offers to a contributor, with what came of each, and leaves them where their edge asks.
func (h *Hub) publishOffers(ctx context.Context, contributor string) error {
	docs, err := h.db.DocumentsOf(ctx, sqlstore.DocInstructions, contributor)
	if err != nil {
		return err
	}
	var offers []instruct.Offer
	sequence := int64(0)
	for _, doc := range slices.Backward(docs) {
		var o trialOffer
		if err := json.Unmarshal(doc.Envelope, &o); err != nil {
			return err
		}
		f := instruct.Offer{ID: instruct.ID(o.Payload), Payload: o.Payload}
		if f.Looks, err = h.looksAt(ctx, contributor, f.ID); err != nil {
			return err
		}
		if o.Proposal != nil {
			f.Evidence = &o.Proposal.Difference
		}
		sequence += 1 + int64(len(f.Looks))
		if digest, ok := strings.CutPrefix(doc.Note, noteJudged); ok {
			judged, err := h.db.Document(ctx, sqlstore.DocTrial, digest)
			if err != nil {
				return err
			}
			f.Gate = judged.Envelope
		} else if why, ok := strings.CutPrefix(doc.Note, noteDropped); ok {
			f.Dropped = why
		} else if day, ok := strings.CutPrefix(doc.Note, noteWithdrawn); ok {
			f.Dropped = "records that it was judged by were withdrawn, on " + day
			sequence++ // it was judged before
		}
		if doc.Note != "" {
			sequence++
		}
		offers = append(offers, f)
	}
	envelope, err := bundle.SealDocument(bundle.TypeInstructions, instruct.NewOffers(contributor, sequence, offers), h.ring.Signing())
	if err != nil {
		return err
	}
	inclusion, err := h.logOnce(ctx, proof.KindInstructions, episode.Digest(envelope))
	if err != nil {
		return err
	}
	layers, err := withProofs(envelope, inclusion)
	if err != nil {
		return err
	}
	_, _, err = h.publish(ctx, contributor+link.Instructions, "latest", bundle.TypeInstructions, nil, layers...)
	return err
}
