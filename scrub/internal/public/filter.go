// SPDX-License-Identifier: Apache-2.0

package public

import (
	_ "embed"
	"encoding/binary"
	"errors"
	"math/bits"
)

// filter is an xor filter (Graf and Lemire 2020): a byte of seed, then three blocks of 16-bit cells. A word is in it
// where the cells that its hash names, one in each block, make up the hash's own 16 bits.
//
//go:embed words.xor
var filter string

func contains(filter string, hash uint64) bool {
	if len(filter) < 7 {
		return false
	}
	h := mix(hash, filter)
	a, b, c := cells(h, (len(filter)-1)/6)
	return cell(filter, a)^cell(filter, b)^cell(filter, c) == uint16(h)
}

// mix spreads a hash together with the filter's seed (the finalizer of MurmurHash3).
func mix(h uint64, filter string) uint64 {
	h += uint64(filter[0])
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// cells returns the cell of a hash in each of three blocks of n.
func cells(h uint64, n int) (a, b, c int) {
	at := func(h uint64) int {
		hi, _ := bits.Mul64(h, uint64(n))
		return int(hi)
	}
	return at(h), n + at(bits.RotateLeft64(h, 21)), 2*n + at(bits.RotateLeft64(h, 42))
}

func cell(filter string, i int) uint16 {
	i = 1 + 2*i
	return uint16(filter[i]) | uint16(filter[i+1])<<8
}

// Filter returns a filter of these words, which must be apart. It is for the program that makes the list.
func Filter(words []string) ([]byte, error) {
	n := (len(words)*123/100+32)/3 + 1
	for seed := range 256 {
		f := make([]byte, 1+6*n)
		f[0] = byte(seed)
		if fill(f, words, n) {
			return f, nil
		}
	}
	return nil, errors.New("no seed fits: is a word there twice?")
}

// fill sets the cells, or reports false where the seed does not fit: each word in turn is the only one left of some cell,
// and in the opposite order that cell is set to suit it.
func fill(f []byte, words []string, n int) bool {
	count, sum := make([]int, 3*n), make([]uint64, 3*n)
	for _, w := range words {
		h := mix(hash(w), string(f[:1]))
		a, b, c := cells(h, n)
		for _, i := range [...]int{a, b, c} {
			count[i]++
			sum[i] ^= h
		}
	}
	type alone struct {
		cell int
		hash uint64
	}
	var queue []int
	for i := range count {
		if count[i] == 1 {
			queue = append(queue, i)
		}
	}
	order := make([]alone, 0, len(words))
	for len(queue) > 0 {
		i := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if count[i] != 1 {
			continue
		}
		h := sum[i]
		order = append(order, alone{i, h})
		a, b, c := cells(h, n)
		for _, j := range [...]int{a, b, c} {
			sum[j] ^= h
			if count[j]--; count[j] == 1 {
				queue = append(queue, j)
			}
		}
	}
	if len(order) < len(words) {
		return false
	}
	for k := len(order) - 1; k >= 0; k-- {
		h := order[k].hash
		a, b, c := cells(h, n)
		v := uint16(h)
		for _, j := range [...]int{a, b, c} {
			if j != order[k].cell {
				v ^= binary.LittleEndian.Uint16(f[1+2*j:])
			}
		}
		binary.LittleEndian.PutUint16(f[1+2*order[k].cell:], v)
	}
	return true
}

func hash(word string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(word) {
		h = (h ^ uint64(word[i]|0x20)) * 1099511628211
	}
	return h
}
