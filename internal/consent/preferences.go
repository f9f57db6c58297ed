// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"bytes"
	"os"
	"slices"

	"github.com/goccy/go-yaml/ast"

	"github.com/headrace/headrace/episode"
)

// Preferences are what one developer says of their own records. They are read-only.
//
// They only take away: of a policy's decision and the preferences the stricter holds, in level, purposes and approval.
// Every limit that fits a record holds, not just the first.
type Preferences struct {
	// Developer is whose they are, as rules name people.
	Developer string
	// Agree is their yes, the second key where the policy has two; false is a no, whatever the policy says; nil is silence.
	Agree *bool

	text   []byte
	limits []limit
}

// limit is the most that may happen to the records that fit it.
type limit struct {
	repository *glob // nil: any
	tool       string
	level      episode.Level     // empty: any
	purposes   []episode.Purpose // nil: any
	approval   Approval
	ask        bool // the developer is asked about each record, and silence is a no
}

// approvalDeveloper is, in a limit, that the developer is asked about each record before it leaves.
const approvalDeveloper = "developer"

const codePreferences = "consent/preferences"

// ReadPreferences reads the preferences file at path.
func ReadPreferences(path string) (*Preferences, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, &episode.Problem{Code: codePreferences, Message: "read preferences", Err: err, Hint: "spec/examples/more/preferences.yaml is one to start from"}
	}
	p, err := DecodePreferences(b)
	return p, inFile(path, err)
}

// DecodePreferences reads a developer's preferences. Each error says the line, what is wrong there and what is allowed.
func DecodePreferences(b []byte) (*Preferences, error) {
	p, err := decodePreferences(b)
	if err == nil {
		p.text = bytes.Clone(b)
	}
	if err != nil {
		return nil, kindOfFile{"preferences", codePreferences, "spec/examples/more/preferences.yaml is one that works"}.problem(err)
	}
	return p, nil
}

// Text is what the preferences were read from.
func (p *Preferences) Text() []byte { return p.text }

func decodePreferences(b []byte) (*Preferences, error) {
	p := new(Preferences)
	var version int
	var agree, limits ast.Node
	err := document(b, "a developer's preferences", map[string]any{"version": &version, "developer": &p.Developer, "agree": &agree, "limits": &limits})
	if err != nil {
		return nil, err
	}
	if version != 1 {
		return nil, mistakef(nil, "version is %d; this program reads version 1", version)
	}
	if p.Developer == "" {
		return nil, mistakef(nil, "developer is missing: whose preferences are they?")
	}
	if agree != nil {
		p.Agree = new(bool)
		if err := value(agree, p.Agree); err != nil {
			return nil, err
		}
	}
	if limits == nil {
		return p, nil
	}
	return p, each(limits, "limits", p.addLimit)
}

func (p *Preferences) addLimit(n ast.Node) error {
	var l limit
	var repository, level, approval string
	err := mapping(n, "a limit", map[string]any{"repository": &repository, "tool": &l.tool, "level": &level, "purposes": &l.purposes, "approval": &approval})
	if err != nil {
		return err
	}
	if repository != "" {
		g := newGlob(repository)
		l.repository = &g
	}
	if level == "" && l.purposes == nil && approval == "" {
		return mistakef(n, "a limit says at most which level, for which purposes, or that a steward or the developer looks first: level, purposes, approval")
	}
	if level != "" {
		// Whether a thing is recorded is asked before anybody's preferences are known, so that off is the policy's word alone.
		if err := oneOf(n, "level", level, levelNames()[1:]...); err != nil {
			return err
		}
	}
	if approval != "" {
		if err := oneOf(n, "approval", approval, string(ApprovalSteward), approvalDeveloper); err != nil {
			return err
		}
	}
	if l.level, l.approval = episode.Level(level), Approval(approval); approval == approvalDeveloper {
		l.approval, l.ask = "", true
	}
	if err := purposesIn(n, l.purposes); err != nil {
		return err
	}
	p.limits = append(p.limits, l)
	return nil
}

// agrees reports whether the developer has said yes, and refuses whether they have said no.
func (p *Preferences) agrees() bool  { return p != nil && p.Agree != nil && *p.Agree }
func (p *Preferences) refuses() bool { return p != nil && p.Agree != nil && !*p.Agree }

// apply makes the decision no more than every limit that fits. A record whose repository nobody knows fits each of them.
func (p *Preferences) apply(d Decision, purposes []episode.Purpose, f *facts) (Decision, []episode.Purpose) {
	if p == nil {
		return d, purposes
	}
	less := false
	for _, l := range p.limits {
		if l.tool != "" && l.tool != f.Tool || l.repository != nil && f.Repository != "" && !l.repository.fits(f.Repository) {
			continue
		}
		if l.level != "" && l.level.Rank() < d.Level.Rank() {
			d.Level, less = l.level, true
		}
		if l.approval != "" && d.Approval != l.approval {
			d.Approval, less = l.approval, true
		}
		if l.ask && !d.Ask {
			d.Ask, less = true, true
		}
		if l.purposes == nil {
			continue
		}
		both := make([]episode.Purpose, 0, len(purposes))
		for _, x := range purposes {
			if slices.Contains(l.purposes, x) {
				both = append(both, x)
			}
		}
		if len(both) < len(purposes) {
			purposes, less = both, true
		}
	}
	if less {
		d.Notices = append(d.Notices, NoticeDeveloper)
	}
	return d, purposes
}
