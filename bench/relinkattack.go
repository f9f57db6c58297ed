// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"slices"
	"strings"
)

// attack is what the attacker holds: records that left, in the order in which a bundle has them (none), and a log, each line
// of it with its account, lowered by the same tables. The shared quantities of a record are its cell.
type attack struct {
	left   []attackRecord
	truth  []int // account of each record that left: known to the game only
	log    []map[int]int
	inCell []map[int]int // by cell, how many lines of each account
	total  []int         // lines of an account
	names  map[string]int

	accounts int
	values   map[string]map[string]int // by name of a quantity, how often each value
}

type attackRecord struct {
	cell               int
	developer, session string
}

func newAttack(left, log []map[string]any, accounts []string, v view) *attack {
	a := &attack{names: map[string]int{}, values: map[string]map[string]int{}}
	number := map[string]int{}
	account := func(name string) int {
		if _, ok := number[name]; !ok {
			number[name] = len(number)
			a.log, a.total = append(a.log, map[int]int{}), append(a.total, 0)
		}
		return number[name]
	}
	medians := map[string]float64{}
	if v.halves {
		medians = mediansOf(left)
	}
	for i, e := range log {
		who, cell := account(accounts[i]), a.cell(v.quantities(e, medians))
		a.log[who][cell]++
		a.inCell[cell][who]++
		a.total[who]++
	}
	a.accounts = len(number)
	text := func(v any) string { s, _ := v.(string); return s }
	for i, e := range left {
		q := v.quantities(e, medians)
		for _, x := range q {
			name, value, _ := strings.Cut(x, "=")
			if a.values[name] == nil {
				a.values[name] = map[string]int{}
			}
			a.values[name][value]++
		}
		r := attackRecord{a.cell(q), text(e["developer"]), text(e["session"])}
		if v.noSession {
			r.session = ""
		}
		switch {
		case v.groups < 0:
			r.developer = ""
		case v.groups > 0 && r.developer != "":
			h := fnv.New32a()
			io.WriteString(h, r.developer)
			r.developer = fmt.Sprint("group ", h.Sum32()%uint32(v.groups))
		}
		a.left = append(a.left, r)
		a.truth = append(a.truth, number[accounts[i]])
	}
	return a
}

func (a *attack) cell(q []string) int {
	name := strings.Join(q, "\n")
	n, ok := a.names[name]
	if !ok {
		n = len(a.names)
		a.names[name] = n
		a.inCell = append(a.inCell, map[int]int{})
	}
	return n
}

// cells counts the different records.
func (a *attack) cells() int {
	seen := map[int]bool{}
	for _, r := range a.left {
		seen[r.cell] = true
	}
	return len(seen)
}

// chance is the share of records that somebody joins right who has only how many requests each account made, and names the
// busiest.
func (a *attack) chance() float64 {
	return float64(slices.Max(a.total)) / float64(len(a.left))
}

// telling names the quantities that tell most, by the entropy of their values.
func (a *attack) telling(n int) (names []string) {
	bits := map[string]float64{}
	for name, values := range a.values {
		total := 0
		for _, n := range values {
			total += n
		}
		for _, n := range values {
			p := float64(n) / float64(total)
			bits[name] -= p * math.Log2(p)
		}
		names = append(names, name)
	}
	slices.SortFunc(names, func(x, y string) int { return cmp.Or(cmp.Compare(bits[y], bits[x]), cmp.Compare(x, y)) })
	names = names[:min(n, len(names))]
	for i, name := range names {
		names[i] = fmt.Sprintf("%s %.1f bits", name, bits[name])
	}
	return names
}

// joined is how much of what left an attack joins to the right account.
type joined struct {
	records float64
	groups  share // of the groups that it takes together
}

type way struct {
	name string
	run  func() joined
}

// ways are the attacks. Matching the nearest time is among them: the time, cut down as it leaves, is one of a cell's quantities, and
// nothing else of the order is left.
func (a *attack) ways() []way {
	all := []way{{"each record by itself, most likely account", a.alone}}
	for _, by := range []struct {
		name string
		of   func(attackRecord) string
	}{{"all of a pseudonymous developer", func(r attackRecord) string { return r.developer }}, {"all of a session", func(r attackRecord) string { return r.session }}} {
		groups := a.groups(by.of)
		if len(groups) < 2 {
			continue
		}
		all = append(all, way{by.name + ", most likely account", func() joined { return a.together(groups, false) }},
			way{by.name + ", assigned one by one", func() joined { return a.together(groups, true) }},
			way{by.name + ", each record to the likeliest account in it", func() joined { return a.members(groups) }})
	}
	return all
}

// alone names for each record the account with the most lines of the same quantities.
func (a *attack) alone() joined {
	right := 0
	for i, r := range a.left {
		right += index01(likeliest(a.inCell[r.cell], func(who, n int) float64 { return float64(n) + float64(who)*1e-9 }) == a.truth[i])
	}
	return joined{records: float64(right) / float64(len(a.left))}
}

func index01(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// likeliest is the key with the highest score, -1 of none.
func likeliest(of map[int]int, score func(k, n int) float64) int {
	best, at := math.Inf(-1), -1
	for k, n := range of {
		if s := score(k, n); s > best || s == best && k < at {
			best, at = s, k
		}
	}
	return at
}

// group is the records that carry the same pseudonym.
type group struct {
	records []int
	cells   map[int]int
}

func (a *attack) groups(of func(attackRecord) string) (all []group) {
	at := map[string]int{}
	for i, r := range a.left {
		name := of(r)
		if name == "" {
			continue
		}
		if _, ok := at[name]; !ok {
			at[name] = len(all)
			all = append(all, group{cells: map[int]int{}})
		}
		g := &all[at[name]]
		g.records = append(g.records, i)
		g.cells[r.cell]++
	}
	return all
}

// scores is how much likelier a group is of each account that shares a cell with it than of anybody: the log-likelihood of its cells
// under the account's lines, smoothed by everybody's, and of their number.
func (a *attack) scores(g group) map[int]float64 {
	const own = 0.98 // weight of an account's own lines
	all := float64(len(a.left))
	scores := map[int]float64{}
	for cell, n := range g.cells {
		everybody := 0
		for _, m := range a.inCell[cell] {
			everybody += m
		}
		base := (1 - own) * float64(everybody) / all
		for who, m := range a.inCell[cell] {
			scores[who] += float64(n) * math.Log((own*float64(m)/float64(a.total[who])+base)/base)
		}
	}
	for who := range scores {
		d := float64(a.total[who] - len(g.records))
		scores[who] -= math.Abs(d) * 0.2
	}
	return scores
}

// together joins each group to its likeliest account; once an account is taken, others go to their next, if each has one only.
func (a *attack) together(groups []group, once bool) joined {
	type pair struct {
		group, account int
		score          float64
	}
	var pairs []pair
	for g := range groups {
		scores := a.scores(groups[g])
		for who, s := range scores {
			pairs = append(pairs, pair{g, who, s})
		}
	}
	slices.SortFunc(pairs, func(x, y pair) int {
		return cmp.Or(cmp.Compare(y.score, x.score), cmp.Compare(x.group, y.group), cmp.Compare(x.account, y.account))
	})
	given, taken := map[int]int{}, map[int]bool{}
	for _, p := range pairs {
		if _, done := given[p.group]; done || once && taken[p.account] {
			continue
		}
		given[p.group], taken[p.account] = p.account, true
	}
	var out joined
	right := 0
	for g, who := range given {
		n := 0
		for _, i := range groups[g].records {
			n += index01(a.truth[i] == who)
		}
		right += n
		out.groups.count(2*n > len(groups[g].records))
	}
	out.records = float64(right) / float64(len(a.left))
	return out
}

// members takes a group for several accounts' records. An account is the likelier in it the more of its lines' quantities are
// frequent there beside what chance puts there; each record then goes to the likeliest account that has such a line.
func (a *attack) members(groups []group) joined {
	right := 0
	for _, g := range groups {
		scores := a.scores(g)
		var likely []int
		for who := range scores {
			likely = append(likely, who)
			scores[who] = 0
		}
		// How much of an account's own history is in the group, beside what chance puts there.
		all := float64(len(a.left))
		for _, who := range likely {
			for cell, m := range a.log[who] {
				everybody := 0
				for _, k := range a.inCell[cell] {
					everybody += k
				}
				expected := float64(everybody) * float64(len(g.records)) / all
				scores[who] += float64(m) * math.Log((float64(g.cells[cell])+0.1)/(expected+0.1))
			}
		}
		// The likeliest account of a record has many such lines and is likely in the group.
		for _, i := range g.records {
			at := likeliest(a.inCell[a.left[i].cell], func(who, n int) float64 { return math.Log(float64(n)) + min(20, scores[who]) })
			right += index01(at == a.truth[i])
		}
	}
	return joined{records: float64(right) / float64(len(a.left))}
}
