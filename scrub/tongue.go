// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"

	"github.com/headrace/headrace/scrub/internal/names"
)

// A capital makes a name of a word in English prose only. In German every noun has one; words of law and of the trade
// have one anywhere.

// german reports whether the text around i is German, by its small words.
func german(b []byte, i int) bool {
	const far = 120
	lo, hi := max(0, i-far), min(len(b), i+far)
	n := 0
	for k := lo; k < hi; {
		e := wordEnd(b, k)
		if e == k {
			k++
			continue
		}
		if e-k < 9 && (k > lo || lo == 0) && e <= hi && smallGerman(b[k:e]) {
			if n++; n > 1 {
				return true
			}
		}
		k = e
	}
	return n > 0 && (bytes.Contains(b[lo:hi], []byte("ß")) || bytes.Contains(b[lo:hi], []byte("ü")) || bytes.Contains(b[lo:hi], []byte("ä")))
}

func smallGerman(v []byte) bool {
	var buf [maxWord]byte
	switch string(small(&buf, v)) {
	case "der", "das", "und", "ist", "nicht", "ein", "eine", "einen", "einer", "einem", "eines", "mit", "auf", "im", "den", "dem", "des", "von", "vom", "zu", "zum", "zur", "wird", "werden", "wenn", "bei", "beim",
		"auch", "oder", "aber", "ich", "wir", "sich", "sind", "hat", "kann", "nach", "aus", "wie", "noch", "nur", "durch", "keine", "dass", "diese", "dieser", "bitte", "kein", "warum", "gibt", "muss", "wurde", "für", "über", "können":
		return true
	}
	return false
}

// germanCue reports German words that the name of somebody, or of a company, follows.
func germanCue(v string) bool {
	switch v {
	case "firma", "kunde", "kundin", "kunden", "mandant", "lieferant", "kollege", "kollegin", "kollegen", "herr", "herrn", "frau", "familie", "chef", "chefin":
		return true
	}
	return false
}

// opening reports words of other languages that begin a sentence, and in lists of names are names or places, too.
func opening(v []byte) bool {
	var buf [maxWord]byte
	switch string(small(&buf, v)) {
	case "der", "die", "das", "den", "dem", "des", "ein", "eine", "einen", "einem", "einer", "im", "am", "zum", "zur", "bei", "beim", "mit", "von", "vom", "für", "und", "nach", "aus", "auf", "ist", "wie", "was", "wer", "warum", "wenn", "ich", "wir", "sie", "er", "es",
		"bitte", "vielen", "kannst", "ja", "nein", "hier", "el", "la", "los", "las", "un", "una", "lo", "le", "les", "il", "gli", "os", "as", "em", "se", "si", "en", "por", "para", "que", "como", "no", "qué", "cómo", "ce", "cette", "ces", "une", "je", "tu", "nous", "vous", "on", "où", "quand",
		"peux", "de", "het", "een", "ik", "kun", "når", "det", "som", "och", "att", "non", "per", "con", "sur", "dans", "avec", "pour":
		return true
	}
	return greeting(v)
}

// greeting reports words that somebody is called with, which are no part of the name after them.
func greeting(v []byte) bool {
	var buf [maxWord]byte
	switch string(small(&buf, v)) {
	case "hola", "hallo", "ciao", "olá", "ola", "bonjour", "salut", "danke", "merci", "gracias", "obrigado", "obrigada", "grazie", "bedankt", "tack", "servus", "moin", "liebe", "lieber":
		return true
	}
	return false
}

// begins returns how many words at the start of a row are of a sentence, and not of a name: the article in "Das Ergebnis",
// the greeting in "Hola Jorge".
func (w *worker) begins(s *sequence) int {
	v := w.buf[s.start[0]:s.end(0)]
	if len(v) > 9 || !opening(v) || titleBefore(w.buf, s.start[0]) || w.place(s, 0, true) > 0 {
		return 0
	}
	if s.n == 1 || greeting(v) || sentenceStart(w.buf, s.start[0]) && (s.class[1]&(names.Given|names.Family) == 0 || german(w.buf, s.start[0])) {
		return 1
	}
	return 0
}

// ofLaw reports words of licences, which write them with capitals.
func ofLaw(v []byte) bool {
	var buf [maxWord]byte
	switch string(small(&buf, v)) {
	case "license", "licenses", "licence", "licences", "licensor", "licensors", "licensee", "licensees", "licensable", "licensed", "sublicense", "merchantability", "merchantibility", "warranties", "warranty",
		"redistributions", "redistribution", "affirmer", "contributor", "contributors", "contribution", "contributions", "copyright", "trademark", "liability", "damages", "gnu", "affero":
		return true
	}
	return false
}
