// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"github.com/headrace/headrace/internal/learn/bandit"
)

// vwExample is one decision of a file in Vowpal Wabbit's text format for contextual bandits with features of actions: a line
// "shared |s …", then a line for each action, the one that was chosen with "0:cost:probability" before the bar, then an
// empty line.
type vwExample struct {
	context    []bandit.Feature
	actions    [][]bandit.Feature
	chosen     int // -1: no action was
	cost, prob float64
}

// vwReader reads a file's bytes. What it returns is good until it is asked again.
type vwReader struct {
	rest []byte
	line int
	room []bandit.Feature
	ends []int
	ex   vwExample
}

var errVW = errors.New("not Vowpal Wabbit's text")

// next reads an example; ok is false at the end.
func (r *vwReader) next() (ex *vwExample, ok bool, err error) {
	r.room, r.ends = r.room[:0], r.ends[:0]
	r.ex.chosen, r.ex.actions = -1, r.ex.actions[:0]
	shared := -1
	for len(r.rest) > 0 {
		var line []byte
		if i := bytes.IndexByte(r.rest, '\n'); i >= 0 {
			line, r.rest = r.rest[:i], r.rest[i+1:]
		} else {
			line, r.rest = r.rest, nil
		}
		r.line++
		if len(line) == 0 {
			if len(r.ends) > 0 || shared >= 0 {
				break
			}
			continue
		}
		bar := bytes.IndexByte(line, '|')
		if bar < 0 {
			return nil, false, fmt.Errorf("line %d: no bar: %w", r.line, errVW)
		}
		label := line[:bar]
		if !r.features(line[bar:]) {
			return nil, false, fmt.Errorf("line %d: a feature's value is no number: %w", r.line, errVW)
		}
		switch {
		case string(label) == "shared ":
			if shared >= 0 || len(r.ends) > 0 {
				return nil, false, fmt.Errorf("line %d: shared is not the first line: %w", r.line, errVW)
			}
			shared = len(r.room)
			continue
		case len(label) > 0:
			if !r.label(label) {
				return nil, false, fmt.Errorf("line %d: the label is not action:cost:probability: %w", r.line, errVW)
			}
			r.ex.chosen = len(r.ends)
		}
		r.ends = append(r.ends, len(r.room))
	}
	if len(r.ends) == 0 {
		return nil, false, nil
	}
	at := max(shared, 0)
	r.ex.context = r.room[:at]
	for _, end := range r.ends {
		r.ex.actions, at = append(r.ex.actions, r.room[at:end]), end
	}
	return &r.ex, true, nil
}

// label reads "0:cost:probability ".
func (r *vwReader) label(b []byte) bool {
	first := bytes.IndexByte(b, ':')
	second := bytes.LastIndexByte(b, ':')
	if first < 0 || second == first || b[len(b)-1] != ' ' {
		return false
	}
	var ok1, ok2 bool
	r.ex.cost, ok1 = number(b[first+1 : second])
	r.ex.prob, ok2 = number(b[second+1 : len(b)-1])
	return ok1 && ok2
}

// features appends the features of a line from its first bar on: "|namespace name name:value …", more than once.
func (r *vwReader) features(b []byte) bool {
	const offset, prime = 2166136261, 16777619 // 32-bit FNV-1a
	group := uint32(offset)
	for i := 0; i < len(b); {
		switch b[i] {
		case ' ':
			i++
			continue
		case '|':
			group = offset
			for i++; i < len(b) && b[i] != ' '; i++ {
				group = (group ^ uint32(b[i])) * prime
			}
			continue
		}
		h := group
		for ; i < len(b) && b[i] != ' ' && b[i] != ':'; i++ {
			h = (h ^ uint32(b[i])) * prime
		}
		value := float32(1)
		if i < len(b) && b[i] == ':' {
			from := i + 1
			for i = from; i < len(b) && b[i] != ' '; i++ {
			}
			x, ok := number(b[from:i])
			if !ok {
				return false
			}
			value = float32(x)
		}
		r.room = append(r.room, bandit.Feature{Index: h, Value: value})
	}
	return true
}

// number reads a decimal number: quickly, where it has up to 15 digits and no exponent, as exactly as strconv.
func number(b []byte) (float64, bool) {
	i, negative := 0, false
	if i < len(b) && b[i] == '-' {
		negative, i = true, 1
	}
	mantissa, digits, after := uint64(0), 0, -1
	for ; i < len(b); i++ {
		c := b[i]
		if c == '.' && after < 0 {
			after = 0
			continue
		}
		if c < '0' || c > '9' || digits == 15 {
			return slowNumber(b)
		}
		mantissa = mantissa*10 + uint64(c-'0')
		digits++
		if after >= 0 {
			after++
		}
	}
	if digits == 0 {
		return slowNumber(b)
	}
	x := float64(mantissa)
	if after > 0 {
		x /= powers[after] // both exact, so the quotient is the nearest
	}
	if negative {
		x = -x
	}
	return x, true
}

func slowNumber(b []byte) (float64, bool) {
	x, err := strconv.ParseFloat(string(b), 64)
	return x, err == nil && x-x == 0
}

var powers = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}
