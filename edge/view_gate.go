// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/published"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/web"
)

// Gates returns the reports that let the fetched releases through, newest first.
func (v View) Gates(ctx context.Context) ([]web.Gate, error) {
	var list []web.Gate
	err := v.judged(ctx, func(r sqlstore.PulledRelease, named string, report *gate.Report) {
		list = append(list, published.Gate(named, r.PulledAt, report, r.ID))
	})
	return list, err
}

// Gate returns one report.
func (v View) Gate(ctx context.Context, id string) (*web.Gate, error) {
	list, err := v.Gates(ctx)
	for i := range list {
		if list[i].ID == id {
			return &list[i], nil
		}
	}
	if err == nil {
		err = web.ErrNotFound
	}
	return nil, err
}

// GateDocument returns a report as the hub signed it.
func (v View) GateDocument(ctx context.Context, id string) (signed []byte, err error) {
	err = v.judged(ctx, func(r sqlstore.PulledRelease, named string, _ *gate.Report) {
		if named == id {
			signed = r.Gate
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
	for i := range list {
		if list[i].ID == id {
			return &list[i], nil
		}
	}
	if err == nil {
		err = web.ErrNotFound
	}
	return nil, err
}

// judged hands over each fetched release with the report that let it through and that report's id, all verified anew.
func (v View) judged(ctx context.Context, each func(r sqlstore.PulledRelease, named string, report *gate.Report)) error {
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
		each(r, c.Release.Gate, report)
	}
	return nil
}
