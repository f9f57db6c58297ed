// SPDX-License-Identifier: Apache-2.0

// Package trail is the audit trail of a role: who did what to what, when, in rows of which each is bound to the one before
// by its hash.
//
// An [Entry] is what happened; the store makes a [Row] of it with [Next], in the commit of what it tells of (sqlstore's
// Noting). [Verify] reads the rows again and finds one that was changed, is missing or was cut off: within the trail by
// the hashes, at its end by a [Head] that was signed and lies beside the database. A [Keeper] signs it, and hands the rows on
// to a [Syslog] server.
//
// Nothing here knows of SQL, of keys or of what the words in an entry mean. No entry holds raw text.
package trail

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"
	"unicode"

	"github.com/headrace/headrace/episode"
)

// Entry is something that a person or the role itself did.
type Entry struct {
	At   time.Time `json:"at"`
	Who  string    `json:"who"`
	Role string    `json:"role,omitzero"` // in which Who did it; empty where it was no person
	What string    `json:"what"`
	// Subject is what it was done to: an id, a digest, a version. Never text of a record.
	Subject string `json:"subject"`
}

// Row is an entry in its place.
type Row struct {
	Seq int64 `json:"seq"` // from 1, without gaps
	Entry
	Hash string `json:"hash"`
}

// maxField is how much of a field is kept, in bytes.
const maxField = 1000

// clean is a field as it is kept: on one line, in UTF-8, of bounded length.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if len(s) > maxField {
		s = strings.ToValidUTF8(s[:maxField-len("…")], "") + "…"
	}
	return s
}

// Next makes the row of an entry that comes after the row numbered seq with this hash; 0 and "" where it is the first.
func Next(seq int64, hash string, e Entry) Row {
	e.At = e.At.UTC().Truncate(time.Microsecond)
	e.Who, e.Role, e.What, e.Subject = clean(e.Who), clean(e.Role), clean(e.What), clean(e.Subject)
	r := Row{Seq: seq + 1, Entry: e}
	r.Hash = r.after(hash)
	return r
}

// after is the hash that a row must have which follows one with the hash before: SHA-256, in hexadecimal, over these
// fields, each as its length in bytes, a colon, itself and a comma.
func (r Row) after(before string) string {
	h := sha256.New()
	for _, field := range []string{"headrace audit v1", before, fmt.Sprint(r.Seq), r.At.UTC().Format(time.RFC3339Nano), r.Who, r.Role, r.What, r.Subject} {
		fmt.Fprintf(h, "%d:%s,", len(field), field)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Head is how far a trail has come. Whoever keeps one can tell later whether all up to there is still as it was.
type Head struct {
	Of   string    `json:"of"` // whose trail it is
	Seq  int64     `json:"seq"`
	Hash string    `json:"hash"`
	At   time.Time `json:"at"` // of the row
}

// Codes of what Verify finds.
const (
	CodeMissing = "audit/missing" // a row between two others is not there
	CodeChanged = "audit/changed" // a row is not what it was
	CodeCut     = "audit/cut-off" // rows at the end are not there
)

// Verify reads a trail from its first row to its last, and returns the last one's head. Where the trail is not what it was
// when the heads were made, or its rows do not go on from each other, the error is a Problem that names the row.
func Verify(rows iter.Seq2[Row, error], heads ...Head) (Head, error) {
	var at Head
	for r, err := range rows {
		switch {
		case err != nil:
			return at, err
		case r.Seq <= at.Seq:
			return at, found(CodeChanged, r.Seq, "row %d comes after row %d", r.Seq, at.Seq)
		case r.Seq == at.Seq+2:
			return at, found(CodeMissing, r.Seq, "row %d is missing", at.Seq+1)
		case r.Seq > at.Seq+1:
			return at, found(CodeMissing, r.Seq, "rows %d to %d are missing", at.Seq+1, r.Seq-1)
		case r.Hash != r.after(at.Hash):
			return at, found(CodeChanged, r.Seq, "row %d was changed, or the hash of row %d", r.Seq, r.Seq-1)
		}
		at = Head{Of: at.Of, Seq: r.Seq, Hash: r.Hash, At: r.At}
		for _, h := range heads {
			if h.Seq == at.Seq && h.Hash != at.Hash {
				return at, found(CodeChanged, r.Seq, "rows up to %d were written anew: their head was signed with another hash", r.Seq)
			}
		}
	}
	for _, h := range heads {
		if h.Seq > at.Seq {
			return at, found(CodeCut, at.Seq+1, "rows %d to %d were cut off: the trail ends with row %d", at.Seq+1, h.Seq, at.Seq)
		}
	}
	return at, nil
}

// maxLine is the longest line of a trail in JSON: four fields of which each byte may be escaped, and the rest.
const maxLine = 4*6*maxField + 1000

// Read yields the rows of a trail as headrace audit --json prints them, a line each.
func Read(in io.Reader) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		lines := bufio.NewScanner(in)
		lines.Buffer(nil, maxLine)
		for n := 1; lines.Scan(); n++ {
			var r Row
			if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
				yield(r, &episode.Problem{Code: "audit/line", Message: fmt.Sprintf("line %d is not a row of an audit trail", n), Err: err, Hint: "give what headrace audit --json printed"})
				return
			}
			if !yield(r, nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(Row{}, fmt.Errorf("read the audit trail: %w", err))
		}
	}
}

func found(code string, seq int64, format string, a ...any) error {
	return &episode.Problem{Code: code, Message: fmt.Sprintf(format, a...),
		Hint: fmt.Sprintf("compare row %d and those around it with what was sent to syslog, or with a backup; whoever can write the database could do this", seq)}
}
