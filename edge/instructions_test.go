// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/instruct"
)

const (
	triedRelease = "rel_0123456789abcdef01234567"
	rulesText    = "# How we work\n\nWrite a test first.\n"
)

// worked is an episode of a developer with Claude Code, with an instruction file in force where there is one.
func worked(l *loop, developer, id string, artifacts ...episode.Artifact) *episode.Episode {
	ep := one(developer+id, "mill")
	ep.Developer, ep.Tool, ep.Artifacts = developer, episode.Tool{Name: "claude-code", Surface: episode.SurfaceAgent}, artifacts
	ep.StartedAt = l.clock()
	ep.EndedAt = ep.StartedAt.Add(time.Minute)
	ep.Decisions = []episode.Decision{{Suggestion: "s1", Verdict: episode.Accepted, By: episode.ByPerson, At: ep.StartedAt}}
	return ep
}

func rulesFile() episode.Artifact {
	return episode.Artifact{Digest: episode.Digest([]byte(rulesText)), Kind: episode.ArtifactRules, Name: "CLAUDE.md", MediaType: "text/markdown", Text: rulesText}
}

// offered is an edge that follows a repository, at which a file was in force for some, and which is offered that file for all.
func offered(t *testing.T) (*loop, *edge.Edge, *clone) { return offeredWhereHad(t, 10) }

func offeredWhereHad(t *testing.T, by int) (*loop, *edge.Edge, *clone) {
	l := newLoop(t)
	c := l.clone()
	c.commit("begin", "README.md", "mill\n")
	l.conf = func(conf *edge.Config) { conf.Repositories = []string{c.dir} }
	e := l.edge("alder")
	for k := range by {
		l.send(e, worked(l, []string{"ada", "bob", "cyd", "dan", "eve", "fay", "gus", "hal", "ivy", "jon"}[k], fmt.Sprint(k), rulesFile()))
	}
	l.pass(25 * time.Hour)
	l.turn(e)
	left := l.atHub("alder")
	if len(left) != by || len(left[0].Artifacts) != 1 || left[0].Artifacts[0].Text != "" || !strings.HasPrefix(left[0].Artifacts[0].Digest, "ar_") {
		t.Fatalf("what left has the artifacts %+v", left[0].Artifacts)
	}
	p, err := instruct.New("Tests first", "Code lasted longer where it was in force.", instruct.Change{Artifact: left[0].Artifacts[0].Digest}).Marshal()
	l.ok(err)
	for range 2 { // it may come again
		l.ok(e.OfferInstructions(t.Context(), maker, &instruct.Offer{ID: triedRelease, Payload: p}))
	}
	return l, e, c
}

func TestWhatFewWroteForThemselvesIsShownToNobody(t *testing.T) {
	l, e, _ := offeredWhereHad(t, 9)
	i, err := e.Instruction(t.Context(), triedRelease)
	l.ok(err)
	if i.Words != "" || len(i.Files) != 0 || i.Seen != "" || !strings.Contains(i.Problem, "fewer than 10 developers") {
		t.Errorf("%+v", i)
	}
	if err := e.TryInstructions(t.Context(), "steward", triedRelease, i.Seen, 0.5); code(err) != "instructions/unknown-artifact" {
		t.Errorf("it is tried all the same: %v", err)
	}
}

func TestInstructionsAreSeenTriedJudgedAndKept(t *testing.T) {
	l, e, _ := offered(t)
	ctx := t.Context()
	i, err := e.Instruction(ctx, triedRelease)
	l.ok(err)
	if i.State != "offered" || i.Title != "Tests first" || !strings.Contains(i.Words, "+Write a test first.\n") || i.Problem != "" ||
		len(i.Files) != 1 || i.Files[0].Repository != "mill" || !strings.HasPrefix(i.Files[0].Diff, "--- /dev/null\n+++ b/CLAUDE.md\n") {
		t.Fatalf("%+v", i)
	}
	developers := make([]string, 60)
	for k := range developers {
		developers[k] = fmt.Sprintf("dev%02d", k)
	}
	have := func() (n int) {
		for _, d := range developers {
			if w := e.Words(d); w != "" {
				n++
				if strings.TrimSpace(w) != strings.TrimSpace(rulesText) {
					t.Fatalf("%s is told %q", d, w)
				}
			}
		}
		return n
	}
	if n := have(); n != 0 {
		t.Fatalf("%d have it before anybody has said yes", n)
	}
	for want, err := range map[string]error{
		"instructions/share":    e.TryInstructions(ctx, "steward", triedRelease, i.Seen, 1),
		"instructions/not-seen": e.TryInstructions(ctx, "steward", triedRelease, "sha256:else", 0.5),
		"instructions/none":     e.TryInstructions(ctx, "steward", "rel_another", i.Seen, 0.5),
		"instructions/state":    e.KeepInstructions(ctx, "steward", triedRelease),
	} {
		if code(err) != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	l.send(e, worked(l, developers[0], "before"))
	l.pass(time.Minute)
	l.ok(e.TryInstructions(ctx, "steward", triedRelease, i.Seen, 0.5))
	with := have()
	if with < 15 || with > 45 || e.Words("") != "" {
		t.Errorf("%d of 60 have it, want about half", with)
	}
	if _, err := e.InstructionsPatch(ctx, triedRelease, "mill"); code(err) != "instructions/trying" {
		t.Errorf("a patch while it is tried: %v", err)
	}
	l.close(e)
	e = l.edge("alder")
	if n := have(); n != with {
		t.Errorf("%d have it after a restart, %d had", n, with)
	}

	l.pass(time.Minute)
	for _, d := range developers {
		l.send(e, worked(l, d, "during"))
	}
	l.pass(25 * time.Hour)
	l.turn(e)
	arms := map[string]int{}
	for _, ep := range l.atHub("alder") {
		d := ep.Decisions[0]
		arms[d.Chosen]++
		if d.Chosen == "" {
			continue
		}
		if d.Release != triedRelease || d.DecisionID == "" || len(d.Actions) != 2 || d.Actions[0].ID != "with" || d.Actions[0].Propensity != 0.5 || d.Verdict != episode.Accepted {
			t.Fatalf("%+v", d)
		}
	}
	if arms["with"] != with || arms["without"] != 60-with || arms[""] != 11 {
		t.Errorf("what left says %v; %d of 60 had it, and eleven episodes were before", arms, with)
	}

	l.ok(e.JudgeInstructions(ctx, maker, triedRelease, true, "kept 6 points more, at least 2"))
	if n := have(); n != with {
		t.Errorf("%d have it before anybody has said that all should", n)
	}
	l.ok(e.KeepInstructions(ctx, "steward", triedRelease))
	if n := have(); n != 60 || e.Words("") == "" {
		t.Errorf("%d of 60 have what is kept", n)
	}
	l.pass(time.Minute)
	l.send(e, worked(l, developers[0], "after"))
	l.pass(25 * time.Hour)
	l.turn(e)
	if n := len(l.atHub("alder")); n != 72 {
		t.Errorf("%d at the hub", n)
	}
	for _, ep := range l.atHub("alder") {
		if ep.ID == l.sentID("alder", episode.NewID("demo", developers[0]+"after")) && ep.Decisions[0].Chosen != "" {
			t.Errorf("after the trial an episode says %+v", ep.Decisions[0])
		}
	}
	l.ok(e.StopInstructions(ctx, "steward", triedRelease, "no more"))
	if n := have(); n != 0 {
		t.Errorf("%d have what was stopped", n)
	}
}

func TestATrialThatFailsIsDroppedAndOnlyOneRunsAtATime(t *testing.T) {
	l, e, _ := offered(t)
	ctx := t.Context()
	p, err := instruct.New("Another", "", instruct.Change{Diff: "--- /dev/null\n+++ b/AGENTS.md\n@@ -0,0 +1 @@\n+Be brief.\n"}).Marshal()
	l.ok(err)
	l.ok(e.OfferInstructions(ctx, maker, &instruct.Offer{ID: "rel_another0123", Payload: p}))
	first, err := e.Instruction(ctx, triedRelease)
	l.ok(err)
	second, err := e.Instruction(ctx, "rel_another0123")
	l.ok(err)
	l.ok(e.TryInstructions(ctx, "steward", triedRelease, first.Seen, 0.5))
	if err := e.TryInstructions(ctx, "steward", "rel_another0123", second.Seen, 0.5); code(err) != "instructions/one-trial" {
		t.Errorf("a second trial: %v", err)
	}
	l.ok(e.JudgeInstructions(ctx, "another-hub", triedRelease, true, "not theirs to say"))
	l.ok(e.JudgeInstructions(ctx, maker, triedRelease, false, "no gain"))
	l.ok(e.JudgeInstructions(ctx, maker, triedRelease, true, "said again, otherwise")) // what is dropped stays so
	i, err := e.Instruction(ctx, triedRelease)
	l.ok(err)
	if i.State != "dropped" || i.Note != "no gain" || e.Words("ada") != "" {
		t.Errorf("%+v; ada is told %q", i, e.Words("ada"))
	}
	l.ok(e.TryInstructions(ctx, "steward", "rel_another0123", second.Seen, 0.9))
	l.ok(e.StopAllInstructions(ctx, "steward", "stop"))
	for k := range 40 {
		if w := e.Words(fmt.Sprint(k)); w != "" {
			t.Fatalf("somebody is told %q", w)
		}
	}
}

func TestWhatOnlyFilesCanSayIsAPatchAndNoTrial(t *testing.T) {
	l, e, c := offered(t)
	ctx := t.Context()
	c.commit("rules", "AGENTS.md", "mill\n")
	p, err := instruct.New("Shorter", "", instruct.Change{Diff: "--- a/AGENTS.md\n+++ b/AGENTS.md\n@@ -1 +1 @@\n-mill\n+The mill.\n"}).Marshal()
	l.ok(err)
	l.ok(e.OfferInstructions(ctx, maker, &instruct.Offer{ID: "rel_files0123", Payload: p}))
	i, err := e.Instruction(ctx, "rel_files0123")
	l.ok(err)
	if i.Words != "" || len(i.Files) != 1 {
		t.Fatalf("%+v", i)
	}
	if err := e.TryInstructions(ctx, "steward", "rel_files0123", i.Seen, 0.5); code(err) != "instructions/only-files" {
		t.Errorf("%v", err)
	}
	diff, err := e.InstructionsPatch(ctx, "rel_files0123", "mill")
	l.ok(err)
	l.ok(os.WriteFile(c.dir+"/change.patch", []byte(diff), 0o600))
	c.git("apply", "change.patch")
	if b, err := os.ReadFile(c.dir + "/AGENTS.md"); err != nil || string(b) != "The mill.\n" {
		t.Errorf("git makes %q of it, %v", b, err)
	}
	c.commit("by hand", "AGENTS.md", "Something else.\n")
	if _, err := e.InstructionsPatch(ctx, "rel_files0123", "mill"); code(err) != "instructions/conflict" {
		t.Errorf("where the file is another: %v", err)
	}
	for _, link := range []func(){
		func() { l.ok(os.Remove(c.dir + "/AGENTS.md")); l.ok(os.Symlink("../secret", c.dir+"/AGENTS.md")) },
		func() {
			l.ok(os.Remove(c.dir + "/AGENTS.md"))
			l.ok(os.Symlink("../elsewhere", c.dir+"/docs"))
			p, err := instruct.New("Below a link", "", instruct.Change{Diff: "--- /dev/null\n+++ b/docs/AGENTS.md\n@@ -0,0 +1 @@\n+Be brief.\n"}).Marshal()
			l.ok(err)
			l.ok(e.OfferInstructions(ctx, maker, &instruct.Offer{ID: "rel_below0123", Payload: p}))
		},
	} {
		link()
		c.git("add", "-A")
		c.git("commit", "-q", "-m", "a link")
	}
	if _, err := e.InstructionsPatch(ctx, "rel_below0123", "mill"); code(err) != "instructions/link" {
		t.Errorf("below a link: %v", err)
	}
	c.git("revert", "--no-edit", "HEAD")
	if _, err := e.InstructionsPatch(ctx, "rel_files0123", "mill"); code(err) != "instructions/link" {
		t.Errorf("a link: %v", err)
	}
	if _, err := e.InstructionsPatch(ctx, "rel_files0123", "elsewhere"); code(err) != "instructions/repository" {
		t.Errorf("a repository that is not followed: %v", err)
	}
	l.ok(e.StopInstructions(ctx, "steward", "rel_files0123", "not now"))
	if i, err = e.Instruction(ctx, "rel_files0123"); err != nil || i.State != "declined" {
		t.Errorf("%+v, %v", i, err)
	}
	if err := e.OfferInstructions(ctx, maker, &instruct.Offer{ID: "rel_bad", Payload: []byte(`{}`)}); code(err) != "instructions/bad-payload" {
		t.Errorf("no payload: %v", err)
	}
}
