// SPDX-License-Identifier: Apache-2.0

package sim

// vocabulary holds each level of each feature, boxed once, as it leaves; a nil level was dropped on the way.
type vocabulary struct {
	language, prefix, chars, lines, logprob, since []any
	yesNo                                          [2][2]any // prev_accepted, mid_line × false, true
}

// newVocabulary passes every level through coarsen, each as a feature by itself; nil leaves them as they are.
func newVocabulary(coarsen func(map[string]any) map[string]any) *vocabulary {
	leave := func(name string, levels []any) []any {
		if coarsen == nil {
			return levels
		}
		out := make([]any, len(levels))
		for i, v := range levels {
			out[i] = coarsen(map[string]any{name: v})[name]
		}
		return out
	}
	names := make([]any, len(languages))
	for i, l := range languages {
		names[i] = l
	}
	l := &vocabulary{leave("language", names), leave("prefix_chars", prefixChars), leave("suggestion_chars", suggestionChars),
		leave("lines", lineCounts), leave("mean_logprob", meanLogProbs), leave("seconds_since_last", secondsSince), [2][2]any{}}
	copy(l.yesNo[0][:], leave("prev_accepted", []any{false, true}))
	copy(l.yesNo[1][:], leave("mid_line", []any{false, true}))
	return l
}

// features fills m with what a policy may see of the suggestion.
func (l *vocabulary) features(d *draw, m map[string]any) {
	set := func(name string, v any) {
		if v != nil {
			m[name] = v
		} else {
			delete(m, name)
		}
	}
	set("language", l.language[d.language])
	set("prefix_chars", l.prefix[d.prefix])
	set("suggestion_chars", l.chars[d.chars])
	set("lines", l.lines[d.lines])
	set("mean_logprob", l.logprob[d.logprob])
	set("seconds_since_last", l.since[d.since])
	set("prev_accepted", l.yesNo[0][index(d.prevAccepted)])
	set("mid_line", l.yesNo[1][index(d.midLine)])
}

func index(b bool) int {
	if b {
		return 1
	}
	return 0
}
