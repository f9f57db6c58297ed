// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/dataset/export"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/published"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/value"
	"github.com/headrace/headrace/internal/web"
)

// View is what the pages show of a hub.
type View struct{ *Hub }

var _ web.HubSource = View{}

// HubStages returns the stages that run at the hub.
func (v View) HubStages(ctx context.Context) ([]web.Stage, error) {
	if c := only(ctx); c != "" {
		return v.stagesOf(ctx, c)
	}
	admitted, err := v.db.Admitted(ctx)
	if err != nil {
		return nil, err
	}
	intake := web.Stage{Name: "intake", Count: len(admitted), Unit: "bundles", Health: web.HealthOK}
	for _, a := range admitted {
		intake.Last = a.AdmittedAt
	}
	if missing, err := v.tlog.Unwitnessed(); err != nil {
		return nil, err
	} else if len(missing) > 0 {
		intake.Health, intake.Note = web.HealthTrouble, "the log is not witnessed by "+strings.Join(missing, ", ")
	}
	curate := web.Stage{Name: "curate", Unit: "records", Health: web.HealthOK}
	docs := map[string][]sqlstore.DocumentRow{}
	for _, kind := range []string{sqlstore.DocSnapshot, sqlstore.DocGate, sqlstore.DocRelease, sqlstore.DocStatement} {
		if docs[kind], err = v.db.Documents(ctx, kind); err != nil {
			return nil, err
		}
	}
	made := func(name, kind, unit string) web.Stage {
		s := web.Stage{Name: name, Count: len(docs[kind]), Unit: unit, Health: web.HealthOK}
		if len(docs[kind]) > 0 {
			s.Last = docs[kind][0].MadeAt
		}
		return s
	}
	set, judged := made("dataset", sqlstore.DocSnapshot, "snapshots"), made("gate", sqlstore.DocGate, "reports")
	learned := web.Stage{Name: "learn", Unit: "candidates", Health: web.HealthOK}
	if len(docs[sqlstore.DocSnapshot]) > 0 {
		s, err := openStored(docs[sqlstore.DocSnapshot][0])
		if err != nil {
			return nil, err
		}
		curate.Last = s.madeAt
		for _, n := range s.manifest.Counts {
			curate.Count += n.Used + n.Folded
			for _, k := range n.SetAside {
				curate.SetAside += k
			}
		}
		unreadable := 0
		for _, i := range s.manifest.Inputs {
			if i.Unreadable {
				unreadable++
			}
		}
		if unreadable > 0 {
			curate.Health, curate.Note = web.HealthTrouble, fmt.Sprintf("bundles set aside because they cannot be read: %d; put the folders blobs and keys/blobs back from a backup", unreadable)
		}
		if s.note != "" {
			set.Health, set.Note = web.HealthTrouble, "the newest lost withdrawn records; the next turn makes it anew"
		}
	}
	for i, doc := range docs[sqlstore.DocGate] {
		g, err := v.gate(doc, nil)
		if err != nil {
			return nil, err
		}
		if g.Candidate != "" {
			learned.Count++
			learned.Last = later(learned.Last, doc.MadeAt)
		}
		if i == 0 && !g.Released {
			judged.Note = "the newest candidate was refused: see what is missing"
		}
	}
	list := []web.Stage{intake, curate, set, learned, judged, made("release", sqlstore.DocRelease, "releases"), made("value", sqlstore.DocStatement, "statements")}
	for i := range list {
		if list[i].Count == 0 && list[i].Health == web.HealthOK {
			list[i].Health = web.HealthIdle
		}
	}
	return list, nil
}

// Snapshots returns all, newest first.
func (v View) Snapshots(ctx context.Context) ([]web.Snapshot, error) {
	if only(ctx) != "" {
		return nil, nil
	}
	docs, err := v.db.Documents(ctx, sqlstore.DocSnapshot)
	if err != nil {
		return nil, err
	}
	var list []web.Snapshot
	for _, doc := range docs {
		s, err := v.snapshot(doc)
		if err != nil {
			return nil, err
		}
		list = append(list, s.Snapshot)
	}
	return list, nil
}

// Snapshot returns one with its lineage.
func (v View) Snapshot(ctx context.Context, id string) (*web.SnapshotView, error) {
	if only(ctx) != "" {
		return nil, web.ErrNotFound
	}
	doc, err := v.db.Document(ctx, sqlstore.DocSnapshot, id)
	if err == sqlstore.ErrNotFound {
		return nil, web.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	s, err := v.snapshot(doc)
	if err != nil {
		return nil, err
	}
	gates, err := v.db.Documents(ctx, sqlstore.DocGate)
	for _, g := range gates {
		if g.Parent == id {
			s.Gates = append(s.Gates, g.ID)
		}
	}
	return &s, err
}

func (v View) snapshot(doc sqlstore.DocumentRow) (web.SnapshotView, error) {
	st, err := openStored(doc)
	if err != nil {
		return web.SnapshotView{}, err
	}
	m := st.manifest
	s := web.SnapshotView{Snapshot: web.Snapshot{ID: m.ID, MadeAt: doc.MadeAt, Records: m.Rows, Decisions: m.Decisions, Developers: m.Developers, Contributors: len(m.Counts),
		Incomplete: st.note != "", Formats: export.Formats()}, Digest: m.ID}
	if s.Incomplete {
		s.Formats = nil
	}
	why := map[string]int{}
	for _, n := range m.Counts {
		s.In += n.In
		s.Used += n.Used + n.Folded
		for k, c := range n.SetAside {
			why[k] += c
		}
	}
	for _, k := range slices.Sorted(maps.Keys(why)) {
		s.SetAside = append(s.SetAside, web.Reason{Why: k, Count: why[k]})
	}
	for _, i := range m.Inputs {
		s.Bundles = append(s.Bundles, web.Lineage{Bundle: i.Bundle, Contributor: i.Contributor, Records: i.Records, Used: i.Used})
	}
	return s, nil
}

// Export writes a snapshot in a trainer's format.
func (v View) Export(ctx context.Context, id, format string, w io.Writer) error {
	p, in := access.Of(ctx)
	if p.Contributor != "" {
		return web.ErrNotFound
	}
	who := "whoever took it from the hub's pages"
	if in {
		who = p.Name + ", from the hub's pages"
	}
	_, err := v.Hub.Export(ctx, id, format, who, w)
	return err
}

func (v View) gate(doc sqlstore.DocumentRow, beside []gate.Selection) (web.Gate, error) {
	r := new(gate.Report)
	err := v.open(doc.Envelope, bundle.TypeGateReport, r)
	r.Selection = beside
	return published.Gate(doc.ID, doc.MadeAt, r, ""), err
}

// reports are the signed gate reports that a request may see, newest first: those that judged trials of a contributor's, by that
// contributor's people; all by the hub's own.
func (v View) reports(ctx context.Context) ([]sqlstore.DocumentRow, error) {
	if c := only(ctx); c != "" {
		return v.db.DocumentsOf(ctx, sqlstore.DocTrial, c)
	}
	docs, err := v.db.Documents(ctx, sqlstore.DocGate)
	if err != nil {
		return nil, err
	}
	trials, err := v.db.Documents(ctx, sqlstore.DocTrial)
	docs = append(docs, trials...)
	slices.SortStableFunc(docs, func(a, b sqlstore.DocumentRow) int { return b.MadeAt.Compare(a.MadeAt) })
	return docs, err
}

// Gates returns all reports, newest first.
func (v View) Gates(ctx context.Context) ([]web.Gate, error) {
	docs, err := v.reports(ctx)
	if err != nil {
		return nil, err
	}
	rels, err := v.db.Documents(ctx, sqlstore.DocRelease)
	if err != nil {
		return nil, err
	}
	var beside map[string][]gate.Selection
	if only(ctx) == "" { // what contributors counted at home is for the hub's own people
		if beside, err = v.selections(ctx); err != nil {
			return nil, err
		}
	}
	var list []web.Gate
	for _, doc := range docs {
		g, err := v.gate(doc, beside[doc.ID])
		if err != nil {
			return nil, err
		}
		for _, r := range rels {
			if r.Parent == doc.ID {
				g.Release = r.ID
			}
		}
		list = append(list, g)
	}
	return list, nil
}

// Gate returns one report.
func (v View) Gate(ctx context.Context, id string) (*web.Gate, error) {
	return pick(v.Gates(ctx))(func(g web.Gate) bool { return g.ID == id })
}

// GateDocument returns a report as it was signed.
func (v View) GateDocument(ctx context.Context, id string) ([]byte, error) {
	docs, err := v.reports(ctx)
	doc, err := pick(docs, err)(func(d sqlstore.DocumentRow) bool { return d.ID == id })
	if err != nil {
		return nil, err
	}
	return doc.Envelope, nil
}

// pick returns the one of a list that is meant.
func pick[T any](list []T, err error) func(func(T) bool) (*T, error) {
	return func(is func(T) bool) (*T, error) {
		if err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(list, is); i >= 0 {
			return &list[i], nil
		}
		return nil, web.ErrNotFound
	}
}

// Releases returns all, newest first.
func (v View) Releases(ctx context.Context) ([]web.Release, error) {
	docs, err := v.db.Documents(ctx, sqlstore.DocRelease)
	if err != nil {
		return nil, err
	}
	var list []web.Release
	for _, doc := range docs {
		r := new(release.Release)
		if err := v.openRelease(doc, r); err != nil {
			return nil, err
		}
		steps, err := v.Rollouts(ctx, r.Kind)
		if err != nil {
			return nil, err
		}
		looks, _, err := v.looks(ctx, r.ID, 0)
		if err != nil {
			return nil, err
		}
		rel := published.Release(r, doc.MadeAt, steps, looks, release.Canary, v.keyID())
		if rel.Returned, err = v.returned(ctx, r); err != nil {
			return nil, err
		}
		if doc.Note != "" {
			rel.State = "retired"
		}
		rel.InUse = rel.State == "active"
		list = append(list, rel)
	}
	return list, nil
}

// Release returns one.
func (v View) Release(ctx context.Context, id string) (*web.Release, error) {
	return pick(v.Releases(ctx))(func(r web.Release) bool { return r.ID == id })
}

func (v View) keyID() string { return bundle.KeyIDOf(v.Public()).Short() }

// Statements returns all, newest first.
func (v View) Statements(ctx context.Context) ([]web.Statement, error) {
	docs, err := v.statements(ctx)
	if err != nil {
		return nil, err
	}
	var list []web.Statement
	for _, doc := range docs {
		var s value.Statement
		if err := v.open(doc.Envelope, bundle.TypeStatement, &s); err != nil {
			return nil, err
		}
		list = append(list, published.Statement(doc.ID, &s, v.keyID()))
	}
	return list, nil
}

// Statement returns one.
func (v View) Statement(ctx context.Context, id string) (*web.Statement, error) {
	return pick(v.Statements(ctx))(func(s web.Statement) bool { return s.ID == id })
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
