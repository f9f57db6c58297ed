// SPDX-License-Identifier: Apache-2.0

package trusttest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/sqlstore"
)

// WithdrawOptions says how often processes are killed on the way of a withdrawal.
type WithdrawOptions struct {
	Options
	Kills   int // 8
	Records int // of the session that is taken back, and as many that stay; 12
}

// WithdrawReport is what came out.
type WithdrawReport struct {
	Kills        int
	Spread       map[string]int      // kills by how far the withdrawal was
	Quiet        *bundle.Certificate // of a withdrawal of as many records that nobody disturbed
	Killed       *bundle.Certificate // of the one through kills
	Certificates int                 // of both, at the hub
	Left         int                 // rows of the newest snapshot: what was not taken back
}

// Withdraw takes a session back in peace, and another while hub and edge are killed in every step of it. Both certificates
// must say the same, and what is not taken back must stay.
func Withdraw(ctx context.Context, o WithdrawOptions) (r WithdrawReport, err error) {
	for v, d := range map[*int]int{&o.Kills: 8, &o.Records: 12} {
		if *v == 0 {
			*v = d
		}
	}
	w := &world{o: SearchOptions{Options: o.Options}, devices: "none", rng: rand.New(rand.NewPCG(o.Seed, 11)), report: SearchReport{By: map[string]int{}}}
	if w.hub, err = newMaker(ctx, o.Options); err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if w.c, err = w.hub.join(ctx, "alder"); err != nil {
		return r, err
	}
	if err := w.configure(); err != nil {
		return r, err
	}
	if err := w.startEdge(ctx); err != nil {
		return r, err
	}
	for _, session := range []string{"quiet", "killed", "stays"} {
		if err := w.giveSession(ctx, session, o.Records); err != nil {
			return r, err
		}
	}
	if err := w.snapshotOf(ctx, 3*o.Records); err != nil {
		return r, err
	}
	if err := w.ask(ctx, "quiet"); err != nil {
		return r, err
	}
	if r.Quiet, err = w.certified(ctx, nil); err != nil {
		return r, err
	}
	if err := w.snapshotOf(ctx, 2*o.Records); err != nil {
		return r, err
	}
	if err := w.ask(ctx, "killed"); err != nil {
		return r, err
	}
	r.Spread = map[string]int{}
	for r.Kills < o.Kills {
		sleep(ctx, time.Duration(w.rng.IntN(30+40*r.Kills))*time.Millisecond)
		if r.Kills%2 == 0 {
			err = w.hub.kill()
		} else {
			err = w.edge.Kill()
		}
		if err != nil {
			return r, err
		}
		r.Kills++
		stage, err := w.stage(ctx, r.Quiet)
		if err != nil {
			return r, err
		}
		r.Spread[stage]++
		o.log("kill %d of %d: the withdrawal is %s", r.Kills, o.Kills, stage)
		if w.hub.p == nil {
			err = w.hub.start(ctx)
		} else {
			err = w.startEdge(ctx)
		}
		if err != nil {
			return r, err
		}
	}
	if r.Killed, err = w.certified(ctx, r.Quiet); err != nil {
		return r, err
	}
	if err := w.snapshotOf(ctx, o.Records); err != nil {
		return r, err
	}
	if err := errors.Join(w.edge.Stop(), w.hub.stop()); err != nil {
		return r, err
	}
	w.edge = nil
	db, err := sqlstore.Open(ctx, filepath.Join(w.o.HubDir(), "hub.db"), sqlstore.RoleHub)
	if err != nil {
		return r, err
	}
	defer db.Close()
	docs, err := db.Documents(ctx, sqlstore.DocCertificate)
	r.Certificates, r.Left = len(docs), o.Records
	return r, err
}

// giveSession sends records of a session to the edge.
func (w *world) giveSession(ctx context.Context, session string, n int) error {
	var body []byte
	for i := range n {
		body = fmt.Appendf(body, `{"schema_version":"1.0","id":"ep_%s%d","session":%q,"repository":"git.example/signal","started_at":"2026-03-14T15:09:26Z","tool":{"name":"claude-code","surface":"agent"},`+
			`"languages":["go"],"suggestions":[{"id":"s1","kind":"edit","language":"go","shown_at":"2026-03-14T15:09:41Z","features":{"lines":%d}}],`+
			`"decisions":[{"suggestion":"s1","verdict":"accepted","by":"person","at":"2026-03-14T15:09:44Z"}]}`+"\n", session, i, session, 1+i)
	}
	return w.post(ctx, "/v1/episodes", "application/x-ndjson", body, true)
}

// ask is "headrace withdraw", through the running edge.
func (w *world) ask(ctx context.Context, session string) error {
	_, err := w.o.command(ctx, "withdraw", "--dir", w.c.dir, "--session", session)
	return err
}

// snapshotOf waits until the hub's newest snapshot holds so many records.
func (w *world) snapshotOf(ctx context.Context, rows int) error {
	db, err := sqlstore.Open(ctx, filepath.Join(w.o.HubDir(), "hub.db"), sqlstore.RoleHub)
	if err != nil {
		return err
	}
	defer db.Close()
	got := -1
	for end := time.Now().Add(patience); time.Now().Before(end) && ctx.Err() == nil; sleep(ctx, 50*time.Millisecond) {
		docs, err := db.Documents(ctx, sqlstore.DocSnapshot)
		if err != nil {
			return err
		}
		if len(docs) == 0 {
			continue
		}
		var m struct {
			Rows int `json:"rows"`
		}
		if err := json.Unmarshal(docs[0].Envelope, &m); err != nil {
			return err
		}
		if got = m.Rows; got == rows {
			return nil
		}
	}
	return errors.Join(ctx.Err(), fmt.Errorf("the newest snapshot holds %d records, and %d are to be there", got, rows))
}

// certified waits for the certificate of another withdrawal than that of before, and checks it with the hub's key alone.
func (w *world) certified(ctx context.Context, before *bundle.Certificate) (*bundle.Certificate, error) {
	for end := time.Now().Add(patience); time.Now().Before(end) && ctx.Err() == nil; sleep(ctx, 100*time.Millisecond) {
		all, err := w.certificates()
		if err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(all, func(c *bundle.Certificate) bool { return before == nil || c.Withdrawal != before.Withdrawal }); i >= 0 {
			return all[i], nil
		}
	}
	return nil, errors.Join(ctx.Err(), errors.New("no certificate has come"))
}

// certificates are those that the edge keeps.
func (w *world) certificates() (all []*bundle.Certificate, err error) {
	paths, err := filepath.Glob(filepath.Join(w.c.edgeDir(), "certificates", "*.json"))
	if err != nil {
		return nil, err
	}
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			return nil, err
		}
		var k link.Certificate
		if err := json.Unmarshal(b, &k); err != nil {
			return nil, fmt.Errorf("%s: %w", p, err)
		}
		c, _, err := k.Check(w.c.PublicKey)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p, err)
		}
		all = append(all, &c)
	}
	return all, nil
}

// stage is how far the newest withdrawal is, as the stores say.
func (w *world) stage(ctx context.Context, before *bundle.Certificate) (string, error) {
	kept, err := w.certificates()
	if err != nil {
		return "", err
	}
	if slices.ContainsFunc(kept, func(c *bundle.Certificate) bool { return c.Withdrawal != before.Withdrawal }) {
		return "at its end", nil
	}
	db, err := sqlstore.Open(ctx, filepath.Join(w.o.HubDir(), "hub.db"), sqlstore.RoleHub)
	if err != nil {
		return "", err
	}
	defer db.Close()
	docs, err := db.Documents(ctx, sqlstore.DocCertificate)
	if err != nil {
		return "", err
	}
	if len(docs) > 1 {
		return "certified, not fetched", nil
	}
	open, err := db.OpenWithdrawals(ctx)
	switch {
	case err != nil:
		return "", err
	case len(open) == 0:
		return "on its way", nil
	case open[0].Erased:
		return "erased, not certified", nil
	}
	return "at the hub", nil
}

// SameFates are the kinds of what became of artifacts: two certificates of alike withdrawals differ in names and days alone.
func SameFates(a, b *bundle.Certificate) bool {
	kinds := func(c *bundle.Certificate) (list []string) {
		for _, f := range c.Fates {
			list = append(list, f.Kind+" "+f.Fate[:min(6, len(f.Fate))])
		}
		slices.Sort(list)
		return slices.Compact(list)
	}
	return a.Records == b.Records && slices.Equal(kinds(a), kinds(b))
}
