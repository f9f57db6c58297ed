// SPDX-License-Identifier: Apache-2.0

// Package rights says which tool's output may serve which purpose for whom: the rights table of the open standard.
//
// A [Table] is default deny: what no row allows is not allowed. Whoever lets records leave asks it (package consent), and so
// does whoever uses them: curation, export and every trainer, each by the table of its own version, so that what a later
// table takes away nobody uses any more, whatever was agreed before.
//
// A row says up to which level a record may be used. Level and purposes that a policy gives are never raised here.
package rights

import (
	"fmt"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/spec"
)

// The kinds of recipient.
const (
	Own   = "own"   // the contributor's own teams
	Maker = "maker" // whoever makes the tool
)

// Table is a version of the rights table. It is read-only.
type Table struct {
	version string
	rows    []Row
}

// Row allows a purpose up to a level. A star stands for any value, also for none.
type Row struct {
	Provider      string        `json:"provider"`
	ContractClass string        `json:"contract_class"`
	RecipientKind string        `json:"recipient_kind"`
	Purpose       string        `json:"purpose"`
	Level         episode.Level `json:"level"`
	// Line is where it stands in the file.
	Line int `json:"line"`
}

// Origin is whose output a record holds, and under which class of contract.
type Origin struct{ Provider, ContractClass string }

// Of returns the origin of an episode's suggestions; where it names no provider, the model's is meant.
func Of(e *episode.Episode) Origin {
	o := Origin{Provider: e.Model.Provider}
	if e.Origin != nil {
		o.ContractClass = e.Origin.ContractClass
		if e.Origin.Provider != "" {
			o.Provider = e.Origin.Provider
		}
	}
	return o
}

// Shipped reads the table that comes with this program.
func Shipped() (*Table, error) { return Parse(spec.Rights) }

// Parse reads a table: comment lines, among them "# version: V", a line with the names of the columns, rows with a tab
// between fields.
func Parse(tsv string) (*Table, error) {
	t := new(Table)
	header := "provider\tcontract_class\trecipient_kind\tpurpose\tlevel"
	begun := false
	for i, line := range strings.Split(strings.TrimSuffix(tsv, "\n"), "\n") {
		if comment, ok := strings.CutPrefix(line, "#"); ok {
			if v, ok := strings.CutPrefix(strings.TrimSpace(comment), "version:"); ok {
				t.version = strings.TrimSpace(v)
			}
			continue
		}
		if !begun {
			if begun = line == header; !begun {
				return nil, fmt.Errorf("rights table: line %d names other columns than %q", i+1, header)
			}
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 5 {
			return nil, fmt.Errorf("rights table: line %d has %d fields, not 5", i+1, len(f))
		}
		level := episode.Level(f[4])
		if level.Rank() < 0 {
			return nil, fmt.Errorf("rights table: line %d: %q is not a level", i+1, f[4])
		}
		t.rows = append(t.rows, Row{f[0], f[1], f[2], f[3], level, i + 1})
	}
	if t.version == "" {
		return nil, fmt.Errorf("rights table: the line with # version is missing")
	}
	return t, nil
}

// Version names the table.
func (t *Table) Version() string { return t.version }

// Best returns the row that allows most, and false where none fits.
func (t *Table) Best(o Origin, recipientKind string, p episode.Purpose) (Row, bool) {
	best := Row{Level: episode.LevelNone}
	for i := range t.rows {
		r := &t.rows[i]
		if fits(r.Purpose, string(p)) && fits(r.Provider, o.Provider) && fits(r.ContractClass, o.ContractClass) &&
			fits(r.RecipientKind, recipientKind) && r.Level.Rank() > best.Level.Rank() {
			best = *r
		}
	}
	return best, best.Line > 0
}

func fits(pattern, v string) bool { return pattern == "*" || pattern == v }

// Limit returns the purposes for which anything may leave at all, and the level that all of these allow: the stricter of
// that and what was asked for.
func (t *Table) Limit(asked episode.Level, o Origin, recipientKind string, purposes []episode.Purpose) (episode.Level, []episode.Purpose) {
	var allowed []episode.Purpose
	for i, p := range purposes {
		row, _ := t.Best(o, recipientKind, p)
		if row.Level.Rank() < episode.LevelSignal.Rank() {
			if allowed == nil {
				allowed = append(make([]episode.Purpose, 0, len(purposes)), purposes[:i]...)
			}
			continue
		}
		if allowed != nil {
			allowed = append(allowed, p)
		}
		asked = asked.Stricter(row.Level)
	}
	if allowed == nil {
		allowed = purposes // all of them; nobody changes them
	}
	return asked, allowed
}

// Use is somebody who uses what has left, and the table that they go by. The zero Use may use nothing.
type Use struct {
	table *Table
	kind  string
}

// By returns whoever goes by this table and is a recipient of this kind.
func (t *Table) By(recipientKind string) Use { return Use{t, recipientKind} }

// Makers is a maker who goes by the shipped table: what a recipient counts as who does not know better.
func Makers() (Use, error) {
	t, err := Shipped()
	return t.By(Maker), err
}

// Allows reports whether a record may serve p, at the level at which it has left.
func (u Use) Allows(e *episode.Episode, p episode.Purpose) bool {
	if u.table == nil || e.Privacy == nil || e.Privacy.Level.Rank() < 0 {
		return false
	}
	row, ok := u.table.Best(Of(e), u.kind, p)
	return ok && e.Privacy.Level.Rank() <= row.Level.Rank()
}

// HoldsDown reports whether there is an origin for which purpose p keeps the level below what kept, the other purposes,
// would allow: without p more could leave.
func (t *Table) HoldsDown(recipientKind string, p episode.Purpose, kept []episode.Purpose) bool {
	for _, provider := range t.column(func(r Row) string { return r.Provider }) {
		for _, class := range t.column(func(r Row) string { return r.ContractClass }) {
			o := Origin{provider, class}
			with, _ := t.Limit(episode.LevelClean, o, recipientKind, append([]episode.Purpose{p}, kept...))
			without, allowed := t.Limit(episode.LevelClean, o, recipientKind, kept)
			if len(allowed) > 0 && without.Rank() > with.Rank() {
				return true
			}
		}
	}
	return false
}

// column returns the values of a column, and one that is in no row.
func (t *Table) column(of func(Row) string) []string {
	all := []string{"\x00"}
	for _, r := range t.rows {
		if v := of(r); v != "*" {
			all = append(all, v)
		}
	}
	return all
}
