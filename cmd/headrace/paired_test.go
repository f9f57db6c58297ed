// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headrace/headrace/internal/gate"
)

// Tasks that were done under both policies are judged by a command of their own, and its report is one that the command checks.
func TestTasksDoneUnderBothAreJudged(t *testing.T) {
	dir, rng := t.TempDir(), rand.New(rand.NewPCG(9, 0))
	file, report := filepath.Join(dir, "tasks.jsonl"), filepath.Join(dir, "report.json")
	write := func(gain float64) {
		t.Helper()
		var b strings.Builder
		for i := range 400 {
			old := rng.Float64()
			fmt.Fprintf(&b, `{"task":"t%d","cluster":"repository-%d","old":%.3f,"new":%.3f}`+"\n", i, i%50, old, old+gain+0.1*rng.NormFloat64())
		}
		if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(0.05)
	code, out, errs := stage(dir, "", "gate", "--paired", file)
	rep, err := gate.Decode([]byte(out))
	if code != 0 || err != nil || rep.Verdict != gate.Released || rep.Design != gate.Paired || !strings.Contains(errs, "released on 400 tasks in 50 clusters") {
		t.Fatalf("%d %v %s", code, err, errs)
	}
	if err := os.WriteFile(report, []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, errs = stage(dir, "", "gate", "--report", report); code != 0 || !strings.Contains(out, "released, paired") {
		t.Errorf("%d %s %s", code, out, errs)
	}
	write(0)
	if code, _, errs = stage(dir, "", "gate", "--paired", file, "--strict"); code != 1 || !strings.Contains(errs, "refused") {
		t.Errorf("without a gain: %d %s", code, errs)
	}
	if code, _, _ = stage(dir, "", "gate", "--paired", file, "--report", report); code != 2 {
		t.Errorf("both: %d", code)
	}
}
