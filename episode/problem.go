// SPDX-License-Identifier: Apache-2.0

package episode

import "errors"

// Problem is an error that a person can act on: a stable code for programs, a sentence that says what is wrong and
// where, and a hint that says what to do. The command prints the hint, the page shows it, the API returns all three.
type Problem struct {
	// Code is stable, "area/what", such as "bundle/digest-mismatch".
	Code string `json:"code"`
	// Message is one lower-case sentence that names the thing.
	Message string `json:"message"`
	// Hint says what to do next.
	Hint string `json:"hint,omitempty"`
	// Err is the cause, if any; it does not travel.
	Err error `json:"-"`
}

func (p *Problem) Error() string {
	if p.Err != nil {
		return p.Message + ": " + p.Err.Error()
	}
	return p.Message
}

func (p *Problem) Unwrap() error { return p.Err }

// Is reports whether target is a Problem with the same code, so that errors.Is works with sentinels.
func (p *Problem) Is(target error) bool {
	t, ok := target.(*Problem)
	return ok && t.Code == p.Code
}

// HintOf returns the hint of the first Problem in err, or nothing.
func HintOf(err error) string {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p.Hint
	}
	return ""
}
