// SPDX-License-Identifier: Apache-2.0

// Package instruct is what a release of instructions says, what it would change, and how it is tried.
//
// Start from [Decode], which reads what a release bears: diffs of instruction files, or the keyed id of one that some had and
// others did not. [Payload.Resolve] makes the files and the words of it that a person is asked about, against what there is now,
// and [Trial] draws which developers get it first and writes that into their episodes, so that it can be judged by what became of
// their code.
//
// Nothing here reads a repository, stores, or gives words to anyone: the edge does, after a person has said yes.
package instruct

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/lever"
	"github.com/headrace/headrace/internal/patch"
)

const format = "headrace-instructions/1"

// Bounds of a payload: what a person can read, and a model has room for.
const (
	maxPayload = 64 << 10 // bytes
	maxChanges = 8
	maxTitle   = 120 // characters
	maxWhy     = 2000
)

// Payload is what a release of kind "instructions" bears.
type Payload struct {
	Format string `json:"format"`
	Title  string `json:"title"` // one line
	Why    string `json:"why"`   // what speaks for it, for the person who is asked
	// Changes are to be made together.
	Changes []Change `json:"changes"`
	// Proposal is the id of the proposal that it was made from; empty where a person thought of it.
	Proposal string `json:"proposal,omitzero"`
}

// Change is one file: either its diff, or its keyed id and whether it is to be in force.
type Change struct {
	// Diff is a unified diff of one instruction file (lever.Files) below the top of a repository.
	Diff string `json:"diff,omitzero"`
	// Artifact is the id under which an instruction file left the edge, which alone knows its text. Without takes the file out
	// of force instead.
	Artifact string `json:"artifact,omitzero"`
	Without  bool   `json:"without,omitzero"`
}

// New makes the payload of changes.
func New(title, why string, changes ...Change) *Payload {
	return &Payload{Format: format, Title: title, Why: why, Changes: changes}
}

// Marshal returns the payload as it is released: the same payload gives the same bytes.
func (p *Payload) Marshal() ([]byte, error) {
	if err := p.check(); err != nil {
		return nil, badPayload(err)
	}
	b, err := json.Marshal(p, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("encode instructions: %w", err)
	}
	return append(b, '\n'), nil
}

// Decode reads a payload. What a person could not see as it is (characters that hide, or turn text around) is refused, and so is
// what is not a diff of text files below a repository.
func Decode(b []byte) (*Payload, error) {
	p := new(Payload)
	if len(b) > maxPayload {
		return nil, badPayload(fmt.Errorf("longer than %d bytes", maxPayload))
	}
	if err := json.Unmarshal(b, p, json.RejectUnknownMembers(true)); err != nil {
		return nil, badPayload(err)
	}
	if err := p.check(); err != nil {
		return nil, badPayload(err)
	}
	return p, nil
}

func badPayload(err error) error {
	if p, ok := errors.AsType[*episode.Problem](err); ok {
		return p
	}
	return &episode.Problem{Code: "instructions/bad-payload", Message: "not instructions that this version can release", Err: err,
		Hint: "a release of instructions has a title, why, and changes: diffs of text files, or ids of artifacts"}
}

func (p *Payload) check() error {
	switch {
	case p.Format != format:
		return fmt.Errorf("format %q is not %s", p.Format, format)
	case strings.TrimSpace(p.Title) == "" || utf8.RuneCountInString(p.Title) > maxTitle || strings.Contains(p.Title, "\n"):
		return fmt.Errorf("a title is one line of at most %d characters", maxTitle)
	case utf8.RuneCountInString(p.Why) > maxWhy:
		return fmt.Errorf("why is longer than %d characters", maxWhy)
	case len(p.Changes) == 0 || len(p.Changes) > maxChanges:
		return fmt.Errorf("%d changes: there are 1 to %d", len(p.Changes), maxChanges)
	case p.Proposal != "" && !id(p.Proposal, "prop_"):
		return fmt.Errorf("%.40q is no id of a proposal", p.Proposal)
	}
	for _, s := range []string{p.Title, p.Why} {
		if err := visible(s); err != nil {
			return err
		}
	}
	files := map[string]bool{}
	for _, c := range p.Changes {
		if (c.Diff == "") == (c.Artifact == "") || c.Diff != "" && c.Without {
			return errors.New("a change is a diff, or an artifact with or without")
		}
		if c.Artifact != "" {
			if !id(c.Artifact, "ar_") || files[c.Artifact] {
				return fmt.Errorf("%.60q is no id of an artifact, or is there twice", c.Artifact)
			}
			files[c.Artifact] = true
			continue
		}
		if err := visible(c.Diff); err != nil {
			return err
		}
		d, err := patch.Parse(c.Diff)
		if err != nil {
			return err
		}
		name := d.Name()
		if files[name] {
			return fmt.Errorf("%s is changed twice", name)
		}
		if files[name] = true; !lever.Reads(name) {
			return &episode.Problem{Code: "instructions/no-instructions", Message: fmt.Sprintf("%.100q is no file that a coding tool takes for instructions", name),
				Hint: "a release of instructions changes only such as " + strings.Join(lever.Files()[:6], ", ") + "; make another change by a pull request"}
		}
	}
	return nil
}

// id reports whether s is such a prefix and 8 to 64 letters and digits.
func id(s, prefix string) bool {
	rest, ok := strings.CutPrefix(s, prefix)
	return ok && len(rest) >= 8 && len(rest) <= 64 && strings.IndexFunc(rest, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z')
	}) < 0
}

// visible refuses what a person does not see on a page and a model reads: control characters, and those of Unicode's category Cf
// that hide or turn text around ("Trojan Source", CVE-2021-42574). A mark of byte order is one of them.
func visible(s string) error {
	if !utf8.ValidString(s) {
		return errors.New("text that is not UTF-8")
	}
	for _, r := range s {
		switch {
		case r == '\n' || r == '\t':
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r), r >= 0xE0000 && r <= 0xE0FFF, r == 0x115F, r == 0x1160, r == 0x3164, r == 0xFFA0, r == 0x2028, r == 0x2029:
			return fmt.Errorf("text with the character %U, which cannot be seen", r)
		}
	}
	return nil
}
