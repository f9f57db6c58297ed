// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"

	"github.com/headrace/headrace/scrub/internal/names"
	"github.com/headrace/headrace/scrub/internal/public"
)

// capital looks at the word from start to end, which begins with a capital, and returns how far it looked.
func (w *worker) capital(start, end int) int {
	b := w.buf
	if p := ch(b, start-1); p == '_' || p == '$' || end <= w.valueEnd {
		return end
	}
	if end-start <= 4 {
		if next := w.hexGroups(start, end); next > start {
			return next
		}
	}
	next := ch(b, end)
	if next == '\\' {
		if e := w.domainUser(start, end); e > start {
			return e
		}
	}
	if at(b, start+1)&isLower == 0 {
		if next == '-' || next == '#' || next == ' ' {
			if e := w.ticket(start, end); e > start {
				return e
			}
		}
		for i := start + 1; i < end; i++ {
			if class[b[i]]&isDigit != 0 {
				return w.lettered(start, end)
			}
		}
		if end-start == 2 && next == ' ' && at(b, end+1)&isDigit != 0 {
			if e := w.insured(start, end); e > start {
				return e
			}
		}
	}
	if next == '(' || next == '_' || next == '=' || next == '[' || next == '<' && at(b, end+1)&isUpper != 0 || (next == '.' || next == ':') && at(b, end+1)&(isAlpha|isIdent) != 0 ||
		ch(b, start-1) == '.' && at(b, start-2)&isIdent != 0 || ch(b, start-1) == '<' {
		return end
	}
	if next != ' ' && at(b, start+1)&isLower == 0 && b[start] < 0x80 && next != '-' && next != '\'' {
		return end // one word in capitals
	}
	return w.called(start)
}

// called looks for the names of persons, places and organisations in the row of words that starts at start.
func (w *worker) called(start int) int {
	var s sequence
	w.row(&s, start)
	if s.n == 0 {
		return start
	}
	b, end := w.buf, s.end(s.n-1)
	alone := s.n == 1 && ch(b, end) != ',' && ch(b, end+1) != '&' && !titleBefore(b, start)
	if alone && s.mix { // a name of code
		return end
	}
	w.lookUp(&s)
	if n := w.begins(&s); n == s.n {
		return end
	} else if n > 0 {
		return w.called(s.start[n])
	}
	any := names.Class(0)
	for k := range s.n {
		any |= s.class[k]
	}
	if alone && (any == names.Word || any == 0 && !bySpace(b, start, end) || any&(names.Given|names.Family) == 0 && !cueBefore(b, start) && !w.pure(start)) {
		return end // most often it is a word
	}
	if e := w.company(&s); e > 0 {
		return max(e, end)
	}
	found := false
	if any&^names.Word != 0 || titleBefore(w.buf, start) {
		for k := 0; k < s.n; {
			kind, n := "location", w.place(&s, k, true)
			if n == 0 {
				kind, n = "person", w.person(&s, k)
			}
			if n == 0 {
				kind, n = "location", w.place(&s, k, false)
			}
			if n > 0 {
				w.add(s.start[k], s.end(k+n-1), kind)
				found = true
			}
			k += max(n, 1)
		}
	}
	if !found && w.strict {
		found = w.proper(&s)
	}
	if !found && s.n == maxSequence { // it may go on: each word of it may begin a name
		return s.end(0)
	}
	return end
}

// bySpace reports whether a word stands as words of prose do: after a blank, and before one or a sign of a sentence.
func bySpace(b []byte, start, end int) bool {
	if p := ch(b, start-1); p != ' ' && p != '\n' && p != 0 {
		return false
	}
	switch ch(b, end) {
	case ' ', ',', '.', '\'', '!', '?', '\n', '\r', 0:
		return true
	}
	return false
}

// proper looks at a row of words that names something, whatever it is: in prose words with capitals that are no words
// of the language, and after words such as "for" and "by" also those that are. Only strict asks it. It reports whether
// it recorded them.
func (w *worker) proper(s *sequence) bool {
	b := w.buf
	first := 0
	for first < s.n && article(b[s.start[first]:s.end(first)]) {
		first++
	}
	if first == s.n || s.mix || !w.prose(s.start[first]) || s.caps() && s.n < 2 && s.end(first)-s.start[first] < 5 {
		return false
	}
	start, end := s.start[first], s.end(s.n-1)
	if next := ch(b, end); next == '(' || next == '=' || next == '/' || next == '.' && at(b, end+1)&isAlnum != 0 || ch(b, start-1) == '/' || ch(b, start-1) == '.' {
		return false
	}
	before := ""
	if first == 0 {
		v := wordBefore(b, start)
		before = string(v.b[:v.n])
	}
	kind, placed := "organisation", false
	switch before {
	case "by", "with", "directed", "starring", "name", "called", "mr", "mrs", "is", "me", "meet", "ask":
		kind, placed = "person", true
	case "in", "from", "at", "to", "near":
		kind, placed = "location", true
	case "for", "of", "customer", "client":
		placed = true
	}
	unknown := 0
	for k := first; k < s.n; k++ {
		if s.class[k] == 0 && !s.initial[k] && s.end(k)-s.start[k] > 2 && (lettering[b[s.start[k]+1]] != upperLetter || placed && s.end(k)-s.start[k] > 4) && !publicName(b[s.start[k]:s.end(k)]) {
			unknown++
		}
	}
	if unknown > 0 && !w.unusual(s, first, before, placed) {
		return false
	}
	opens := first == 0 && sentenceStart(b, start)
	switch {
	case unknown > 0 && (placed && !opens || s.n-first > 1 && !opens || verbAfter(b, end)) && w.pure(start):
	case unknown > 0 && !opens && weigh(b, max(0, start-proseReach), min(len(b), end+lineReach), 3, 400) && w.pure(start): // no sign of code far and wide
	case unknown > 0 && (unknown > 1 || !opens) && s.n-first > 1 && !s.caps() && (before == "by" || before == "for" || before == "customer" || before == "client"):
	case s.n-first > 1 && !opens && s.upper == 0 && s.n < 5 && (before == "customer" || before == "client") && !endsLine(b, end):
		kind = "customer"
	default:
		return false
	}
	w.add(start, end, kind)
	return true
}

// unusual reports whether a row of words, from first on, is more than words of law or of the trade, or than a noun of German.
func (w *worker) unusual(s *sequence, first int, before string, placed bool) bool {
	b := w.buf
	odd, apart := false, false
	for k := first; k < s.n; k++ {
		v := b[s.start[k]:s.end(k)]
		if ofLaw(v) {
			return false
		}
		odd = odd || s.class[k] == 0 && !s.initial[k] && (placed || !public.Has(v) || before == "and" && k == first && paired(b, s.start[k]))
		apart = apart || k > first && s.start[k] > s.end(k-1)+1
	}
	return odd && (s.n-first > 1 && !apart || germanCue(before) || !german(b, s.start[first]))
}

// paired reports whether a word with a capital stands before " and " before i: Bosnia and Herzegovina.
func paired(b []byte, i int) bool {
	end := max(0, i-len(" and "))
	return upperAt(b, wordStart(b, end))
}

func endsLine(b []byte, i int) bool { return i >= len(b) || b[i] == '\n' }

// sentenceStart reports whether a sentence, or a line, begins at i: its first word has a capital in any case.
func sentenceStart(b []byte, i int) bool {
	for i > 0 && (b[i-1] == ' ' || b[i-1] == '"' || b[i-1] == '\'' || b[i-1] == '*' || b[i-1] == '-' || b[i-1] == '/') {
		i--
	}
	return i == 0 || bytes.IndexByte([]byte(".!?:\n>)#|"), b[i-1]) >= 0
}

// verbAfter reports words after i by which something named does something.
func verbAfter(b []byte, i int) bool {
	if hasAny(b[min(i, len(b)):], "'s ", "\\'s ", ":") {
		return true
	}
	if ch(b, i) != ' ' {
		return false
	}
	switch string(b[i+1 : wordEnd(b, i+1)]) {
	case "is", "was", "has", "had", "will", "said", "says", "and", "wants", "asked", "asks", "lives", "works", "wrote", "told", "are", "were", "would", "did", "does", "from", "who", "employs", "reported":
		return true
	}
	return false
}

// publicName reports names of open software, and words of code, that are names of few people: by themselves they name
// nobody.
func publicName(v []byte) bool {
	switch string(v) {
	case "True", "None", "Name", "Conn", "Len", "Add", "Max", "Min", "Dev", "Doc", "Mac", "Run", "Les", "Trace", "Server", "General", "Default",
		"Cassandra", "Samba", "Jenkins", "Huginn", "Conan", "Travis", "Django", "Kafka", "Jaeger", "Zipkin", "Maven", "Vagrant", "Arduino", "Kali", "Gatsby",
		"Hadoop", "Apache", "Angular", "Ember", "Grafana", "Athena", "Argo", "Hugo", "Jasmine", "Mocha", "Elixir", "Ansible", "Puppet", "Consul", "Nomad", "Sentry":
		return true
	}
	return false
}

// person returns how many words from k on are the name of a person, 0 for none. Anywhere, a given name and another that
// is a family name or no word; in prose, also names that are words, and a given name by itself.
func (w *worker) person(s *sequence, k int) int {
	const name = names.Given | names.Family
	b := w.buf
	start := s.start[k]
	title := titleBefore(b, start)
	if s.class[k]&names.Word != 0 && article(b[start:s.end(k)]) && !title || s.class[k]&names.Nation != 0 && s.class[k]&names.Family == 0 {
		return 0
	}
	given := s.class[k]&names.Given != 0
	n, score, family, unknown := 0, 0, false, 0
	for i := k; i < s.n; i++ {
		c := s.class[i]
		word := c&names.Word != 0
		if s.initial[i] {
			if i == k {
				break
			}
			n++
			continue
		}
		if s.upper < s.n && s.end(i)-s.start[i] > 1 && run(b, s.start[i], s.end(i), isUpper) == s.end(i) {
			break // a word in capitals among others
		}
		if c&name == 0 && (c != 0 || i == k && !title && i+1 == s.n || w.camel(s.start[i], s.end(i)) || s.end(i)-s.start[i] < 3) {
			break
		}
		switch {
		case c&name != 0 && !word:
			score += 2
		case c&name != 0:
			score++
		default:
			score++
			unknown++
		}
		family = family || i > k && c&names.Family != 0
		n = i - k + 1
	}
	for n > 0 && s.initial[k+n-1] {
		n--
	}
	if n == 0 {
		return 0
	}
	end := s.end(k + n - 1)
	prev, next := ch(b, start-1), ch(b, end)
	if at(b, end)&isIdent != 0 || next == '(' || next == '.' && at(b, end+1)&isAlnum != 0 {
		return 0
	}
	if n == 1 && !title && publicName(b[start:end]) {
		return 0
	}
	cue := cueBefore(b, start)
	if n == 1 && !title && !given && german(b, start) {
		return 0
	}
	alone := s.class[k]&names.Word == 0 && s.end(k)-start > 2
	switch {
	case title && (n > 1 || s.class[k]&names.Word == 0 || s.class[k]&name != 0):
		return n
	case run(b, start, s.end(k), isUpper) == s.end(k) && (score < 3 || !w.prose(start)):
		return 0
	case n >= 2 && given && score >= 3 && unknown < n, n >= 2 && score >= 4:
		return n
	case n >= 2 && (given || family) && score >= 2 && (w.strict || cue) && (family || unknown > 0 && unknown < n) && (w.prose(start) || prev == '"' && next == '"' || prev == '\'' && next == '\''):
		if unknown > 0 && !given && !w.pure(start) && !cue {
			return 0
		}
		return n
	case n > 1 && !given || !cue && !w.prose(start):
		return 0
	case given && alone && (s.n == 1 || k > 0 || cue):
		if s.class[k]&(names.Place|names.Country) != 0 && placeBefore(b, start) || !w.strict && !cue {
			return 0
		}
		return 1
	case s.class[k]&name != 0 && cue && (given || alone):
		return 1
	case w.strict && s.class[k]&names.Family != 0 && alone && s.class[k]&(names.Place|names.Nation) == 0 && s.n == 1 && (w.pure(start) || verbAfter(b, end)):
		return 1
	}
	return 0
}

// insured looks at Britain's insurance number in groups: AA 12 34 56 B.
func (w *worker) insured(start, end int) int {
	b := w.buf
	i := end
	for range 3 {
		if ch(b, i) == ' ' {
			i++
		}
		if at(b, i)&isDigit == 0 || at(b, i+1)&isDigit == 0 {
			return start
		}
		i += 2
	}
	if ch(b, i) == ' ' {
		i++
	}
	if c := ch(b, i) &^ 0x20; c < 'A' || c > 'D' || at(b, i+1)&isIdent != 0 {
		return start
	}
	w.add(start, i+1, "national_id")
	return i + 1
}
