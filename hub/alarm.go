// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"fmt"
	"strings"

	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/reward"
)

// alarmed begins the reason of a roll-out that an alarm holds.
const alarmed = "held by the alarm "

// hold pauses what is being rolled out where a known way of earning reward without helping shows in what came of it, until a person
// lets it go on, or takes it back. What a person has let go on past an alarm, that alarm does not hold again. list is the roll-outs
// of a kind, newest first; held is false where nothing holds it.
func (h *Hub) hold(list []link.Rollout, alarms []reward.Alarm) (next release.Rollout, held bool) {
	if len(list) == 0 || list[0].State != release.Rolling || list[0].Over() {
		return next, false
	}
	last := list[0]
	for _, a := range alarms {
		if !a.Raised || !sure(&a) || ruled(list, a.Code) {
			continue
		}
		why := fmt.Sprintf("%s%s: %s changed by %+.3f (95 %%: %+.3f to %+.3f), and %+.3f is what it may", alarmed, a.Code, a.What, a.Change, a.Lower, a.Upper, a.Limit)
		next, err := last.Pause(last.Digest, why, h.cfg.Now())
		return next, err == nil
	}
	return next, false
}

// wide is how many times as wide as a 95 % interval one of 99.9 % is; fewest is how many developers must be on either side.
const (
	wide   = 3.290527 / 1.959964
	fewest = 20
)

// sure reports whether an alarm may hold a roll-out, at which is looked again and again: beyond its limit by more than one that is
// only shown must be.
func sure(a *reward.Alarm) bool {
	if a.Release == nil || a.Base == nil || min(a.Release.Developers, a.Base.Developers) < fewest {
		return false
	}
	return a.Limit > 0 && a.Change-float64(wide*(a.Change-a.Lower)) > a.Limit || a.Limit < 0 && a.Change+float64(wide*(a.Upper-a.Change)) < a.Limit
}

// ruled reports whether an alarm has held the newest release of a list before.
func ruled(list []link.Rollout, code string) bool {
	for i := range list {
		if list[i].Release != list[0].Release {
			break
		}
		if strings.HasPrefix(list[i].Why, alarmed+code+":") {
			return true
		}
	}
	return false
}
