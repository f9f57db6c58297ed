// SPDX-License-Identifier: Apache-2.0

package draw

import (
	"math"
	"strconv"
	"testing"
)

func TestADrawIsEvenAndItsPartsDoNotRunTogether(t *testing.T) {
	const n, bins = 100_000, 20
	var seen [bins]int
	for i := range n {
		f := Fraction([]byte("key"), "who", strconv.Itoa(i))
		if !(f >= 0 && f < 1) {
			t.Fatalf("drew %v", f)
		}
		seen[int(f*bins)]++
	}
	for b, got := range seen {
		if math.Abs(float64(got)-n/bins) > 5*math.Sqrt(n/bins) {
			t.Errorf("%d of %d fell into bin %d of %d", got, n, b, bins)
		}
	}
	if Fraction(nil, "ab", "c") == Fraction(nil, "a", "bc") {
		t.Error("parts run together")
	}
	if Fraction([]byte("one"), "a") == Fraction([]byte("two"), "a") || Fraction(nil, "a") != Fraction(nil, "a") {
		t.Error("a draw follows from key and parts, and from nothing else")
	}
}
