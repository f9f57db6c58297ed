// SPDX-License-Identifier: Apache-2.0

// Package episode is the record that everything else in Headrace works on, and the only package that everything may
// import.
//
// An [Episode] is one thing a person asked of a coding tool and all that came of it: the words, the trajectory, what
// was suggested, what was decided, and what became of it later. Its wire form is one JSON object a line (UTF-8); read
// it with [Reader], write it with [Append] or [AppendCanonical]. A field this version does not know is kept in
// Unknown, at every depth, so that nothing is lost on the way; scrub drops and counts such fields before anything
// leaves.
//
// [Level] says how much of an episode may leave and [Terms] for what, to whom and for how long. Neither decides
// anything here: package consent does.
//
// The Go types are the source: the JSON Schema in spec/ is generated from them ([Schema]).
package episode

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// SchemaVersion is the version of the record that this package writes.
const SchemaVersion = "1.0"

// Episode is one thing a person asked of a coding tool and all that came of it: the unit of learning.
type Episode struct {
	SchemaVersion string `json:"schema_version"`
	// ID is stable: reading the same source twice gives the same id. What leaves carries an id keyed per recipient.
	ID string `json:"id"`
	// Revision is 1 once the episode has settled; an amendment carries the revision it makes.
	Revision int `json:"revision,omitzero"`
	// Amends is the id of the episode that this amendment adds later facts to; empty on an episode.
	Amends    string    `json:"amends,omitzero"`
	StartedAt time.Time `json:"started_at,omitzero"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
	Tool      Tool      `json:"tool,omitzero"`
	Model     Model     `json:"model,omitzero"`
	// Developer, Session and Repository are pseudonyms once an episode has left; before that they are local names.
	Developer  string `json:"developer,omitzero"`
	Session    string `json:"session,omitzero"`
	Repository string `json:"repository,omitzero"`
	// Languages of the files touched, lower case, sorted.
	Languages []string `json:"languages,omitempty"`
	// Instruction is the person's words.
	Instruction string       `json:"instruction,omitzero"`
	Artifacts   []Artifact   `json:"artifacts,omitempty"`
	Steps       []Step       `json:"steps,omitempty"`
	Suggestions []Suggestion `json:"suggestions,omitempty"`
	Decisions   []Decision   `json:"decisions,omitempty"`
	Outcomes    []Outcome    `json:"outcomes,omitempty"`
	Ratings     []Rating     `json:"ratings,omitempty"`
	Usage       *Usage       `json:"usage,omitzero"`
	Links       *Links       `json:"links,omitzero"`
	Origin      *Origin      `json:"origin,omitzero"`
	Privacy     *Privacy     `json:"privacy,omitzero"`
	Terms       *Terms       `json:"terms,omitzero"`
	// Local holds the facts that consent rules need and that never leave: scrub fills it, consent removes it.
	Local *Local `json:"local,omitzero"`

	Unknown jsontext.Value `json:",embed"`
}

// Tool is the coding tool that made the suggestions.
type Tool struct {
	Name    string `json:"name,omitzero"`
	Version string `json:"version,omitzero"`
	// Surface is where in the tool it happened: completion, next_edit, chat, agent, review or ci.
	Surface Surface `json:"surface,omitzero"`

	Unknown jsontext.Value `json:",embed"`
}

// Model is the model behind the suggestions, as the tool named it.
type Model struct {
	Provider string `json:"provider,omitzero"`
	Name     string `json:"name,omitzero"`

	Unknown jsontext.Value `json:",embed"`
}

// Artifact is an instruction file, rule, spec, plan or context file that was in force, named by the digest of its text.
type Artifact struct {
	// Digest is "sha256:" and 64 hex digits of the text's bytes.
	Digest    string       `json:"digest,omitzero"`
	Kind      ArtifactKind `json:"kind,omitzero"`
	Name      string       `json:"name,omitzero"`
	MediaType string       `json:"media_type,omitzero"`
	Text      string       `json:"text,omitzero"`
	Truncated bool         `json:"truncated,omitzero"`

	Unknown jsontext.Value `json:",embed"`
}

// Step is one step of the trajectory, after the Agent Trajectory Interchange Format (ATIF 1.7, "steps").
type Step struct {
	At time.Time `json:"at,omitzero"`
	// Source is who acted: system, user or agent.
	Source      Source       `json:"source,omitzero"`
	Message     string       `json:"message,omitzero"`
	Reasoning   string       `json:"reasoning,omitzero"`
	ToolCalls   []ToolCall   `json:"tool_calls,omitempty"`
	Observation *Observation `json:"observation,omitzero"`
	Truncated   bool         `json:"truncated,omitzero"`

	Unknown jsontext.Value `json:",embed"`
}

// ToolCall is a call that the agent made or wanted to make.
type ToolCall struct {
	ID   string `json:"id,omitzero"`
	Name string `json:"name,omitzero"`
	// Arguments is the call's input as the tool recorded it: a JSON value.
	Arguments jsontext.Value `json:"arguments,omitzero"`

	Unknown jsontext.Value `json:",embed"`
}

// Observation is what came back for the calls of a step.
type Observation struct {
	Results []Result `json:"results,omitempty"`

	Unknown jsontext.Value `json:",embed"`
}

// Result answers one tool call.
type Result struct {
	Call    string `json:"call,omitzero"`
	Content string `json:"content,omitzero"`
	// Error says that the tool reported a failure. A rejection or an interrupt is a decision, never an error.
	Error bool `json:"error,omitzero"`

	Unknown jsontext.Value `json:",embed"`
}

// Suggestion is what the tool proposed: a completion, an edit, a new file, a command, an answer, a plan.
type Suggestion struct {
	ID string `json:"id,omitzero"`
	// Step is the index in Steps that made the suggestion, or -1 when the source has no trajectory.
	Step     int            `json:"step"`
	Kind     SuggestionKind `json:"kind,omitzero"`
	Path     string         `json:"path,omitzero"`
	Language string         `json:"language,omitzero"`
	Before   string         `json:"before,omitzero"`
	After    string         `json:"after,omitzero"`
	ShownAt  time.Time      `json:"shown_at,omitzero"`
	// DwellMS is how long it was on screen before the decision, in milliseconds.
	DwellMS int64 `json:"dwell_ms,omitzero"`
	Slot    int   `json:"slot,omitzero"`
	// Features are what a control model may see: number, bool or a listed enum, by name.
	Features map[string]any `json:"features,omitempty"`
	// Policy names what chose to make or show it; Propensity is the probability with which it did, in (0, 1].
	Policy     string  `json:"policy,omitzero"`
	Propensity float64 `json:"propensity,omitzero"`
	// TokenIDs and LogProbs are there where a gateway saw them, one per token of After.
	TokenIDs  []int32   `json:"token_ids,omitempty"`
	LogProbs  []float64 `json:"log_probs,omitempty"`
	Truncated bool      `json:"truncated,omitzero"`

	Unknown jsontext.Value `json:",embed"`
}

// Decision is what was done with a suggestion, and by whom.
type Decision struct {
	// Suggestion is the id of the suggestion decided on.
	Suggestion string  `json:"suggestion,omitzero"`
	Verdict    Verdict `json:"verdict,omitzero"`
	// By is person only with evidence of an interactive session: only then is it a human label.
	By     By        `json:"by,omitzero"`
	At     time.Time `json:"at,omitzero"`
	Reason string    `json:"reason,omitzero"`
	// Final is the text that was in place after the decision, where the source has it.
	Final string `json:"final,omitzero"`
	// EditDistance between After and Final, as a share of the longer, in [0, 1]; nil where unknown.
	EditDistance *float64 `json:"edit_distance,omitzero"`
	// FinalAt is when Final and EditDistance were seen, where that was after the decision: in a commit, say. Zero is with it.
	FinalAt time.Time `json:"final_at,omitzero"`

	// What follows is there when Headrace's own policy decided whether to show the suggestion.
	DecisionID string   `json:"decision_id,omitzero"`
	Release    string   `json:"release,omitzero"`
	Actions    []Action `json:"actions,omitempty"`
	Chosen     string   `json:"chosen,omitzero"`
	Explore    bool     `json:"explore,omitzero"`
	// Shown is false on a suggestion that the policy hid: it is kept all the same.
	Shown *bool `json:"shown,omitzero"`
	// Features are what the policy saw of the situation, {} where it saw nothing; nil where that is what the suggestion has. Several
	// decisions, each made on features of its own, may be about one suggestion.
	Features map[string]any `json:"features,omitzero"`

	Unknown jsontext.Value `json:",embed"`
}

// Action is one thing a policy could have done, with the probability with which it would have.
type Action struct {
	ID         string         `json:"id,omitzero"`
	Features   map[string]any `json:"features,omitempty"`
	Propensity float64        `json:"propensity,omitzero"`

	Unknown jsontext.Value `json:",embed"`
}

// Outcome is what became of a suggestion later.
type Outcome struct {
	Suggestion string      `json:"suggestion,omitzero"`
	Kind       OutcomeKind `json:"kind,omitzero"`
	// Value is 0 or 1 for a yes-or-no outcome, else a share in [0, 1].
	Value      float64   `json:"value"`
	ObservedAt time.Time `json:"observed_at,omitzero"`
	// Window is the time that had passed since the decision, such as "10m" or "30d".
	Window string `json:"window,omitzero"`

	Unknown jsontext.Value `json:",embed"`
}

// Rating is an explicit judgement by a developer, an expert or a model.
type Rating struct {
	By     string  `json:"by,omitzero"`
	Target string  `json:"target,omitzero"`
	Scale  string  `json:"scale,omitzero"`
	Value  float64 `json:"value"`
	// Comment is free text: it leaves only where text may.
	Comment string `json:"comment,omitzero"`

	Unknown jsontext.Value `json:",embed"`
}

// Usage is what the episode cost.
type Usage struct {
	InputTokens      int64   `json:"input_tokens,omitzero"`
	OutputTokens     int64   `json:"output_tokens,omitzero"`
	CacheReadTokens  int64   `json:"cache_read_tokens,omitzero"`
	CacheWriteTokens int64   `json:"cache_write_tokens,omitzero"`
	CostUSD          float64 `json:"cost_usd,omitzero"`

	Unknown jsontext.Value `json:",embed"`
}

// Links tie the episode to the world around it.
type Links struct {
	Commit      string `json:"commit,omitzero"`
	PullRequest string `json:"pull_request,omitzero"`
	// Parent is the id of the episode that this one continues or was started by.
	Parent string `json:"parent,omitzero"`
	// AbandonedBranch says that a rewind left this episode behind: a negative sample, not part of the final path.
	AbandonedBranch bool `json:"abandoned_branch,omitzero"`

	Unknown jsontext.Value `json:",embed"`
}

// Origin says whose output the suggestions are and what licence their context has: rights depend on both.
type Origin struct {
	Provider      string `json:"provider,omitzero"`
	ContractClass string `json:"contract_class,omitzero"`
	License       string `json:"license,omitzero"`

	Unknown jsontext.Value `json:",embed"`
}

// Privacy says what was done to the record before it left.
type Privacy struct {
	Level    Level  `json:"level,omitzero"`
	Scrubber string `json:"scrubber,omitzero"`
	// Policy is the digest of the policy that set the level.
	Policy string `json:"policy,omitzero"`
	// Findings counts what was replaced, by kind.
	Findings map[string]int `json:"findings,omitempty"`
	// DroppedFields counts fields that this version does not know.
	DroppedFields int `json:"dropped_fields,omitzero"`

	Unknown jsontext.Value `json:",embed"`
}

// Local holds facts for consent rules; pack refuses a record that still has it.
type Local struct {
	Repository string   `json:"repository,omitzero"`
	Paths      []string `json:"paths,omitempty"`
	Developer  string   `json:"developer,omitzero"`
	Team       string   `json:"team,omitzero"`
	License    string   `json:"license,omitzero"`
	// Unauthenticated marks what arrived without a proven identity.
	Unauthenticated bool           `json:"unauthenticated,omitzero"`
	Findings        map[string]int `json:"findings,omitempty"`

	Unknown jsontext.Value `json:",embed"`
}
