// SPDX-License-Identifier: Apache-2.0

package episode

// Level is how much of an episode leaves the enterprise. See spec/levels.tsv for what each means, field by field.
type Level string

// The levels, from nothing to most.
const (
	LevelOff       Level = "off"       // not even recorded
	LevelNone      Level = "none"      // recorded, nothing leaves
	LevelAggregate Level = "aggregate" // noised counts only, no episodes
	LevelSignal    Level = "signal"    // decision records with numbers and categories, no text
	LevelMasked    Level = "masked"    // text and code, private names replaced by pseudonyms
	LevelClean     Level = "clean"     // text and code without secrets and personal data
)

// Levels lists every level, from nothing to most.
var levels = [...]Level{LevelOff, LevelNone, LevelAggregate, LevelSignal, LevelMasked, LevelClean}

// Levels returns every level, from nothing to most.
func Levels() []Level { return levels[:] }

// Rank orders levels from 0 (off) to 5 (clean); an unknown level ranks -1, below all.
func (l Level) Rank() int {
	for i, k := range levels {
		if k == l {
			return i
		}
	}
	return -1
}

// Stricter returns the one of the two levels that lets less leave.
func (l Level) Stricter(m Level) Level {
	if m.Rank() < l.Rank() {
		return m
	}
	return l
}

// Surface is where in a tool a suggestion was made.
type Surface string

// The surfaces.
const (
	SurfaceCompletion Surface = "completion"
	SurfaceNextEdit   Surface = "next_edit"
	SurfaceChat       Surface = "chat"
	SurfaceAgent      Surface = "agent"
	SurfaceReview     Surface = "review"
	SurfaceCI         Surface = "ci"
)

// ArtifactKind is what an artifact is for.
type ArtifactKind string

// The kinds of artifact.
const (
	ArtifactRules ArtifactKind = "rules"
	ArtifactSpec  ArtifactKind = "spec"
	ArtifactPlan  ArtifactKind = "plan"
	ArtifactIssue ArtifactKind = "issue"
	ArtifactFile  ArtifactKind = "file"
	ArtifactDiff  ArtifactKind = "diff"
)

// Source is who acted in a step.
type Source string

// The sources of a step, as in ATIF.
const (
	SourceSystem Source = "system"
	SourceUser   Source = "user"
	SourceAgent  Source = "agent"
)

// SuggestionKind is the form of a suggestion.
type SuggestionKind string

// The kinds of suggestion.
const (
	KindCompletion SuggestionKind = "completion"
	KindEdit       SuggestionKind = "edit"
	KindFile       SuggestionKind = "file"
	KindCommand    SuggestionKind = "command"
	KindAnswer     SuggestionKind = "answer"
	KindPlan       SuggestionKind = "plan"
)

// Verdict is what was done with a suggestion.
type Verdict string

// The verdicts. Rejected, an error, an interrupt, a timeout and a denial by rule are five different things.
const (
	Accepted  Verdict = "accepted"
	Rejected  Verdict = "rejected"
	Modified  Verdict = "modified"
	Ignored   Verdict = "ignored"
	Cancelled Verdict = "cancelled"
	TimedOut  Verdict = "timed_out"
)

// By is who decided. Only [ByPerson] is a human label.
type By string

// Who can decide.
const (
	ByPerson  By = "person"
	ByRule    By = "rule"
	ByHook    By = "hook"
	ByModel   By = "model"
	ByUnknown By = "unknown"
)

// Taken reports whether a person took the suggestion, as it was or modified. Whoever speaks of the share that was taken means this.
func (v Verdict) Taken(by By) bool { return by == ByPerson && (v == Accepted || v == Modified) }

// Answers reports whether the verdict says what a person made of a suggestion that they were shown: took it, rejected it, or
// passed it over.
func (v Verdict) Answers(by By) bool {
	return v.Taken(by) || v == Rejected && by == ByPerson || v == Ignored
}

// OutcomeKind is what was observed later.
type OutcomeKind string

// The kinds of outcome.
const (
	OutcomeKept      OutcomeKind = "kept"
	OutcomeCommitted OutcomeKind = "committed"
	OutcomeReviewed  OutcomeKind = "reviewed"
	OutcomeMerged    OutcomeKind = "merged"
	OutcomeReverted  OutcomeKind = "reverted"
	OutcomeTests     OutcomeKind = "tests"
	OutcomeBuild     OutcomeKind = "build"
	OutcomeFixed     OutcomeKind = "fixed" // a later fix had to change or remove it
)

// Purpose is what a recipient may use a record for.
type Purpose string

// The purposes.
const (
	PurposeEvaluate Purpose = "evaluate"
	PurposeReward   Purpose = "reward"
	PurposeFinetune Purpose = "finetune"
	PurposeDistil   Purpose = "distil"
)
