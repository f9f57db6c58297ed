// SPDX-License-Identifier: Apache-2.0

package web

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/headrace/headrace/episode"
)

// world is a source of both kinds. Its zero value is empty; full fills it, and text goes into every free string.
type world struct {
	text func(string) string

	stages, hubStages []Stage
	histories         []History
	episodes          []EpisodeView
	rows              []EpisodeRow
	batches           []BatchView
	alarms            []Alarm
	counts            []Counts
	bundles           []BundleView
	withdrawals       []Withdrawal
	takenBack         []Scope
	agree             *bool // of whoever asks
	snapshots         []SnapshotView
	gates             []Gate
	releases          []Release
	rewards           Rewards
	instructions      []Instruction
	standing          Standing
	statements        []Statement

	mu      sync.Mutex
	rulings []string // "who choice batch records digest"
	decided string   // "version choice"
	refuse  error    // what Rule and Withdraw answer
}

func plain(s string) string { return s }

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func digestOf(s string) string { return episode.Digest([]byte(s)) }

// full is a world in which the loop has turned; t makes its strings, so that a test can make them hostile.
func full(t func(string) string) *world {
	terms := &episode.Terms{Purposes: []episode.Purpose{episode.PurposeEvaluate, episode.PurposeReward}, Recipients: []string{t("maker.example")},
		Region: t("eu"), RetentionDays: 365, ExpiresAt: noon.AddDate(1, 0, 0)}
	findings := map[string]int{t("email"): 3, t("jwt"): 1}
	levels := map[episode.Level]int{episode.LevelSignal: 40, episode.LevelMasked: 2}
	w := &world{text: t}
	w.stages = []Stage{{t("capture"), 128412, "episodes", 3, HealthOK, "", noon}, {"scrub", 128409, "episodes", 3, HealthTrouble, t("3 could not be filtered and stay here"), noon},
		{"consent", 97210, "episodes", 31199, HealthWaiting, t("2 wait for you"), noon}, {"bundle", 12, "bundles", 0, HealthOK, "", noon},
		{"edge", 1, "releases", 0, HealthOK, t("fetched and checked"), noon}, {"lever", 48210, "decisions", 0, HealthOK, "", noon}}
	w.stages[0].Name = "capture"
	w.hubStages = []Stage{{"intake", 12, "bundles", 0, HealthOK, "", noon}, {"curate", 97001, "records", 209, HealthOK, "", noon}, {"dataset", 2, "snapshots", 0, HealthOK, "", noon},
		{"learn", 2, "candidates", 0, HealthOK, "", noon}, {"gate", 2, "reports", 1, HealthOK, "", noon}, {"release", 1, "releases", 0, HealthIdle, "", time.Time{}}, {"value", 3, "statements", 0, HealthOK, "", noon}}
	w.histories = []History{{t("claude-code"), t("~/.claude/projects"), 214, 88 << 20, 1203, 0.62, ""}, {t("codex"), t("~/.codex/sessions"), 31, 4 << 20, 211, 1, ""},
		{t("aider"), t("~/src/old/.aider.chat.history.md"), 1, 9312, 0, 0, t("permission denied")}}
	before := "package pay\n\nimport \"errors\"\n\nfunc Charge(cents int) error {\n\tif cents < 0 {\n\t\treturn errors.New(\"negative\")\n\t}\n\treturn send(cents)\n}\n"
	after := strings.Replace(before, "cents < 0", "cents <= 0", 1)
	final := strings.Replace(after, `"negative"`, `"nothing to charge"`, 1)
	dist := 0.08
	e := &episode.Episode{SchemaVersion: "1.0", ID: "ep_1", Revision: 1, StartedAt: noon.Add(-90 * time.Minute), Tool: episode.Tool{Name: t("claude-code"), Surface: episode.SurfaceAgent},
		Model: episode.Model{Name: t("some-model")}, Developer: t("d"), Session: "s/1", Repository: t("payments"), Languages: []string{t("go")},
		Instruction: t("Charging nothing should be an error too. Please fix Charge and its test."),
		Artifacts:   []episode.Artifact{{Kind: episode.ArtifactRules, Name: t("CLAUDE.md"), Text: t("Errors are lower-case.\nTests are named after the promise.")}},
		Steps: []episode.Step{{At: noon, Source: episode.SourceUser, Message: t("Charging nothing should be an error too.")},
			{Source: episode.SourceAgent, Message: t("I look at the function first."), Reasoning: t("The bound is off by one."), ToolCalls: []episode.ToolCall{{ID: "c1", Name: t("Read"), Arguments: []byte(`{"path":"pay.go"}`)}},
				Observation: &episode.Observation{Results: []episode.Result{{Call: "c1", Content: t(before)}, {Content: t("no such file"), Error: true}}}}},
		Suggestions: []episode.Suggestion{{ID: "s1", Step: 1, Kind: episode.KindEdit, Path: t("internal/pay/charge.go"), Language: t("go"), Before: t(before), After: t(after)},
			{ID: "s2", Kind: episode.KindCommand, After: t("go test ./internal/pay/")}},
		Decisions: []episode.Decision{{Suggestion: "s1", Verdict: episode.Modified, By: episode.ByPerson, Reason: t("say what is wrong"), Final: t(final), EditDistance: &dist},
			{Suggestion: "s2", Verdict: episode.Rejected, By: episode.ByRule}},
		Outcomes: []episode.Outcome{{Suggestion: "s1", Kind: episode.OutcomeKept, Value: 0.92, Window: "30d"}, {Suggestion: "s1", Kind: episode.OutcomeReverted, Window: "30d"}},
		Usage:    &episode.Usage{InputTokens: 18234, OutputTokens: 912}, Privacy: &episode.Privacy{Level: episode.LevelMasked, Scrubber: t("headrace-scrub 1"), Findings: findings}}
	w.episodes = []EpisodeView{{Episode: e, Raw: RawShown, RawTill: noon.Add(48 * time.Hour), State: "waiting", Level: episode.LevelMasked, Terms: terms, Why: t("repositories/payments"), Bundle: "b/1",
		History: []Event{{noon.Add(-time.Hour), t("captured"), ""}, {noon, t("level set to masked"), t("policy")}}},
		{Episode: &episode.Episode{ID: "ep_2", Tool: episode.Tool{Name: t("demo"), Surface: episode.SurfaceCompletion}}, Raw: RawExpired, RawTill: noon, State: "sent", Level: episode.LevelSignal, Bundle: "b/1"}}
	for i := range 60 {
		row := EpisodeRow{ID: "ep_2", StartedAt: noon.Add(-time.Duration(i) * time.Hour), Tool: t("demo"), Surface: episode.SurfaceCompletion, Suggestions: 1,
			Verdicts: map[episode.Verdict]int{episode.Accepted: 1}, Level: episode.LevelSignal, State: []string{"sent", "approved", "held", "refused"}[i%4]}
		if i == 0 {
			row = EpisodeRow{"ep_1", noon, t("claude-code"), episode.SurfaceAgent, t("payments"), t("Charging nothing should be an error too"), 2, map[episode.Verdict]int{episode.Modified: 1, episode.Rejected: 1}, episode.LevelMasked, "waiting"}
		}
		w.rows = append(w.rows, row)
	}
	out := []byte(`{"developer":"p_7f31","id":"e_9d2c","instruction":"Mail ‹email:k3f9› when the job ‹host:b81a› is done.","privacy":{"level":"masked"},"steps":[],"suggestions":[{"after":"send(‹email:k3f9›)","id":"s1","step":-1}]}`)
	raw := []byte(`{"developer":"kim@corp.example","id":"ep_1","instruction":"Mail kim@corp.example when the job build-7.corp.example is done.","local":{"repository":"payments","paths":["a.go","b.go"]},"suggestions":[{"after":"send(\"kim@corp.example\")","id":"s1","step":-1,"token_ids":[1,2,3]}]}`)
	if t("x") != "x" {
		out, raw = []byte(t(string(out))), []byte(t(string(raw)))
	}
	rec := BatchRecord{ID: "ep_1", Digest: episode.Digest(out), State: "waiting", Why: []string{t("new repository"), t("34 replacements")}, Risk: 40, Rule: t("payments"), Tool: t("claude-code"), Level: episode.LevelMasked, Out: out, Marks: marks(out, "‹email:k3f9›", t("email"), "‹host:b81a›", t("host")),
		Raw: raw, RawSeen: marks(raw, "kim@corp.example", t("email"), "build-7.corp.example", t("host"))}
	rec2 := rec
	rec2.ID, rec2.State, rec2.Digest = "ep_2", "approved", digestOf("2")
	w.batches = []BatchView{{Batch: Batch{"batch 1", t("maker.example"), 42, 2, 1, 40, 0, 0, 3, 91234, levels, findings}, State: "waiting", Seen: "42", Flags: []Flag{{ID: "ep_1", Why: t("names a customer"), At: noon}}, Stopped: []StoppedRule{{t("the-rest"), t("a record that was drawn was refused"), noon}}, Terms: terms, Policy: digestOf("policy"), Raw: RawShown, Records: []BatchRecord{rec, rec2}, Next: "2"}}
	receipt := &Receipt{noon, digestOf("hub"), 41, []Reason{{t("exact duplicate"), 1, t("nothing to do")}}, 12, 40, "verified", t("Checked against the hub’s checkpoint."), []string{t("witness.example/w1")}}
	w.bundles = []BundleView{{Bundle: Bundle{"b/1", noon, t("maker.example"), 42, 40123, levels, "received", receipt, nil}, Root: digestOf("root"), Policy: digestOf("policy"), Scrubber: t("headrace-scrub 1"), Findings: findings, Terms: terms, Signer: digestOf("edge"), SignedOK: true,
		Manifest: []byte(t(`{"version":1,"records":42}`)), Withdrawn: 1, Onward: []Onward{{t("partner.example"), 41, 977, noon, digestOf("partner")}}}, {Bundle: Bundle{ID: digestOf("b2"), PackedAt: noon, Recipient: t("maker.example"), Records: 1, Bytes: 1, State: "packed"}},
		{Bundle: Bundle{ID: "b/3", PackedAt: noon, Recipient: t("maker.example"), Records: 1, Bytes: 1, State: "refused", Incident: &Incident{ID: t("inc_1"), Day: t("2026-11-27"), RotateBy: t("2026-11-30T16:00:00Z"),
			Kinds: t("1 × aws-key"), Findings: []IncidentFinding{{0, t("/suggestions/0/after"), t("aws-key")}}, More: 2, Signer: digestOf("hub")}}}}
	w.alarms = []Alarm{{At: noon, Why: t("the log's key signed two checkpoints that are not of one log"), Dir: t("/var/lib/headrace/edge/log/1/evidence-2"), Hub: t("hub 1")}}
	w.counts = []Counts{{ID: digestOf("counts"), Recipient: t("maker.example"), Period: "2026-10", State: "sent", MadeAt: noon, SentAt: noon, Reports: []CountsTold{{t("taken"), "0.5", 240, []CountTold{{[]string{t("filter"), "no"}, 5210}, {[]string{t("filter"), "yes"}, -12}}}, {Query: "taken_by_language", Epsilon: "0.5", Within: 240}}},
		{Recipient: t("second.example"), Period: "2026-W40", State: "stays", Note: t("all reports together cost too much"), MadeAt: noon}}
	w.withdrawals = []Withdrawal{{"w/1", t("session s1"), noon, t("kim"), 7, "done", []Fate{{digestOf("b"), "bundle", t("erased")}, {"snap/1", "snapshot", t("rebuilt")}, {t("export of 3 Nov"), "export", t("beyond reach at maker.example")}}, []byte(t(`{"session":"s1"}`)), digestOf("hub"), t("hub 1")}}
	snap := Snapshot{"snap/1", noon, 97001, 96210, 1204, 3, true, []string{"openai-dpo", "trl-kto"}}
	w.snapshots = []SnapshotView{{Snapshot: snap, Digest: digestOf("snap"), In: 97210, Used: 97001, SetAside: []Reason{{t("terms do not cover the purpose"), 200, t("widen the purposes in the policy")}, {t("exact duplicate"), 9, ""}},
		Bundles: []Lineage{{digestOf("b"), t("acme"), 42, 41}}, Splits: []Split{{t("learn"), 60120, 804}, {t("held out"), 36090, 400}}, Gates: []string{"gate/1"}}}
	w.learned(t)
	w.statements = []Statement{{Hub: t("hub 1"), ID: "st/1", Contributor: t("acme"), From: noon.AddDate(0, -1, 0), To: noon, Given: 40000, Used: 39120, SetAside: []Reason{{t("exact duplicate"), 880, ""}}, HasValue: true, Value: Estimate{0.021, 0.009, 0.033, 500, 39120},
		ValueUnit: t("reward per decision that is lost when this contributor is left out"), Method: t("leave one contributor out"), Lines: []StatementLine{{t("Floor"), t("for taking part"), 2}, {t("Measured value"), t("lower bound × rate"), 4.5}}, Floor: 2, Discount: 6.5,
		RateCard: t("2026-11"), Recompute: t("headrace value --statement st_1"), Signer: digestOf("hub")},
		{ID: "st 2", Contributor: t("solo"), Given: 12, HasValue: true, Value: Estimate{0.777, 0.7, 0.8, 3, 12}, Floor: 2, Discount: 2}}
	return w
}

func marks(b []byte, textKind ...string) (out []Mark) {
	for i := 0; i < len(textKind); i += 2 {
		for at := 0; ; {
			n := strings.Index(string(b[at:]), textKind[i])
			if n < 0 {
				break
			}
			out = append(out, Mark{at + n, at + n + len(textKind[i]), textKind[i+1], ""})
			at += n + len(textKind[i])
		}
	}
	slices.SortFunc(out, func(a, b Mark) int { return a.Start - b.Start })
	return out
}

func find[T any](l []T, id string, of func(*T) string) (*T, error) {
	for i := range l {
		if of(&l[i]) == id {
			x := l[i]
			return &x, nil
		}
	}
	return nil, fmt.Errorf("%q: %w", id, ErrNotFound)
}

func bare[T, U any](l []T, f func(T) U) (out []U) {
	for _, x := range l {
		out = append(out, f(x))
	}
	return out
}

func (w *world) EdgeStages(context.Context) ([]Stage, error)     { return w.stages, nil }
func (w *world) HubStages(context.Context) ([]Stage, error)      { return w.hubStages, nil }
func (w *world) Histories(context.Context) ([]History, error)    { return w.histories, nil }
func (w *world) Statements(context.Context) ([]Statement, error) { return w.statements, nil }
func (w *world) Withdrawals(context.Context) ([]Withdrawal, error) {
	return w.withdrawals, nil
}
func (w *world) Batches(context.Context) ([]Batch, error) {
	return bare(w.batches, func(b BatchView) Batch { return b.Batch }), nil
}
func (w *world) Alarms(context.Context) ([]Alarm, error)  { return w.alarms, nil }
func (w *world) Counts(context.Context) ([]Counts, error) { return w.counts, nil }
func (w *world) Bundles(context.Context) ([]Bundle, error) {
	return bare(w.bundles, func(b BundleView) Bundle { return b.Bundle }), nil
}
func (w *world) Snapshots(context.Context) ([]Snapshot, error) {
	return bare(w.snapshots, func(b SnapshotView) Snapshot { return b.Snapshot }), nil
}
func (w *world) Episodes(_ context.Context, f EpisodeFilter) (EpisodePage, error) {
	p := EpisodePage{All: len(w.rows), Tools: []string{"claude-code", "demo"}, States: []string{"sent", "waiting"}}
	for _, r := range w.rows {
		if f.Tool == "" || r.Tool == f.Tool {
			p.Rows = append(p.Rows, r)
		}
	}
	p.Total = len(p.Rows)
	if f.After != "" {
		p.Rows = p.Rows[min(f.Limit, len(p.Rows)):]
	}
	if len(p.Rows) > f.Limit {
		p.Rows, p.Next = p.Rows[:f.Limit], "a&b"
	}
	return p, nil
}
func (w *world) Episode(_ context.Context, _, id string) (*EpisodeView, error) {
	return find(w.episodes, id, func(e *EpisodeView) string { return e.Episode.ID })
}
func (w *world) Batch(_ context.Context, _, id string, q BatchQuery) (*BatchView, error) {
	b, err := find(w.batches, id, func(b *BatchView) string { return b.ID })
	if err == nil && !q.Raw {
		b.Raw, b.Records = RawSealed, slices.Clone(b.Records)
		for i := range b.Records {
			b.Records[i].Raw, b.Records[i].RawSeen = nil, nil
		}
	}
	return b, err
}
func (w *world) Rule(_ context.Context, who string, r Ruling) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rulings = append(w.rulings, fmt.Sprint(who, " ", r.Choice, " ", r.Batch, " ", r.Records, " ", r.Seen))
	return w.refuse
}
func (w *world) RuleFrom(_ context.Context, who string, d RuleDraft) (*RuleTrial, error) {
	t := &RuleTrial{Draft: d, Records: len(d.Records), Shared: []string{w.text(`repository == "payments"`), w.text(`"jwt" in findings`)}}
	if len(d.When) > 0 {
		t.Policy = "sha256:next"
		t.Text, t.Looser, t.Tried = w.text("- name: x\n  level: none\n"), true, &PolicyTrial{Records: 1000, Moved: []PolicyMove{{"less", w.text("signal for evaluate"), w.text("stays"), 12}}}
	}
	return t, nil
}
func (w *world) ProposeRule(_ context.Context, who string, d RuleDraft, seen string) (int64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rulings = append(w.rulings, fmt.Sprint(who, " proposes ", d.Name, " ", d.When, " ", d.Level, " ", seen))
	return 2, w.refuse
}
func (w *world) SeeFlag(_ context.Context, who, id string) error {
	w.rulings = append(w.rulings, who+" sees "+id)
	return w.refuse
}
func (w *world) StartRule(_ context.Context, who, _, rule string) error {
	w.rulings = append(w.rulings, who+" starts "+rule)
	return w.refuse
}
func (w *world) Own(_ context.Context, who, _ string, _ int) (OwnPage, error) {
	if w.text == nil {
		return OwnPage{}, nil
	}
	return OwnPage{Rows: []Own{{"ep_1", noon, w.text("claude-code"), w.text("payments"), w.text("Charging nothing"), episode.LevelMasked, "asks you"}, {ID: "ep_2", StartedAt: noon, Tool: w.text("demo"), State: "sent"}}, Next: "a&b", TwoKeys: true, Agree: w.agree, Counts: w.counts}, nil
}
func (w *world) OwnRecord(_ context.Context, who, id string) (*OwnView, error) {
	rec := w.batches[0].Records[0]
	v := &OwnView{Own: Own{"ep_1", noon, w.text("claude-code"), w.text("payments"), "", episode.LevelMasked, "asks you"}, Why: w.text("rule payments"), Raw: RawShown, RawTill: noon, Captured: rec.Raw, RawSeen: rec.RawSeen,
		Flag: &Flag{Why: w.text("names a customer"), At: noon}, Leaves: []OwnLeaving{{Recipient: w.text("second.example"), Revision: 2, Digest: "sha256:shown", Level: episode.LevelMasked, State: "asks you", Rule: w.text("payments"), Record: rec.Out}, {Recipient: w.text("maker.example"), Revision: 2, Level: episode.LevelMasked, State: "held", Rule: w.text("payments"), Note: w.text("ask legal"), Terms: w.batches[0].Terms,
			Record: rec.Out, Marks: rec.Marks, Bundle: "b/1", SentAt: noon, Receipt: &OwnReceipt{digestOf("hub"), 12}}}}
	switch id {
	case "ep_1":
		return v, nil
	case "ep_2":
		return &OwnView{Own: Own{ID: "ep_2", StartedAt: noon, Tool: w.text("demo"), State: "vetoed"}, Raw: RawExpired, Over: true}, nil
	}
	return nil, ErrNotFound
}
func (w *world) OwnAct(_ context.Context, who, id string, a OwnSaid) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rulings = append(w.rulings, fmt.Sprint(who, " ", a.Choice, " ", id, " ", a.Why, strings.Join(a.Seen, " ")))
	return w.refuse
}
func (w *world) Preferences(context.Context, string) (Preferences, error) {
	if w.text == nil {
		return Preferences{}, nil
	}
	return Preferences{Agree: w.agree, Level: episode.LevelMasked, Ask: true, Repositories: []RepositoryLimit{{w.text("git.example/payments/**"), episode.LevelNone}}, Text: w.text("version: 1\n"), More: true}, nil
}
func (w *world) SetPreferences(_ context.Context, who string, p Preferences) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rulings = append(w.rulings, fmt.Sprintf("%s prefers %v %s %v %v", who, p.Agree != nil && *p.Agree, p.Level, p.Ask, p.Repositories))
	return w.refuse
}
func (w *world) Bundle(_ context.Context, id string) (*BundleView, error) {
	return find(w.bundles, id, func(b *BundleView) string { return b.ID })
}
func (w *world) Withdrawal(_ context.Context, id string) (*Withdrawal, error) {
	return find(w.withdrawals, id, func(x *Withdrawal) string { return x.ID })
}
func (w *world) WouldWithdraw(_ context.Context, s Scope) (*Reach, error) {
	r := &Reach{Scope: cmp.Or(s.Session, "everything"), Records: 7, Waiting: 2, Packed: 1, Elsewhere: map[string]int{"other.example": 1}, Releases: []string{"rel_1"}}
	for _, b := range w.bundles {
		r.Bundles = append(r.Bundles, ReachBundle{b.ID, b.Recipient, 7})
	}
	return r, w.refuse
}
func (w *world) Withdraw(_ context.Context, who string, s Scope) ([]string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.takenBack = append(w.takenBack, s)
	return []string{"w/1"}, w.refuse
}
func (w *world) Snapshot(_ context.Context, id string) (*SnapshotView, error) {
	return find(w.snapshots, id, func(x *SnapshotView) string { return x.ID })
}
func (w *world) Export(_ context.Context, id, format string, out io.Writer) error {
	_, err := fmt.Fprintf(out, "{\"prompt\":%q}\n", id)
	return err
}
func (w *world) Statement(_ context.Context, id string) (*Statement, error) {
	return find(w.statements, id, func(s *Statement) string { return s.ID })
}
