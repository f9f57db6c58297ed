// SPDX-License-Identifier: Apache-2.0

package claudecode

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
)

// transcript is an endless one: prompts one after the other, each with one answer and one result of that many bytes.
func transcript(prompts, size int) io.Reader {
	r, w := io.Pipe()
	go func() {
		text, parent := strings.Repeat("wheel ", size/6), "null"
		for i := range prompts {
			for j, s := range []string{
				`{"type":"user","uuid":"u%[1]d-%[2]d","parentUuid":%[3]s,"sessionId":"s","message":{"role":"user","content":"turn %[1]d"}}`,
				`{"type":"assistant","uuid":"u%[1]d-%[2]d","parentUuid":%[3]s,"sessionId":"s","message":{"id":"m%[1]d","content":[{"type":"tool_use","id":"t%[1]d","name":"Bash","input":{"command":"ls"}}]}}`,
				`{"type":"user","uuid":"u%[1]d-%[2]d","parentUuid":%[3]s,"sessionId":"s","message":{"content":[{"type":"tool_result","tool_use_id":"t%[1]d","content":"%[4]s"}]}}`,
			} {
				args := []any{i, j, parent}
				if j == 2 {
					args = append(args, text)
				}
				if _, err := fmt.Fprintf(w, s+"\n", args...); err != nil {
					return
				}
				parent = fmt.Sprintf(`"u%d-%d"`, i, j)
			}
		}
		w.Close()
	}()
	return r
}

func TestATranscriptLargerThanMemoryIsReadWithLittle(t *testing.T) {
	var most uint64
	n := 0
	in := transcript(600, 1<<20)
	rep, err := capture.ReadFrom(context.Background(), []capture.Source{Source{}}, Name, capture.File{Path: "-", R: in}, func(e *episode.Episode) error {
		if n++; n%50 == 0 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
		}
		return nil
	})
	if err != nil || n != 600 || rep.Decisions[episode.Accepted][episode.ByUnknown] != 600 {
		t.Fatalf("%v; %d episodes, decisions %v", err, n, rep.Decisions)
	}
	if t.Logf("600 MB: at most %d MB alive", most>>20); most > 100<<20 {
		t.Errorf("%d MB are alive while 600 MB are read", most>>20)
	}
}

// parts reads a transcript as if memory were short: what is given out early, and what comes later, must make the same
// episodes when merged.
func TestWhatIsGivenOutEarlyMergesToTheSameEpisodes(t *testing.T) {
	head := `{"type":"user","uuid":"a","parentUuid":null,"sessionId":"s","message":{"content":"one"}}
{"type":"assistant","uuid":"b","parentUuid":"a","sessionId":"s","message":{"id":"m","content":[{"type":"tool_use","id":"t","name":"Bash","input":{"command":"ls"}}]}}
{"type":"user","uuid":"c","parentUuid":"b","sessionId":"s","message":{"content":"two"}}
`
	tail := `{"type":"user","uuid":"e","parentUuid":"c","sessionId":"s","message":{"content":[{"type":"tool_result","tool_use_id":"t","content":"done"}]}}
{"type":"user","uuid":"f","parentUuid":"b","sessionId":"s","message":{"content":"two, otherwise"}}
`
	var filler strings.Builder
	for i := range maxHeld >> 20 {
		fmt.Fprintf(&filler, `{"type":"system","uuid":"d%d","parentUuid":"c","sessionId":"s","content":%q}`+"\n", i, strings.Repeat("x", 1<<20))
	}
	merged := func(text string, given int) map[string]*episode.Episode {
		all, _ := read(t, text)
		if len(all) != given {
			t.Errorf("%d parts were given out, want %d", len(all), given)
		}
		by := map[string]*episode.Episode{}
		for _, e := range all {
			if by[e.ID] == nil {
				by[e.ID] = e
			} else {
				by[e.ID].Merge(e)
			}
		}
		return by
	}
	whole, early := merged(head+tail, 3), merged(head+filler.String()+tail, 4)
	for id, want := range whole {
		got := early[id]
		if got == nil || len(got.Decisions) != len(want.Decisions) || got.Instruction != want.Instruction || (got.Links == nil) != (want.Links == nil) ||
			got.Links != nil && got.Links.AbandonedBranch != want.Links.AbandonedBranch {
			t.Errorf("%s\n got %+v\nwant %+v", want.Instruction, got, want)
		}
	}
	if len(early) != len(whole) || len(whole) != 3 {
		t.Errorf("%d episodes early, %d whole, want 3", len(early), len(whole))
	}
}

func TestOnePromptWithEndlessWorkIsContinued(t *testing.T) {
	var in strings.Builder
	in.WriteString(`{"type":"user","uuid":"u","parentUuid":null,"sessionId":"s","message":{"content":"go on"}}` + "\n")
	text, parent := strings.Repeat("y", 1<<20), "u"
	for i := range 40 {
		fmt.Fprintf(&in, `{"type":"assistant","uuid":"a%d","parentUuid":%q,"sessionId":"s","message":{"id":"m%d","content":[{"type":"text","text":%q}]}}`+"\n", i, parent, i, text)
		parent = fmt.Sprintf("a%d", i)
	}
	all, _ := read(t, in.String())
	steps := 0
	for i, e := range all {
		steps += len(e.Steps)
		if i > 0 && (e.Links == nil || e.Links.Parent != all[i-1].ID) {
			t.Errorf("episode %d does not say what it continues: %+v", i, e.Links)
		}
	}
	if len(all) < 3 || steps != 41 {
		t.Errorf("%d episodes with %d steps, want 41 in several", len(all), steps)
	}
}
