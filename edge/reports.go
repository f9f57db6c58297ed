// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/headrace/headrace/internal/capture/gitlog"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/sqlstore"
)

// kindReports is what a payload holds that a forge or a test run sent: JSON Lines of what it says, read already. The rest of a
// delivery, which is mostly people's words and code, is not kept.
const kindReports = "reports"

// reportsWait is how long after a report its repository is followed again at the latest. Checks end by the hundred, and to follow
// a repository takes a second.
const reportsWait = 2 * time.Minute

// ReceiveReports takes in what one delivery of a forge, or one run of tests, says, and returns after it is durable.
//
// Nothing is kept of a delivery's id. A report that says the same is the same, whether the forge sent it again, or has
// two hooks that lead here.
func (e *Edge) ReceiveReports(ctx context.Context, p Principal, list []gitlog.Report) error {
	if len(list) == 0 {
		return nil
	}
	start := time.Now()
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	for i := range list {
		if err := enc.Encode(&list[i]); err != nil {
			return err
		}
	}
	if err := e.keep(ctx, kindReports, p, body.Bytes()); err != nil {
		return err
	}
	e.stats.Intake.add(len(list), start)
	return nil
}

// unpackReports keeps the reports of a payload, as fingerprints, under each name of their repository of which the policy lets
// anything be recorded.
func (e *Edge) unpackReports(ctx context.Context, p payload) error {
	said := map[string][]gitlog.Report{} // by repository, as they came
	dec := json.NewDecoder(bytes.NewReader(p.body))
	for dec.More() {
		var r gitlog.Report
		if err := dec.Decode(&r); err != nil {
			e.setAside("a report is set aside, and those after it", err)
			break
		}
		for _, name := range r.Repositories {
			said[name] = append(said[name], r)
		}
	}
	print := e.printer()
	var rows []sqlstore.ReportRow
	for _, name := range slices.Sorted(maps.Keys(said)) {
		list := said[name]
		records, err := e.policy().Records(consent.Facts{Repository: name, Developer: p.Principal})
		if err != nil {
			e.setAside("reports are set aside: the policy cannot say whether they may be recorded", err)
		}
		if err != nil || !records {
			continue
		}
		plain, err := json.Marshal(list)
		if err != nil {
			return err
		}
		row := sqlstore.ReportRow{Repository: e.gitName(name), At: p.ReceivedAt}
		row.ID = keyed(e.ring.Derive("join"), append([]byte("report\x00"+name+"\x00"), plain...))
		notices := make([]gitlog.Notice, len(list))
		for i := range list {
			if list[i].At.IsZero() || list[i].At.After(p.ReceivedAt) {
				list[i].At = p.ReceivedAt // that it was said is known no later than this
			}
			notices[i] = print.Notice(&list[i])
		}
		if row.Sealed, err = e.sealGit("report "+row.ID, notices); err != nil {
			return err
		}
		rows = append(rows, row)
	}
	return e.db.StoreReports(ctx, rows, e.cfg.Now().Add(reportsWait-followEvery))
}

// reported is what is said of a repository's commits.
func (e *Edge) reported(ctx context.Context, repository string) (all []gitlog.Notice, err error) {
	rows, err := e.db.Reports(ctx, repository)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		var list []gitlog.Notice
		if err := e.openGit("report "+row.ID, row.Sealed, &list); err != nil {
			e.setAside("a report is set aside", err)
			continue
		}
		all = append(all, list...)
	}
	return all, nil
}
