// SPDX-License-Identifier: Apache-2.0

// Package export writes rows in the file formats of other people's trainers, one format a file.
//
// Start from [Write]. It asks every row's terms first: a row whose terms do not allow what the format is for is
// refused, whatever else is right with it, and so is one past its expiry, meant for another recipient, or of a provider whose
// output may not serve it by the rights table. What is left
// becomes examples where a person decided and the text is there. The [Report] says how many, from how many, and why
// each of the others is not among them. The same rows give the same bytes.
//
// Only a person's decision on a suggestion that was shown is a label. Nothing here trains, splits or samples.
package export

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/rights"
)

// Options say for whom, when and out of which snapshot.
type Options struct {
	// Recipient is who will train; the rows' terms must name them.
	Recipient string
	// AnyRecipient leaves the recipient unchecked: for an enterprise that exports what is its own.
	AnyRecipient bool
	Now          time.Time
	// Rights say whose output may be trained on; without them nothing is exported.
	Rights rights.Use
	// Snapshot is the id of the snapshot that the rows are from, if any.
	Snapshot string
}

// Report says what an export is made of.
type Report struct {
	Format   string          `json:"format"`
	Purpose  episode.Purpose `json:"purpose"`
	Snapshot string          `json:"snapshot,omitzero"`
	// Rows were read; Refused counts those whose terms do not allow the export, by reason.
	Rows    int            `json:"rows"`
	Refused map[string]int `json:"refused,omitempty"`
	// Examples were written; Skipped counts decisions that gave none, by reason.
	Examples int            `json:"examples"`
	Skipped  map[string]int `json:"skipped,omitempty"`
	// Digest is that of the bytes written.
	Digest string `json:"digest"`
	Bytes  int64  `json:"bytes"`
}

// Why a row is refused.
const (
	RefusedNoTerms   = "no_terms"
	RefusedRecipient = "recipient"
	RefusedPurpose   = "purpose"
	RefusedExpired   = "expired"
	RefusedRights    = "rights" // the rights table does not let this provider's output serve it
)

// Why a decision gives no example.
const (
	SkippedNotPerson = "not_a_person" // nobody decided, or not a person
	SkippedHidden    = "not_shown"    // the person never saw it
	SkippedVerdict   = "no_verdict"   // ignored, cancelled or timed out: neither for nor against
	SkippedNoText    = "no_text"      // the text did not leave, or was cut
	SkippedNoPair    = "no_pair"      // nothing to prefer it to, or to prefer to it
)

// format turns labels into examples. It is fed every label in order and ends with one call of flush.
type format interface {
	add(l label, out *writer) error
	flush(out *writer) error
}

// The formats' names.
const (
	TRLKTO    = "trl-kto"
	OpenAIDPO = "openai-dpo"
)

// Formats returns the names that Write takes.
func Formats() []string { return []string{TRLKTO, OpenAIDPO} }

// Write writes rows to w in the named format, one JSON object a line. An error from rows ends it.
func Write(w io.Writer, name string, rows iter.Seq2[dataset.Row, error], o Options) (*Report, error) {
	var f format
	switch name {
	case TRLKTO:
		f = trlKTO{}
	case OpenAIDPO:
		f = &openaiDPO{}
	default:
		return nil, &episode.Problem{Code: "export/format", Message: fmt.Sprintf("no export format is called %q", name),
			Hint: "use one of: " + strings.Join(Formats(), ", ")}
	}
	rep := &Report{Format: name, Purpose: episode.PurposeFinetune, Snapshot: o.Snapshot, Refused: map[string]int{}, Skipped: map[string]int{}}
	out := &writer{rep: rep, sum: sha256.New(), w: bufio.NewWriter(w)}
	for r, err := range rows {
		if err != nil {
			return nil, err
		}
		rep.Rows++
		if why := refused(r, rep.Purpose, o); why != "" {
			rep.Refused[why]++
			continue
		}
		for i := range r.Episode.Decisions {
			l, why := labelOf(r, &r.Episode.Decisions[i])
			if why != "" {
				rep.Skipped[why]++
				continue
			}
			if err := f.add(l, out); err != nil {
				return nil, err
			}
		}
	}
	if err := f.flush(out); err != nil {
		return nil, err
	}
	if err := out.w.Flush(); err != nil {
		return nil, fmt.Errorf("write export: %w", err)
	}
	rep.Digest = "sha256:" + hex.EncodeToString(out.sum.Sum(nil))
	return rep, nil
}

// refused asks the row's terms and returns why they do not allow the export, or nothing.
func refused(r dataset.Row, p episode.Purpose, o Options) string {
	t := r.Episode.Terms
	switch {
	case t == nil:
		return RefusedNoTerms
	case len(t.Recipients) == 0 || !o.AnyRecipient && !slices.Contains(t.Recipients, o.Recipient):
		return RefusedRecipient
	case !slices.Contains(t.Purposes, p):
		return RefusedPurpose
	case !o.Rights.Allows(r.Episode, p):
		return RefusedRights
	case !r.Permit(o.Rights, t.Recipients[0], p, o.Now): // recipient, purpose and rights are settled: what is left is time
		return RefusedExpired
	}
	return ""
}

// writer writes examples and counts and digests what it wrote.
type writer struct {
	rep *Report
	sum hash.Hash
	w   *bufio.Writer
}

func (w *writer) example(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write export: %w", err)
	}
	b = append(b, '\n')
	w.sum.Write(b)
	if _, err := w.w.Write(b); err != nil {
		return fmt.Errorf("write export: %w", err)
	}
	w.rep.Examples++
	w.rep.Bytes += int64(len(b))
	return nil
}
