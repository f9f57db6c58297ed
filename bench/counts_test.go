// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"testing"
)

func TestOnlyACountThatIsTheSameIsRight(t *testing.T) {
	have := map[string]map[string]any{"a": {"lines": 3.0, "kinds": map[string]any{"x/y": 2.0}, "decisions": map[string]any{"accepted": map[string]any{"person": 1.0, "rule": 2.0}}}}
	right, n, wrong := compareCounts(map[string]map[string]float64{
		"a": {"lines": 3, "prompts": 0, "kinds/x/y": 2, "kinds/z": 0, "decisions/accepted": 3, "decisions/rejected": 1},
		"b": {"lines": 0},
	}, have)
	want := []string{"a decisions/rejected: 0, want 1", "a prompts: not in the report, want 0", "b lines: not in the report, want 0"}
	if right != 4 || n != 7 || !slices.Equal(wrong, want) {
		t.Errorf("%d of %d, wrong: %q", right, n, wrong)
	}
}
