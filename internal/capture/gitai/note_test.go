// SPDX-License-Identifier: Apache-2.0

package gitai

import (
	"encoding/csv"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/capture/capturetest"
	"github.com/headrace/headrace/internal/sharedtest"
)

func parse(t testing.TB, text string) *Note {
	t.Helper()
	n, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

const about = "---\n" + `{"schema_version":"authorship/3.0.0","git_ai_version":"1.4.5","base_commit_sha":"c","prompts":{"1234567":{"agent_id":{"tool":"cursor","id":"b"}}},` +
	`"sessions":{"s_0a1b2c3d4e5f60":{"agent_id":{"tool":"claude","id":"a"}}},"humans":{"h_f0f0f0f0f0f0f0":{"author":"Miller <miller@example.com>"}}}`

func TestPathsRangesAndKeysAreReadAsTheStandardHasThem(t *testing.T) {
	n := parse(t, "src/gate.go\n  s_0a1b2c3d4e5f60::t_00000000000001 1-4,9,12-12\n  h_f0f0f0f0f0f0f0 5\n  0123456789abcdef 6\n"+
		"\"docs/a gate.md\"\n  1234567 42\n\"tab\there.md\"\n  human 1\n\"two\nlines.md\"\n  1234567 2-3\n\"src\\new file.go\"\n  1234567 1\n\"open\n  1234567 7\n\r\n"+about)
	want := []File{
		{"src/gate.go", []Entry{{"s_0a1b2c3d4e5f60", false, "t_00000000000001", [][2]int{{1, 4}, {9, 9}, {12, 12}}}, {"", true, "", [][2]int{{5, 5}}}, {"", false, "", [][2]int{{6, 6}}}}},
		{"docs/a gate.md", []Entry{{"1234567", false, "", [][2]int{{42, 42}}}}},
		{"tab\there.md", []Entry{{"", true, "", [][2]int{{1, 1}}}}},
		{"two\nlines.md", []Entry{{"1234567", false, "", [][2]int{{2, 3}}}}},
		{`src\new file.go`, []Entry{{"1234567", false, "", [][2]int{{1, 1}}}}},
		{`"open`, []Entry{{"1234567", false, "", [][2]int{{7, 7}}}}},
	}
	if d := cmp.Diff(want, n.Files); d != "" {
		t.Error(d)
	}
	if n.Unparsable != 0 || n.Lines != 14 || n.Humans != 1 || n.Commit() != "c" || fmt.Sprint(n.Sessions()) != "[a b]" {
		t.Errorf("%d lines, %d not read, %d people, commit %q, sessions %v", n.Lines, n.Unparsable, n.Humans, n.Commit(), n.Sessions())
	}
}

func TestALineThatIsNoneIsPassedOver(t *testing.T) {
	n := parse(t, "  1234567 1\ngate.go\n  1234567 1,x\n  1234567 0\n  1234567 9-3\n  1234567 1-99999999999999999999\n  1234567\n  1234567 5\n"+about)
	if n.Lines != 8 || n.Unparsable != 6 || len(n.Files) != 1 || len(n.Files[0].Entries) != 1 || n.Files[0].linesBy("1234567") != 1 {
		t.Errorf("%d lines, %d not read: %+v", n.Lines, n.Unparsable, n.Files)
	}
	for _, text := range []string{"", "gate.go\n", "---\n", "---\n[]", "gate.go\n---\n{", "{}", `{"files":[]}`} {
		if n, err := Parse([]byte(text)); err == nil {
			t.Errorf("%q is read as a note: %+v", text, n)
		}
	}
	odd := parse(t, "---\n"+`{"schema_version":3,"prompts":[],"sessions":{"s_1":7,"s_2":{"agent_id":"claude"}},"humans":null}`)
	if len(odd.Agents) != 2 || len(odd.Sessions()) != 0 || odd.Commit() != "" {
		t.Errorf("fields of other types: %+v", odd)
	}
}

// The index of all notes was made by others, by another program: what it counts of each recorded note is what we count.
func TestTheRecordedNotesAreCountedAsTheIndexHasThem(t *testing.T) {
	corpus := sharedtest.Dir(t, "corpus/git-ai")
	f, err := os.Open(filepath.Join(corpus, "notes_index.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in := csv.NewReader(f)
	in.Comma = '\t'
	rows, err := in.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	index := map[string][]string{}
	var total [3]int
	for _, r := range rows[1:] {
		index[r[0]] = r[1:]
		for i := range total {
			n, err := strconv.Atoi(r[6+i])
			if err != nil {
				t.Fatal(err)
			}
			total[i] += n
		}
	}
	if len(index) != 10685 || total != [3]int{15479286, 8056953, 11546} {
		t.Fatalf("the index has %d notes, with %v lines added, accepted, overridden", len(index), total)
	}
	notes, _ := filepath.Glob(filepath.Join(corpus, "notes", "*.note"))
	if len(notes) != 67 {
		t.Fatalf("%d notes", len(notes))
	}
	for _, path := range notes {
		n := parse(t, string(capturetest.File(t, path)))
		id := commitOf(path)
		if n.Schema != "authorship/3.0.0" || n.Unparsable != 0 || n.Commit() != id {
			t.Errorf("%s: %s, of commit %s, %d lines not read", id, n.Schema, n.Commit(), n.Unparsable)
		}
		kinds := map[string]int{}
		var sum [3]int64
		tools, models := map[string]bool{}, map[string]bool{}
		for _, a := range n.Agents {
			kinds[a.Kind]++
			tools[a.Tool], models[a.Model] = true, true
			sum[0], sum[1], sum[2] = sum[0]+a.Additions, sum[1]+a.Accepted, sum[2]+a.Overridden
		}
		names := func(m map[string]bool) string { return strings.Join(slices.Sorted(maps.Keys(m)), ",") }
		got := []string{names(tools), names(models), fmt.Sprint(kinds["prompt"]), fmt.Sprint(kinds["session"]), fmt.Sprint(n.Humans), fmt.Sprint(sum[0]), fmt.Sprint(sum[1]), fmt.Sprint(sum[2]), n.Version}
		if d := cmp.Diff(index[id], got); d != "" {
			t.Errorf("%s: %s", id, d)
		}
		all, _ := capturetest.Read(t, Source{}, path)
		for _, e := range all {
			if e.Links == nil || e.Links.Commit != id || e.Session == "" {
				t.Errorf("%s: an episode of session %q, linked to %+v", id, e.Session, e.Links)
			}
		}
	}
}

var hunk = regexp.MustCompile(`^@@ -\S+ \+(\d+)(?:,(\d+))? @@`)

// addedBy are the lines that a patch without context adds, by file.
func addedBy(t testing.TB, path string) map[string]map[int]bool {
	added := map[string]map[int]bool{}
	file := ""
	for line := range strings.Lines(string(capturetest.File(t, path))) {
		if name, ok := strings.CutPrefix(line, "+++ b/"); ok {
			file = strings.TrimRight(name, "\t\n")
			added[file] = map[int]bool{}
		}
		if m := hunk.FindStringSubmatch(line); m != nil {
			from, _ := strconv.Atoi(m[1])
			n := 1
			if m[2] != "" {
				n, _ = strconv.Atoi(m[2])
			}
			for i := range n {
				added[file][from+i] = true
			}
		}
	}
	return added
}

// What a note says is its commit's, the commit adds: but for merges, whose patch is empty, and for a rebase, after which a
// note holds the lines of the whole branch.
func TestTheLinesOfANoteAreThoseThatItsCommitAdds(t *testing.T) {
	corpus := sharedtest.Dir(t, "corpus/git-ai")
	patches, _ := filepath.Glob(filepath.Join(corpus, "commits", "*.patch"))
	got := map[string]int{}
	for _, path := range patches {
		id := commitOf(path)
		n := parse(t, string(capturetest.File(t, filepath.Join(corpus, "notes", id+".note"))))
		added := addedBy(t, path)
		lines, own := 0, 0
		for _, f := range n.Files {
			for _, e := range f.Entries {
				for _, r := range e.Ranges {
					for l := r[0]; l <= r[1]; l++ {
						if lines++; added[f.Path][l] {
							own++
						}
					}
				}
			}
		}
		switch {
		case lines == 0:
			t.Errorf("%s: a note without lines", id)
		case own == lines:
			got["all"]++
		case len(added) == 0:
			got["merge"]++
		case 10*own < lines:
			got["rebased"]++
		default:
			t.Errorf("%s: of %d lines, the commit adds %d", id, lines, own)
		}
	}
	if d := cmp.Diff(map[string]int{"all": 14, "merge": 3, "rebased": 5}, got); d != "" {
		t.Error(d)
	}
}

// Two of the eight blobs are notes of the first days of 3.0.0, with keys of seven digits and whole conversations. In another,
// Cursor is said seven times over to have written the same lines.
func TestTheFirstBlobsAreRead(t *testing.T) {
	blobs, _ := filepath.Glob(filepath.Join(sharedtest.Dir(t, "corpus/git-ai"), "legacy", "*.json"))
	var got []string
	for _, path := range blobs {
		n := parse(t, string(capturetest.File(t, path)))
		lines := map[string]int{}
		for i := range n.Files {
			f := &n.Files[i]
			for key, a := range n.Agents {
				lines[a.Tool] += f.linesBy(key)
			}
			lines["people"] += f.linesBy("")
		}
		all, rep := capturetest.Read(t, Source{}, path)
		got = append(got, fmt.Sprintf("%.8s %s %v, %d episodes, %d prompts", filepath.Base(path), n.Schema, lines, len(all), rep.Prompts))
	}
	want := []string{
		"03c09275 authorship/0.0.1 map[claude:1 people:0], 1 episodes, 0 prompts",
		"04cd8920 authorship/0.0.1 map[cursor:4 people:106], 1 episodes, 0 prompts",
		"060e380d authorship/0.0.1 map[claude:63 people:1], 1 episodes, 0 prompts",
		"0732e0f6 authorship/3.0.0 map[cursor:425 people:0], 1 episodes, 1 prompts",
		"0c2d8e6f authorship/3.0.0 map[cursor:1987 people:0], 1 episodes, 3 prompts",
		"0c826b81 authorship/0.0.1 map[people:63], 0 episodes, 0 prompts",
		"0cfe0200 authorship/0.0.1 map[people:1], 0 episodes, 0 prompts",
		"0d35d534 authorship/0.0.1 map[people:2], 0 episodes, 0 prompts",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("a.go\n  s_1::t_1 1-3,5\n  h_1 4\n\"b c\nd\"\n  p 1\n---\n" + `{"schema_version":"authorship/3.0.0","sessions":{"s_1":{"agent_id":{"id":"x"}}},"prompts":{"p":{}}}`))
	f.Add([]byte("  x 1\n\"\n---\n{}"))
	f.Add([]byte(`{"files":{"a":{"authors":[{"author":"Claude","lines":[1,[2,5],[7],"x",[[1]]]}]}}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := Parse(b)
		if err != nil {
			return
		}
		for i := range n.Files {
			for _, e := range n.Files[i].Entries {
				if e.Agent != "" && n.Agents[e.Agent] == nil || e.Agent != "" && e.Person {
					t.Fatalf("%+v is of nobody", e)
				}
				most := 0
				for _, r := range e.Ranges {
					if !inFile(r[0], r[1]) {
						t.Fatalf("a range %v", r)
					}
					most += r[1] - r[0] + 1
				}
				if got := n.Files[i].linesBy(e.Agent); got < 1 && most > 0 {
					t.Fatalf("%d lines of %d", got, most)
				}
			}
		}
		n.Sessions()
	})
}
