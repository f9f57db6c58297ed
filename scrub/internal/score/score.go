// SPDX-License-Identifier: Apache-2.0

// Package score knows how random a run of letters and digits looks, and how much a finding of the filter resembles a
// secret.
//
// [Bigrams] is how surprising a byte is after the one before it in names and words of source code. [Score] is a linear
// model over hashed features of a finding and of the few bytes around it: what it is made of, the words in it, the
// words before it. The profile balanced drops what scores low; strict never asks. It was trained by scrub/internal/score/train
// on labelled lines of real files, none of which are in it: weights.bin holds one byte for each hash of a feature.
package score

import _ "embed"

// Symbols is the number of symbols of [Bigrams].
const Symbols = 54

// Bigrams has a row of surprises, in sixteenths of a bit, for each symbol: one for each symbol that may come next. The
// command beside this package makes it.
//
//go:embed bigrams.bin
var Bigrams string

// Symbol numbers the letters, counts all digits as one, and everything else as a border.
var Symbol = func() (t [256]uint8) {
	for c := range byte(26) {
		t['a'+c], t['A'+c] = 1+c, 27+c
	}
	for c := range byte(10) {
		t['0'+c] = Symbols - 1
	}
	return t
}()

// Surprise returns how surprising each byte of v is, on average, in sixteenths of a bit.
func Surprise(v []byte) int {
	sum, last := 0, uint8(0)
	for _, c := range v {
		s := Symbol[c]
		sum += int(Bigrams[int(last)*Symbols+int(s)])
		last = s
	}
	return sum / max(1, len(v))
}

const (
	bits   = 14
	before = 48 // bytes that are looked at before a finding
	after  = 12 // and after it
	inside = 96 // and of it
)

// Buckets is how many weights a model has.
const Buckets = 1 << bits

// weights is a model: a byte for each bucket.
//
//go:embed weights.bin
var weights string

// Unit is one unit of the model's logit, in scores.
const Unit = 24

// Limit is the lowest score of what is like a secret: with it, models that had not seen a repository kept nine in ten of
// its true values and touched a tenth of the lines that only look like them.
const Limit = -9 * Unit / 10

// Score returns the model's opinion of text[start:end], found as this kind: higher is more like a secret. The buffer is
// scratch space, which it returns.
func Score(buf []uint32, text []byte, start, end int, kind string) (int, []uint32) {
	buf = Features(buf[:0], text, start, end, kind)
	sum := 0
	for _, f := range buf {
		sum += int(int8(weights[f]))
	}
	return sum, buf
}

// Features appends the buckets of the features of text[start:end], found as this kind. It looks at bounded parts of
// the text.
func Features(dst []uint32, text []byte, start, end int, kind string) []uint32 {
	f := features{dst: dst}
	f.kind = hash(kind)
	f.add(0, f.kind)
	v := text[start:min(end, start+inside)]
	f.value(v, end-start)
	left := text[max(0, start-before):start]
	for i := len(left) - 1; i >= 0; i-- {
		if left[i] == '\n' {
			left = left[i+1:]
			f.add(1, 1)
			break
		}
	}
	f.around(left, text[end:min(len(text), end+after)])
	return f.dst
}

// features collects buckets.
type features struct {
	dst  []uint32
	kind uint32 // of the finding
}

// add adds the feature of a template with a value.
func (f *features) add(template, value uint32) {
	h := (template*0x9E3779B1 ^ value) * 0x85EBCA6B
	h ^= h >> 15
	h *= 0xC2B2AE35
	f.dst = append(f.dst, h>>(32-bits))
}

func hash[T string | []byte](s T) uint32 {
	h := uint32(2166136261)
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return h
}

// words adds each word of v, in lower case, at most n of them.
func (f *features) words(template uint32, v []byte, n int) {
	for i := 0; i < len(v) && n > 0; n-- {
		for i < len(v) && Symbol[v[i]] == 0 {
			i++
		}
		h, from, last := uint32(2166136261), i, uint8(0)
		for ; i < len(v) && Symbol[v[i]] != 0; i++ {
			s := Symbol[v[i]]
			if i > from && (upper(s) && !upper(last) || (s == Symbols-1) != (last == Symbols-1)) {
				break
			}
			last = s
			h = (h ^ uint32(v[i]|0x20)) * 16777619
		}
		if i > from {
			f.add(template, h)
		}
	}
}

func upper(s uint8) bool { return s > 26 && s < Symbols-1 }

// value adds what a value of n bytes, of which v is the beginning, is made of.
func (f *features) value(v []byte, n int) {
	var lowers, uppers, digits, others, spaces, swaps uint32
	shape, last, high := uint32(0), uint32(9), false
	for i, c := range v {
		s, k := Symbol[c], uint32(0)
		switch {
		case s == Symbols-1:
			digits++
			k = 1
		case upper(s):
			uppers++
			k = 2
		case s > 0:
			lowers++
			k = 3
		case c == ' ':
			spaces++
			k = 4
		case c >= 0x80:
			high = true
			k = 5
		default:
			others++
			k = 16 + uint32(c)
			f.add(2, uint32(c))
		}
		if k != last && i < 24 {
			shape = shape*131 + k
			swaps++
		}
		last = k
	}
	class := few(lowers)<<6 | few(uppers)<<4 | few(digits)<<2 | few(others)
	surprise := uint32(Surprise(v)) / 6
	size := bucket(n)
	f.add(3, shape)
	f.add(4, class)
	f.add(5, size)
	f.add(6, class<<8|size)
	f.add(7, class<<16|surprise)
	f.add(8, size<<16|surprise)
	f.add(9, min(spaces, 6))
	f.add(10, swaps*8/uint32(max(1, min(n, 24)))<<4|size)
	if high {
		f.add(11, 1)
	}
	f.words(12, v, 6)
	f.add(13, surprise)
	f.add(14, f.kind^class<<4^surprise/2)
}

// few counts none, one, two or three, and more.
func few(n uint32) uint32 {
	switch {
	case n < 2:
		return n
	case n < 4:
		return 2
	}
	return 3
}

func bucket(n int) uint32 {
	switch {
	case n < 16:
		return uint32(n)
	case n < 48:
		return 16 + uint32(n-16)/4
	}
	return 24 + uint32(min(n, 256))/32
}

// around adds what stands beside a value: the words before it on its line, and the signs next to it.
func (f *features) around(left, right []byte) {
	end := len(left)
	for end > 0 && Symbol[left[end-1]] == 0 && left[end-1] < 0x80 {
		end--
	}
	joint := left[end:]
	h := uint32(2166136261)
	for _, c := range joint[max(0, len(joint)-6):] {
		if c != ' ' || h != 2166136261 {
			h = (h ^ uint32(c)) * 16777619
		}
	}
	f.add(20, h)
	start := end
	for start > 0 && (Symbol[left[start-1]] != 0 || left[start-1] == '_' || left[start-1] == '-' || left[start-1] == '.') {
		start--
	}
	f.words(21, left[start:end], 5)
	f.words(22, left[:start], 8)
	h = 2166136261
	for _, c := range left[start:end] {
		h = (h ^ uint32(c|0x20)) * 16777619
	}
	f.add(23, h)
	h = 0
	for i, c := range right {
		if i == 3 {
			break
		}
		if Symbol[c] != 0 {
			c = 'a'
		}
		h = h<<8 | uint32(c)
		f.add(24+uint32(i), h)
	}
	for _, c := range left {
		if c > ' ' {
			f.add(28, uint32(c)) // how the line begins: a comment, a list, a quote
			break
		}
	}
}
