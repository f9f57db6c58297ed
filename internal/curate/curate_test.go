// SPDX-License-Identifier: Apache-2.0

package curate_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/curate"
	"github.com/headrace/headrace/internal/rights"
)

var (
	now  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	opts = curate.Options{Recipient: "hub", Purposes: []episode.Purpose{episode.PurposeReward}, Rights: makers(), Now: now}
)

func makers() rights.Use {
	u, err := rights.Makers()
	if err != nil {
		panic(err) // embedded
	}
	return u
}

// decided returns an episode as it looks when it has left: one decision of a policy.
func decided(id string, change ...func(*episode.Episode)) *episode.Episode {
	shown := true
	e := &episode.Episode{SchemaVersion: "1.0", ID: id, Revision: 1, StartedAt: now.AddDate(0, 0, -3),
		Tool: episode.Tool{Name: "demo", Surface: episode.SurfaceCompletion}, Model: episode.Model{Provider: "demo"}, Developer: "dev_1", Session: "se_" + id, Repository: "repo_1",
		Suggestions: []episode.Suggestion{{ID: "s1", Step: -1, Kind: episode.KindCompletion, Language: "go",
			Features: map[string]any{"length": 12.0, "language": "go", "first": true}}},
		Decisions: []episode.Decision{{Suggestion: "s1", Verdict: episode.Accepted, By: episode.ByPerson, DecisionID: "d_" + id, Chosen: "show", Shown: &shown,
			Actions: []episode.Action{{ID: "show", Propensity: 0.8}, {ID: "hide", Propensity: 0.2}}}},
		Privacy: &episode.Privacy{Level: episode.LevelSignal},
		Terms:   &episode.Terms{Purposes: []episode.Purpose{episode.PurposeEvaluate, episode.PurposeReward}, Recipients: []string{"hub"}, ExpiresAt: now.AddDate(1, 0, 0)},
	}
	for _, f := range change {
		f(e)
	}
	return e
}

func amendment(id string, revision int, value float64, change ...func(*episode.Episode)) *episode.Episode {
	return decided(fmt.Sprintf("%s_a%d", id, revision), append([]func(*episode.Episode){func(e *episode.Episode) {
		e.Amends, e.Revision, e.Suggestions, e.Decisions = id, revision, nil, nil
		e.Outcomes = []episode.Outcome{{Suggestion: "s1", Kind: episode.OutcomeKept, Value: value, Window: "10m"}}
	}}, change...)...)
}

func shard(t testing.TB, contributor, bundle string, eps ...*episode.Episode) curate.Shard {
	t.Helper()
	s := curate.Shard{Contributor: contributor, Bundle: bundle, Received: now.AddDate(0, 0, -2)}
	for _, e := range eps {
		b, err := episode.AppendCanonical(nil, e)
		if err != nil {
			t.Fatal(err)
		}
		s.Records = append(s.Records, b)
	}
	return s
}

func run(t testing.TB, o curate.Options, shards ...curate.Shard) curate.Result {
	t.Helper()
	r, err := curate.Curate(t.Context(), shards, o)
	if err != nil {
		t.Fatal(err)
	}
	for who, c := range r.Meta.Counts {
		n := c.Used + c.Folded
		for _, k := range c.SetAside {
			n += k
		}
		if n != c.In || c.Folded < 0 {
			t.Errorf("%s: counts do not add up: %+v", who, c)
		}
	}
	return r
}

func ids(r curate.Result) []string {
	var out []string
	for _, row := range r.Rows {
		out = append(out, row.Contributor+"/"+row.Episode.ID)
	}
	return out
}

func TestEachRefusedRecordIsCountedByItsReasonAndTheRestGoesOn(t *testing.T) {
	terms := func(f func(*episode.Terms)) func(*episode.Episode) { return func(e *episode.Episode) { f(e.Terms) } }
	for reason, bad := range map[string][]*episode.Episode{
		curate.ReasonSchema: {
			decided("x", func(e *episode.Episode) { e.Local = &episode.Local{Team: "a"} }),
			decided("x", func(e *episode.Episode) { e.Privacy = nil }),
			decided("x", func(e *episode.Episode) { e.Privacy.Level = episode.LevelAggregate }),
			decided("x", func(e *episode.Episode) { e.Decisions[0].Suggestion = "s2" }),
			decided("x", func(e *episode.Episode) { e.Decisions[0].Verdict = "liked" }),
			decided("x", func(e *episode.Episode) { e.Decisions[0].By = "somebody" }),
			decided("x", func(e *episode.Episode) { e.Decisions[0].Actions[0].Propensity = 0.4 }),
			decided("x", func(e *episode.Episode) { e.Decisions[0].Actions[0].Propensity = -0.2 }),
			decided("x", func(e *episode.Episode) { e.Decisions[0].Chosen = "other" }),
			decided("x", func(e *episode.Episode) { e.Suggestions = append(e.Suggestions, e.Suggestions[0]) }),
			decided("x", func(e *episode.Episode) { e.Outcomes = []episode.Outcome{{Kind: episode.OutcomeKept, Value: 7}} }),
			amendment("good", 2, 1, func(e *episode.Episode) { e.Instruction = "text that was not approved" }),
		},
		curate.ReasonNoTerms:   {decided("x", func(e *episode.Episode) { e.Terms = nil })},
		curate.ReasonRecipient: {decided("x", terms(func(t *episode.Terms) { t.Recipients = []string{"other"} }))},
		curate.ReasonPurpose:   {decided("x", terms(func(t *episode.Terms) { t.Purposes = []episode.Purpose{episode.PurposeEvaluate} }))},
		curate.ReasonRights: {
			decided("x", func(e *episode.Episode) { e.Model.Provider = "anthropic" }),
			decided("x", func(e *episode.Episode) { e.Model.Provider = "" }),
			decided("x", func(e *episode.Episode) { e.Origin = &episode.Origin{Provider: "openai", ContractClass: "enterprise"} }),
		},
		curate.ReasonExpired: {
			decided("x", terms(func(t *episode.Terms) { t.ExpiresAt = now })),
			decided("x", terms(func(t *episode.Terms) { t.RetentionDays = 2 })), // received two days ago
		},
		curate.ReasonOrphan:         {amendment("nowhere", 2, 1)},
		curate.ReasonAmendmentTerms: {amendment("good", 2, 1, terms(func(t *episode.Terms) { t.Purposes = t.Purposes[1:] }))},
		curate.ReasonDuplicate: {
			decided("good"), // the same bytes again
			decided("zz", func(e *episode.Episode) { e.Session = "se_good"; e.Decisions[0].DecisionID = "d_good" }),
		},
		curate.ReasonConflict: {decided("good", func(e *episode.Episode) { e.Revision = 1; e.Developer = "dev_2" })},
	} {
		for i, e := range bad {
			r := run(t, opts, shard(t, "acme", "b1", decided("good")), shard(t, "acme", "b2", e))
			if diff := cmp.Diff([]string{"acme/good"}, ids(r)); diff != "" {
				t.Errorf("%s %d: %s", reason, i, diff)
			}
			if diff := cmp.Diff(map[string]int{reason: 1}, r.Meta.Counts["acme"].SetAside); diff != "" {
				t.Errorf("%s %d: %s", reason, i, diff)
			}
		}
	}
	s := shard(t, "acme", "b1", decided("good"))
	s.Records = append(s.Records, []byte("{torn"), nil, []byte(`{"schema_version":"9.0","id":"x"}`), []byte(`{"schema_version":"1.0","id":"x","id":"y"}`))
	if r := run(t, opts, s); r.Meta.Counts["acme"].SetAside[curate.ReasonSchema] != 4 || len(r.Rows) != 1 {
		t.Errorf("torn lines: %+v", r.Meta.Counts)
	}
}

func TestAmendmentsAreFoldedInOrderIntoTheHighestRevision(t *testing.T) {
	late := shard(t, "acme", "b3", amendment("e", 4, 0.25, func(e *episode.Episode) { e.Terms.ExpiresAt = now.AddDate(0, 1, 0) }), amendment("e", 3, 0.5))
	r := run(t, opts, late, shard(t, "acme", "b1", decided("e")),
		shard(t, "acme", "b2", decided("e", func(e *episode.Episode) { e.Revision = 2; e.Developer = "dev_9" }), amendment("e", 2, 1)))
	if len(r.Rows) != 1 {
		t.Fatalf("rows: %v", ids(r))
	}
	row := r.Rows[0]
	if row.Episode.Revision != 4 || row.Episode.Developer != "dev_9" || len(row.Episode.Outcomes) != 2 ||
		row.Episode.Outcomes[0].Value != 0.5 || row.Episode.Outcomes[1].Value != 0.25 {
		t.Errorf("folded: %+v", row.Episode)
	}
	if want := now.AddDate(0, 1, 0); !row.ExpiresAt.Equal(want) {
		t.Errorf("expires %v, want the amendment's %v", row.ExpiresAt, want)
	}
	if diff := cmp.Diff([]string{"b2", "b3"}, row.Bundles); diff != "" {
		t.Error(diff)
	}
	if back, err := episode.Decode(row.Record); err != nil || len(back.Outcomes) != 2 {
		t.Errorf("record: %v, %+v", err, back)
	}
	if c := r.Meta.Counts["acme"]; c.In != 5 || c.Used != 1 || c.Folded != 4 {
		t.Errorf("counts: %+v", c)
	}
}

func TestHonestDecisionsThatLookAlikeAreAllKept(t *testing.T) {
	alike := func(e *episode.Episode) { e.Session = "se_1"; e.Decisions[0].DecisionID = "" }
	r := run(t, opts, shard(t, "acme", "b1", decided("e1", alike), decided("e2", alike)))
	if len(r.Rows) != 2 {
		t.Errorf("rows: %v, want both", ids(r))
	}
}

func TestSameIdOfAnotherContributorIsAnotherEpisode(t *testing.T) {
	other := decided("e", func(e *episode.Episode) { e.Developer = "dev_7" })
	o := opts
	o.Withdrawn = map[curate.Key]bool{{Contributor: "acme", Episode: "e"}: true}
	r := run(t, o, shard(t, "acme", "b1", decided("e"), amendment("e", 2, 1)), shard(t, "bolt", "b2", other))
	if diff := cmp.Diff([]string{"bolt/e"}, ids(r)); diff != "" {
		t.Error(diff)
	}
	if n := r.Meta.Counts["acme"].SetAside[curate.ReasonWithdrawn]; n != 2 {
		t.Errorf("withdrawn %d, want episode and amendment", n)
	}
}

// TestOrderOfShardsAndRecordsDoesNotChangeTheSnapshot: whatever arrives, however it is cut and mixed, is one snapshot.
func TestOrderOfShardsAndRecordsDoesNotChangeTheSnapshot(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var shards []curate.Shard
		for i := range rapid.IntRange(1, 5).Draw(rt, "shards") {
			var eps []*episode.Episode
			for range rapid.IntRange(0, 8).Draw(rt, "records") {
				id := rapid.SampledFrom([]string{"e1", "e2", "e3", "e4"}).Draw(rt, "id")
				rev := rapid.IntRange(1, 3).Draw(rt, "revision")
				if rapid.Bool().Draw(rt, "amendment") {
					eps = append(eps, amendment(id, rev, rapid.SampledFrom([]float64{0, 0.5, 1}).Draw(rt, "value")))
				} else {
					eps = append(eps, decided(id, func(e *episode.Episode) {
						e.Revision = rev
						e.Developer = rapid.SampledFrom([]string{"dev_1", "dev_2"}).Draw(rt, "developer")
					}))
				}
			}
			who := rapid.SampledFrom([]string{"acme", "bolt"}).Draw(rt, "contributor")
			shards = append(shards, shard(t, who, fmt.Sprintf("b%d", i), eps...))
		}
		first := run(t, opts, shards...)
		rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		rnd.Shuffle(len(shards), func(i, j int) { shards[i], shards[j] = shards[j], shards[i] })
		for _, s := range shards {
			rnd.Shuffle(len(s.Records), func(i, j int) { s.Records[i], s.Records[j] = s.Records[j], s.Records[i] })
		}
		// Same rows and same meta are the same snapshot: package dataset's tests show that.
		if diff := cmp.Diff(first, run(t, opts, shards...)); diff != "" {
			rt.Fatal(diff)
		}
	})
}

func TestCurateWritesToNothingItWasGiven(t *testing.T) {
	s := shard(t, "acme", "b1", decided("e"), amendment("e", 2, 1))
	before := make([][]byte, len(s.Records))
	for i, r := range s.Records {
		before[i] = slices.Clone(r)
	}
	run(t, opts, s)
	if diff := cmp.Diff(before, s.Records); diff != "" {
		t.Error(diff)
	}
}

func FuzzCurate(f *testing.F) {
	s := shard(f, "acme", "b1", decided("e"), amendment("e", 2, 1))
	f.Add(s.Records[0], s.Records[1])
	f.Add([]byte("{}"), []byte(`{"schema_version":"1.0","id":"e","amends":"e"}`))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		run(t, opts, curate.Shard{Contributor: "acme", Bundle: "b1", Records: [][]byte{a, b}})
	})
}

func BenchmarkCurate(b *testing.B) {
	const n = 20000
	var shards []curate.Shard
	for i := range 4 {
		var eps []*episode.Episode
		for j := range n / 4 {
			eps = append(eps, decided(fmt.Sprintf("ep_%016x", uint64(j)*0x9E3779B97F4A7C15)))
		}
		shards = append(shards, shard(b, fmt.Sprintf("c%d", i), fmt.Sprintf("b%d", i), eps...))
	}
	b.ReportAllocs()
	for b.Loop() {
		if r := run(b, opts, shards...); len(r.Rows) != n {
			b.Fatal(len(r.Rows))
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
