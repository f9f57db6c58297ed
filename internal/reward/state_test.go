// SPDX-License-Identifier: Apache-2.0

package reward_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/reward"
)

// someone puts a decision some days after the first.
func someone(i, day int, d dataset.Decision) dataset.Decision {
	d.Developer, d.Contributor = fmt.Sprint("d", i%20), "c"
	d.Day += int64(day)
	for k := range d.Outcomes {
		d.Outcomes[k].ObservedAt = d.Outcomes[k].ObservedAt.AddDate(0, 0, day)
	}
	return d
}

func TestWhereOneTellerIsSilentAnotherSaysNothingInItsPlace(t *testing.T) {
	followed := took(became("kept", 1, 0, "10m"), became("committed", 1, 1, ""), became("kept", 1, 32, "30d"), became("tests", 1, 1, ""))
	unfollowed := took(became("kept", 1, 0, "10m")) // only the editor
	untested := took(became("committed", 1, 1, ""), became("kept", 1, 32, "30d"))
	undone := took(became("reverted", 1, 2, "")) // all of it: the rest did not happen
	var rows []dataset.Decision
	for i := range 400 {
		d := someone(i, 0, followed)
		switch i % 4 {
		case 1:
			d = someone(i, 0, unfollowed)
		case 2:
			d = someone(i, 0, untested)
			d.Contributor = "without tests"
		case 3:
			d = someone(i, 0, untested) // its contributor has tests: there were none here
		}
		rows = append(rows, d)
	}
	rows = append(rows, someone(0, 0, undone))
	s := reward.Fit(reward.Balanced(), rows, decided.Unix()/86400+100)
	for name, c := range map[string]struct {
		row       int
		estimated uint16
		sum       float64
	}{
		"followed":       {0, 0, 0.75},
		"unfollowed":     {1, 1<<2 | 1<<3 | 1<<4 | 1<<5, 0.75},
		"no tests":       {2, 1 << 4, 0.75},
		"tests, not run": {3, 0, 0.65},
		"undone":         {400, 0, -0.25},
	} {
		v, ok := s.Of(&rows[c.row])
		if !ok || v.Estimated != c.estimated || math.Abs(v.Sum-c.sum) > 0.06 {
			t.Errorf("%s: %.3f, want %.3f; estimated %b, want %b", name, v.Sum, c.sum, v.Estimated, c.estimated)
		}
	}
}

func TestWhatIsToldAgainIsNotFinalWhenToldFirst(t *testing.T) {
	spec := reward.Spec{Format: "headrace-reward/1", Name: "c", Version: 1, Cost: 0.25, Parts: []reward.Part{{Name: "committed", From: "committed", Within: "7d", Weight: 1}}}
	const days = 14 // all is committed in the end: half on the next day, the rest four days later
	var rows []dataset.Decision
	for i := range 200 * days {
		day := i % days
		d := took()
		if day+1 < days {
			d.Outcomes = append(d.Outcomes, became("committed", 0.5, 1, ""))
		}
		if day+5 < days {
			d.Outcomes = append(d.Outcomes, became("committed", 1, 5, ""))
		}
		rows = append(rows, someone(i/days, day, d))
	}
	s := reward.Fit(spec, rows, decided.Unix()/86400+days-1)
	var sum, weight, plain float64
	for i := range rows {
		v, ok := s.Of(&rows[i])
		if !ok {
			t.Fatal("no reward")
		}
		sum, weight, plain = sum+v.Weight*v.Sum, weight+v.Weight, plain+v.Sum
	}
	if got := sum / weight; math.Abs(got-0.75) > 0.01 {
		t.Errorf("mature rows by weight come to %.3f, truly 0.750", got)
	}
	if got := plain / float64(len(rows)); math.Abs(got-0.75) > 0.01 {
		t.Errorf("estimates come to %.3f, truly 0.750", got)
	}
}

// Half of what is taken is changed, and git tells how much only five days later, or never where all of it stayed.
func TestAnEditCountsFromTheDayOnWhichItWasSeen(t *testing.T) {
	spec := reward.Spec{Format: "headrace-reward/1", Name: "e", Version: 1, Cost: 0.25, Parts: []reward.Part{{Name: "unchanged", From: "edit", After: "10m", Within: "7d", Weight: 1}}}
	const days, half = 14, 0.5
	var rows []dataset.Decision
	for i := range 400 * days {
		day, d := i%days, took()
		d.EditDistance = nil
		switch distance := half; {
		case i/days%2 == 0:
			d.Outcomes = append(d.Outcomes, became("kept", 1, 0, "10m"))
		case day+5 < days:
			d.EditDistance, d.EditedDay = &distance, d.Day+int64(day)+5
		}
		rows = append(rows, someone(i/days, day, d))
	}
	s := reward.Fit(spec, rows, decided.Unix()/86400+days-1)
	var sum, weight float64
	for i := range rows {
		v, ok := s.Of(&rows[i])
		if !ok || v.Mature != (v.Weight > 0) {
			t.Fatalf("%v %+v", ok, v)
		}
		sum, weight = sum+v.Weight*v.Sum, weight+v.Weight
	}
	if got := sum / weight; math.Abs(got-0.5) > 0.01 {
		t.Errorf("mature rows by weight come to %.3f, truly 0.500", got)
	}
	for days, known := range map[int64]bool{4: false, 5: true} {
		d := took()
		distance := half
		d.EditDistance, d.EditedDay = &distance, d.Day+5
		if v, _ := reward.Fit(spec, []dataset.Decision{d}, d.Day+days).Of(&d); v.Mature != known {
			t.Errorf("%d days after the decision: %+v", days, v)
		}
	}
}

func TestWhatIsToldOnceMoreWasKnownBefore(t *testing.T) {
	for name, c := range map[string]struct {
		part   string
		kind   episode.OutcomeKind
		window string
	}{"committed": {"committed", "committed", ""}, "reverted": {"reverted", "reverted", ""}, "kept": {"kept", "kept", "10m"}} {
		p := reward.Part{Name: name, From: c.part, Within: "20d", Weight: 1}
		if c.window != "" {
			p.After = c.window
		}
		spec := reward.Spec{Format: "headrace-reward/1", Name: "c", Version: 1, Cost: 0.25, Parts: []reward.Part{p}}
		once, again := took(became(c.kind, 1, 2, c.window)), took(became(c.kind, 1, 2, c.window), became(c.kind, 1, 9, c.window))
		old, young := someone(0, -30, took(became(c.kind, 1, 2, c.window))), someone(0, 7, took()) // not all rows are old
		rows := []dataset.Decision{once, again, old, young}
		s := reward.Fit(spec, rows, once.Day+10)
		a, _ := s.Of(&rows[0])
		b, _ := s.Of(&rows[1])
		if a != b || a.Weight != 1 {
			t.Errorf("%s: told once %+v, twice %+v", name, a, b)
		}
	}
}

func TestWhatWasCommittedUntouchedIsUnchanged(t *testing.T) {
	var rows []dataset.Decision
	for i := range 400 {
		d := took(became("committed", 1, 1, ""))
		if d.EditDistance = nil; i%10 == 0 { // git tells a distance of these alone
			half := 0.5
			d.EditDistance = &half
		}
		rows = append(rows, someone(i, 0, d))
	}
	s := reward.Fit(reward.Balanced(), rows, decided.Unix()/86400+100)
	if v, ok := s.Of(&rows[1]); !ok || !v.Mature || v.Parts[1] != 0.25 {
		t.Errorf("%+v", v)
	}
	if v, _ := s.Of(&rows[0]); !(v.Parts[1] < 0.125) {
		t.Errorf("half of it was changed: %+v", v)
	}
}
