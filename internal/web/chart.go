// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// charted is a point of a line: where it stands, and the number with its interval there.
type charted struct {
	X float64
	E Estimate
}

// mark is an event on the way, drawn as a line from top to bottom.
type mark struct {
	X     float64
	Label string
}

// chartOf is what a chart is drawn of.
type chartOf struct {
	ID     string // unique on a page
	Title  string
	Note   string
	Points []charted // by X
	Marks  []mark    // by X
	Height int       // of the drawing, in pixels
	Zero   bool      // the axis holds 0
	Say    func(v float64, digits int) string
	At     func(x float64) string // labels an x
	Ticks  int                    // labels along x, at most
}

// chart is a line with the band of its intervals. The drawing is stretched to the width of the page; text is not: its x is in
// percent of the drawing, its y in pixels.
type chart struct {
	ID, Title, Note     string
	Height, Area, Below int
	Zero                string // y; empty where 0 is not on the axis
	Bands, Lines        []string
	Dots                []dot
	Levels              []level
	Ticks               []alongTick
	Marks               []markAt
}

type dot struct{ X, Y string }

type level struct{ Y, TextY, Label string }

// alongTick is a label below the drawing; Anchor keeps the first and the last inside of it.
type alongTick struct{ X, Label, Anchor string }

type markAt struct {
	X, Label string
	TextY    int
}

const (
	chartWide = 1000.0 // units of the drawing across
	markRow   = 16     // pixels a row of labels takes
)

// newChart draws points, as far as they may be shown: where one may not, the line is broken. It is nil where nothing may.
func newChart(c chartOf) *chart {
	var parts [][]charted
	lo, hi := math.Inf(1), math.Inf(-1)
	open := false
	for _, p := range c.Points {
		if !p.E.Shown() || math.IsNaN(p.E.Lower+p.E.Upper) || math.IsInf(p.E.Upper-p.E.Lower, 0) {
			open = false
			continue
		}
		if !open {
			parts, open = append(parts, nil), true
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], p)
		lo, hi = min(lo, p.E.Lower, p.E.Value), max(hi, p.E.Upper, p.E.Value)
	}
	if len(parts) == 0 {
		return nil
	}
	if c.Zero {
		lo, hi = min(lo, 0), max(hi, 0)
	}
	if hi-lo <= 0 {
		hi = lo + 1
	}
	from, to := c.Points[0].X, c.Points[len(c.Points)-1].X
	for _, m := range c.Marks {
		from, to = min(from, m.X), max(to, m.X)
	}
	if to-from <= 0 {
		from, to = from-0.5, to+0.5
	}
	step := niceStep((hi - lo) / 3)
	lo, hi = math.Floor(lo/step+1e-9)*step, math.Ceil(hi/step-1e-9)*step
	x := func(v float64) float64 { return (v - from) / (to - from) }
	y := func(v float64) float64 { return float64(c.Height) * (hi - v) / (hi - lo) }
	at := func(v float64) string { return fmt.Sprintf("%.2f%%", 100*x(v)) }

	out := &chart{ID: c.ID, Title: c.Title, Note: c.Note, Area: c.Height}
	for _, p := range parts {
		out.draw(p, x, y, at)
	}
	for i := range int(math.Round((hi-lo)/step)) + 1 {
		v := lo + float64(i)*step
		out.Levels = append(out.Levels, level{px(y(v)), px(y(v) + 4), axis(v, step, c.Say)})
	}
	if lo <= 0 && hi >= 0 {
		out.Zero = px(y(0))
	}
	out.mark(c.Marks, x, at)
	out.tick(c, from, to, at)
	return out
}

// draw adds one unbroken part of the line.
func (c *chart) draw(part []charted, x, y func(float64) float64, at func(float64) string) {
	var line, upper, lower []string
	for _, p := range part {
		where := func(v float64) string { return fmt.Sprintf("%.1f,%.1f", chartWide*x(p.X), y(v)) }
		line, upper, lower = append(line, where(p.E.Value)), append(upper, where(p.E.Upper)), append(lower, where(p.E.Lower))
		c.Dots = append(c.Dots, dot{at(p.X), px(y(p.E.Value))})
	}
	if len(part) == 1 { // a band without a width: a short bar
		p := part[0]
		left, right := chartWide*x(p.X)-4, chartWide*x(p.X)+4
		c.Bands = append(c.Bands, fmt.Sprintf("%.1f,%.1f %.1f,%.1f %.1f,%.1f %.1f,%.1f", left, y(p.E.Upper), right, y(p.E.Upper), right, y(p.E.Lower), left, y(p.E.Lower)))
		return
	}
	for i := len(lower) - 1; i >= 0; i-- {
		upper = append(upper, lower[i])
	}
	c.Bands, c.Lines = append(c.Bands, strings.Join(upper, " ")), append(c.Lines, strings.Join(line, " "))
	if len(part) > 40 {
		c.Dots = c.Dots[:len(c.Dots)-len(part)]
	}
}

// mark adds the events; a label that would run into the one before it goes a row higher.
func (c *chart) mark(marks []mark, x func(float64) float64, at func(float64) string) {
	var ends []float64 // how far the labels of each row reach
	for _, m := range marks {
		half := charWide/2*float64(len([]rune(m.Label))) + 0.015
		row := 0
		for row < len(ends) && x(m.X)-half < ends[row] {
			row++
		}
		if row == len(ends) {
			ends = append(ends, 0)
		}
		ends[row] = x(m.X) + half
		c.Marks = append(c.Marks, markAt{X: at(m.X), Label: m.Label, TextY: -5 - markRow*row})
	}
	c.Below = 14 + markRow*len(ends)
	c.Height = c.Below + c.Area + 30
}

// charWide is the share of the width that a character of a label takes on a phone.
const charWide = 0.026

// tick labels the axis along x at as many of the points as there is room for, the first and the last among them.
func (c *chart) tick(of chartOf, from, to float64, at func(float64) string) {
	n := min(of.Ticks, len(of.Points))
	order := []int{0, n - 1} // which are labelled first, and leave room or do not for the rest
	for i := 1; i < n-1; i++ {
		order = append(order, i)
	}
	type reach struct{ from, to float64 }
	var taken []reach
	kept := make([]alongTick, n)
	for _, i := range order[:n] {
		p := of.Points[0]
		if n > 1 {
			p = of.Points[int(math.Round(float64(i)*float64(len(of.Points)-1)/float64(n-1)))]
		}
		along, label, anchor := (p.X-from)/(to-from), of.At(p.X), "middle"
		wide := charWide * float64(len([]rune(label))+1)
		r := reach{along - wide/2, along + wide/2}
		if along > 0.95 {
			anchor, r = "end", reach{along - wide, along}
		} else if along < 0.05 {
			anchor, r = "start", reach{along, along + wide}
		}
		if !slices.ContainsFunc(taken, func(o reach) bool { return r.from < o.to && o.from < r.to }) {
			taken, kept[i] = append(taken, r), alongTick{at(p.X), label, anchor}
		}
	}
	for _, t := range kept {
		if t.Label != "" && (len(c.Ticks) == 0 || c.Ticks[len(c.Ticks)-1].Label != t.Label) {
			c.Ticks = append(c.Ticks, t)
		}
	}
}

func px(v float64) string { return fmt.Sprintf("%.1f", v) }
