// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// The metrics here are constructed from the tables of the tools' documentation: no recording is public.

const (
	delta      = pmetric.AggregationTemporalityDelta
	cumulative = pmetric.AggregationTemporalityCumulative
)

// point is one point of a counter.
type point struct {
	tool, metric string
	n            float64
	how          pmetric.AggregationTemporality
	start, at    time.Time
	attrs        attrs
}

func counted(t testing.TB, points ...point) pmetric.Metrics {
	t.Helper()
	m := pmetric.NewMetrics()
	for _, p := range points {
		rm := m.ResourceMetrics().AppendEmpty()
		rm.Resource().Attributes().PutStr("service.name", senders()[p.tool].service)
		sm := rm.ScopeMetrics().AppendEmpty()
		sm.Scope().SetName(strings.TrimSuffix(senders()[p.tool].scope, ".events"))
		c := sm.Metrics().AppendEmpty()
		c.SetName(p.metric)
		s := c.SetEmptySum()
		s.SetIsMonotonic(true)
		s.SetAggregationTemporality(p.how)
		d := s.DataPoints().AppendEmpty()
		d.SetDoubleValue(p.n)
		if p.at.IsZero() {
			p.at = second(0)
		}
		d.SetTimestamp(pcommon.NewTimestampFromTime(p.at))
		if !p.start.IsZero() {
			d.SetStartTimestamp(pcommon.NewTimestampFromTime(p.start))
		}
		put(t, d.Attributes(), p.attrs)
	}
	return m
}

func metrics(t testing.TB) pmetric.Metrics {
	return counted(t, point{tool: "claude-code", metric: "claude_code.lines_of_code.count", n: 3, how: delta, attrs: attrs{"type": "added", "model": "claude-opus-4-5"}},
		point{tool: "gemini-cli", metric: "gemini_cli.tool.call.count", n: 2, how: cumulative, start: second(0), at: second(9), attrs: attrs{"decision": "modify", "success": true}})
}

func TestEachToolsMetricsBecomeTotals(t *testing.T) {
	for _, c := range []struct {
		tool, metric string
		attrs        attrs
		want         string // measure, language, model
	}{
		{"claude-code", "claude_code.lines_of_code.count", attrs{"type": "removed", "model": "claude-opus-4-5"}, "lines_removed  claude-opus-4-5"},
		{"claude-code", "claude_code.code_edit_tool.decision", attrs{"tool_name": "Edit", "decision": "accept", "source": "config", "language": "TypeScript"}, "accepted typescript "},
		{"claude-code", "claude_code.code_edit_tool.decision", attrs{"decision": "reject", "source": "user_reject"}, "rejected  "},
		{"claude-code", "claude_code.commit.count", nil, "commits  "},
		{"claude-code", "claude_code.pull_request.count", nil, "pull_requests  "},
		{"claude-code", "claude_code.session.count", attrs{"start_type": "fresh"}, "sessions  "},
		{"claude-code", "claude_code.cost.usage", attrs{"model": "m"}, "cost_usd  m"},
		{"claude-code", "claude_code.token.usage", attrs{"type": "cacheRead", "model": "m"}, "tokens_cache_read  m"},
		{"claude-code", "claude_code.token.usage", attrs{"type": "cacheCreation", "model": "m"}, "tokens_cache_write  m"},
		{"claude-code", "claude_code.active_time.total", attrs{"type": "user"}, ""},
		{"codex", "codex.tool.call", nil, "tool_calls  "},
		{"codex", "codex.thread.started", nil, "sessions  "},
		{"codex", "codex.turn.token_usage", attrs{"token_type": "output"}, "tokens_output  "},
		{"codex", "codex.turn.e2e_duration_ms", nil, ""},
		{"gemini-cli", "gemini_cli.tool.call.count", attrs{"decision": "auto_accept"}, "accepted  "},
		{"gemini-cli", "gemini_cli.tool.call.count", attrs{"decision": "reject"}, "rejected  "},
		{"gemini-cli", "gemini_cli.tool.call.count", attrs{"decision": "modify"}, "modified  "},
		{"gemini-cli", "gemini_cli.tool.call.count", nil, "tool_calls  "},
		{"gemini-cli", "gemini_cli.lines.changed", attrs{"type": "added", "programming_language": "Go"}, "lines_added go "},
		{"gemini-cli", "gemini_cli.token.usage", attrs{"type": "thought", "model": "g"}, "tokens_reasoning  g"},
		{"copilot", "copilot_chat.edit.acceptance.count", attrs{"edit.source": "chat_editing_hunk", "edit.outcome": "accepted", "language_id": "go"}, "accepted go "},
		{"copilot", "copilot_chat.edit.acceptance.count", attrs{"edit.source": "inline_chat", "edit.outcome": "rejected"}, "rejected  "},
		{"copilot", "copilot_chat.edit.acceptance.count", attrs{"edit.source": "chat_editing", "edit.outcome": "saved"}, ""},
		{"copilot", "copilot_chat.edit.acceptance.count", attrs{"edit.source": "apply_patch", "edit.outcome": "accepted"}, ""},
		{"copilot", "copilot_chat.lines_of_code.count", attrs{"type": "added"}, "lines_added  "},
		{"copilot", "copilot_chat.pull_request.count", nil, "pull_requests  "},
		{"copilot", "gen_ai.client.token.usage", attrs{"gen_ai.token.type": "input", "gen_ai.request.model": "gpt-5"}, "tokens_input  gpt-5"},
		{"grok", "grok_code.tool.decision", attrs{"decision": "deny"}, "rejected  "},
		{"grok", "grok_code.tool.decision", attrs{"decision": "cancelled"}, ""},
		{"grok", "grok_code.session.count", nil, "sessions  "},
		{"grok", "grok_code.tool.usage", nil, "tool_calls  "},
		{"cursor", "cursor.token.usage", attrs{"type": "output"}, "tokens_output  "},
		{"cursor", "cursor.cost.usage", nil, "cost_usd  "},
		{"cursor", "cursor.tool_call.count", nil, "tool_calls  "},
		{"opentelemetry", "gen_ai.client.token.usage", attrs{"gen_ai.token.type": "output", "gen_ai.response.model": "m"}, "tokens_output  m"},
		{"nobody we know", "orders.count", nil, ""},
	} {
		got := Metrics(counted(t, point{tool: c.tool, metric: c.metric, n: 4, how: delta, attrs: c.attrs}))
		if c.want == "" {
			if len(got) != 0 {
				t.Errorf("%s %v: %+v, want nothing", c.metric, c.attrs, got)
			}
			continue
		}
		if len(got) != 1 || got[0].Tool != c.tool || got[0].N != 4 || got[0].Measure+" "+got[0].Language+" "+got[0].Model != c.want || !got[0].Day.Equal(second(0).Truncate(24*time.Hour)) {
			t.Errorf("%s %v: %+v, want %s", c.metric, c.attrs, got, c.want)
		}
	}
}

func TestAHistogramOfTokensIsItsSum(t *testing.T) {
	m := pmetric.NewMetrics()
	sm := m.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty()
	h := sm.Metrics().AppendEmpty()
	h.SetName("gen_ai.client.token.usage")
	h.SetEmptyHistogram().SetAggregationTemporality(delta)
	p := h.Histogram().DataPoints().AppendEmpty()
	p.SetSum(120)
	p.SetCount(3)
	p.SetTimestamp(pcommon.NewTimestampFromTime(second(0)))
	p.Attributes().PutStr("gen_ai.token.type", "input")
	if got := Metrics(m); len(got) != 1 || got[0].N != 120 {
		t.Errorf("%+v", got)
	}
}

// Trap 10 of the reference: a delta is what was added, whatever came before it.
func TestTrap10DeltasAreAddedAndNeverCompared(t *testing.T) {
	p := func(n float64, start, at int) point {
		return point{tool: "claude-code", metric: "claude_code.commit.count", n: n, how: delta, start: second(start), at: second(at)}
	}
	got := Metrics(counted(t, p(5, 0, 10), p(2, 10, 20), p(3, 0, 20))) // the last after a restart
	if len(got) != 1 || got[0].N != 10 || got[0].Series != "" {
		t.Errorf("%+v, want 10", got)
	}
}

func TestACountThatBeganAnewIsASeriesOfItsOwn(t *testing.T) {
	p := func(n float64, start, at int) point {
		return point{tool: "claude-code", metric: "claude_code.commit.count", n: n, how: cumulative, start: second(start), at: second(at)}
	}
	got := Metrics(counted(t, p(5, 0, 10), p(7, 0, 20), p(6, 0, 15), p(2, 21, 30)))
	slices.SortFunc(got, func(a, b Total) int { return int(b.N - a.N) })
	if len(got) != 2 || got[0].N != 7 || got[1].N != 2 || got[0].Series == got[1].Series || got[0].Series == "" {
		t.Errorf("%+v, want 7 of one and 2 of another", got)
	}
	again := Metrics(counted(t, p(9, 0, 40)))
	if again[0].Series != got[0].Series {
		t.Error("the series has another name in the next request")
	}
	other := Metrics(counted(t, point{tool: "claude-code", metric: "claude_code.commit.count", n: 5, how: cumulative, start: second(0), at: second(10), attrs: attrs{"session.id": "x"}}))
	if other[0].Series == got[0].Series {
		t.Error("two sessions' counts are one series")
	}
}

func TestWhatIsNoCountIsPassedOver(t *testing.T) {
	name := "claude_code.commit.count"
	m := counted(t, point{tool: "claude-code", metric: name, n: -1, how: delta}, point{tool: "claude-code", metric: name, n: 0, how: delta},
		point{tool: "claude-code", metric: name, n: 1, how: pmetric.AggregationTemporalityUnspecified})
	level := counted(t, point{tool: "claude-code", metric: name, n: 1, how: cumulative})
	level.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().SetIsMonotonic(false)
	level.ResourceMetrics().At(0).CopyTo(m.ResourceMetrics().AppendEmpty())
	none := counted(t, point{tool: "claude-code", metric: name, n: 1, how: delta})
	none.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().DataPoints().At(0).SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))
	none.ResourceMetrics().At(0).CopyTo(m.ResourceMetrics().AppendEmpty())
	gauge := m.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	gauge.SetName(name)
	gauge.SetEmptyGauge().DataPoints().AppendEmpty().SetIntValue(5)
	if got := Metrics(m); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestTotalsNameNobody(t *testing.T) {
	got := Metrics(counted(t, point{tool: "claude-code", metric: "claude_code.token.usage", n: 1, how: cumulative, attrs: attrs{"type": "input", "model": strings.Repeat("m\n", 99), "user.email": "someone@example.invalid"}}))
	if len(got) != 1 || len(got[0].Model) > 64 || strings.Contains(got[0].Model, "\n") {
		t.Fatalf("%+v", got)
	}
	got[0].Model = ""
	if d := cmp.Diff(Total{Tool: "claude-code", Day: second(0).Truncate(24 * time.Hour), Measure: "tokens_input", Series: got[0].Series, N: 1}, got[0]); d != "" {
		t.Error(d)
	}
}
