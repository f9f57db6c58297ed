// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"fmt"
	"testing"
)

func TestAboutAQuarterOfDevelopersIsHeldOutAndNoneCanChoose(t *testing.T) {
	a, b := HeldOut([]byte("one key")), HeldOut([]byte("another key"))
	held, moved, byContributor := 0, 0, 0
	const n = 10_000
	for i := range n {
		name := fmt.Sprintf("dev_%d", i)
		held += count(a("alder-bank", name))
		moved += count(a("alder-bank", name) != b("alder-bank", name))
		byContributor += count(a("alder-bank", name) != a("birch-telecom", name))
		if a("alder-bank", name) != HeldOut([]byte("one key"))("alder-bank", name) {
			t.Fatal("the same developer is on both sides")
		}
	}
	if held < n*25/100 || held > n*29/100 {
		t.Errorf("%d of %d are held out", held, n)
	}
	if moved < n/4 || byContributor < n/4 {
		t.Errorf("another key moves %d, another contributor %d of %d: want independent splits", moved, byContributor, n)
	}
}
