// SPDX-License-Identifier: Apache-2.0

package dataset

// Clusters numbers the developers behind rows. A developer's pseudonym is unique within a contributor only.
type Clusters struct {
	Of []int // by row
	N  int
}

// person is one developer of one contributor.
type person struct{ contributor, developer string }

// ByDeveloper groups rows by developer.
func ByDeveloper(rows []Decision) Clusters {
	c, seen := Clusters{Of: make([]int, len(rows))}, map[person]int{}
	for i := range rows {
		p := person{rows[i].Contributor, rows[i].Developer}
		k, ok := seen[p]
		if !ok {
			k = len(seen)
			seen[p] = k
		}
		c.Of[i] = k
	}
	c.N = len(seen)
	return c
}

// Split returns the rows for which held reports true, and the others, in order.
func Split(rows []Decision, held func(contributor, developer string) bool) (heldOut, train []Decision) {
	seen := map[person]bool{}
	for i := range rows {
		p := person{rows[i].Contributor, rows[i].Developer}
		is, ok := seen[p]
		if !ok {
			is = held(p.contributor, p.developer)
			seen[p] = is
		}
		if is {
			heldOut = append(heldOut, rows[i])
		} else {
			train = append(train, rows[i])
		}
	}
	return heldOut, train
}
