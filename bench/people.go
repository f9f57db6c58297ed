// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
)

const piiSeed = 1

// listed are the kinds of synthetic-code-pii that a dictionary holds, and how the dictionary calls them.
func listed() map[string]string {
	return map[string]string{"person": "person", "username": "person", "employee": "person", "host": "host", "project": "project", "customer": "customer", "ticket": "ticket"}
}

// measurePII counts the spans of made-up code, configuration and logs that are replaced whole: of entities that a
// dictionary holds, and of all others. The dictionary has four of five entities, drawn by seed, and 10,000 that are nowhere.
func measurePII(ctx context.Context, b *bench) ([]row, error) {
	all, err := b.samples("synthetic-code-pii")
	if err != nil {
		return nil, err
	}
	if b.quick {
		all = some(all, 500)
	}
	rng := rand.New(rand.NewPCG(piiSeed, 0))
	kinds, known := listed(), map[string]bool{}
	entities := map[string]bool{}
	for _, s := range all {
		for i, at := range s.Spans {
			if kinds[s.Types[i]] != "" {
				entities[s.Types[i]+"\x00"+s.Text[at[0]:at[1]]] = true
			}
		}
	}
	var lines [][]string
	for _, e := range slices.Sorted(maps.Keys(entities)) {
		if rng.Float64() < 0.8 {
			known[e] = true
			kind, value, _ := bytes.Cut([]byte(e), []byte{0})
			lines = append(lines, []string{kinds[string(kind)], string(value)})
		}
	}
	named := len(lines)
	lines = append(lines, madeUp(rng, 10_000)...)
	path := filepath.Join(b.temp, "dictionary.csv")
	if err := writeCSV(path, lines); err != nil {
		return nil, err
	}
	docs := textsOf(all)
	ours, err := b.scrubbed(ctx, docs, "--dictionary", path)
	if err != nil {
		return nil, err
	}
	found, peerErr := b.peerScan(ctx, gitleaks, docs)
	if peerErr != nil {
		found = newScanned(len(docs))
	}
	of := func(s *scanned) map[string]share {
		sums := map[string]share{}
		for i := range all {
			union := s.union(i)
			for j, at := range all[i].Spans {
				kind := all[i].Types[j]
				group := "unlisted/" + kind
				if known[kind+"\x00"+all[i].Text[at[0]:at[1]]] {
					group = "listed/" + kind
				}
				for _, g := range []string{group, group[:bytes.IndexByte([]byte(group), '/')]} {
					k := sums[g]
					k.count(s.dropped[i] || union.whole(at))
					sums[g] = k
				}
			}
		}
		return sums
	}
	mine, his := of(ours), of(found)
	at := func(id, group, note string) row {
		s, p := mine[group], his[group]
		return beside(row{ID: id, Ours: figure(s.value()), Unit: "replaced whole", N: int(s.n), Seed: piiSeed, Note: note}, gitleaks, func(*scanned) float64 { return p.value() }, found, peerErr)
	}
	rows := []row{at("pii", "listed", fmt.Sprintf("spans of entities in the dictionary: %d of %d entities of kinds %v, and 10,000 that are in no text", named, len(entities), slices.Sorted(maps.Keys(kinds)))),
		at("pii/unlisted", "unlisted", "spans of all other entities, and of kinds that no dictionary holds")}
	for _, g := range slices.Sorted(maps.Keys(mine)) {
		if len(g) > 9 {
			rows = append(rows, at("pii/"+g, g, ""))
		}
	}
	return rows, nil
}

// madeUp are names of people, hosts, projects and customers that nobody has, some likely, each different.
func madeUp(rng *rand.Rand, n int) (lines [][]string) {
	parts := []string{"ba", "cor", "dil", "fen", "gra", "hul", "jas", "kel", "lor", "mib", "nor", "ost", "pel", "qua", "rud", "sil", "tam", "ulv", "vex", "wim", "yar", "zel"}
	word := func(n int) (w string) {
		for range n {
			w += parts[rng.IntN(len(parts))]
		}
		return w
	}
	title := func(s string) string { return string(s[0]-'a'+'A') + s[1:] }
	for i := range n {
		switch i % 5 {
		case 0, 1:
			lines = append(lines, []string{"person", title(word(2)) + " " + title(word(3))})
		case 2:
			lines = append(lines, []string{"host", fmt.Sprintf("%s-%02d.%s.corp", word(2), i%100, word(2))})
		case 3:
			lines = append(lines, []string{"project", word(2) + "-" + word(2)})
		default:
			lines = append(lines, []string{"customer", title(word(3)) + " " + title(word(2))})
		}
	}
	return lines
}

func writeCSV(path string, lines [][]string) error {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	if err := w.WriteAll(lines); err != nil {
		return err
	}
	return os.WriteFile(path, out.Bytes(), 0o600)
}
