// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"strconv"
	"testing"

	"github.com/headrace/headrace/internal/killtest"
)

// TestKillsLoseNothing kills a real process; $HEADRACE_TEST_KILLS asks for more kills than the few of a short run.
func TestKillsLoseNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("kills take half a minute")
	}
	kills := 8
	if s := os.Getenv("HEADRACE_TEST_KILLS"); s != "" {
		var err error
		if kills, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	r, err := killtest.Run(t.Context(), killtest.Options{Binary: theProgram(t), Dir: t.TempDir(), Kills: kills, Seed: 1,
		Log: func(s string) { t.Log(s) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", r)
	if len(r.Lost) > 0 || len(r.Twice) > 0 {
		t.Errorf("of %d acknowledged, %d lost: %.10q; %d twice: %.10q", r.Acknowledged, len(r.Lost), r.Lost, len(r.Twice), r.Twice)
	}
	if r.Acknowledged == 0 || r.Outcomes == 0 || r.Snapshots == 0 || len(r.Spread) < 3 {
		t.Errorf("the kills fell too seldom on work to show anything: %+v", r)
	}
}
