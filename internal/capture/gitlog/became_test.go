// SPDX-License-Identifier: Apache-2.0

package gitlog

import (
	"fmt"
	"strings"
	"testing"
)

// A line that was left out of a commit is known not to be merged before it is known of the rest.
func TestOfABranchThatIsNotMergedYetNothingIsToldOfMerging(t *testing.T) {
	r := newRepo(t)
	r.write("gate.go", gate)
	r.commit("begin")
	r.git("checkout", "-q", "-b", "feature")
	s := r.suggest("gate.go", "", lower)
	r.write("gate.go", gate+strings.Replace(lower, "\trecordLowering(g, notches)\n", "", 1))
	r.commit("lower gates")
	told := func() (kinds string) {
		for _, o := range Outcomes(&s, r.follow(s)[0]) {
			kinds += fmt.Sprintf("%s %.2f ", o.Kind, o.Value)
		}
		return kinds
	}
	if got := told(); got != "committed 0.94 " {
		t.Errorf("on the branch: %s", got)
	}
	r.git("checkout", "-q", "main")
	r.git("merge", "-q", "--no-ff", "--no-edit", "feature")
	if got := told(); got != "committed 0.94 merged 0.94 " {
		t.Errorf("merged: %s", got)
	}
}
