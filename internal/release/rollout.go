// SPDX-License-Identifier: Apache-2.0

package release

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/draw"
	"github.com/headrace/headrace/internal/reward"
)

const rolloutFormat = "headrace-rollout/1"

// The channels that an edge may follow, from the one that has a release first.
const (
	Canary = "canary"
	Early  = "early"
	Stable = "stable"
)

// AllChannels returns them in that order.
func AllChannels() []string { return []string{Canary, Early, Stable} }

// Stages is the last stage of a roll-out: it has reached everybody. At stage 0 it reaches nobody.
const Stages = 6

// Share is the share of its developers that a channel has reached at a stage: 1, 5, 25 and 100 %, each channel a stage after the
// one before it.
func Share(channel string, stage int) float64 {
	ladder := []float64{0.01, 0.05, 0.25, 1}
	lag := slices.Index(AllChannels(), channel)
	step := stage - 1 - lag
	if lag < 0 || step < 0 {
		return 0
	}
	return ladder[min(step, len(ladder)-1)]
}

// State says whether a roll-out goes on.
type State string

// The states. One that has gone back stays back: it takes another release to go on.
const (
	Rolling State = "rolling"
	Paused  State = "paused" // stays where it is until a person lets it go on
	Back    State = "back"
)

// Rollout says whom a release of a kind reaches now. It is a document of its own, signed and logged by the hub, so that widening,
// pausing and going back need no new release. Its sequence number only rises: an edge that has seen one takes no earlier one.
type Rollout struct {
	Format   string `json:"format"`
	Kind     Kind   `json:"kind"`
	Sequence int64  `json:"sequence"`        // of the roll-outs of this kind at this hub, from 1
	Before   string `json:"before,omitzero"` // digest of the signed document of the one before
	// Release is what is rolled out; empty: nothing of this kind is on.
	Release string `json:"release,omitzero"`
	// Base is the release of those whom it has not reached; empty: there is none, and all is as if Headrace were not there.
	Base  string `json:"base,omitzero"`
	State State  `json:"state"`
	Stage int    `json:"stage"` // 0 to [Stages]
	// Shares are those of the stage, for people: they follow from it.
	Shares []Channel `json:"shares"`
	Since  time.Time `json:"since"`
	Why    string    `json:"why"`
	// Worth is what an edge can judge it by, too; nil where the hub's reward waits for what becomes of a suggestion: then an edge watches
	// the guardrails.
	Worth *Worth `json:"worth,omitempty"`
	// Look is what the hub had seen of the release by then; nil where it has not looked.
	Look *Look `json:"look,omitempty"`
}

// Worth is what is known of a reward at once: what a suggestion is worth that a person takes, and one that is passed over.
type Worth struct {
	Reward string  `json:"reward"` // name and version of the spec
	Taken  float64 `json:"taken"`
	Passed float64 `json:"passed"`
}

// sound says that to take something is better than to pass it over, and both are bounded as rewards are.
func (w *Worth) sound() bool {
	return w.Taken > w.Passed && w.Taken <= reward.MaxRange && w.Passed >= -reward.MaxRange
}

// Channel says which share of the developers on it a release has reached.
type Channel struct {
	Name  string  `json:"name"`
	Share float64 `json:"share"`
}

func shares(stage int) (list []Channel) {
	for _, name := range AllChannels() {
		list = append(list, Channel{name, Share(name, stage)})
	}
	return list
}

// Start begins the roll-out of a release at the first stage. before is the last of this kind, the zero Rollout for the first,
// and digest that of its signed document. Those whom it does not reach keep what everybody had.
func Start(kind Kind, id string, before Rollout, digest string, now time.Time) Rollout {
	r := Rollout{Format: rolloutFormat, Kind: kind, Sequence: before.Sequence + 1, Before: digest, Release: id, Base: before.Settled(), State: Rolling,
		Since: now.UTC().Truncate(time.Second), Why: "through the gate"}
	return r.at(1)
}

func (r Rollout) at(stage int) Rollout {
	r.Stage, r.Shares = stage, shares(stage)
	return r
}

// Settled is the release that everybody has once nothing is being rolled out: the one that has reached all, else what it was to
// replace.
func (r Rollout) Settled() string {
	if r.State != Back && r.Stage == Stages {
		return r.Release
	}
	return r.Base
}

// Over says that a roll-out has ended, with all or with none: another may begin.
func (r Rollout) Over() bool { return r.Release == "" || r.State == Back || r.Stage == Stages }

// next is the document that follows one whose signed document has this digest.
func (r Rollout) next(digest, why string, now time.Time) Rollout {
	r.Sequence, r.Before, r.Why, r.Since, r.Look = r.Sequence+1, digest, why, now.UTC().Truncate(time.Second), nil
	return r
}

// Widen reaches the developers of a later stage, up to [Stages]; one that was paused goes on.
func (r Rollout) Widen(stage int, digest, why string, now time.Time) (Rollout, error) {
	if r.State == Back || r.Release == "" {
		return r, &episode.Problem{Code: "rollout/back", Message: fmt.Sprintf("%s has gone back", r.Release), Hint: "it stays so: the next release that gets through the gate is rolled out"}
	}
	if stage <= r.Stage && r.State != Paused || stage < r.Stage || stage > Stages {
		return r, &episode.Problem{Code: "rollout/stage", Message: fmt.Sprintf("%s is at stage %d of %d, and cannot go on to %d", r.Release, r.Stage, Stages, stage), Hint: "to take it back from those whom it has reached: headrace hub rollout back"}
	}
	r = r.next(digest, why, now).at(stage)
	r.State = Rolling
	return r, nil
}

// Pause lets it reach nobody more for now.
func (r Rollout) Pause(digest, why string, now time.Time) (Rollout, error) {
	if r.Over() || r.State == Paused {
		return r, &episode.Problem{Code: "rollout/stage", Message: "nothing is being rolled out that could be paused", Hint: "headrace hub rollout shows what is on"}
	}
	r = r.next(digest, why, now)
	r.State = Paused
	return r, nil
}

// GoBack takes the release from everybody, for good; those who had it have what it was to replace. base is what that is from now
// on: as a rule r.Base, empty where that one has gone, too.
func (r Rollout) GoBack(base, digest, why string, now time.Time) Rollout {
	r = r.next(digest, why, now).at(0)
	r.State, r.Base = Back, base
	return r
}

// WithoutBase leaves those whom the release has not reached with none.
func (r Rollout) WithoutBase(digest, why string, now time.Time) Rollout {
	r = r.next(digest, why, now)
	r.Base = ""
	return r
}

// Pace says how fast a roll-out goes on by itself.
type Pace struct {
	// Lead is how long each stage lasts at least.
	Lead time.Duration
	// Patience is after how long a stage goes on although too little was seen to tell that the release does no harm, as long as what
	// was seen does not speak against it; 0: never.
	Patience time.Duration
}

// Next is what follows from a look: back where the release surely does harm, on where its stage has lasted and it surely loses
// little. changed is false where all stays as it is.
func (r Rollout) Next(l Look, p Pace, digest string, now time.Time) (next Rollout, changed bool) {
	lasted := now.Sub(r.Since)
	switch {
	case r.Release == "" || r.State == Back:
		return r, false
	case l.Harmful():
		next = r.GoBack(r.Base, digest, l.Harm(), now)
	case r.State == Paused || r.Stage == Stages || lasted < p.Lead:
		return r, false
	case l.Harmless():
		next = r.next(digest, fmt.Sprintf("the difference is at least %+.4f reward per decision", l.Difference.Lower), now).at(r.Stage + 1)
	case p.Patience > 0 && lasted >= p.Patience && (l.Difference == nil || l.Difference.Estimate >= 0):
		next = r.next(digest, "no harm was seen for long enough", now).at(r.Stage + 1)
	default:
		return r, false
	}
	if l.Shown() {
		next.Look = &l
	}
	return next, true
}

// fewest is how many developers stand behind any figure that is shown to anyone.
const fewest = 10

// Shown reports whether enough developers stand behind a look for others to see it.
func (l Look) Shown() bool { return min(l.New.Developers, l.Old.Developers) >= fewest }

// Harm says why.
func (l Look) Harm() string {
	if l.Crossed != "" {
		return "the guardrail " + l.Crossed + " was crossed"
	}
	return fmt.Sprintf("the difference is at most %+.4f reward per decision", l.Difference.Upper)
}

// For is the release for a developer on a channel; empty for none. Who has it is drawn by hash, the same on each machine, and
// whoever is reached at a stage is reached at the later ones.
func (r Rollout) For(channel, developer string) string {
	if r.Reaches(channel, developer) {
		return r.Release
	}
	return r.Base
}

// Reaches reports whether the release has reached a developer on a channel.
func (r Rollout) Reaches(channel, developer string) bool {
	if r.State == Back || r.Release == "" {
		return false
	}
	share := Share(channel, r.Stage)
	return share >= 1 || share > 0 && draw.Fraction([]byte(r.Release), "reach", developer) < share
}

// Follows says that a roll-out may come after the last that was seen, each with the digest of its signed document: its number is
// higher, or it is the same; and of one release it only goes on, or back for good. The zero Rollout is seen by who has seen none.
func (r Rollout) Follows(digest string, last Rollout, lastDigest string) error {
	switch {
	case r.Sequence < last.Sequence:
		return &episode.Problem{Code: "rollout/old", Message: fmt.Sprintf("roll-out %d is shown, and %d was seen", r.Sequence, last.Sequence),
			Hint: "what was seen last stays in force; somebody may show an old copy: ask the hub's operator"}
	case r.Sequence == last.Sequence && digest != lastDigest, r.Sequence == last.Sequence+1 && last.Sequence > 0 && r.Before != lastDigest:
		return &episode.Problem{Code: "rollout/two", Message: fmt.Sprintf("roll-out %d does not follow the one that was seen: the hub has signed two of one number", r.Sequence),
			Hint: "what was seen last stays in force; keep both, and ask the hub's operator"}
	case r.Release == last.Release && r.Release != "" && r.State != Back && (last.State == Back || r.Stage < last.Stage):
		return &episode.Problem{Code: "rollout/backwards", Message: fmt.Sprintf("%s is rolled out at stage %d, and was at stage %d, %s", r.Release, r.Stage, last.Stage, last.State),
			Hint: "what was seen last stays in force: a release that went back stays so, and one that has reached somebody is taken from all or from none; ask the hub's operator"}
	}
	return nil
}

// DecodeRollout reads a roll-out. Unknown fields, another format, and what does not hang together are refused.
func DecodeRollout(b []byte) (Rollout, error) {
	var r Rollout
	if err := json.Unmarshal(b, &r, json.RejectUnknownMembers(true)); err != nil {
		return Rollout{}, badRollout(err)
	}
	switch {
	case r.Format != rolloutFormat:
		return Rollout{}, badRollout(fmt.Errorf("format %q", r.Format))
	case !r.Kind.known():
		return Rollout{}, badRollout(fmt.Errorf("kind %q", r.Kind))
	case r.Sequence < 1:
		return Rollout{}, badRollout(errors.New("it has no sequence number"))
	case r.State != Rolling && r.State != Paused && r.State != Back:
		return Rollout{}, badRollout(fmt.Errorf("state %q", r.State))
	case r.Stage < 0 || r.Stage > Stages || r.State == Back && r.Stage > 0 || r.Release == "" && r.State != Back:
		return Rollout{}, badRollout(fmt.Errorf("stage %d of %q, %s", r.Stage, r.Release, r.State))
	case r.Worth != nil && !r.Worth.sound():
		return Rollout{}, badRollout(fmt.Errorf("a suggestion is worth %v or %v", r.Worth.Taken, r.Worth.Passed))
	case !slices.Equal(r.Shares, shares(r.Stage)):
		return Rollout{}, badRollout(fmt.Errorf("the shares %v are not those of stage %d", r.Shares, r.Stage))
	}
	return r, nil
}

func badRollout(err error) error {
	return &episode.Problem{Code: "rollout/bad", Message: "not a roll-out that this version knows", Hint: "fetch again; if it stays so, tell the maker", Err: err}
}
