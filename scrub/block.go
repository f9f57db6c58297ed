// SPDX-License-Identifier: Apache-2.0

package scrub

import "encoding/binary"

const blockLen = 64

// block says of the next bytes of a text which sorts they are of: a bit a byte, the first byte the lowest. So a few
// operations find where words begin in 64 bytes, and no branch is taken for the many words that nobody asks for.
type block struct {
	letter  uint64 // a letter, a digit, or part of one beyond ASCII
	capital uint64 // of these, no small letter of ASCII
	sign    uint64 // a sign that parts groups of hex digits: a colon, a dash, a dot
}

// blockOf reads the first bytes of b; where it has not so many, nothing comes after.
func blockOf(b []byte) (bl block) {
	var short [blockLen]byte
	if len(b) < blockLen {
		copy(short[:], b)
		b = short[:]
	}
	b = b[:blockLen]
	for i := 0; i < blockLen; i += 8 {
		v := binary.LittleEndian.Uint64(b[i:])
		low := v &^ (ones * 0x80)
		alpha := within(low|ones*0x20, 'a', 'z') &^ v
		small := alpha & (low << 2) // 'a' is 'A' and 32
		letter := alpha | within(low, '0', '9') | v
		sign := (within(low, '-', '.') | within(low, ':', ':')) &^ v
		bl.letter |= highBits(letter) << i
		bl.capital |= highBits(letter&^small) << i
		bl.sign |= highBits(sign) << i
	}
	return bl
}

const ones = 0x0101010101010101 // one in each byte

// within sets the highest bit of each byte of v from first to last, all below 128; the other bits mean nothing.
func within(v uint64, first, last byte) uint64 {
	return (v + ones*uint64(0x80-first)) &^ (v + ones*uint64(0x7f-last))
}

// highBits gathers the highest bit of each byte.
func highBits(v uint64) uint64 { return v >> 7 & ones * 0x0102040810204080 >> 56 }

// words returns where words begin that the walk looks at, and some more: those with a capital or a digit in front,
// short ones before a sign, long ones with digits behind their first two letters, and those of whose first five bytes
// some lie behind the block. A word begins at its first byte.
func (bl *block) words() uint64 {
	starts := bl.letter &^ (bl.letter << 1)
	l, s := bl.letter, bl.sign
	group := s>>1 | l>>1&(s>>2|l>>2&(s>>3|l>>3&(s>>4)))
	return starts & (bl.capital | group | bl.capital>>2&(bl.capital>>3) | 0x1f<<(blockLen-5))
}
