// SPDX-License-Identifier: Apache-2.0

package export

import "github.com/headrace/headrace/episode"

// openaiDPO is the preference format of OpenAI's fine-tuning, which Azure, Together and Fireworks take too: an input,
// the output that was preferred and the one that was not, exactly one assistant message each.
//
// A pair comes from one decision, where the person put their own text in a suggestion's place, or from two on the same
// prompt in the same session, one accepted and one rejected.
type openaiDPO struct {
	order  []asked // in the order in which they came, so that the output has one
	groups map[asked]*answers
}

type asked struct{ contributor, session, prompt string }

// answers are the distinct texts that a prompt got and that are not yet in a pair of their own.
type answers struct{ good, bad []string }

type dpoExample struct {
	Input struct {
		Messages          []message  `json:"messages"`
		Tools             []struct{} `json:"tools"`
		ParallelToolCalls bool       `json:"parallel_tool_calls"`
	} `json:"input"`
	Preferred    []message `json:"preferred_output"`
	NonPreferred []message `json:"non_preferred_output"`
}

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

func (f *openaiDPO) add(l label, out *writer) error {
	if l.final != "" && l.verdict != episode.Accepted {
		return out.example(pair(l.prompt, l.final, l.after))
	}
	if l.verdict == episode.Modified || l.session == "" {
		out.rep.Skipped[SkippedNoPair]++
		return nil
	}
	k := asked{l.contributor, l.session, l.prompt}
	if f.groups == nil {
		f.groups = map[asked]*answers{}
	}
	g := f.groups[k]
	if g == nil {
		g = &answers{}
		f.groups[k] = g
		f.order = append(f.order, k)
	}
	if l.verdict == episode.Accepted {
		g.good = append(g.good, l.after)
	} else {
		g.bad = append(g.bad, l.after)
	}
	return nil
}

// flush pairs what was accepted with what was rejected, first with first, each used once.
func (f *openaiDPO) flush(out *writer) error {
	for _, k := range f.order {
		g := f.groups[k]
		n := min(len(g.good), len(g.bad))
		for i := range n {
			if g.good[i] == g.bad[i] {
				out.rep.Skipped[SkippedNoPair] += 2 // the same text both ways says nothing
				continue
			}
			if err := out.example(pair(k.prompt, g.good[i], g.bad[i])); err != nil {
				return err
			}
		}
		if rest := len(g.good) + len(g.bad) - 2*n; rest > 0 {
			out.rep.Skipped[SkippedNoPair] += rest
		}
	}
	return nil
}

func pair(prompt, good, bad string) dpoExample {
	var ex dpoExample
	ex.Input.Messages = []message{{"user", prompt}}
	ex.Input.Tools = []struct{}{}
	ex.Input.ParallelToolCalls = true
	ex.Preferred = []message{{"assistant", good}}
	ex.NonPreferred = []message{{"assistant", bad}}
	return ex
}
