// SPDX-License-Identifier: Apache-2.0

package hashed

import (
	"cmp"
	"math"
	"slices"

	"github.com/headrace/headrace/internal/learn/portable"
)

const (
	offset32 = 2166136261
	prime32  = 16777619
	bias     = 11650396 // the index of the constant
)

// Hash returns the index of a name within a group of features: FNV-1a over its bytes, started by the group, which is 0 or
// another hash.
func Hash(group uint32, name string) uint32 {
	h := group ^ offset32
	for i := range len(name) {
		h = (h ^ uint32(name[i])) * prime32
	}
	return h
}

// Constant is the feature that every example has.
func Constant() Feature { return Feature{Index: bias, Value: 1} }

// Append appends the features of one group, sorted by index: for a number its name, with sign(x)·ln(1+|x|); for a
// yes-or-no feature that is true its name; for a listed one the hash of its value in the group of its name. Anything else
// counts as missing. It does not allocate where to has room.
func Append(to []Feature, group uint32, features map[string]any) []Feature {
	start := len(to)
	for name, v := range features {
		switch v := v.(type) {
		case float64:
			if x := float32(math.Copysign(portable.Log1p(math.Abs(v)), v)); x-x == 0 && x != 0 {
				to = append(to, Feature{Hash(group, name), x})
			}
		case bool:
			if v {
				to = append(to, Feature{Hash(group, name), 1})
			}
		case string:
			to = append(to, Feature{Hash(Hash(group, name), v), 1})
		}
	}
	// A map has no order, and sums depend on it. Equal indexes are as good as never, and then in order of value.
	slices.SortFunc(to[start:], func(a, b Feature) int {
		return cmp.Or(cmp.Compare(a.Index, b.Index), cmp.Compare(a.Value, b.Value))
	})
	return to
}

// Cross appends the product of each feature of a with each of b.
func Cross(to, a, b []Feature) []Feature {
	for _, f := range a {
		for _, g := range b {
			to = append(to, Product(f, g))
		}
	}
	return to
}

// Product is the product of two features; which comes first tells in the index.
func Product(f, g Feature) Feature { return Feature{f.Index*prime32 ^ g.Index, f.Value * g.Value} }
