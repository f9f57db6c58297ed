// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"sync/atomic"
	"time"
)

// Stats counts what each step has done in this process, for reports and pages.
type Stats struct {
	Verify, Curate, Learn, Gate, Release, Value StepStat
}

// StepStat is what one step has done.
type StepStat struct {
	Count atomic.Int64
	Nanos atomic.Int64
}

// Seconds is the time the step has taken.
func (s *StepStat) Seconds() float64 { return float64(s.Nanos.Load()) / 1e9 }

func (s *StepStat) add(n int, since time.Time) {
	s.Count.Add(int64(n))
	s.Nanos.Add(int64(time.Since(since)))
}

// Stats returns the hub's counters.
func (h *Hub) Stats() *Stats { return &h.stats }
