// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"sync/atomic"
	"time"
)

// Stats counts what each step has done in this process, for reports and pages.
type Stats struct {
	Intake, Scrub, Consent, Pack, Push StepStat
	// SetAside counts what could not be assembled; Dropped what the filter could not make safe.
	SetAside, Dropped atomic.Int64
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

// Stats returns the edge's counters.
func (e *Edge) Stats() *Stats { return &e.stats }
