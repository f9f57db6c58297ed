// SPDX-License-Identifier: Apache-2.0

package web

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/headrace/headrace/episode"
)

// funcs are the words that templates use: numbers, times and sentences, each said in one way everywhere.
func funcs() template.FuncMap {
	return template.FuncMap{
		"to": to, "num": func(n any) string { return num(int(whole(n))) }, "count": count, "noun": noun, "size": func(n any) string { return size(whole(n)) }, "when": when, "day": day, "stamp": stamp, "short": short, "clip": clip,
		"percent": percent, "interval": interval, "tally": tally, "purposes": join[[]episode.Purpose], "names": join[[]string], "words": words,
		"yesno": yesno, "diff": diff, "patched": patched, "fields": fields, "verdict": verdict, "plain": func(e Estimate) string { return spread(e, unsigned) }, "measured": measured, "missing": missing, "share": share, "bound": bound, "sure": sure,
		"fares": fares, "stages": func(r Release) []stageAt { return stagesOf(&r) }, "kind": kind, "plus": func(a, b int) int { return a + b },
		"center": func(e Estimate) string { return signed(e.Value, digits(e)) }, "bounds": bounds, "rate": rate, "period": period, "shortday": shortDay, "hundred": func(v float64) string { return amount(100*v, "") }, "nobreak": func(s string) string { return strings.ReplaceAll(s, " ", "\u202f") }, "plainly": func(v float64) string { return unsigned(v, 2) },
		"few":    func(developers int) bool { return developers < FewDevelopers },
		"points": func(e *Estimate) Estimate { return points(*e) },
	}
}

// whole takes an integer of any width, as templates hand them over; anything else is a template's mistake.
func whole(n any) int64 { return reflect.ValueOf(n).Int() }

// num groups thousands with a thin space that does not break.
func num(n int) string {
	s := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, s = "−", s[1:]
	}
	var b strings.Builder
	for i, c := range s {
		if i > 0 && (len(s)-i)%3 == 0 && len(s) > 4 {
			b.WriteString("\u202f")
		}
		b.WriteRune(c)
	}
	return sign + b.String()
}

// noun says "episode" for one, else the plural.
func noun(n int, things string) string {
	if n == 1 {
		switch {
		case strings.HasSuffix(things, "ies"):
			return strings.TrimSuffix(things, "ies") + "y"
		case strings.HasSuffix(things, "ches"):
			return strings.TrimSuffix(things, "es")
		}
		return strings.TrimSuffix(things, "s")
	}
	return things
}

// count says "1 episode", "2 episodes": things is the plural.
func count(n int, things string) string { return num(n) + " " + noun(n, things) }

func size(n int64) string {
	v, unit := float64(n), 0
	units := [...]string{"bytes", "kB", "MB", "GB", "TB"}
	for v >= 1000 && unit < len(units)-1 {
		v, unit = v/1000, unit+1
	}
	if unit == 0 {
		return count(int(n), "bytes")
	}
	return strconv.FormatFloat(v, 'f', 1, 64) + " " + units[unit]
}

func when(t time.Time) string {
	if t.IsZero() {
		return "not yet"
	}
	return t.Local().Format("2 Jan 2006, 15:04")
}

func day(t time.Time) string {
	if t.IsZero() {
		return "not yet"
	}
	return t.Local().Format("2 Jan 2006")
}

// shortDay is a day within a sentence.
func shortDay(t time.Time) string { return t.Local().Format("2 Jan") }

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// short keeps enough of an id or digest to tell it from others.
func short(id string) string {
	id = strings.TrimPrefix(id, "sha256:")
	if r := []rune(id); len(r) > 16 {
		return string(r[:12]) + "…"
	}
	return id
}

// oneLine is what a person wrote in a few words, as it may rest in a column: one line, of at most 200 characters.
func oneLine(s string) string {
	var out []rune
	for _, r := range strings.Join(strings.Fields(s), " ") {
		if len(out) == 200 {
			break
		}
		if unicode.IsPrint(r) && r != unicode.ReplacementChar {
			out = append(out, r)
		}
	}
	return string(out)
}

// yesno is what somebody has said, empty for nothing.
func yesno(said *bool) string {
	switch {
	case said == nil:
		return ""
	case *said:
		return "yes"
	}
	return "no"
}

// clip cuts long text for a page and says so.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	cut := n
	for cut > 0 && s[cut]&0xC0 == 0x80 {
		cut--
	}
	return s[:cut] + "\n… " + size(int64(len(s)-cut)) + " more"
}

// percent writes a percentage that is given in percent.
func percent(v float64) string {
	return strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(v, 'f', 2, 64), "0"), ".") + " %"
}

// tally lists counts by name, the largest first: m is a map from a kind of string to int.
func tally(m any) ([]Reason, error) {
	var out []Reason
	switch m := m.(type) {
	case map[string]int:
		out = reasons(m)
	case map[episode.Level]int:
		out = reasons(m)
	case map[episode.Verdict]int:
		out = reasons(m)
	default:
		return nil, fmt.Errorf("tally of %T", m)
	}
	slices.SortFunc(out, func(a, b Reason) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Why, b.Why)) })
	return out, nil
}

func reasons[K ~string](m map[K]int) (out []Reason) {
	for k, n := range m {
		out = append(out, Reason{Why: string(k), Count: n})
	}
	return out
}

func join[S ~[]E, E ~string](l S) string {
	out := make([]string, len(l))
	for i, s := range l {
		out[i] = string(s)
	}
	return strings.Join(out, ", ")
}

// words writes an identifier such as "timed_out" as words.
func words(s any) string { return strings.ReplaceAll(fmt.Sprint(s), "_", " ") }

// share writes a share in [0, 1] as a percentage.
func share(v float64) string { return percent(math.Round(1000*v) / 10) }

// kind says what a candidate or a release of a kind is.
func kind(k string) string {
	switch k {
	case "", "filter":
		return "show or hide"
	case "route":
		return "which model"
	}
	return k
}

// bounds says what lies between.
func bounds(e Estimate) string {
	d := digits(e)
	return signed(e.Lower, d) + " to " + signed(e.Upper, d)
}

// rate writes a share with its interval, in percent.
func rate(e Estimate) string {
	e = points(e)
	d := digits(e)
	return fmt.Sprintf("%s %% (95 %%: %s to %s)", unsigned(e.Value, d), unsigned(e.Lower, d), unsigned(e.Upper, d))
}

// period ends a sentence that may have none.
func period(s string) string { return strings.TrimSuffix(s, ".") + "." }
