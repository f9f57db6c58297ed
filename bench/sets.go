// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// secretSets are the labelled sets of secrets besides creddata.
func secretSets() []string {
	return []string{"gitleaks", "kingfisher", "noseyparker", "detect-secrets", "ibm-detect-secrets", "secretlint", "ghas-custom-patterns"}
}

// measureSets counts the positives of which anything is replaced, those of which every labelled byte is, and the kinds of which
// gitleaks keeps back more whole. Some labels hold more than the secret: its name and sign, the URL around it.
func measureSets(ctx context.Context, b *bench) ([]row, error) {
	var rows []row
	var below []string
	kinds := 0
	var noPeer error
	for _, name := range secretSets() {
		all, err := b.samples(name)
		if err != nil {
			return rows, err
		}
		all = slices.DeleteFunc(all, func(s sample) bool { return s.Grade != "positive" || s.Label == "clean" })
		if b.quick {
			all = some(all, 100)
		}
		docs := textsOf(all)
		ours, err := b.scrubbed(ctx, docs)
		if err != nil {
			return rows, err
		}
		mine, touched := kept(all, ours), touchedOf(all, ours)
		r := row{ID: "sets/" + name, Ours: figure(touched.value()), Unit: "found", N: len(all)}
		whole := row{ID: "sets/" + name + "/whole", Ours: figure(mine.value()), Unit: "replaced whole", N: len(all)}
		found, err := b.peerScan(ctx, gitleaks, docs)
		r = beside(r, gitleaks, func(s *scanned) float64 { k := touchedOf(all, s); return k.value() }, found, err)
		whole = beside(whole, gitleaks, func(s *scanned) float64 { k := kept(all, s); return k.value() }, found, err)
		if err != nil {
			noPeer = err
		} else {
			has, his := byKind(all, ours), byKind(all, found)
			kinds += len(has)
			for kind, s := range has {
				if his[kind].part > s.part {
					below = append(below, fmt.Sprintf("%s %s %.0f<%.0f of %.0f", name, kind, s.part, his[kind].part, s.n))
				}
			}
		}
		for _, peer := range []string{credSweeper, detectSecrets} {
			if b.quick {
				continue
			}
			if found, err := b.peerScan(ctx, peer, docs); err != nil {
				r.Note = strings.TrimPrefix(fmt.Sprintf("%s; %s not measured: %v", r.Note, peer, err), "; ")
			} else {
				k, w := touchedOf(all, found), kept(all, found)
				r.Note = strings.TrimPrefix(fmt.Sprintf("%s; %s %.3f", r.Note, peerName(peer), k.value()), "; ")
				whole.Note = strings.TrimPrefix(fmt.Sprintf("%s; %s %.3f", whole.Note, peerName(peer), w.value()), "; ")
			}
		}
		rows = append(rows, r, whole)
	}
	r := row{ID: "sets/below-gitleaks", Unit: "kinds", N: kinds, PeerName: peerName(gitleaks)}
	if noPeer != nil {
		r.Note = "peer not measured: " + noPeer.Error()
		return append(rows, r), nil
	}
	slices.Sort(below)
	r.Ours, r.Note = figure(float64(len(below))), strings.Join(below, ", ")
	return append(rows, r), nil
}

func kept(all []sample, s *scanned) (k share) {
	for i := range all {
		k.count(keptBack(&all[i], s.union(i), s.dropped[i]))
	}
	return k
}

func touchedOf(all []sample, s *scanned) (k share) {
	for i := range all {
		found := s.union(i)
		labelled := all[i].all()
		k.count(s.dropped[i] || len(labelled) == 0 && len(found) > 0 || slices.ContainsFunc(labelled, found.touched))
	}
	return k
}

func byKind(all []sample, s *scanned) map[string]share {
	kinds := map[string]share{}
	for i := range all {
		k := kinds[all[i].Kind]
		k.count(keptBack(&all[i], s.union(i), s.dropped[i]))
		kinds[all[i].Kind] = k
	}
	return kinds
}
