// SPDX-License-Identifier: Apache-2.0

package curate

import (
	"math"

	"github.com/headrace/headrace/episode"
)

// checkSchema decodes the record and refuses what contradicts itself, so that no later step has to doubt it.
func checkSchema(c *candidate) string {
	e, err := episode.Decode(c.line)
	if err != nil {
		return ReasonSchema
	}
	c.ep = e
	ok := e.Local == nil && e.Privacy != nil && e.Privacy.Level.Rank() >= episode.LevelSignal.Rank() && e.Revision >= 0
	if e.Amends != "" {
		ok = ok && onlyLaterFacts(e)
	}
	if !ok || !decisionsHold(e) || !outcomesHold(e) {
		return ReasonSchema
	}
	return ""
}

// onlyLaterFacts: an amendment adds outcomes and ratings and carries no text.
func onlyLaterFacts(e *episode.Episode) bool {
	return e.Instruction == "" && len(e.Artifacts)+len(e.Steps)+len(e.Suggestions)+len(e.Decisions) == 0
}

// decisionsHold: each decision is about a suggestion of the episode, by a known verdict, and where a policy decided,
// the probabilities are a distribution over its actions with the chosen one among them.
func decisionsHold(e *episode.Episode) bool {
	ids := make(map[string]bool, len(e.Suggestions))
	for i := range e.Suggestions {
		id := e.Suggestions[i].ID
		if id == "" || ids[id] {
			return false
		}
		ids[id] = true
	}
	for i := range e.Decisions {
		d := &e.Decisions[i]
		if !ids[d.Suggestion] || !knownVerdict(d.Verdict) || !knownBy(d.By) || !distribution(d) {
			return false
		}
	}
	return true
}

func distribution(d *episode.Decision) bool {
	if len(d.Actions) == 0 {
		return true
	}
	sum, chosen := 0.0, d.Chosen == ""
	for _, a := range d.Actions {
		if !(a.Propensity >= 0 && a.Propensity <= 1) {
			return false
		}
		sum += a.Propensity
		chosen = chosen || a.ID == d.Chosen && a.Propensity > 0
	}
	const rounding = 0.02 // propensities leave as coarse as their level says
	return chosen && math.Abs(sum-1) <= rounding
}

func outcomesHold(e *episode.Episode) bool {
	for _, o := range e.Outcomes {
		if !(o.Value >= 0 && o.Value <= 1) {
			return false
		}
	}
	return true
}

func knownVerdict(v episode.Verdict) bool {
	switch v {
	case episode.Accepted, episode.Rejected, episode.Modified, episode.Ignored, episode.Cancelled, episode.TimedOut:
		return true
	}
	return false
}

func knownBy(b episode.By) bool {
	switch b {
	case episode.ByPerson, episode.ByRule, episode.ByHook, episode.ByModel, episode.ByUnknown:
		return true
	}
	return false
}
