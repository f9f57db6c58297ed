// SPDX-License-Identifier: Apache-2.0

package cline

import (
	"path"
	"strings"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/lax"
)

// dialog is ui_messages.json: what the person saw, in order.
type dialog struct {
	shown  map[int][]*shown  // by the message of the conversation that was the last before it
	first  map[int]time.Time // when the first record after a message of the conversation was made
	usage  map[int]*episode.Usage
	undone time.Time // the checkpoint that the files are back at
	fork   bool
}

// shown is one tool's proposal as it was shown.
type shown struct {
	edit    bool
	what    string // the file or the command
	asked   bool   // it waited for the person, else the settings let it through
	taken   bool   // its call was found
	at      time.Time
	decided time.Time // when the next record was made
}

func newDialog(all []said) *dialog {
	d := &dialog{shown: map[int][]*shown{}, first: map[int]time.Time{}, usage: map[int]*episode.Usage{}}
	var last *shown
	for i := range all {
		r := &all[i]
		if last != nil {
			last.decided, last = r.At.Time, nil
		}
		if r.Index != nil {
			at := index(*r.Index)
			if _, has := d.first[at]; !has {
				d.first[at] = r.At.Time
			}
			if r.Say == "api_req_started" {
				d.request(at, string(r.Text))
			}
			if last = d.tool(r); last != nil {
				d.shown[at] = append(d.shown[at], last)
			}
		}
		if r.CheckedOut {
			d.undone = r.At.Time
		}
		d.fork = d.fork || r.Say == "checkpoint_saved" // Cline calls it checkpoint_created
	}
	return d
}

// tool is the proposal that a record shows, nil if it shows none.
func (d *dialog) tool(r *said) *shown {
	s := &shown{asked: r.Type == "ask", at: r.At.Time}
	switch r.Ask + r.Say { // one of them is empty
	case "command":
		s.what = strings.TrimSuffix(string(r.Text), "REQ_APP") // Cline marks a command that it must ask for
	case "tool":
		var t struct {
			Tool    lax.String `json:"tool"`
			Path    lax.String `json:"path"`
			Content lax.String `json:"content"`
		}
		lax.Decode([]byte(r.Text), &t)
		switch s.what = string(t.Path); t.Tool {
		case "editedExistingFile", "newFileCreated", "fileDeleted":
			s.edit = true
		case "appliedDiff", "insertContent", "searchAndReplace":
			s.edit, d.fork = true, true
		}
	case "plan_mode_respond":
	default:
		return nil
	}
	return s
}

// request adds what a request to the model cost: a record of it is JSON in a string.
func (d *dialog) request(at int, text string) {
	var q struct {
		In     lax.Number `json:"tokensIn"`
		Out    lax.Number `json:"tokensOut"`
		Writes lax.Number `json:"cacheWrites"`
		Reads  lax.Number `json:"cacheReads"`
		Cost   lax.Number `json:"cost"`
	}
	if !lax.Decode([]byte(text), &q) {
		return
	}
	if d.usage[at] == nil {
		d.usage[at] = &episode.Usage{}
	}
	add(d.usage[at], &episode.Usage{InputTokens: q.In.Int(), OutputTokens: q.Out.Int(), CacheReadTokens: q.Reads.Int(), CacheWriteTokens: q.Writes.Int(), CostUSD: cost(q.Cost)})
}

// find returns how a call of a message of the conversation was shown. Cline shows few for one message, a hostile file
// many.
func (d *dialog) find(c *call) *shown {
	all := d.shown[c.message-1]
	for _, s := range all[:min(len(all), 64)] {
		if !s.taken && s.edit == c.edit() && (s.what == c.what || same(s.what, c.what)) {
			s.taken = true
			return s
		}
	}
	return nil
}

// same says that two paths may be of one file, one of them from the workspace's root; or that two commands are the same
// but for blanks at their ends.
func same(a, b string) bool {
	if a, b = strings.TrimSpace(a), strings.TrimSpace(b); a == "" || b == "" {
		return false
	}
	return a == b || path.Clean(a) == path.Clean(b) || strings.HasSuffix(a, "/"+b) || strings.HasSuffix(b, "/"+a)
}

// at is when a message of the conversation was made: the index that a record carries is of the message before it.
func (d *dialog) at(i int) time.Time { return d.first[i-1] }

// index is a position in the conversation, -1 before it began.
func index(n lax.Number) int {
	if n < -1 || n > 1<<30 {
		return -2
	}
	return int(n)
}

func cost(n lax.Number) float64 {
	if n >= 0 && n < 1e9 {
		return float64(n)
	}
	return 0
}

func add(u, v *episode.Usage) {
	u.InputTokens += v.InputTokens
	u.OutputTokens += v.OutputTokens
	u.CacheReadTokens += v.CacheReadTokens
	u.CacheWriteTokens += v.CacheWriteTokens
	u.CostUSD += v.CostUSD
}
