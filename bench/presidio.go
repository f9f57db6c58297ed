// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
)

// sharedKind is a kind of personal data by our names, by Presidio's, and by those of the labelled sets.
type sharedKind struct{ name, ours, presidio, labels string }

func sharedKinds() []sharedKind {
	return []sharedKind{
		{"person", "person user", "PERSON", "PERSON"},
		{"email", "email", "EMAIL_ADDRESS", "EMAIL_ADDRESS"},
		{"phone", "phone", "PHONE_NUMBER", "PHONE_NUMBER"},
		{"card", "card", "CREDIT_CARD", "CREDIT_CARD"},
		{"iban", "iban", "IBAN_CODE", "IBAN_CODE IBAN"},
		{"ip", "ip", "IP_ADDRESS", "IP_ADDRESS"},
		{"place", "location address", "LOCATION", "LOCATION GPE ADDRESS STREET_ADDRESS ZIP_CODE"},
		{"organisation", "organisation customer", "ORGANIZATION", "ORGANIZATION"},
		{"national_id", "national_id", "US_SSN US_ITIN US_PASSPORT US_DRIVER_LICENSE UK_NHS", "US_SSN US_ITIN US_PASSPORT US_DRIVER_LICENSE UK_NHS"},
	}
}

// measurePresidio compares the spans that are found with the labelled ones, whatever they are called, and by kind where both
// know it, beside Presidio. A span counts as right when half of it at least is in a labelled one, and a labelled one as found
// when half of it is in what was found.
func measurePresidio(ctx context.Context, b *bench) ([]row, error) {
	var rows []row
	for _, set := range []string{"research", "tests"} {
		all, err := b.samples("presidio-" + set)
		if err != nil {
			return rows, err
		}
		all = slices.DeleteFunc(all, func(s sample) bool { return s.Label == "pii" && len(s.all()) == 0 || s.Grade == "rule-negative" })
		if b.quick {
			all = some(all, 300)
		}
		docs := textsOf(all)
		ours, err := b.scrubbed(ctx, docs)
		if err != nil {
			return rows, err
		}
		found, peerErr := b.peerScan(ctx, presidio, docs)
		threshold := 0.0
		if peerErr == nil {
			threshold = bestThreshold(all, found)
			found = found.above(threshold)
		}
		id := "presidio/" + set
		mine := agreement(all, ours, nil)
		r := row{ID: id, Ours: figure(mine.f1()), Unit: "span F1", N: len(all), Note: fmt.Sprintf("label-agnostic; precision %.3f, recall %.3f", mine.right.value(), mine.found.value())}
		if peerErr == nil {
			his := agreement(all, found, nil)
			r.Note += fmt.Sprintf("; the peer at the score that is best for it, %.2f: precision %.3f, recall %.3f, %.0f s of processor time", threshold, his.right.value(), his.found.value(), found.cpu)
		}
		rows = append(rows, beside(r, presidio, func(s *scanned) float64 { return agreement(all, s, nil).f1() }, found, peerErr))
		chars := row{ID: id + "/bytes", Ours: figure(bytesF1(all, ours)), Unit: "byte F1", N: len(all), Note: "label-agnostic, by bytes"}
		rows = append(rows, beside(chars, presidio, func(s *scanned) float64 { return bytesF1(all, s) }, found, peerErr))
		for _, k := range sharedKinds() {
			mine := agreement(all, ours.only(k.ours), strings.Fields(k.labels))
			if mine.found.n == 0 {
				continue
			}
			r := row{ID: id + "/" + k.name, Ours: figure(mine.f1()), Unit: "span F1", N: int(mine.found.n), Note: fmt.Sprintf("precision %.3f, recall %.3f", mine.right.value(), mine.found.value())}
			rows = append(rows, beside(r, presidio, func(s *scanned) float64 { return agreement(all, s.only(k.presidio), strings.Fields(k.labels)).f1() }, found, peerErr))
		}
	}
	if b.quick {
		return rows, nil // each start of the peer takes its seconds
	}
	wnut, err := b.measureWNUT(ctx)
	return append(rows, wnut...), err
}

// measureWNUT counts the persons found in noisy text, where nothing but their names is labelled.
func (b *bench) measureWNUT(ctx context.Context) ([]row, error) {
	all, err := b.samples("wnut17")
	if err != nil {
		return nil, err
	}
	if b.quick {
		all = some(all, 300)
	}
	docs := textsOf(all)
	ours, err := b.scrubbed(ctx, docs)
	if err != nil {
		return nil, err
	}
	persons := func(s *scanned) (found, clean share) {
		for i := range all {
			union := s.union(i)
			for _, at := range all[i].all() {
				found.count(s.dropped[i] || 2*union.within(at) >= at[1]-at[0])
			}
			if all[i].Label == "clean" {
				clean.count(s.dropped[i] || len(join(s.only("person PERSON user").found[i])) > 0)
			}
		}
		return found, clean
	}
	mine, flagged := persons(ours)
	r := row{ID: "presidio/wnut17", Ours: figure(mine.value()), Unit: "of persons found", N: int(mine.n), Note: fmt.Sprintf("a person is seen in %.3f of the sentences without an entity", flagged.value())}
	found, err := b.peerScan(ctx, presidio, docs)
	if err == nil {
		_, flagged := persons(found)
		r.Note += fmt.Sprintf(", by the peer in %.3f", flagged.value())
	}
	return []row{beside(r, presidio, func(s *scanned) float64 { p, _ := persons(s); return p.value() }, found, err)}, nil
}

// agreed is how far what was found and what is labelled are the same.
type agreed struct{ right, found share }

func (a agreed) f1() float64 { return f1(a.right.value(), a.found.value()) }

func f1(precision, recall float64) float64 {
	if precision+recall == 0 {
		return 0
	}
	return 2 * precision * recall / (precision + recall)
}

// agreement compares, as far as labels are of the kinds; of all where there are none. In a text with labels of no such kind
// what was found is wrong.
func agreement(all []sample, s *scanned, kinds []string) (a agreed) {
	for i := range all {
		labelled := labelledAs(&all[i], kinds)
		found := s.union(i)
		if s.dropped[i] {
			found = spans{{0, len(all[i].Text)}}
		}
		for _, at := range labelled {
			a.found.count(2*found.within(at) >= at[1]-at[0])
		}
		gold := join(asFindings(labelled))
		for _, at := range separate(s.found[i]) {
			a.right.count(2*gold.within(at) >= at[1]-at[0])
		}
	}
	return a
}

// separate are findings as spans, of two that overlap the longer one only.
func separate(found []finding) (all spans) {
	sorted := slices.Clone(found)
	slices.SortStableFunc(sorted, func(a, b finding) int { return cmp.Compare(b.End-b.Start, a.End-a.Start) })
	for _, f := range sorted {
		if at := (span{f.Start, f.End}); !slices.ContainsFunc(all, func(o span) bool { return o[0] < at[1] && at[0] < o[1] }) {
			all = append(all, at)
		}
	}
	return all
}

func labelledAs(s *sample, kinds []string) []span {
	if kinds == nil {
		return s.all()
	}
	var some []span
	for j, at := range s.all() {
		kind := s.Kind
		if j < len(s.Types) {
			kind = s.Types[j]
		}
		if slices.Contains(kinds, kind) {
			some = append(some, at)
		}
	}
	return some
}

func asFindings(all []span) []finding {
	out := make([]finding, len(all))
	for i, at := range all {
		out[i] = finding{Start: at[0], End: at[1]}
	}
	return out
}

func bytesF1(all []sample, s *scanned) float64 {
	var right, found share
	for i := range all {
		gold, union := join(asFindings(all[i].all())), s.union(i)
		both := 0
		for _, at := range gold {
			both += union.within(at)
		}
		right.part, right.n = right.part+float64(both), right.n+float64(union.size())
		found.part, found.n = found.part+float64(both), found.n+float64(gold.size())
	}
	return f1(right.value(), found.value())
}

// only are the findings of some kinds, separated by spaces.
func (s *scanned) only(kinds string) *scanned {
	want := strings.Fields(kinds)
	return s.where(func(f finding) bool { return slices.Contains(want, f.Kind) })
}

// above are the findings with a score.
func (s *scanned) above(score float64) *scanned {
	return s.where(func(f finding) bool { return f.Score >= score })
}

func (s *scanned) where(keep func(finding) bool) *scanned {
	out := newScanned(len(s.found))
	out.cpu, out.dropped = s.cpu, s.dropped
	for i, all := range s.found {
		for _, f := range all {
			if keep(f) {
				out.found[i] = append(out.found[i], f)
			}
		}
	}
	return out
}

// bestThreshold is the score from which on a peer's findings agree best with the labels.
func bestThreshold(all []sample, s *scanned) float64 {
	best, at := -1.0, 0.0
	for _, t := range []float64{0, 0.1, 0.3, 0.35, 0.4, 0.5, 0.6, 0.8} {
		if f := agreement(all, s.above(t), nil).f1(); f > best {
			best, at = f, t
		}
	}
	return at
}
