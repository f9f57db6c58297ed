// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/hook"
	"github.com/headrace/headrace/internal/capture/parts"
	"github.com/headrace/headrace/internal/keyring"
	"github.com/headrace/headrace/internal/sqlstore"
)

// scripted makes what sources tell of a script: each line is a kind of source, a developer, an id of the source's own, a session and
// the tool calls that are told of, all of one letter.
func scripted(script []byte) (all []told) {
	at := time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)
	for line := range bytes.Lines(script) {
		line = bytes.TrimSpace(line)
		if len(line) < 4 || len(all) >= 16 {
			continue
		}
		who, id, session := string(line[1]), string(line[2]), string(line[3])
		var list []*episode.Episode
		kind := parts.History
		switch line[0] {
		case 'k':
			kind = parts.Hooks
			for _, c := range line[4:] {
				made, err := hook.Parts("claude-code", fmt.Appendf(nil, `{"session_id":%q,"prompt_id":%q,"hook_event_name":"PreToolUse","tool_name":"Bash","tool_use_id":%q,"tool_input":{"command":"make"}}`, session, id, string(c)), at)
				if err == nil {
					list = append(list, made...)
				}
			}
		case 'p':
			kind = parts.Proxy
			fallthrough
		default:
			e := &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: episode.NewID("claude-code", string(line[0])+id), Session: session, Tool: episode.Tool{Name: "claude-code"}, StartedAt: at}
			for i, c := range line[4:] {
				e.Steps = append(e.Steps, episode.Step{Source: episode.SourceAgent, ToolCalls: []episode.ToolCall{{ID: string(c), Name: "Bash"}}})
				e.Suggestions = append(e.Suggestions, episode.Suggestion{ID: string(c) + fmt.Sprint(i), Step: i, Kind: episode.KindCommand, After: "make"})
			}
			list = append(list, e)
		}
		for _, e := range list {
			e.Developer = who
			all = append(all, told{kind, e})
		}
	}
	return all
}

// together says for each pair whether the two became parts of one episode.
func together(t *testing.T, e *Edge, script []byte, order func([]told) []told) []bool {
	t.Helper()
	all := scripted(script)
	in := order(all)
	j, err := e.join(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.known(t.Context(), j); err != nil { // which settles whose an id is
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, w := range j.whole {
		if ids[w.id] {
			t.Fatalf("two episodes are called %s", w.id)
		}
		ids[w.id] = true
		if w.parts.Episode() == nil {
			t.Fatalf("%s has no parts", w.id)
		}
	}
	var same []bool
	for i := range all {
		if !ids[all[i].ep.ID] {
			t.Fatalf("%s is lost", all[i].ep.ID)
		}
		for k := range i {
			same = append(same, all[i].ep.ID == all[k].ep.ID)
		}
	}
	return same
}

// FuzzJoin: what belongs together does, whatever the order in which it comes, however often it is told, and never across
// developers but by the same id.
func FuzzJoin(f *testing.F) {
	f.Add([]byte("ha1sxy\nka1sx\nka2sy\n"))
	f.Add([]byte("ha1sx\nhb2sx\nkb3sx\n"))
	f.Add([]byte("ka1sx\nka2sy\npa3sxy\nha4sz\nha5szy\n"))
	f.Add([]byte("ha1s\nha1t\nka1sq\n"))
	dir := f.TempDir()
	ring, err := keyring.Open(filepath.Join(dir, "keys"))
	if err != nil {
		f.Fatal(err)
	}
	db, err := sqlstore.Open(f.Context(), filepath.Join(dir, "edge.db"), sqlstore.RoleEdge)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { db.Close() })
	e := &Edge{ring: ring, db: db}
	f.Fuzz(func(t *testing.T, script []byte) {
		asItCame := func(all []told) []told { return slices.Clone(all) }
		want := together(t, e, script, asItCame)
		for name, order := range map[string]func([]told) []told{
			"turned round": func(all []told) []told { all = slices.Clone(all); slices.Reverse(all); return all },
			"the second half first": func(all []told) []told {
				return slices.Concat(all[len(all)/2:], all[:len(all)/2])
			},
			"by kind": func(all []told) []told {
				all = slices.Clone(all)
				slices.SortStableFunc(all, func(a, b told) int { return int(b.kind) - int(a.kind) })
				return all
			},
			"told again": func(all []told) []told {
				return slices.Concat(all, scripted(script))
			},
		} {
			if got := together(t, e, script, order); !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", name, got, want)
			}
		}
		for i, all := 0, scripted(script); i < len(all); i++ { // a stranger's part stays a stranger's
			for k := range i {
				if want[i*(i-1)/2+k] && all[i].ep.Developer != all[k].ep.Developer && !linkedByID(all, i, k) {
					t.Errorf("%d and %d are of two developers", i, k)
				}
			}
		}
	})
}

// linkedByID reports whether somebody else's parts may have come between: an id that two developers' parts have.
func linkedByID(all []told, i, k int) bool {
	for _, a := range all {
		for _, b := range all {
			if a.ep.ID == b.ep.ID && a.ep.Developer != b.ep.Developer {
				return true
			}
		}
	}
	return all[i].ep.ID == all[k].ep.ID
}
