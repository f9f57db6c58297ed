// SPDX-License-Identifier: Apache-2.0

// Package risk says where a person should look first among records that wait to leave: it scores what stands out in each,
// and says what that is.
//
// Start from [Score]. It is a pure function of the record as it would leave and of what is known of others; it reads no raw
// text, decides nothing, and keeps none of what it reads: the reasons name kinds, fields and numbers. What it does not see
// is not safe, only ordinary: whoever approves without looking takes a share at random as well (audit_share in the policy).
package risk

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/scrub"
)

// Facts are what of a record is scored.
type Facts struct {
	NewRepository, NewDeveloper bool     // among the first [FewOfWhom] records of it, or of them
	RareKinds                   []string // of what was replaced: the record is among the first [FewOfWhat] with it
	RareFields                  []string // that the record has, likewise
	Replaced                    int      // by the filter
	Runs                        int      // of random characters that are left in the text
	LookAlikes                  int      // of secrets and personal data that are left in the text
}

// How many records are the first.
const (
	FewOfWhom = 3
	FewOfWhat = 10
)

// The points of each reason.
const (
	pointsRun       = 40 // of any: what the filter takes out is random, and so may be what it missed
	pointsRareKind  = 30
	pointsRareField = 20
	pointsNew       = 15 // repository or developer, each
	pointsLookAlike = 5  // each, up to six of them
	manyReplaced    = 20 // replacements from which on they count,
	pointsReplaced  = 30 // one for two of them, up to this
)

// Score returns the points of a record, 0 where nothing stands out, and why, the weightiest reason first.
func (f Facts) Score() (points int, why []string) {
	type reason struct {
		points int
		why    string
	}
	var list []reason
	add := func(points int, format string, a ...any) {
		list = append(list, reason{points, fmt.Sprintf(format, a...)})
	}
	if f.Runs > 0 {
		add(pointsRun, "%s left", counted(f.Runs, "run of random characters is", "runs of random characters are"))
	}
	if len(f.RareKinds) > 0 {
		add(pointsRareKind, "rarely replaced: %s", strings.Join(f.RareKinds, " and "))
	}
	if len(f.RareFields) > 0 {
		add(pointsRareField, "unusual: %s", strings.Join(f.RareFields, " and "))
	}
	if f.NewRepository {
		add(pointsNew, "new repository")
	}
	if f.NewDeveloper {
		add(pointsNew, "new developer")
	}
	if f.LookAlikes > 0 {
		add(pointsLookAlike*min(f.LookAlikes, 6), "%s kept", counted(f.LookAlikes, "look-alike was", "look-alikes were"))
	}
	if f.Replaced >= manyReplaced {
		add(min(pointsReplaced, f.Replaced/2), "%d replacements", f.Replaced)
	}
	slices.SortStableFunc(list, func(a, b reason) int { return b.points - a.points })
	for _, r := range list {
		points += r.points
		why = append(why, r.why)
	}
	return points, why
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// maxRead bounds how much of a record's text is read.
const maxRead = 256 << 10

// Text counts in the texts of a record that leaves the runs of random characters and the look-alikes. Marks are neither.
func Text(e *episode.Episode) (runs, lookAlikes int) {
	left := maxRead
	for s := range texts(e) {
		s = s[:min(len(s), left)]
		if left -= len(s); len(s) == 0 {
			continue
		}
		marks := scrub.Marks([]byte(s))
		for _, at := range runOf.FindAllStringIndex(s, -1) {
			if !marked(marks, at) && random(s[at[0]:at[1]]) {
				runs++
			}
		}
		for _, at := range alikeOf.FindAllStringIndex(s, -1) {
			if !marked(marks, at) {
				lookAlikes++
			}
		}
	}
	return runs, lookAlikes
}

var (
	runOf = regexp.MustCompile(`[A-Za-z0-9+/_-]{20,}`)
	// alikeOf is what addresses of people and machines, numbers of cards and accounts, and assigned secrets look like.
	alikeOf = regexp.MustCompile(`[\w.+-]+@[\w-]+\.\w+|\b\d{1,3}(?:\.\d{1,3}){3}\b|\b\d(?:[ -]?\d){12,18}\b|(?i:password|passwd|secret|token|api_?key)["']?\s*[:=]\s*["']?[^\s"',;)}]{6,}`)
)

func marked(marks []scrub.Finding, at []int) bool {
	return slices.ContainsFunc(marks, func(m scrub.Finding) bool { return m.Start < at[1] && at[0] < m.End })
}

// random reports whether a run mixes letters and digits as keys do: at 3.8 bits a character no identifier of words does.
func random(s string) bool {
	var n [256]int
	letters, digits := false, false
	for i := range len(s) {
		c := s[i]
		n[c]++
		letters = letters || c|0x20 >= 'a' && c|0x20 <= 'z'
		digits = digits || c >= '0' && c <= '9'
	}
	if !letters || !digits {
		return false
	}
	bits := 0.0
	for _, k := range n {
		if k > 0 {
			p := float64(k) / float64(len(s))
			bits -= p * math.Log2(p)
		}
	}
	return bits >= 3.8
}
