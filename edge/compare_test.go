// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/poll"
	"github.com/headrace/headrace/internal/sqlstore"
)

// captures is n developers who accepted and rejected that many edits each, on a day.
func captures(tool, prefix string, n int, day int64, accepted, rejected int) (rows []sqlstore.Captured) {
	for i := range n {
		rows = append(rows, sqlstore.Captured{Day: day, Tool: tool, Surface: "agent", Developer: fmt.Sprintf("%s-%d", prefix, i), CodeAccepted: accepted, CodeRejected: rejected,
			Verdicts: sqlstore.Verdicts{Accepted: 2 * accepted, Rejected: rejected}}) // as many commands as edits
	}
	return rows
}

// polled is what a server counted of a team on a day.
func polled(source, tool, team string, day int64, developers int, counts map[string]float64) (rows []sqlstore.Polled) {
	for m, n := range counts {
		rows = append(rows, sqlstore.Polled{Source: source, Day: day, Tool: tool, Team: team, Measure: m, N: n, Developers: developers})
	}
	return rows
}

// teamFile makes teams of n people each, named as captures names them.
func teamFile(t *testing.T, n int, names ...string) *poll.Teams {
	t.Helper()
	var b strings.Builder
	b.WriteString("user,team\n")
	for _, name := range names {
		for i := range n {
			fmt.Fprintf(&b, "%s-%d,%s\n", name, i, name)
		}
	}
	path := filepath.Join(t.TempDir(), "teams.csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	teams, err := poll.ReadTeams(path)
	if err != nil {
		t.Fatal(err)
	}
	return teams
}

func join[T any](lists ...[]T) (all []T) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

func TestLikeIsComparedWithLikeOnDaysThatWereCounted(t *testing.T) {
	captured := join(captures("claude-code", "a", 20, 100, 5, 1), captures("claude-code", "a", 20, 101, 50, 10), // nobody counted on the day after
		captures("copilot-chat", "b", 11, 100, 3, 2), captures("copilot-cli", "c", 1, 100, 3, 2), captures("gemini-cli", "d", 12, 100, 1, 1), captures("aider", "e", 10, 100, 1, 0))
	tab := captures("cursor", "f", 15, 100, 4, 0)
	for i := range tab {
		tab[i].Surface = string(episode.SurfaceCompletion)
	}
	captured = join(captured, tab, captures("cursor", "f", 15, 100, 2, 0))
	totals := []sqlstore.Total{{Day: 100, Tool: "claude-code", Measure: "accepted", N: 120}, {Day: 100, Tool: "claude-code", Measure: "rejected", N: 20},
		{Day: 100, Tool: "claude-code", Measure: "lines_added", N: 999}, {Day: 100, Tool: "gemini-cli", Measure: "modified", N: 30}}
	servers := join(polled("claude", "claude-code", "", 100, 25, map[string]float64{"accepted": 200, "rejected": 40}),
		polled("copilot", "copilot", "", 100, 30, map[string]float64{"accepted": 72, "suggested": 500}),
		polled("cursor", "cursor", "", 100, 18, map[string]float64{"accepted": 60, "rejected": 6, "completions_accepted": 90, "completions_ignored": 70}))
	got := compare(captured, counted(totals, map[string]int{"claude-code": 20, "gemini-cli": 12}, servers), nil, false)
	n := func(i int) *int { return &i }
	want := []Covered{
		{Tool: "claude-code", Team: "all", Decisions: "edits", CountedBy: "claude", Days: 1, Developers: 20, Captured: Tally{100, n(20)}, Counted: Tally{200, n(40)}},
		{Tool: "claude-code", Team: "all", Decisions: "edits", CountedBy: "telemetry", Days: 1, Developers: 20, Captured: Tally{100, n(20)}, Counted: Tally{120, n(20)}},
		{Tool: "copilot", Team: "all", Decisions: "code", CountedBy: "copilot", Days: 1, Developers: 12, Captured: Tally{36, nil}, Counted: Tally{72, nil}},
		{Tool: "cursor", Team: "all", Decisions: "completions", CountedBy: "cursor", Days: 1, Developers: 15, Captured: Tally{60, nil}, Counted: Tally{90, nil}},
		{Tool: "cursor", Team: "all", Decisions: "edits", CountedBy: "cursor", Days: 1, Developers: 15, Captured: Tally{30, n(0)}, Counted: Tally{60, n(6)}},
		{Tool: "gemini-cli", Team: "all", Decisions: "calls", CountedBy: "telemetry", Days: 1, Developers: 12, Captured: Tally{24, nil}, Counted: Tally{30, nil}},
		{Tool: "aider", Team: "all", Decisions: "calls", Developers: 10, Captured: Tally{20, n(0)}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestNoFigureIsFromFewerThanTenDevelopers(t *testing.T) {
	edits := func(n float64) map[string]float64 { return map[string]float64{"accepted": n} }
	type line struct {
		team              string
		captured, counted int
		withheld          bool
	}
	for name, c := range map[string]struct {
		captured []sqlstore.Captured
		polled   []sqlstore.Polled
		own      bool
		want     []line
	}{
		"teams of enough are named, the others are one": {
			join(captures("cursor", "ash", 12, 7, 1, 0), captures("cursor", "bay", 12, 7, 2, 0), captures("cursor", "who", 11, 7, 3, 0)),
			join(polled("c", "cursor", "ash", 7, 12, edits(24)), polled("c", "cursor", "bay", 7, 12, edits(48)), polled("c", "cursor", "", 7, 11, edits(66))), false,
			[]line{{"ash", 12, 24, false}, {"bay", 24, 48, false}, {"others", 33, 66, false}}},
		"a team of which few were captured is among the others": {
			join(captures("cursor", "ash", 9, 7, 1, 0), captures("cursor", "bay", 12, 7, 2, 0), captures("cursor", "who", 11, 7, 3, 0)),
			join(polled("c", "cursor", "ash", 7, 12, edits(24)), polled("c", "cursor", "bay", 7, 12, edits(48)), polled("c", "cursor", "", 7, 11, edits(66))), false,
			[]line{{"bay", 24, 48, false}, {"others", 42, 90, false}}},
		"others that would be few take the smallest team in": {
			join(captures("cursor", "ash", 12, 7, 1, 0), captures("cursor", "bay", 12, 7, 2, 0), captures("cursor", "who", 2, 7, 3, 0)),
			join(polled("c", "cursor", "ash", 7, 11, edits(24)), polled("c", "cursor", "bay", 7, 12, edits(48)), polled("c", "cursor", "", 7, 3, edits(6))), false,
			[]line{{"bay", 24, 48, false}, {"others", 18, 30, false}}},
		"few are withheld": {
			captures("cursor", "who", 9, 7, 3, 0), polled("c", "cursor", "", 7, 300, edits(6000)), false,
			[]line{{"all", 0, 0, true}}},
		"few who were counted are withheld": {
			captures("cursor", "who", 30, 7, 3, 0), polled("c", "cursor", "", 7, 9, edits(6)), false,
			[]line{{"all", 0, 0, true}}},
		"nothing captured is no figure about anybody": {
			nil, polled("c", "cursor", "", 7, 300, edits(6000)), false,
			[]line{{"all", 0, 6000, false}}},
		"two days' developers may be the same": {
			nil, join(polled("c", "cursor", "", 7, 6, edits(6)), polled("c", "cursor", "", 8, 6, edits(6))), false,
			[]line{{"all", 0, 0, true}}},
		"one sees one's own": {
			captures("cursor", "who", 1, 7, 3, 0), polled("c", "cursor", "", 7, 1, edits(6)), true,
			[]line{{"all", 3, 6, false}}},
	} {
		var got []line
		for _, r := range compare(c.captured, counted(nil, nil, c.polled), teamFile(t, 12, "ash", "bay"), c.own) {
			got = append(got, line{r.Team, r.Captured.Accepted, r.Counted.Accepted, r.Withheld})
		}
		if d := cmp.Diff(c.want, got, cmp.AllowUnexported(line{})); d != "" {
			t.Errorf("%s:\n%s", name, d)
		}
	}
}

func TestDecisionsOnCodeAreCountedApart(t *testing.T) {
	ep := &episode.Episode{Suggestions: []episode.Suggestion{{ID: "1", Kind: episode.KindEdit}, {ID: "2", Kind: episode.KindCommand}, {ID: "3", Kind: episode.KindFile}, {ID: "4", Kind: episode.KindCompletion}},
		Decisions: []episode.Decision{{Suggestion: "1", Verdict: episode.Modified}, {Suggestion: "2", Verdict: episode.Accepted}, {Suggestion: "3", Verdict: episode.Rejected},
			{Suggestion: "4", Verdict: episode.Ignored}, {Suggestion: "5", Verdict: episode.Accepted}}}
	if a, r := onCode(ep); a != 1 || r != 1 {
		t.Errorf("%d accepted, %d rejected", a, r)
	}
}

func TestPollersOfTheFileAreCheckedAndFindTheirKeysBesideIt(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "teams.csv", "user,team\nada,payments\n")
	write(t, dir, "edge.yaml", "teams: teams.csv\npollers:\n  - {kind: claude, key_file: keys/claude, since: 2026-10-01}\n  - kind: copilot\n    organisation: alder\n    key_file: /run/secrets/github\n")
	f, err := ReadFile("", dir)
	if err != nil {
		t.Fatal(err)
	}
	c, err := f.Config(member())
	if err != nil || len(c.Pollers) != 2 || c.Pollers[0].KeyFile != filepath.Join(dir, "keys", "claude") || c.Pollers[0].Since != "2026-10-01" || c.Teams != filepath.Join(dir, "teams.csv") {
		t.Errorf("%+v, %v", c, err)
	}
	for text, code := range map[string]string{
		"pollers:\n  - {kind: claude, key_file: k}\n  - {kind: claude, key_file: k}\n": "config/poller",
		"pollers:\n  - {kind: gpt, key_file: k}\n":                                     "config/poller",
		"pollers:\n  - {kind: claude, key_file: k, team: x}\n":                         "config/invalid",
		"teams: nowhere.csv\n": "config/teams",
	} {
		write(t, dir, "edge.yaml", text)
		if _, err := ReadFile("", dir); !errors.Is(err, &episode.Problem{Code: code}) {
			t.Errorf("%s%v", text, err)
		}
	}
}
