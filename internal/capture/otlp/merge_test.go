// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"bytes"
	"slices"
	"testing"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"pgregory.net/rapid"

	"github.com/headrace/headrace/episode"
)

// one is the nth thing that a tool sends of a prompt, by itself: a log event, or after those a span.
func one(t testing.TB, tool string, n int) []*episode.Episode {
	events := named(tool, said()[tool])
	if n < len(events) {
		l := records(t, tool, events...)
		batch := plog.NewLogs()
		l.ResourceLogs().At(0).Resource().CopyTo(batch.ResourceLogs().AppendEmpty().Resource())
		sl := batch.ResourceLogs().At(0).ScopeLogs().AppendEmpty()
		l.ResourceLogs().At(0).ScopeLogs().At(0).Scope().CopyTo(sl.Scope())
		l.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(n).CopyTo(sl.LogRecords().AppendEmpty())
		got, _ := Episodes(batch)
		return got
	}
	all := spans(t, tool, traced()[tool]...)
	batch := ptrace.NewTraces()
	all.ResourceSpans().At(0).Resource().CopyTo(batch.ResourceSpans().AppendEmpty().Resource())
	ss := batch.ResourceSpans().At(0).ScopeSpans().AppendEmpty()
	all.ResourceSpans().At(0).ScopeSpans().At(0).Scope().CopyTo(ss.Scope())
	all.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(n - len(said()[tool])).CopyTo(ss.Spans().AppendEmpty())
	got, _ := Traces(batch)
	return got
}

// merged are the episodes that a tool's events make in the order given, as a store that keeps each would have them.
func merged(t testing.TB, tool string, order []int) map[string][]byte {
	stored := map[string][]byte{}
	for _, n := range order {
		for _, part := range one(t, tool, n) {
			if have := stored[part.ID]; have != nil {
				e, err := episode.Decode(have)
				if err != nil {
					t.Fatal(err)
				}
				Merge(e, part)
				part = e
			}
			b, err := episode.Append(nil, part)
			if err != nil {
				t.Fatal(err)
			}
			stored[part.ID] = b
		}
	}
	return stored
}

func TestMergingIsTheSameInAnyOrderAndAnyNumberOfTimesForEveryTool(t *testing.T) {
	for _, tool := range tools() {
		t.Run(tool, func(t *testing.T) {
			all := make([]int, len(said()[tool])+len(traced()[tool]))
			for i := range all {
				all[i] = i
			}
			want := merged(t, tool, all)
			if len(want) == 0 {
				t.Fatal("the tool tells nothing")
			}
			rapid.Check(t, func(rt *rapid.T) {
				order := rapid.Permutation(all).Draw(rt, "order")
				order = slices.Concat(order, rapid.SliceOfN(rapid.SampledFrom(all), 0, 6).Draw(rt, "again"))
				got := merged(t, tool, order)
				for id, w := range want {
					if !bytes.Equal(got[id], w) {
						rt.Fatalf("\n got %s\nwant %s", got[id], w)
					}
				}
			})
		})
	}
}

func TestABatchIsTheSameAsItsEventsOneByOne(t *testing.T) {
	for _, tool := range tools() {
		var all []int
		for i := range said()[tool] {
			all = append(all, i)
		}
		want := merged(t, tool, all)
		got, _ := Episodes(records(t, tool, named(tool, said()[tool])...))
		if len(got) != len(want) {
			t.Errorf("%s: %d episodes, want %d", tool, len(got), len(want))
		}
		for _, e := range got {
			if b, err := episode.Append(nil, e); err != nil || !bytes.Equal(b, want[e.ID]) {
				t.Errorf("%s: %v\n got %s\nwant %s", tool, err, b, want[e.ID])
			}
		}
	}
}

func TestTheLastWordOnAnAnswerCounts(t *testing.T) {
	events := []attrs{
		{"name": "copilot_chat.user.feedback", "rating": "positive", "conversation_id": "c", "request_id": "r"},
		{"name": "copilot_chat.user.feedback", "rating": "negative", "conversation_id": "c", "request_id": "r"},
	}
	got, _ := Episodes(records(t, "copilot", events...))
	if r := got[0].Ratings; len(r) != 1 || r[0].Value != 0 || r[0].By != "person" || r[0].Target != "episode" {
		t.Errorf("%+v", r)
	}
}

func TestAMergeThatKnowsTheSessionTellsItToTheRest(t *testing.T) {
	feedback, _ := Episodes(records(t, "copilot", attrs{"name": "copilot_chat.edit.feedback", "outcome": "accepted", "request_id": "r"}))
	rating, _ := Episodes(records(t, "copilot", attrs{"name": "copilot_chat.user.feedback", "rating": "positive", "conversation_id": "c", "request_id": "r"}))
	e := feedback[0]
	if e.Session != "" || len(e.Decisions) != 1 {
		t.Fatalf("%+v", e)
	}
	Merge(e, rating[0])
	if e.Session != "c" || len(e.Ratings) != 1 || len(e.Decisions) != 1 {
		t.Errorf("%+v", e)
	}
}

func TestAnUnprovenPartMarksTheWhole(t *testing.T) {
	parts := one(t, "codex", 4)
	other := one(t, "codex", 5)
	other[0].Local = &episode.Local{Unauthenticated: true}
	into := parts[0].Clone()
	Merge(into, other[0])
	if into.Local == nil || !into.Local.Unauthenticated {
		t.Error("the mark is lost")
	}
	if Merge(other[0], parts[0]); !other[0].Local.Unauthenticated {
		t.Error("the mark is lost")
	}
}
