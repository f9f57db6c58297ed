// SPDX-License-Identifier: Apache-2.0

package release

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
)

func TestReleaseReachesTheSameDevelopersAndMoreAsItsShareGrows(t *testing.T) {
	r := New("sha256:m", "sha256:g", "sha256:s", "")
	stable := 0
	for i := range 10_000 {
		name := fmt.Sprintf("dev_%d", i)
		before := r.Reaches("stable", name)
		if before {
			stable++
		}
		wider := r
		wider.Channels = []Channel{{"stable", 0.5}}
		if before && !wider.Reaches("stable", name) {
			t.Fatal("a developer lost the release as its share grew")
		}
		if !r.Reaches("early", name) || r.Reaches("unheard", name) {
			t.Fatal("early reaches all, an unknown channel none")
		}
	}
	if stable < 2300 || stable > 2700 {
		t.Errorf("stable reaches %d of 10,000, want a quarter", stable)
	}
}

func TestReleaseIsReadBackAsWrittenAndNothingElse(t *testing.T) {
	r := New("sha256:m", "sha256:g", "sha256:s", "rel_before")
	b, err := json.Marshal(&r)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&r, got); diff != "" {
		t.Error(diff)
	}
	for _, change := range [][2]string{{`"sha256:m"`, `"sha256:other"`}, {`"kind"`, `"Kind"`}, {`0.25`, `1.5`}, {`"filter"`, `"router"`}} {
		bad := []byte(strings.Replace(string(b), change[0], change[1], 1))
		if _, err := Decode(bad); !errors.Is(err, &episode.Problem{Code: "release/bad-manifest"}) {
			t.Errorf("with %s for %s: %v", change[1], change[0], err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	r := New("sha256:m", "sha256:g", "sha256:s", "")
	b, _ := json.Marshal(&r)
	f.Add(b)
	f.Add([]byte(`{"format":"headrace-release/1"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Decode(b)
		if err != nil {
			return
		}
		again, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Decode(again); err != nil || !cmp.Equal(got, r) {
			t.Fatalf("read back as %+v, %v; was %+v", got, err, r)
		}
	})
}
