// SPDX-License-Identifier: Apache-2.0

package aider

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
)

var (
	commitLine  = regexp.MustCompile(`^Commit ([0-9a-f]{7,40})\b`)
	removedLine = regexp.MustCompile(`^(?:Removed|Undid|Undo)[: ]+([0-9a-f]{7,40})\b`)
	modelLine   = regexp.MustCompile(`^(?:Main model|Models?): (\S+) with `)
	tokensLine  = regexp.MustCompile(`^Tokens: ([0-9.,]+k?) sent,(?: ([0-9.,]+k?) cache write,)?(?: ([0-9.,]+k?) (?:cache hit|cached),)? ([0-9.,]+k?) received\.(?: Cost: \$([0-9.]+))?`)
)

// said reads one line of Aider's own: it closes the answer before it, and says what became of it.
func (ch *chat) said(s string) {
	switch {
	case strings.HasPrefix(s, "Aider v"):
		ch.version = strings.TrimPrefix(s, "Aider v")
		return
	case modelLine.MatchString(s):
		ch.model = modelLine.FindStringSubmatch(s)[1]
		return
	case strings.HasPrefix(s, "^C"):
		ch.c.Interrupts++ // it may be at an empty prompt: nothing says that an answer was under way
		return
	}
	ch.end()
	switch e := ch.e; {
	case strings.HasPrefix(s, "Applied edit to "):
		ch.c.Kind("applied edit")
		ch.c.Patches++
		ch.decide(strings.TrimPrefix(s, "Applied edit to "), episode.Accepted, episode.ByUnknown)
	case strings.HasPrefix(s, "The LLM did not conform to the edit format"):
		ch.c.Kind("did not conform")
		ch.c.Errors++
	case strings.HasPrefix(s, "Allow edits to "), strings.HasPrefix(s, "Create new file"):
		if strings.HasSuffix(s, " n") { // Aider's own "always yes" never answers no here: a person did
			ch.c.Rejections++
			ch.reject(s)
		}
	case removedLine.MatchString(s):
		ch.c.Kind("undo")
		ch.undone(removedLine.FindStringSubmatch(s)[1])
	case commitLine.MatchString(s):
		ch.c.Kind("commit")
		if e != nil {
			e.Links = &episode.Links{Commit: commitLine.FindStringSubmatch(s)[1]}
		}
	case tokensLine.MatchString(s) && e != nil:
		m := tokensLine.FindStringSubmatch(s)
		if e.Usage == nil {
			e.Usage = &episode.Usage{}
		}
		u := e.Usage
		u.InputTokens += tokens(m[1])
		u.CacheWriteTokens += tokens(m[2])
		u.CacheReadTokens += tokens(m[3])
		u.OutputTokens += tokens(m[4])
		if cost, err := strconv.ParseFloat(strings.TrimRight(m[5], "."), 64); err == nil && cost < 1e6 {
			u.CostUSD += cost
		}
	}
}

// tokens reads "1,497" and "1.2k".
func tokens(s string) int64 {
	n, k := strings.CutSuffix(strings.ReplaceAll(s, ",", ""), "k")
	f, err := strconv.ParseFloat(n, 64)
	if k {
		f *= 1000
	}
	if err != nil || f < 0 || f > 1e12 {
		return 0
	}
	return int64(f)
}

// decide records the decision on the suggestions for a file that have none yet. An edit in a form that holds no
// SEARCH/REPLACE block (a whole file, a diff) becomes a suggestion here, without its text.
func (ch *chat) decide(file string, v episode.Verdict, by episode.By) {
	e := ch.e
	if e == nil {
		return
	}
	decided := map[string]bool{}
	for i := range e.Decisions {
		decided[e.Decisions[i].Suggestion] = true
	}
	found := false
	for i := range e.Suggestions {
		if s := &e.Suggestions[i]; s.Path == file && !decided[s.ID] {
			e.Decisions = append(e.Decisions, episode.Decision{Suggestion: s.ID, Verdict: v, By: by})
			found = true
		}
	}
	if !found {
		id := "s" + strconv.Itoa(len(e.Suggestions)+1)
		e.Suggestions = append(e.Suggestions, episode.Suggestion{ID: id, Step: len(e.Steps) - 1, Kind: episode.KindEdit, Path: file,
			Language: capture.Language(file)})
		e.Decisions = append(e.Decisions, episode.Decision{Suggestion: id, Verdict: v, By: by})
	}
}

// reject records a "no" to the file that a question names. The question's words changed often, so the file is looked
// for in it; a question that names none of the files suggested decides nothing.
func (ch *chat) reject(question string) {
	if ch.e == nil {
		return
	}
	for _, word := range strings.Fields(question) {
		word = strings.Trim(word, "`'\"?,:")
		for i := range ch.e.Suggestions {
			if word != "" && ch.e.Suggestions[i].Path == word {
				ch.decide(word, episode.Rejected, episode.ByPerson)
				return
			}
		}
	}
}

// undone marks what a commit held as reverted.
func (ch *chat) undone(commit string) {
	for i := len(ch.episodes) - 1; i >= 0; i-- {
		e := ch.episodes[i]
		if e.Links == nil || !strings.HasPrefix(e.Links.Commit, commit) {
			continue
		}
		for _, d := range e.Decisions {
			if d.Verdict == episode.Accepted {
				e.Outcomes = append(e.Outcomes, episode.Outcome{Suggestion: d.Suggestion, Kind: episode.OutcomeReverted, Value: 1})
			}
		}
		return
	}
}
