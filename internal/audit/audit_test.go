// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math"
	"strings"
	"testing"
)

func TestEveryRecordIsAsLikelyAsTheOthers(t *testing.T) {
	const runs, of, size = 20_000, 12, 4
	drawn := map[int]int{}
	for seed := range uint64(runs) {
		s := NewSample(size, seed)
		for i := range of {
			s.Add(fmt.Appendf(nil, `"%d"`, i))
		}
		for _, r := range s.kept {
			drawn[r.number]++
		}
	}
	want := float64(runs * size / of)
	for n := 1; n <= of; n++ {
		if d := math.Abs(float64(drawn[n]) - want); d > 5*math.Sqrt(want) {
			t.Errorf("record %d was drawn %d times, expected about %.0f", n, drawn[n], want)
		}
	}
}

func TestASheetShowsEveryTextAndComesBack(t *testing.T) {
	long := strings.Repeat("é", cellLimit)
	s := NewSample(10, 1)
	s.Add([]byte(`{"instruction":"=SUM(A1)","steps":[{"message":"hello"}],"n":3,"ok":true}`))
	s.Add([]byte(`{"text":"` + long + `"}`))
	s.Add([]byte(`"=1+1"`))
	var sheet bytes.Buffer
	if err := s.WriteSheet(&sheet); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(sheet.Bytes())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if got := rows[1][4]; got != "instruction: =SUM(A1)\nsteps/0/message: hello\n" {
		t.Errorf("%q", got)
	}
	all := ""
	for _, r := range rows[2:] {
		if r[0] == "2" {
			all += r[4]
		}
		if len(r[4]) > cellLimit+1 {
			t.Errorf("a cell of %d bytes", len(r[4]))
		}
	}
	if all != "text: "+long+"\n" {
		t.Errorf("a long text came out as %d bytes", len(all))
	}
	for i, r := range rows[1:] {
		r[2] = "0"
		if i == 0 {
			r[2] = " 2 "
		}
	}
	rows[len(rows)-1][2] = "" // nobody has looked at the last record
	var judged bytes.Buffer
	if err := csv.NewWriter(&judged).WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	j, err := ReadSheet(&judged)
	if want := (Judged{Records: 2, WithMisses: 1, Missed: 2, Open: 1}); err != nil || j != want {
		t.Errorf("%+v, %v", j, err)
	}
}

func TestASheetFilledInWronglySaysWhere(t *testing.T) {
	for in, want := range map[string]string{
		"":                             "line 1",
		"a,b\n":                        "line 1",
		"record,missed\n1,none\n":      `line 2: "none"`,
		"record,missed\n1,0\n2,-1\n":   `line 3: "-1"`,
		"record,missed\n1,0,0\n":       "line 2",
		"record,missed\n1,\"0\n":       "line ",
		"record,missed\n1,10000000000": "line 2",
	} {
		if _, err := ReadSheet(strings.NewReader(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", in, err)
		}
	}
}

// Figures from the tables that everyone uses: the rule of three, and Garwood's own.
func TestBoundsAreThoseOfTheTables(t *testing.T) {
	for _, c := range []struct {
		k, n int
		want float64
	}{{0, 300, 0.009936}, {1, 300, 0.015719}, {10, 20, 0.698046}, {20, 20, 1}} {
		if got := binomialUpper(c.k, c.n); math.Abs(got-c.want) > 1e-5 {
			t.Errorf("%d of %d: %.6f, not %.6f", c.k, c.n, got, c.want)
		}
	}
	for k, want := range map[int]float64{0: 2.9957, 1: 4.7439, 10: 16.9622} {
		if got := poissonUpper(k); math.Abs(got-want) > 1e-4 {
			t.Errorf("%d: %.4f, not %.4f", k, got, want)
		}
	}
}

func FuzzReadSheet(f *testing.F) {
	f.Add("record,part,missed,note,text\n1,1,0,,x\n")
	f.Add("record,missed\n\"1\",\"\n")
	f.Fuzz(func(t *testing.T, s string) {
		j, err := ReadSheet(strings.NewReader(s))
		if err == nil && (j.WithMisses > j.Records || j.Missed < j.WithMisses) {
			t.Errorf("%+v", j)
		}
	})
}
