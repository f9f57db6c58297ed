// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"bytes"
	"encoding/binary"

	"github.com/go-json-experiment/json/jsontext"
)

// CheckCanaries refuses bytes that hold one of the planted strings, as it stands or as JSON writes it.
func CheckCanaries(payload []byte, canaries []string) error {
	return checkCanaries([][]byte{payload}, canaries)
}

// checkCanaries does so for each line. There may be thousands of canaries: one pass over a line looks each place's first
// four bytes up.
func checkCanaries(lines [][]byte, canaries []string) error {
	if len(canaries) == 0 {
		return nil
	}
	const key = 4
	var may [1 << 16 / 64]uint64
	byStart := map[uint32][]int{}
	var short []int
	escaped := make([][]byte, len(canaries))
	for i, c := range canaries {
		quoted, err := jsontext.AppendQuote(nil, c)
		if err != nil || len(c) == 0 {
			return problem(CodeCanary, "give canaries of at least one character, in UTF-8", "canary %d is not one", i+1)
		}
		escaped[i] = quoted[1 : len(quoted)-1]
		if len(escaped[i]) < key {
			short = append(short, i)
			continue
		}
		k := binary.LittleEndian.Uint32(escaped[i])
		byStart[k] = append(byStart[k], i)
		may[k&0xFFFF/64] |= 1 << (k % 64)
	}
	for _, line := range lines {
		for _, i := range short {
			if bytes.Contains(line, escaped[i]) {
				return canaryFound(i)
			}
		}
		if len(byStart) == 0 {
			continue
		}
		for at := 0; at+key <= len(line); at++ {
			k := binary.LittleEndian.Uint32(line[at:])
			if may[k&0xFFFF/64]&(1<<(k%64)) == 0 {
				continue
			}
			for _, i := range byStart[k] {
				if bytes.HasPrefix(line[at:], escaped[i]) {
					return canaryFound(i)
				}
			}
		}
	}
	return nil
}

func canaryFound(i int) error {
	return problem(CodeCanary, "a filter let a planted string through: send nothing until it is found out why", "canary %d is in the records", i+1)
}
