// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// listedAs gives the dictionary's kind for each kind of the labelled data. Secrets are not for a dictionary.
func listedAs(kind string) string {
	return map[string]string{"person": "person", "username": "user", "employee": "person", "email": "email", "host": "host", "ipv4": "ip", "ipv6": "ip",
		"url": "url", "customer": "customer", "ticket": "ticket", "iban": "iban", "phone": "phone", "dob": "birth_date", "ssn": "national_id", "card": "card",
		"address": "address", "path": "path", "awsacct": "account"}[kind]
}

// An enterprise that lists four fifths of its people, hosts, customers and numbers, beside ten thousand others.
func TestListedPersonalDataIsFoundInCode(t *testing.T) {
	values := map[string]map[string]bool{}
	eachSample(t, "synthetic-code-pii.jsonl.gz", func(x sample) {
		for i, span := range x.Spans {
			k := x.Types[i]
			if values[k] == nil {
				values[k] = map[string]bool{}
			}
			values[k][x.Text[span[0]:span[1]]] = true
		}
	})
	r := rand.New(rand.NewPCG(80, 20))
	listed := map[string]bool{}
	var csv strings.Builder
	for _, k := range slices.Sorted(maps.Keys(values)) {
		all := slices.Sorted(maps.Keys(values[k]))
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		if listedAs(k) == "" {
			continue
		}
		for _, v := range all[:len(all)*4/5] {
			listed[k+v] = true
			fmt.Fprintf(&csv, "%s,\"%s\"\n", listedAs(k), strings.ReplaceAll(v, `"`, `""`))
		}
	}
	csv.Write(million(10_000))
	s := newScrubber(t, Config{Dictionary: readDictionary(t, csv.String())})
	n, hit := map[string]int{}, map[string]int{}
	eachSample(t, "synthetic-code-pii.jsonl.gz", func(x sample) {
		_, found, err := s.Text(nil, []byte(x.Text))
		if err != nil {
			t.Fatal(err)
		}
		for i, span := range x.Spans {
			k, v := x.Types[i], x.Text[span[0]:span[1]]
			switch {
			case listedAs(k) == "":
				k += " (a secret)"
			case !listed[k+v]:
				k += " unlisted"
			}
			n[k]++
			_, touched := covered(found, span)
			if blotted(x.Text, found, span) || k == "path" && touched { // of a path, what is private goes
				hit[k]++
			} else if listed[k+v] && testing.Verbose() && hit["shown"+k] < 5 {
				hit["shown"+k]++
				t.Logf("%s: %q in %q", k, v, x.Text)
			}
		}
	})
	var all, got int
	for _, k := range slices.Sorted(maps.Keys(n)) {
		t.Logf("%-20s %5d spans, %.3f", k, n[k], float64(hit[k])/float64(n[k]))
		if listedAs(k) != "" {
			all, got = all+n[k], got+hit[k]
			if float64(hit[k]) < 0.95*float64(n[k]) {
				t.Errorf("%s: %d of %d listed", k, hit[k], n[k])
			}
		}
	}
	t.Logf("listed: %.4f of %d", float64(got)/float64(all), all)
}

// blotted reports whether every letter and digit of a span was replaced.
func blotted(text string, found []Finding, span [2]int) bool {
	for i := span[0]; i < span[1]; i++ {
		if at([]byte(text), i)&isAlnum == 0 {
			continue
		}
		if !slices.ContainsFunc(found, func(f Finding) bool { return f.Start <= i && i < f.End }) {
			return false
		}
	}
	return true
}
