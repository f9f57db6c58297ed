// SPDX-License-Identifier: Apache-2.0

package draw

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"strconv"
	"strings"
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

// Who fell into a share must stay there with any version: what is drawn is HMAC-SHA-256 of the parts, each after its length.
func TestADrawIsAKeyedHashThatOthersCanCompute(t *testing.T) {
	for _, key := range []string{"", "key", strings.Repeat("k", 64), strings.Repeat("k", 65)} {
		for _, parts := range [][]string{nil, {""}, {"explore", "rel_1", "ada", "s1"}, {strings.Repeat("long", 1000)}} {
			mac := hmac.New(sha256.New, []byte(key))
			for _, p := range parts {
				mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(p))))
				mac.Write([]byte(p))
			}
			if want, got := float64(binary.BigEndian.Uint64(mac.Sum(nil))>>11)/(1<<53), Fraction([]byte(key), parts...); got != want {
				t.Errorf("key of %d bytes, %d parts: drew %v, want %v", len(key), len(parts), got, want)
			}
		}
	}
	key := []byte("0123456789abcdef0123456789abcdef")
	if n := testing.AllocsPerRun(100, func() { Fraction(key, "explore", "rel_1", "ada@alder.example", "s1") }); n != 0 {
		t.Errorf("a draw allocates %v times", n)
	}
}

func BenchmarkFraction(b *testing.B) {
	key := []byte("0123456789abcdef0123456789abcdef")
	b.ReportAllocs()
	for b.Loop() {
		Fraction(key, "explore", "rel_0123456789abcdef", "ada@alder.example", "suggestion-17")
	}
}
