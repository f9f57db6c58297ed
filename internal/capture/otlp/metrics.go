// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// Total is how often something happened on a day, or how much of it, as a tool counted it: to compare with what was
// captured, never to learn from.
type Total struct {
	Tool string
	Day  time.Time // its beginning, UTC
	// Measure is one of accepted, rejected, modified, lines_added, lines_removed, tokens_input, tokens_output,
	// tokens_cache_read, tokens_cache_write, tokens_reasoning, cost_usd, sessions, commits, pull_requests, tool_calls.
	Measure         string
	Language, Model string
	// Series is empty where N is an amount to be added to the day's. Else N is what a count that only grows had come to by
	// then: Series names that count and when it began, and the greatest N of a series on a day is the day's.
	Series string
	N      float64
}

// Metrics makes totals of the metrics of the tools we know. Points that tell what was added since the point before (delta)
// are added as they are; they are never compared, because a restart does not set them to zero. Of counts that grow from a
// beginning (cumulative) each beginning is a series of its own.
func Metrics(metrics pmetric.Metrics) []Total {
	s := sums{dialects: dialects(), at: map[Total]int{}}
	for _, rm := range metrics.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				s.metric(event{names: [3]string{valid(m.Name())}, scope: sm.Scope().Name(), resource: rm.Resource().Attributes()}, m)
			}
		}
	}
	return s.all
}

// sums gathers totals.
type sums struct {
	dialects []dialect
	all      []Total
	at       map[Total]int // by all but N
}

// metric adds the points of a sum, or the sums of a histogram: several tools measure tokens in one.
func (s *sums) metric(of event, m pmetric.Metric) {
	switch m.Type() {
	case pmetric.MetricTypeSum:
		if m.Sum().AggregationTemporality() == pmetric.AggregationTemporalityCumulative && !m.Sum().IsMonotonic() {
			return // a level, not a count
		}
		for _, p := range m.Sum().DataPoints().All() {
			n := p.DoubleValue()
			if p.ValueType() == pmetric.NumberDataPointValueTypeInt {
				n = float64(p.IntValue())
			}
			if !p.Flags().NoRecordedValue() {
				s.point(of, m.Sum().AggregationTemporality(), p.Attributes(), p.StartTimestamp(), p.Timestamp(), n)
			}
		}
	case pmetric.MetricTypeHistogram:
		for _, p := range m.Histogram().DataPoints().All() {
			if p.HasSum() && !p.Flags().NoRecordedValue() {
				s.point(of, m.Histogram().AggregationTemporality(), p.Attributes(), p.StartTimestamp(), p.Timestamp(), p.Sum())
			}
		}
	}
}

func (s *sums) point(ev event, how pmetric.AggregationTemporality, attrs pcommon.Map, start, end pcommon.Timestamp, n float64) {
	ev.attrs, ev.at = attrs, stamp(end)
	d := dialectOf(s.dialects, &ev)
	if d == nil || ev.at.IsZero() || !(n > 0) || math.IsInf(n, 1) {
		return
	}
	t := Total{Tool: d.tool(), Day: ev.at.Truncate(24 * time.Hour), Measure: d.measure(ev.names[0], &ev), Language: short(language(&ev)),
		Model: short(ev.str("model", "gen_ai.response.model", "gen_ai.request.model"))}
	switch {
	case t.Measure == "":
		return
	case how == pmetric.AggregationTemporalityCumulative:
		t.Series = series(&ev, start)
	case how != pmetric.AggregationTemporalityDelta:
		return
	}
	i, ok := s.at[t]
	if !ok {
		i = len(s.all)
		s.at[t], s.all = i, append(s.all, t)
	}
	if t.Series == "" {
		s.all[i].N += n
	} else {
		s.all[i].N = max(s.all[i].N, n)
	}
}

// short keeps a name of a language or a model a name.
func short(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, name)
	if len(name) > 64 {
		name = strings.ToValidUTF8(name[:64], "")
	}
	return name
}

// series names one count that grows: where it is kept, of what, and since when.
func series(ev *event, start pcommon.Timestamp) string {
	h := sha256.New()
	add := func(s string) { h.Write([]byte(strconv.Itoa(len(s)) + ":" + s)) }
	add(ev.names[0])
	add(ev.scope)
	add(strconv.FormatUint(uint64(start), 10))
	for _, m := range [...]pcommon.Map{ev.resource, ev.attrs} {
		keys := make([]string, 0, m.Len())
		for k := range m.All() {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		add(strconv.Itoa(len(keys)))
		for _, k := range slices.Compact(keys) {
			add(k)
			add(text(m, k))
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func linesOf(kind string) string {
	switch kind {
	case "added", "removed":
		return "lines_" + kind
	}
	return ""
}

func tokensOf(kind string) string {
	switch plainly(kind) {
	case "input":
		return "tokens_input"
	case "output":
		return "tokens_output"
	case "cacheread", "cachedinput", "cached", "cache":
		return "tokens_cache_read"
	case "cachecreation", "cachewrite":
		return "tokens_cache_write"
	case "reasoning", "reasoningoutput", "thought":
		return "tokens_reasoning"
	}
	return ""
}

// verdictOf names the measure that a tool's word for a decision counts towards, whoever decided.
func verdictOf(word string) string {
	return map[string]string{"accept": "accepted", "accepted": "accepted", "autoaccept": "accepted", "allow": "accepted", "approved": "accepted",
		"reject": "rejected", "rejected": "rejected", "deny": "rejected", "denied": "rejected", "followup": "rejected", "modify": "modified"}[plainly(word)]
}
