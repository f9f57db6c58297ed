// SPDX-License-Identifier: Apache-2.0

package linear

import (
	"cmp"
	"maps"
	"math"
	"slices"
)

// Example is what a score is learned from. Label is the probability to be predicted, or what came of it: 0 … 1.
type Example struct {
	Features map[string]any // number (float64), bool or enum (string)
	Label    float64
	Weight   float64
}

const (
	minSeen = 20      // a value that fewer examples have is not told apart from an unknown one
	sampled = 200_000 // examples that terms are fitted to, evenly spread
)

// NewTerms fits terms to examples: every feature of theirs, by name, with the scale of each number and the values of each
// listed one. Crosses whose features are not there are left out.
func NewTerms(examples []Example, crosses []Cross) *Terms {
	n := min(len(examples), sampled)
	numbers, bools, enums := map[string][]float64{}, map[string]bool{}, map[string]map[string]int{}
	for k := range n {
		for name, v := range examples[int64(k)*int64(len(examples))/int64(n)].Features {
			switch v := v.(type) {
			case float64:
				if v-v == 0 {
					numbers[name] = append(numbers[name], squash(v))
				}
			case bool:
				bools[name] = true
			case string:
				if enums[name] == nil {
					enums[name] = map[string]int{}
				}
				enums[name][v]++
			}
		}
	}
	t := new(Terms)
	for _, name := range slices.Sorted(maps.Keys(numbers)) {
		if x, ok := scale(name, numbers[name], n); ok && len(t.Numbers) < maxNumbers {
			t.Numbers = append(t.Numbers, x)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(bools)) {
		if len(t.Bools) < maxBools {
			t.Bools = append(t.Bools, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(enums)) {
		if e := (Enum{Name: name, Values: common(enums[name])}); len(e.Values) > 0 && len(t.Enums) < maxEnums {
			t.Enums = append(t.Enums, e)
		}
	}
	for _, c := range crosses {
		if t.enum(c.Enum) >= 0 && t.number(c.Number) >= 0 && len(t.Crosses) < maxCrosses {
			t.Crosses = append(t.Crosses, c)
		}
	}
	t.index()
	return t
}

// scale standardises a number and puts a knot at each quartile, where its effect may bend.
func scale(name string, v []float64, all int) (Number, bool) {
	slices.Sort(v)
	var sum, squares float64
	for _, x := range v {
		sum += x
	}
	mean := sum / float64(len(v))
	for _, x := range v {
		squares += float64((x - mean) * (x - mean))
	}
	n := Number{Name: name, Mean: mean, Scale: math.Sqrt(squares / float64(len(v))), Gaps: len(v) < all}
	if n.Scale < 1e-9 || len(v) < minSeen {
		return n, false // always the same, or hardly ever there
	}
	for _, q := range []int{1, 2, 3} {
		knot := (v[len(v)*q/4] - mean) / n.Scale
		if k := len(n.Knots); knot < (v[len(v)-1]-mean)/n.Scale && knot > (v[0]-mean)/n.Scale && (k == 0 || knot > n.Knots[k-1]) {
			n.Knots = append(n.Knots, knot)
		}
	}
	return n, true
}

// common returns the values seen often, sorted; the most frequent where there are too many.
func common(seen map[string]int) []string {
	values := slices.SortedFunc(maps.Keys(seen), func(a, b string) int {
		return cmp.Or(cmp.Compare(seen[b], seen[a]), cmp.Compare(a, b))
	})
	n := 0
	for n < len(values) && n < maxValues && seen[values[n]] >= minSeen {
		n++
	}
	slices.Sort(values[:n])
	return values[:n:n]
}

// Row adds an example's terms to r.
func (t *Terms) Row(features map[string]any, r *Row) {
	e := encoded{numbers: make([]float64, len(t.Numbers)), enums: make([]int8, len(t.Enums))}
	e.bools = t.read(features, e.numbers, e.enums)
	t.expand(&e, r.Add)
}

// Fit finds the weights that make the examples likely, less penalty/2·Σw² over all but the first. It returns their mean
// loss and the number of Newton's steps, too.
func (t *Terms) Fit(examples []Example, penalty float64) (weights []float64, loss float64, steps int) {
	n, numbers, enums := len(examples), len(t.Numbers), len(t.Enums)
	all := struct { // read once, in little memory: a million examples of ten numbers are 90 MB
		numbers []float64
		bools   []uint32
		enums   []int8
	}{make([]float64, n*numbers), make([]uint32, n), make([]int8, n*enums)}
	sharded(n, func(_, from, to int) {
		for i := from; i < to; i++ {
			all.bools[i] = t.read(examples[i].Features, all.numbers[i*numbers:(i+1)*numbers], all.enums[i*enums:(i+1)*enums])
		}
	})
	p := Problem{Rows: n, Terms: t.count, Free: 1, Penalty: penalty,
		Row: func(i int, r *Row) (label, weight float64) {
			t.expand(&encoded{all.numbers[i*numbers : (i+1)*numbers], all.bools[i], all.enums[i*enums : (i+1)*enums]}, r.Add)
			return examples[i].Label, examples[i].Weight
		}}
	return p.Newton()
}
