// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/headrace/headrace/episode"
)

// repeat gives text again and again, n bytes in all.
type repeat struct {
	text string
	n    int
}

func (r *repeat) Read(p []byte) (int, error) {
	if r.n == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), r.n)], r.text[(len(r.text)-r.n%len(r.text))%len(r.text):])
	r.n -= n
	return n, nil
}

func TestAVeryLongLineIsReadAndOnlyItsLongStringsAreShortened(t *testing.T) {
	for _, unit := range []string{`w`, `\\`, `\"`, `\u00e9`, `\u0041`, `é`, `日`} {
		const size = 40 << 20
		in := io.MultiReader(strings.NewReader(`{"type":"user","a":"`), &repeat{unit, size / len(unit) * len(unit)}, strings.NewReader(`","b":[1,{"c":"short"}]}`+"\n{}\n"))
		var c Counts
		var got struct {
			A string
			B []any
		}
		longest := 0
		err := Lines(context.Background(), in, &c, func(line []byte) (bool, error) {
			if longest = max(longest, len(line)); len(line) < 10 {
				return true, nil
			}
			return true, json.Unmarshal(line, &got)
		})
		if err != nil || c.Lines != 2 || c.Unparsable != 0 {
			t.Fatalf("%s: %v, %d lines, %d unparsable", unit, err, c.Lines, c.Unparsable)
		}
		var one string
		if err := json.Unmarshal([]byte(`"`+unit+`"`), &one); err != nil {
			t.Fatal(err)
		}
		if rest := strings.NewReplacer(one, "", "\n…\n", "").Replace(got.A); rest != "" || longest > 12<<20 || len(got.B) != 2 {
			t.Errorf("%s: a line of %d bytes; broken in it: %.40q; after it %v", unit, longest, rest, got.B)
		}
		if short, cut := episode.Truncate(got.A); !cut || !strings.HasPrefix(short, one) {
			t.Errorf("%s: %d bytes left, not marked as truncated", unit, len(got.A))
		}
	}
}

func TestPiecesOfAnySizeGiveTheSame(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var line []byte
	for range 3 {
		line = append(line, `{"k":"`...)
		for len(line)%(16<<20) < 14<<20 {
			line = append(line, []string{`a`, `\\`, `\"`, `\u12aB`, `é`, `日`, `\n`}[rng.IntN(7)]...)
		}
		line = append(line, `"},`...)
	}
	whole := (&shortener{}).add(nil, line)
	for range 3 {
		var s shortener
		var got []byte
		for rest := line; len(rest) > 0; {
			n := min(len(rest), 1+rng.IntN(1<<18))
			got, rest = s.add(got, rest[:n]), rest[n:]
		}
		for _, out := range [][]byte{whole, got} {
			var v []any
			if err := json.Unmarshal(append(append([]byte("["), bytes.TrimSuffix(out, []byte(","))...), ']'), &v); err != nil || len(v) != 3 {
				t.Fatalf("not JSON any more: %v", err)
			}
		}
	}
}
