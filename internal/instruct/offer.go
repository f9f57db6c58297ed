// SPDX-License-Identifier: Apache-2.0

package instruct

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/headrace/headrace/internal/ope"
)

const offersFormat = "headrace-instruction-offers/1"

// Offers is what a hub asks a contributor's edge to have tried, and what came of it: the hub signs and logs it. Its sequence number
// only rises.
type Offers struct {
	Format      string  `json:"format"`
	Contributor string  `json:"contributor"`
	Sequence    int64   `json:"sequence"`
	Offers      []Offer `json:"offers"` // the oldest first
}

// Offer is one release of instructions on its way.
type Offer struct {
	ID      string `json:"id"` // follows from the payload
	Payload []byte `json:"payload"`
	Told
	// Dropped says why it was given up without a judgement; empty where it was not.
	Dropped string `json:"dropped,omitzero"`
}

// Told is what a hub knows of what it offers.
type Told struct {
	// Evidence is why it proposes it: the reward of what was taken with the file in force less without, from watching. It is nil
	// where somebody thought of it.
	Evidence *ope.Interval `json:"evidence,omitempty"`
	// Looks are where the trial stood, the oldest first; none while nobody tries it.
	Looks []Look `json:"looks,omitempty"`
	// Gate is the signed report that judged the trial; none while it is not judged.
	Gate []byte `json:"gate,omitzero"`
}

func (t *Told) check() error {
	if t.Evidence != nil {
		if err := check(t.Evidence); err != nil {
			return err
		}
	}
	if len(t.Looks) > maxLooks {
		return fmt.Errorf("%d looks at one trial: there are %d at most", len(t.Looks), maxLooks)
	}
	for _, l := range t.Looks {
		for _, iv := range [...]*ope.Interval{l.Without.Reward, l.With.Reward, l.Difference} {
			if iv != nil {
				if err := check(iv); err != nil {
					return err
				}
			}
		}
		if !l.Shown() {
			return fmt.Errorf("a look at arms of %d and %d developers", l.Without.Developers, l.With.Developers)
		}
	}
	return nil
}

// check refuses a figure of few.
func check(iv *ope.Interval) error {
	if iv.Developers < fewest || !(iv.Lower <= iv.Estimate && iv.Estimate <= iv.Upper) {
		return fmt.Errorf("a figure of %d developers, from %v to %v", iv.Developers, iv.Lower, iv.Upper)
	}
	return nil
}

// Look is where a trial stands on a day, counted from 1970-01-01. It says how it goes, and decides nothing: the gate judges once.
type Look struct {
	Day     int64 `json:"day"`
	Due     int64 `json:"due"` // the first day on which the gate can judge it
	Without Arm   `json:"without"`
	With    Arm   `json:"with"`
	// Difference is what a decision is worth with it, less without; nil where too little is known.
	Difference *ope.Interval `json:"difference,omitempty"`
}

// Arm is one side of a trial.
type Arm struct {
	Developers int `json:"developers"`
	Decisions  int `json:"decisions"`
	Known      int `json:"known,omitzero"` // decisions of which all is known that becomes of them
	// Reward is the mean reward of a decision, what is not known yet estimated; nil where fewer than 10 developers are in the arm.
	Reward *ope.Interval `json:"reward,omitempty"`
}

// Bounds of what is told of a trial. Nothing is told of fewer developers.
const (
	fewest   = 10
	maxLooks = 64
)

// Shown says that enough developers are in both arms for anybody to see counts of them.
func (l *Look) Shown() bool { return min(l.Without.Developers, l.With.Developers) >= fewest }

// ID names a release of instructions by its payload: decisions of its trial bear it.
func ID(payload []byte) string {
	sum := sha256.Sum256(append([]byte("headrace instructions\x00"), payload...))
	return "rel_" + hex.EncodeToString(sum[:12])
}

// NewOffers makes the document.
func NewOffers(contributor string, sequence int64, offers []Offer) *Offers {
	return &Offers{Format: offersFormat, Contributor: contributor, Sequence: sequence, Offers: offers}
}

// Check says why it is not what a hub would sign for that contributor.
func (o *Offers) Check(contributor string) error {
	switch {
	case o.Format != offersFormat:
		return badPayload(fmt.Errorf("format %q is not %s", o.Format, offersFormat))
	case o.Contributor != contributor:
		return badPayload(fmt.Errorf("it is for %.60q", o.Contributor))
	}
	for _, f := range o.Offers {
		if f.ID != ID(f.Payload) {
			return badPayload(fmt.Errorf("%.60q is not what its payload says", f.ID))
		}
		if err := f.check(); err != nil {
			return badPayload(err)
		}
	}
	return nil
}
