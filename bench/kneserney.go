// SPDX-License-Identifier: Apache-2.0

package main

import "math"

// kneserNey is a language model of bytes: interpolated Kneser–Ney with one discount. It knows all 256 bytes, so that what was
// learned from one text can be compared with what was learned from another.
type kneserNey struct {
	order    int                 // bytes of a gram: the context's, and the next
	grams    []map[uint64]uint32 // by length: how often, of the longest; of others, after how many different bytes
	contexts []map[uint64]context256
}

// context256 is what follows a context: how much, and how many different bytes.
type context256 struct{ sum, kinds uint32 }

const discount = 0.75

// newKneserNey returns a model that looks at order-1 bytes before each; order is at most 8.
func newKneserNey(order int) *kneserNey {
	m := &kneserNey{order: order}
	for range order + 1 {
		m.grams, m.contexts = append(m.grams, map[uint64]uint32{}), append(m.contexts, map[uint64]context256{})
	}
	return m
}

// learn counts a text, which begins as after a line's end.
func (m *kneserNey) learn(text string) {
	gram := m.begin()
	for i := range len(text) {
		gram = m.shift(gram, text[i])
		m.count(m.order, gram)
	}
}

func (m *kneserNey) begin() (gram uint64) {
	for range m.order {
		gram = m.shift(gram, '\n')
	}
	return gram
}

// shift is the last bytes of gram, and b.
func (m *kneserNey) shift(gram uint64, b byte) uint64 { return tail(gram<<8|uint64(b), m.order) }

// tail is the last n bytes of a gram.
func tail(gram uint64, n int) uint64 {
	if n >= 8 {
		return gram
	}
	return gram & (1<<(8*n) - 1)
}

// count counts a gram of n bytes; one that is new counts for the shorter one that it ends with.
func (m *kneserNey) count(n int, gram uint64) {
	c := m.contexts[n][gram>>8]
	c.sum++
	was := m.grams[n][gram]
	m.grams[n][gram] = was + 1
	if was == 0 {
		c.kinds++
		if n > 1 {
			m.count(n-1, tail(gram, n-1))
		}
	}
	m.contexts[n][gram>>8] = c
}

// probability of a gram's last byte after the others.
func (m *kneserNey) probability(gram uint64) float64 {
	p := 1.0 / 256
	for n := 1; n <= m.order; n++ {
		g := tail(gram, n)
		c := m.contexts[n][g>>8]
		if c.sum == 0 {
			break // nothing longer was seen either
		}
		own := max(0, float64(m.grams[n][g])-discount)
		p = (own + discount*float64(c.kinds)*p) / float64(c.sum)
	}
	return p
}

// bits is what a byte of texts costs on the average.
func (m *kneserNey) bits(docs []document) float64 {
	sum, n := 0.0, 0
	for _, d := range docs {
		gram := m.begin()
		for i := range len(d.Text) {
			gram = m.shift(gram, d.Text[i])
			sum -= math.Log2(m.probability(gram))
			n++
		}
	}
	return sum / float64(n)
}
