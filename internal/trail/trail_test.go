// SPDX-License-Identifier: Apache-2.0

package trail_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/trail"
)

func rows(list []trail.Row) iter.Seq2[trail.Row, error] {
	return func(yield func(trail.Row, error) bool) {
		for _, r := range list {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func anyTrail(t *rapid.T) (list []trail.Row) {
	word := rapid.String()
	var last trail.Row
	for range rapid.IntRange(2, 12).Draw(t, "rows") {
		last = trail.Next(last.Seq, last.Hash, trail.Entry{At: time.UnixMicro(rapid.Int64Range(0, 1<<52).Draw(t, "at")),
			Who: word.Draw(t, "who"), Role: word.Draw(t, "role"), What: word.Draw(t, "what"), Subject: word.Draw(t, "subject")})
		list = append(list, last)
	}
	return list
}

func code(err error) string {
	if p, ok := errors.AsType[*episode.Problem](err); ok {
		return p.Code
	}
	return ""
}

// TestWhatWasDoneToATrailShows: one change of any kind to a trail whose head somebody kept, and Verify names it.
func TestWhatWasDoneToATrailShows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := anyTrail(t)
		last := list[len(list)-1]
		head := trail.Head{Seq: last.Seq, Hash: last.Hash, At: last.At}
		if got, err := trail.Verify(rows(list), head); err != nil || got != head {
			t.Fatalf("as it was: %+v, %v", got, err)
		}
		at := rapid.IntRange(0, len(list)-1).Draw(t, "row")
		changed, want := slices.Clone(list), trail.CodeChanged
		switch rapid.SampledFrom([]string{"who", "role", "what", "subject", "time", "hash", "swap", "remove", "cut", "all anew", "moved between fields"}).Draw(t, "change") {
		case "who":
			changed[at].Who += "x"
		case "role":
			changed[at].Role += "x"
		case "what":
			changed[at].What += "x"
		case "subject":
			changed[at].Subject += "x"
		case "time":
			changed[at].At = changed[at].At.Add(time.Microsecond)
		case "hash":
			changed[at].Hash = strings.Repeat("0", 64)
		case "swap":
			other := (at + 1) % len(list)
			changed[at].Entry, changed[other].Entry = changed[other].Entry, changed[at].Entry
			if changed[at].Entry == changed[other].Entry {
				return
			}
		case "remove":
			if at == len(list)-1 {
				want = trail.CodeCut
			} else {
				want = trail.CodeMissing
			}
			changed = slices.Delete(changed, at, at+1)
		case "cut":
			changed, want = changed[:at], trail.CodeCut
		case "all anew":
			changed[at].Who += "x"
			before := trail.Row{}
			for i, r := range changed {
				changed[i] = trail.Next(before.Seq, before.Hash, r.Entry)
				before = changed[i]
			}
		case "moved between fields":
			changed[at].Who, changed[at].What = changed[at].Who+changed[at].What, ""
			if changed[at] == list[at] {
				return
			}
		}
		if _, err := trail.Verify(rows(changed), head); code(err) != want {
			t.Fatalf("%v, want %s", err, want)
		}
	})
}

func TestVerifySaysWhichRow(t *testing.T) {
	var list []trail.Row
	var last trail.Row
	for range 9 {
		last = trail.Next(last.Seq, last.Hash, trail.Entry{At: time.Unix(1, 0), Who: "ada", What: "approve"})
		list = append(list, last)
	}
	head := trail.Head{Seq: last.Seq, Hash: last.Hash}
	for want, damage := range map[string][]trail.Row{
		"row 4 is missing":            slices.Concat(list[:3], list[4:]),
		"rows 4 to 6 are missing":     slices.Concat(list[:3], list[6:]),
		"rows 6 to 9 were cut off":    list[:5],
		"rows 1 to 9 were cut off":    nil,
		"rows 1 to 2 are missing":     list[2:],
		"row 2 comes after row 2":     slices.Concat(list[:2], list[1:]),
		"row 5 was changed, or the h": slices.Concat(list[:4], []trail.Row{{Seq: 5, Hash: list[4].Hash}}, list[5:]),
	} {
		if _, err := trail.Verify(rows(damage), head); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestARowSurvivesItsJSON: what an auditor exported verifies like the trail itself.
func TestARowSurvivesItsJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := anyTrail(t)
		var b bytes.Buffer
		for _, r := range list {
			if err := json.NewEncoder(&b).Encode(r); err != nil {
				t.Fatal(err)
			}
		}
		last := list[len(list)-1]
		if _, err := trail.Verify(trail.Read(&b), trail.Head{Seq: last.Seq, Hash: last.Hash}); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzRead: whatever a file holds, reading ends, and nothing verifies that was not made here.
func FuzzRead(f *testing.F) {
	r := trail.Next(0, "", trail.Entry{At: time.Unix(5, 0), Who: "ada", Role: "steward", What: "approve", Subject: "x"})
	b, err := json.Marshal(r)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(append(append(b, '\n'), b...))
	f.Add([]byte(`{"seq":1,"at":"0000-01-01T00:00:00Z"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var before trail.Row
		for r, err := range trail.Read(bytes.NewReader(b)) {
			if err != nil {
				return
			}
			again := trail.Next(before.Seq, before.Hash, r.Entry)
			if _, err := trail.Verify(rows([]trail.Row{again})); err != nil && before.Seq == 0 {
				t.Errorf("%+v does not verify: %v", again, err)
			}
			before = again
		}
	})
}

func TestAFieldIsOneLineOfBoundedLength(t *testing.T) {
	r := trail.Next(0, "", trail.Entry{Who: "a\nb\x00c\xff", Subject: strings.Repeat("é", 5000)})
	if r.Who != "a b c\uFFFD" || len(r.Subject) > 1000 || !utf8.ValidString(r.Subject) {
		t.Errorf("%q and %d bytes", r.Who, len(r.Subject))
	}
}
