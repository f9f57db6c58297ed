// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Shown says that what a snapshot or a part of one counts is of enough developers to be shown.
func (s Snapshot) Shown() bool { return s.Developers >= FewDevelopers }

// Shown says the same of a part.
func (s Split) Shown() bool { return s.Developers >= FewDevelopers }

// plotted is one row of a plot: a number with its interval, and, where there is one, the limit that it must stay within.
type plotted struct {
	Name  string
	E     Estimate
	Main  bool
	Limit *float64
}

// plot is numbers with their intervals, drawn as lines across the width of the page: x is in percent of it, y in pixels, so
// that text keeps its size on a phone.
type plot struct {
	ID, Title, Note       string
	Height, AxisY, LabelY int
	Zero                  string
	Ticks                 []tick
	Rows                  []plotRow
}

type tick struct{ X, Label string }

type plotRow struct {
	Name, Text       string
	X, From, To      string
	TextY, LineY     int
	Top, Below       int // the lines of the axis leave out what is written above each row
	CapTop, CapBelow int
	Main             bool
	Limit            string // empty for none
}

const (
	rowHeight = 54
	margin    = 5.0 // percent at either side
)

// plotOf is what a plot is drawn of; its ID is unique on a page.
type plotOf struct {
	ID, Title, Note string
	Rows            []plotted
	Say             func(v float64, digits int) string
}

// newPlot draws rows, as far as they may be shown, on an axis that holds 0; nil when nothing may.
func newPlot(of plotOf) *plot {
	rows, say := of.Rows, of.Say
	lo, hi := 0.0, 0.0
	shown := rows[:0:0]
	for _, r := range rows {
		e := r.E
		if !e.Shown() || math.IsNaN(e.Lower+e.Value+e.Upper) || math.IsInf(e.Upper-e.Lower, 0) {
			continue
		}
		lo, hi = min(lo, e.Lower, e.Value), max(hi, e.Upper, e.Value)
		if r.Limit != nil {
			lo, hi = min(lo, *r.Limit), max(hi, *r.Limit)
		}
		shown = append(shown, r)
	}
	if len(shown) == 0 || hi-lo <= 0 {
		return nil
	}
	step := niceStep((hi - lo) / 4)
	lo, hi = math.Floor(lo/step)*step, math.Ceil(hi/step)*step
	x := func(v float64) string {
		return strconv.FormatFloat(margin+(100-2*margin)*(v-lo)/(hi-lo), 'f', 2, 64) + "%"
	}
	p := &plot{ID: of.ID, Title: of.Title, Note: of.Note, Zero: x(0), AxisY: 8 + rowHeight*len(shown)}
	p.LabelY, p.Height = p.AxisY+22, p.AxisY+34
	for i := range int(math.Round((hi-lo)/step)) + 1 {
		v := lo + float64(i)*step
		p.Ticks = append(p.Ticks, tick{x(v), axis(v, step, say)})
	}
	for i, r := range shown {
		y := 22 + i*rowHeight
		row := plotRow{Name: r.Name, Text: spread(r.E, say), X: x(r.E.Value), From: x(r.E.Lower), To: x(r.E.Upper),
			TextY: y, LineY: y + 16, CapTop: y + 10, CapBelow: y + 22, Top: y + 6, Below: y + rowHeight - 18, Main: r.Main}
		if r.Limit != nil {
			row.Limit = x(*r.Limit)
		}
		p.Rows = append(p.Rows, row)
	}
	return p
}

// niceStep rounds up to 1, 2 or 5 times a power of ten.
func niceStep(v float64) float64 {
	p := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if v <= m*p {
			return m * p
		}
	}
	return 10 * p
}

func axis(v, step float64, say func(float64, int) string) string {
	if math.Abs(v) < step/2 {
		return "0"
	}
	return say(v, max(0, int(math.Ceil(-math.Log10(step)-1e-9))))
}

// signed writes a number with its sign, with a true minus.
func signed(v float64, digits int) string {
	s := strconv.FormatFloat(math.Abs(v), 'f', digits, 64)
	switch {
	case v < 0:
		return "−" + s
	case v > 0:
		return "+" + s
	}
	return s
}

// unsigned writes a number with a sign only where it is below zero.
func unsigned(v float64, digits int) string { return strings.TrimPrefix(signed(v, digits), "+") }

// interval says a difference with how sure it is.
func interval(e Estimate) string { return spread(e, signed) }

func spread(e Estimate, say func(float64, int) string) string {
	d := digits(e)
	return fmt.Sprintf("%s (95 %%: %s to %s)", say(e.Value, d), say(e.Lower, d), say(e.Upper, d))
}

// digits shows two digits of the interval's width: more would claim more than is known.
func digits(e Estimate) int {
	w := e.Upper - e.Lower
	if w <= 0 || math.IsNaN(w) || math.IsInf(w, 0) {
		return 3
	}
	return min(6, max(0, 1-int(math.Floor(math.Log10(w)))))
}
