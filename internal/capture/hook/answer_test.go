// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/capturetest"
	"github.com/headrace/headrace/internal/capture/native"
)

// OpenCode's row of section 16.1 of the reference: what a plugin that passes on its bus tells.
func TestEachReplyOfOpenCodeIsMapped(t *testing.T) {
	const newer = `{"type":"permission.asked","properties":{"id":"per_1","sessionID":"s","permission":%q,"patterns":["x"],"tool":{"messageID":"m","callID":"c"}}}`
	const older = `{"type":"permission.updated","properties":{"id":"per_1","type":"bash","permission":%q,"sessionID":"s","messageID":"m","callID":"c"}}`
	for _, c := range []struct {
		name, asked, permission, reply string
		took                           time.Duration
		want                           string
	}{
		{"once", newer, "bash", `"requestID":"per_1","reply":"once"`, time.Second, "command accepted by person"},
		{"always", newer, "edit", `"requestID":"per_1","reply":"always"`, time.Second, "edit accepted by person"},
		{"reject", newer, "edit", `"requestID":"per_1","reply":"reject"`, time.Second, "edit rejected by person"},
		{"reject, and why", newer, "bash", `"requestID":"per_1","reply":"reject","message":"not now"`, time.Second, "command rejected by person (not now)"},
		{"in the older words", older, "bash", `"permissionID":"per_1","response":"once"`, time.Second, "command accepted by person"},
		{"in the older words, no", older, "bash", `"permissionID":"per_1","response":"reject"`, time.Second, "command rejected by person"},
		{"sooner than a person reads", newer, "bash", `"requestID":"per_1","reply":"once"`, time.Millisecond, "command accepted by unknown"},
		{"sooner than a person reads, no", newer, "bash", `"requestID":"per_1","reply":"reject"`, time.Millisecond, "command rejected by unknown"},
		{"a look around", newer, "read", `"requestID":"per_1","reply":"once"`, time.Second, ""},
		{"no to a look around", newer, "read", `"requestID":"per_1","reply":"reject"`, time.Second, "command rejected by person"},
		{"a new word", newer, "bash", `"requestID":"per_1","reply":"later"`, time.Second, ""},
		{"no answer", newer, "bash", ``, 0, ""},
		{"an answer to no question", "", "", `"requestID":"per_1","reply":"reject"`, time.Second, ""},
	} {
		var list []*episode.Episode
		tell := func(event string, at time.Time) {
			got, err := Parts("opencode", []byte(event), at)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			list = append(list, got...)
		}
		if c.asked != "" {
			tell(fmt.Sprintf(c.asked, c.permission), at)
		}
		if c.reply != "" {
			tell(`{"type":"permission.replied","properties":{"sessionID":"s",`+c.reply+`}}`, at.Add(c.took))
		}
		if len(list) == 0 {
			t.Fatalf("%s: nothing is told", c.name)
		}
		var want []byte
		for _, order := range [][]int{{0, 1}, {1, 0}, {0, 1, 0, 1}, {1, 1, 0}} {
			var e *episode.Episode
			for _, i := range order {
				switch p := list[min(i, len(list)-1)].Clone(); {
				case e == nil:
					e = p
				case e.ID != p.ID:
					t.Fatalf("%s: question and answer are of two episodes", c.name)
				default:
					Merge(e, p)
				}
			}
			capturetest.Check(t, native.Source{}, []*episode.Episode{e})
			have := ""
			for _, d := range e.Decisions {
				have += fmt.Sprintf("%s %s by %s", e.Suggestions[0].Kind, d.Verdict, d.By)
				if d.Reason != "" {
					have += " (" + d.Reason + ")"
				}
			}
			if have != c.want || e.Tool.Name != "opencode" || e.Session != "s" {
				t.Errorf("%s, %v: %q, want %q", c.name, order, have, c.want)
			}
			b, err := episode.Append(nil, e)
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = b
			}
			if !bytes.Equal(b, want) {
				t.Errorf("%s, %v:\n got %s\nwant %s", c.name, order, b, want)
			}
		}
		if c.asked != "" && Keys(list[0])[0] != "opencode\x00s\x00call:c" {
			t.Errorf("%s: keys %q", c.name, Keys(list[0]))
		}
	}
}

// OpenCode answers what else waits by itself when the person has said no, or always.
func TestOneNoIsNotThePersonsToAllElse(t *testing.T) {
	ask := func(id, call string) string {
		return `{"type":"permission.asked","properties":{"id":"` + id + `","sessionID":"s","permission":"bash","tool":{"messageID":"m","callID":"` + call + `"}}}`
	}
	reply := func(id, more string) string {
		return `{"type":"permission.replied","properties":{"sessionID":"s","requestID":"` + id + `","reply":"reject"` + more + `}}`
	}
	for name, c := range map[string]struct {
		gap  time.Duration
		more string
		want episode.By
	}{
		"at once":        {time.Millisecond, "", episode.ByUnknown},
		"later":          {2 * time.Second, "", episode.ByPerson},
		"at once, a why": {time.Millisecond, `,"message":"nor that"`, episode.ByPerson},
	} {
		var e *episode.Episode
		for _, ev := range []struct {
			text string
			at   time.Time
		}{{reply("per_2", c.more), at.Add(5*time.Second + c.gap)}, {ask("per_1", "c1"), at}, {ask("per_2", "c2"), at}, {reply("per_1", ""), at.Add(5 * time.Second)}} {
			got, err := Parts("opencode", []byte(ev.text), ev.at)
			if err != nil || len(got) != 1 {
				t.Fatalf("%d, %v", len(got), err)
			}
			if e == nil {
				e = got[0]
			} else {
				Merge(e, got[0])
			}
		}
		by := map[string]episode.By{}
		for _, d := range e.Decisions {
			by[d.Suggestion] = d.By
		}
		if by["c1"] != episode.ByPerson || by["c2"] != c.want {
			t.Errorf("%s: %v", name, by)
		}
	}
}
