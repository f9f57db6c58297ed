// SPDX-License-Identifier: Apache-2.0

package scrub

import "bytes"

// tellings are the rules for lines of a form that gives away what stands in them: the head of a letter, and what a
// pipeline is told.
func tellings() []rule {
	var rs []rule
	add := func(detect func(*worker, *rule, int, int), keywords ...string) {
		for _, k := range keywords {
			rs = append(rs, rule{keyword: k, detect: detect})
		}
	}
	add((*worker).correspondent, "von: ", "an: ", "de: ", "para: ", "à: ", "da: ", "from: ", "to: ", "cc: ", "bcc: ", "kopie: ")
	add((*worker).toldPipeline, "::add-mask::", "issecret=true]", "::set-output name=password::", "::set-output name=token::", "::set-output name=secret::")
	add((*worker).typedCheck, "cvv", "cvc", "cvv2")
	return rs
}

// correspondent looks at a line in the head of a letter, where names stand however they are written: From: Doe, Jane. It is one
// only beside another such line.
func (w *worker) correspondent(_ *rule, start, i int) {
	b := w.buf
	if start > 0 && b[start-1] != '\n' || !upperAt(b, i) || w.ownFrom(i) {
		return
	}
	_, eol := lineAround(b, i, proseReach)
	before, _ := lineAround(b, max(0, start-1), proseReach)
	if !headOfLetter(b[min(len(b), eol+1):]) && (start == 0 || !headOfLetter(b[before:])) {
		return
	}
	for n := 0; n < 8 && i < eol; n++ {
		end := i
		for end < eol && (lettering[b[end]] != noLetter || b[end] == ' ' && upperAt(b, end+1) || b[end] == '-' || b[end] == '\'' || b[end] == '.') {
			end++
		}
		if end == i || !upperAt(b, i) {
			return
		}
		if v := b[i:end]; len(v) > 1 && !system(v) && !w.ownFrom(i) {
			w.add(i, end, "person")
		}
		if i = end; ch(b, i) != ',' && ch(b, i) != ';' {
			return
		}
		i = run(b, i+1, i+4, isBlank)
	}
}

// headOfLetter reports whether a line of the head of a letter begins b.
func headOfLetter(b []byte) bool {
	return hasAny(b, "Von:", "An:", "Betreff:", "Gesendet:", "Datum:", "De:", "Para:", "À:", "A:", "Asunto:", "Objet:", "Envoyé:", "Assunto:", "Enviado:", "Da:", "Oggetto:", "From:", "To:", "Cc:", "CC:", "Bcc:", "Subject:", "Sent:", "Date:", "Kopie:")
}

// toldPipeline looks at a value that a job tells its pipeline to hide.
func (w *worker) toldPipeline(_ *rule, _, i int) {
	b := w.buf
	e := run(b, i, i+maxBare, notSpace)
	for e > i && bytes.IndexByte([]byte("\"'`"), b[e-1]) >= 0 {
		e--
	}
	if v := b[i:e]; len(v) > 2 && v[0] != '$' {
		w.literal(i, e, "password")
	}
}

// typedCheck looks at the digits that check a card.
func (w *worker) typedCheck(_ *rule, start, i int) {
	b := w.buf
	if at(b, start-1)&isAlnum != 0 || i <= w.valueEnd || w.column(start, i) {
		return
	}
	if q, after := quoteAt(b, i); q != 0 {
		i = after
	}
	i = spaces(b, i, false)
	if c := ch(b, i); c == ':' || c == '=' || c == '>' {
		i = spaces(b, i+1, false)
	}
	if q, after := quoteAt(b, i); q != 0 {
		i = after
	}
	if e := run(b, i, i+5, isDigit); (e-i == 3 || e-i == 4) && at(b, e)&isIdent == 0 && ch(b, i-1) != '2' && ch(b, e) != '.' {
		w.literal(i, e, "password")
	}
}
