// SPDX-License-Identifier: Apache-2.0

package acp

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/headrace/headrace/episode"
)

// suggest is what a call suggests: its changes, file by file, or its command or plan. A call that only looks suggests
// nothing, unless it was refused or stopped. The first bears the call's own id, by which other sources know it.
func (t *turn) suggest(c *call, d episode.Decision) []episode.Suggestion {
	sg := episode.Suggestion{ID: c.id, Step: c.step, ShownAt: c.at}
	if len(c.diffs) > 0 {
		return t.changes(c, sg)
	}
	in := c.arguments()
	switch c.kind {
	case "edit":
		if in.Old+in.New+in.Content != "" {
			sg.Kind, sg.Path, sg.Before, sg.After = episode.KindEdit, cmp.Or(in.path(), first(c.paths)), string(in.Old), string(in.New+in.Content)
			if in.Old == "" && in.New == "" {
				sg.Kind = episode.KindFile
			}
			return []episode.Suggestion{sg}
		}
		sg.Kind, sg.Path = episode.KindEdit, cmp.Or(in.path(), first(c.paths))
	case "execute":
		sg.Kind, sg.Language, sg.After = episode.KindCommand, "shell", c.command(t)
	case "delete", "move":
		sg.Kind, sg.Path, sg.After = episode.KindCommand, cmp.Or(in.path(), first(c.paths)), cmp.Or(c.title, c.kind)
	case "switch_mode":
		sg.Kind, sg.After = episode.KindPlan, cmp.Or(string(in.Plan), c.text)
	}
	answered := len(c.asked) > 0 && d.By == episode.ByPerson && c.kind != "read" && c.kind != "search" && c.kind != "fetch" && c.kind != "think"
	refused := d.Verdict == episode.Rejected || d.Verdict == episode.Cancelled
	if sg.Kind == "" && (answered || refused) { // a tool of the agent's own, or of a server it uses
		sg.Kind, sg.After = episode.KindCommand, cmp.Or(c.title, c.name, c.kind)
	}
	if sg.Kind == "" {
		return nil
	}
	return []episode.Suggestion{sg}
}

// changes are a call's changes, one for each file; several places of one file are one.
func (t *turn) changes(c *call, sg episode.Suggestion) (all []episode.Suggestion) {
	byPath := map[string]int{}
	for _, d := range c.diffs {
		i, seen := byPath[d.path]
		if !seen {
			i = len(all)
			byPath[d.path] = i
			s := sg
			if s.Path = d.path; i > 0 {
				s.ID = t.unused(c.id + "/" + strconv.Itoa(i+1))
			}
			all = append(all, s)
		}
		all[i].Before += d.before
		all[i].After += d.after
	}
	for i := range all {
		if all[i].Kind = episode.KindEdit; all[i].Before == "" {
			all[i].Kind = episode.KindFile
		}
	}
	return all
}

// command is what a call runs: as its input says, else the terminal that it shows, else its title.
func (c *call) command(t *turn) string {
	if in := c.arguments(); in.Command != "" {
		return strings.TrimSpace(string(in.Command))
	}
	if x := t.terms[c.terminal]; x != nil && c.terminal != "" {
		return x.command
	}
	return strings.Trim(c.title, "` ")
}

func first(list []string) string {
	if i := slices.IndexFunc(list, func(s string) bool { return s != "" }); i >= 0 {
		return list[i]
	}
	return ""
}
