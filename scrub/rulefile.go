// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/headrace/headrace/episode"
)

// Rules are an administrator's own: what else is to be replaced. Read them with [ReadRules]; they add to what the filter
// finds, and nothing in them takes away from it.
type Rules struct {
	rules []*ownRule
	// Notices say what of the files was read and not followed, and which rules cost much.
	Notices []string
}

// ownRule is one of them.
type ownRule struct {
	index    int
	kind     string
	re       *regexp.Regexp
	group    int // whose bytes are replaced; -1 for the first that took part, or the whole match
	entropy  float64
	keywords []string
}

// How much text a rule sees around a keyword. A match that reaches the end of it is looked at once more, with more.
const (
	ruleBefore = 256
	ruleAfter  = 1 << 10
	ruleMore   = 16 << 10
	ruleMax    = 32 << 10 // bytes of an expression, and
	rulesMax   = 10_000   // how many of them there may be
	rulesBytes = 16 << 20 // of a file
)

// ReadRules adds the rules of a file to those of before, which may be nil. The file is TOML in the form that gitleaks uses:
// [[rules]] with id, regex (RE2), keywords, secretGroup and entropy. What is found is of the kind that the id names. A rule
// sees 256 bytes before its keyword and 1 KiB after it, more only where a match runs to that end.
// Allow-lists are not followed: nothing switches the filter off.
func ReadRules(before *Rules, r io.Reader, name string) (*Rules, error) {
	var file struct {
		Extend     map[string]any `toml:"extend"`
		Allowlist  any            `toml:"allowlist"`
		Allowlists any            `toml:"allowlists"`
		Rules      []struct {
			ID          string   `toml:"id"`
			Regex       string   `toml:"regex"`
			Path        string   `toml:"path"`
			Keywords    []string `toml:"keywords"`
			SecretGroup int      `toml:"secretGroup"`
			Entropy     float64  `toml:"entropy"`
			Allowlist   any      `toml:"allowlist"`
			Allowlists  any      `toml:"allowlists"`
		} `toml:"rules"`
	}
	b, err := io.ReadAll(io.LimitReader(r, rulesBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if len(b) > rulesBytes {
		return nil, ruleError(name, fmt.Sprintf("it has more than %d bytes", rulesBytes))
	}
	if err := toml.Unmarshal(b, &file); err != nil {
		return nil, ruleError(name, err.Error())
	}
	rs := &Rules{}
	if before != nil {
		rs.rules, rs.Notices = slices.Clone(before.rules), slices.Clone(before.Notices)
	}
	notice := func(format string, a ...any) { rs.Notices = append(rs.Notices, name+": "+fmt.Sprintf(format, a...)) }
	for k := range file.Extend {
		if k != "useDefault" {
			notice("extend.%s is not followed: give each file by itself", k)
		}
	}
	allowed := 0
	if file.Allowlist != nil || file.Allowlists != nil {
		allowed++
	}
	for i, in := range file.Rules {
		who := fmt.Sprintf("rule %q", in.ID)
		if in.ID == "" {
			who = fmt.Sprintf("rule %d", i+1)
		}
		if in.Allowlist != nil || in.Allowlists != nil {
			allowed++
		}
		if in.Path != "" {
			notice("%s: path is not followed: the rule holds everywhere", who)
		}
		if in.Regex == "" {
			notice("%s has no regex and finds nothing", who)
			continue
		}
		o := &ownRule{index: len(rs.rules), kind: headOf(in.ID), group: -1, entropy: in.Entropy}
		if strings.Trim(o.kind, "_") == "" {
			return nil, ruleError(name, who+" has no id of letters")
		}
		if len(in.Regex) > ruleMax {
			return nil, ruleError(name, fmt.Sprintf("%s: regex of more than %d bytes", who, ruleMax))
		}
		if len(rs.rules) >= rulesMax {
			return nil, ruleError(name, fmt.Sprintf("more than %d rules", rulesMax))
		}
		if o.re, err = regexp.Compile(in.Regex); err != nil {
			return nil, ruleError(name, fmt.Sprintf("%s: %v", who, err))
		}
		if o.re.MatchString("") {
			return nil, ruleError(name, who+": the regex matches where nothing stands")
		}
		if in.SecretGroup < 0 || in.SecretGroup > o.re.NumSubexp() {
			return nil, ruleError(name, fmt.Sprintf("%s: secretGroup is %d, and the regex has %d groups", who, in.SecretGroup, o.re.NumSubexp()))
		}
		if in.SecretGroup > 0 {
			o.group = in.SecretGroup
		}
		for _, k := range in.Keywords {
			if k != "" && len(k) <= 128 {
				o.keywords = append(o.keywords, k)
			}
		}
		if len(o.keywords) == 0 {
			notice("%s has no keywords: all text is matched against it, which is slow", who)
		}
		rs.rules = append(rs.rules, o)
	}
	if allowed > 0 {
		notice("%d allow-lists are not followed: nothing switches the filter off", allowed)
	}
	return rs, nil
}

func ruleError(file, what string) error {
	return &episode.Problem{Code: "scrub/rules", Message: "rules of " + file + ": " + what,
		Hint: "a rule is [[rules]] with id, regex (RE2 syntax) and, to be fast, keywords"}
}

// table returns the rules of the automaton that call these, one for each keyword.
func (rs *Rules) table() (table []rule) {
	if rs == nil {
		return nil
	}
	for _, o := range rs.rules {
		for _, k := range o.keywords {
			table = append(table, rule{keyword: k, detect: func(w *worker, _ *rule, start, end int) { w.ownAround(o, start, end) }})
		}
	}
	return table
}

// elsewhere records what others than the filter know of buf: the administrator's rules, and the model.
func (w *worker) elsewhere(buf []byte) {
	w.s.cfg.Rules.all(w)
	clear(w.seen)
	if len(w.told) > 0 && len(buf) == len(w.in) && &buf[0] == &w.in[0] {
		w.hits = append(w.hits, w.told...)
	}
}

// all runs the rules without keywords over the whole text, window by window.
func (rs *Rules) all(w *worker) {
	if rs == nil {
		return
	}
	for _, o := range rs.rules {
		for at := 0; len(o.keywords) == 0 && at < len(w.buf); at += ruleAfter {
			w.ownAround(o, at, at)
		}
	}
}

// ownAround runs a rule around the keyword w.buf[start:end], but for what it has seen already.
func (w *worker) ownAround(o *ownRule, start, end int) {
	for len(w.seen) <= o.index {
		w.seen = append(w.seen, 0)
	}
	seen := w.seen[o.index]
	if end+ruleBefore <= seen {
		return
	}
	from := max(0, start-ruleBefore, min(seen, start)-ruleBefore)
	to := min(len(w.buf), end+ruleAfter)
	if w.matches(o, from, to) && to < len(w.buf) { // a match may be longer
		to = min(len(w.buf), from+ruleMore)
		w.matches(o, from, to)
	}
	w.seen[o.index] = to
}

// matches records what a rule finds in w.buf[from:to], and reports whether a match reaches its end.
func (w *worker) matches(o *ownRule, from, to int) (open bool) {
	b := w.buf[from:to]
	for _, m := range o.re.FindAllSubmatchIndex(b, -1) {
		open = open || m[1] == len(b)
		s, e := m[0], m[1]
		switch {
		case o.group > 0:
			s, e = m[2*o.group], m[2*o.group+1]
		default:
			for g := 2; g+1 < len(m); g += 2 {
				if m[g] >= 0 && m[g] < m[g+1] {
					s, e = m[g], m[g+1]
					break
				}
			}
		}
		if s >= 0 && s < e && (o.entropy == 0 || bitsPerByte(b[s:e]) >= o.entropy) {
			w.add(from+s, from+e, o.kind)
		}
	}
	return open
}

// bitsPerByte is the entropy of a value's own letters (Shannon 1948).
func bitsPerByte(b []byte) (bits float64) {
	var n [256]int
	for _, c := range b {
		n[c]++
	}
	for _, k := range n {
		if k > 0 {
			p := float64(k) / float64(len(b))
			bits -= p * math.Log2(p)
		}
	}
	return bits
}
