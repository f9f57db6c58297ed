// SPDX-License-Identifier: Apache-2.0

package gitlogplay

import (
	"bytes"
	"os/exec"
	"reflect"
	"testing"
)

func TestAHistoryIsTheSameForTheSameSeedAndWhole(t *testing.T) {
	for k := Plain; k <= Reformatted; k++ {
		var heads [2][]byte
		var worlds [2]*World
		for i := range heads {
			dir := t.TempDir()
			w, err := Generate(t.Context(), dir, Options{Seed: 7, Kind: k})
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command("git", "rev-parse", "main")
			cmd.Dir = dir
			if heads[i], err = cmd.Output(); err != nil {
				t.Fatal(err)
			}
			cmd = exec.Command("git", "fsck", "--strict")
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			w.Dir = ""
			worlds[i] = w
		}
		if !bytes.Equal(heads[0], heads[1]) || !reflect.DeepEqual(worlds[0], worlds[1]) {
			t.Errorf("%v: two histories of one seed differ", k)
		}
	}
}

func TestEverythingHappens(t *testing.T) {
	count := map[string]int{}
	for k := Plain; k <= Reformatted; k++ {
		w, err := Generate(t.Context(), t.TempDir(), Options{Seed: 3, Kind: k})
		if err != nil {
			t.Fatal(err)
		}
		if len(w.Suggestions) < 60 {
			t.Errorf("%v: %d suggestions", k, len(w.Suggestions))
		}
		for _, s := range w.Suggestions {
			for _, l := range s.Lines {
				count["committed "+string("?VCD"[l.Committed])]++
				count["merged "+string("?VCD"[l.Merged])]++
				for i, f := range l.Kept {
					count["kept "+string("abc"[i])+" "+string("?VCD"[f])]++
				}
				if l.Reverted {
					count["reverted"]++
				}
				if l.Fixed {
					count["fixed"]++
				}
				if l.Committed == Dropped && l.Merged != Dropped {
					t.Errorf("%s: %q is merged and was never committed", s.ID, l.Text)
				}
			}
		}
	}
	t.Log(count)
	for _, what := range []string{"committed V", "committed C", "committed D", "kept a V", "kept b C", "kept c D", "reverted", "fixed"} {
		if count[what] < 10 {
			t.Errorf("%s: %d lines only", what, count[what])
		}
	}
}
