// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"slices"
	"time"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/published"
	"github.com/headrace/headrace/internal/web"
)

// Gates returns the reports that let the fetched releases through, and those that judged trials of instructions, newest first.
func (v View) Gates(ctx context.Context) ([]web.Gate, error) {
	var list []web.Gate
	err := v.judged(ctx, func(j judged) {
		list = append(list, published.Gate(j.named, j.at, j.report, j.release))
	})
	slices.SortStableFunc(list, func(a, b web.Gate) int { return b.At.Compare(a.At) })
	return list, err
}

// Gate returns one report.
func (v View) Gate(ctx context.Context, id string) (*web.Gate, error) {
	list, err := v.Gates(ctx)
	return named(list, err, func(g *web.Gate) bool { return g.ID == id })
}

// GateDocument returns a report as the hub signed it.
func (v View) GateDocument(ctx context.Context, id string) (signed []byte, err error) {
	err = v.judged(ctx, func(j judged) {
		if j.named == id {
			signed = j.signed
		}
	})
	if err == nil && signed == nil {
		err = web.ErrNotFound
	}
	return signed, err
}

// Release returns one of those that were fetched.
func (v View) Release(ctx context.Context, id string) (*web.Release, error) {
	list, err := v.Releases(ctx)
	r, err := named(list, err, func(r *web.Release) bool { return r.ID == id })
	if err == nil && r.Asks {
		r.Would, err = v.WouldChoose(ctx, id)
	}
	return r, err
}

// named is the one of a list that is meant.
func named[T any](list []T, err error, is func(*T) bool) (*T, error) {
	for i := range list {
		if is(&list[i]) {
			return &list[i], nil
		}
	}
	if err == nil {
		err = web.ErrNotFound
	}
	return nil, err
}

// judged is a report, verified anew.
type judged struct {
	named   string // by its digest
	at      time.Time
	release string // that it let through; empty for instructions
	signed  []byte
	report  *gate.Report
}

// judged hands over each report that came here.
func (v View) judged(ctx context.Context, each func(judged)) error {
	rows, err := v.db.PulledReleases(ctx, "")
	if err != nil {
		return err
	}
	for _, r := range rows {
		h, err := v.hubOf(r.Hub)
		if err != nil {
			continue // of a hub whose key is not here any more
		}
		c, err := h.link.OpenRelease(r.Envelope, r.Payload, r.Gate)
		if err != nil {
			v.log.Warn("the report of a stored release is not shown: it does not verify", "release", r.ID, "err", err)
			continue
		}
		report := new(gate.Report)
		if err := h.link.Open(r.Gate, bundle.TypeGateReport, report); err != nil {
			return err
		}
		each(judged{c.Release.Gate, r.PulledAt, r.ID, r.Gate, report})
	}
	all, err := v.Edge.Instructions(ctx)
	if err != nil {
		return err
	}
	for _, i := range all {
		if report, err := v.trialReport(i); report != nil {
			each(judged{episode.Digest(i.Told.Gate), time.Unix(report.AsOf*86400, 0).UTC(), "", i.Told.Gate, report})
		} else if err != nil {
			v.log.Warn("the report of a trial is not shown: it does not verify", "release", i.ID, "err", err)
		}
	}
	return nil
}

// trialReport is the report that judged a trial; nil where none has, or its hub's key is not here any more.
func (v View) trialReport(i Instruction) (*gate.Report, error) {
	h, err := v.hubOf(i.Hub)
	if err != nil || len(i.Told.Gate) == 0 {
		return nil, nil
	}
	report := new(gate.Report)
	if err := h.link.Open(i.Told.Gate, bundle.TypeGateReport, report); err != nil {
		return nil, err
	}
	return report, nil
}
