// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	_ "modernc.org/sqlite" // opens the edge's file while the edge is down

	"github.com/headrace/headrace/episode"
)

// previewPolicy lets everything wait for a person.
const previewPolicy = `version: 1
recipients:
  - {name: maker, kind: maker}
rules:
  - name: a-person-looks
    when: "true"
    level: signal
    purposes: [evaluate]
    recipients: [maker]
    retention_days: 90
    approval: steward
`

// previewSeed is how many records really go through an edge; the others are copies of their rows.
const previewSeed = 1000

// measurePreview opens the steward's pages over a million records that wait, as a browser does.
func measurePreview(ctx context.Context, b *bench) ([]row, error) {
	doublings, gets := 10, 100
	if b.quick {
		doublings, gets = 5, 20
	}
	dir, err := os.MkdirTemp(b.temp, "preview-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	policy := filepath.Join(dir, "policy.yaml")
	if err := os.WriteFile(policy, []byte(previewPolicy), 0o600); err != nil {
		return nil, err
	}
	state := filepath.Join(dir, "state")
	args := []string{"--otlp=", "--policy", policy, "--settle", "0s"}
	c, addr, err := b.up(ctx, state, args...)
	if err != nil {
		return nil, err
	}
	err = waiting(ctx, state, addr, previewSeed)
	c.stop()
	if err != nil {
		return nil, c.failed(err)
	}
	fmt.Fprintf(b.log, "  copying rows, %d times twice as many\n", doublings)
	place, one, n, err := multiply(ctx, filepath.Join(state, "edge", "edge.db"), doublings)
	if err != nil {
		return nil, err
	}
	if c, addr, err = b.up(ctx, state, args...); err != nil {
		return nil, err
	}
	defer c.stop()
	said, err := c.until(ctx, link, time.Minute)
	if err != nil {
		return nil, err
	}
	if err := c.quiet(ctx, 2*time.Minute); err != nil {
		return nil, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Jar: jar}
	base := "http://localhost" + addr[strings.LastIndex(addr, ":"):]
	if _, err := page(ctx, client, strings.TrimSpace(said)); err != nil {
		return nil, err
	}
	var rows []row
	worst := row{ID: "preview", Unit: "ms, the slowest page's p99", N: gets, Note: fmt.Sprintf("%d records wait in one SQLite file", n)}
	for _, p := range []struct{ id, path, holds string }{
		{"list", "/preview", "maker"}, {"first", "/preview/maker", one}, {"middle", "/preview/maker?after=" + url.QueryEscape(place), "/episodes/"}, {"raw", "/preview/maker?raw=1", "/episodes/"}, {"record", "/episodes/" + one, one},
	} {
		r, err := pageTimes(ctx, client, base+p.path, p.holds, gets)
		if err != nil {
			return nil, c.failed(fmt.Errorf("%s: %w", p.path, err))
		}
		rows = append(rows, row{ID: "preview/" + p.id, Ours: figure(ms(r.quantile(0.5))), Unit: "ms, p50", N: gets, Note: fmt.Sprintf("%s; p99 %.1f ms, largest %.1f ms", p.path, ms(r.quantile(0.99)), ms(r.quantile(1)))})
		if p99 := ms(r.quantile(0.99)); worst.Ours == nil || p99 > *worst.Ours {
			worst.Ours = figure(p99)
		}
	}
	return append([]row{worst}, rows...), nil
}

// waiting sends records to a running edge and returns once all of them wait for a person.
func waiting(ctx context.Context, state, addr string, n int) error {
	token, err := os.ReadFile(filepath.Join(state, "edge", "keys", "token"))
	if err != nil {
		return err
	}
	var body []byte
	err = episodes(n, func(e *episode.Episode) error {
		var err error
		body, err = episode.Append(body, e)
		body = append(body, '\n')
		return err
	})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+"/v1/episodes", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if said, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %.300s %w", resp.Status, said, err)
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(state, "edge", "edge.db")+"?mode=ro")
	if err != nil {
		return err
	}
	defer db.Close()
	got := 0
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if err := db.QueryRowContext(ctx, `SELECT COUNT(*) FROM outbound WHERE state='waiting'`).Scan(&got); err != nil {
			return err
		}
		if got >= n*9/10 { // a few are set aside by the filter, or are told of twice
			var raw int
			if err := db.QueryRowContext(ctx, `SELECT COUNT(*) FROM episodes WHERE state='settling'`).Scan(&raw); err != nil || raw == 0 {
				return err
			}
		}
	}
	return fmt.Errorf("of %d records, %d wait", n, got)
}

// multiply copies rows of an edge that is down: each time there are twice as many, under ids of their own. It returns where
// the middle of the batch is, the record on top, and how many wait.
func multiply(ctx context.Context, path string, doublings int) (middle, first string, n int, err error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=synchronous(0)&_pragma=cache_size(-200000)")
	if err != nil {
		return "", "", 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	do := func(q string) {
		if err == nil {
			_, err = db.ExecContext(ctx, q)
		}
	}
	columns := map[string][]string{}
	for _, t := range []string{"episodes", "outbound", "bodies"} {
		if columns[t], err = columnsOf(ctx, db, t); err != nil {
			return "", "", 0, err
		}
	}
	for k := range doublings {
		instead := map[string]string{"id": fmt.Sprintf("id||'-%d'", k), "episode": fmt.Sprintf("episode||'-%d'", k), "digest": "'sha256:'||lower(hex(randomblob(32)))",
			"seq": "seq+(SELECT MAX(seq) FROM outbound)"}
		do("BEGIN")
		for _, t := range []string{"episodes", "bodies", "outbound"} {
			values := slices.Clone(columns[t])
			for i, c := range values {
				if v, ok := instead[c]; ok {
					values[i] = v
				}
			}
			do(fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s", t, strings.Join(columns[t], ","), strings.Join(values, ","), t))
		}
		do("UPDATE tallies SET n=2*n")
		do("UPDATE outbound_turn SET n=(SELECT MAX(seq) FROM outbound)")
		do("COMMIT")
	}
	do("PRAGMA wal_checkpoint(TRUNCATE)")
	if err != nil {
		return "", "", 0, err
	}
	if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM outbound WHERE state='waiting'").Scan(&n); err != nil {
		return "", "", 0, err
	}
	var rank, seq int64
	err = db.QueryRowContext(ctx, "SELECT rank, seq FROM outbound WHERE state='waiting' ORDER BY rank, seq LIMIT 1 OFFSET $1", n/2).Scan(&rank, &seq)
	if err == nil {
		err = db.QueryRowContext(ctx, "SELECT episode FROM outbound WHERE state='waiting' ORDER BY rank, seq LIMIT 1").Scan(&first)
	}
	return fmt.Sprintf("%d.%d", -rank, seq), first, n, err
}

func columnsOf(ctx context.Context, db *sql.DB, table string) (names []string, err error) {
	rows, err := db.QueryContext(ctx, "SELECT name FROM pragma_table_info('"+table+"')")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		names = append(names, s)
	}
	return names, rows.Err()
}

// page gets a page to its end.
func page(ctx context.Context, client *http.Client, address string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if n, bad := strconv.Atoi(resp.Header.Get("Retry-After")); bad == nil && resp.StatusCode == http.StatusTooManyRequests {
		return nil, limited(time.Duration(n) * time.Second)
	}
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %.300s", resp.Status, b)
	}
	return b, err
}

// limited says how long to wait: nobody looks at that many pages in a minute.
type limited time.Duration

func (l limited) Error() string { return "too many pages; wait " + time.Duration(l).String() }

// pageTimes gets a page again and again, one after the other. Each must hold what it is there for.
func pageTimes(ctx context.Context, client *http.Client, address, holds string, times int) (*loaded, error) {
	out := &loaded{}
	for len(out.took) < times {
		begin := time.Now()
		b, err := page(ctx, client, address)
		if wait, ok := errors.AsType[limited](err); ok {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(time.Duration(wait)):
				continue
			}
		}
		if err != nil {
			return nil, err
		}
		out.took = append(out.took, time.Since(begin))
		if !bytes.Contains(b, []byte(holds)) {
			return nil, fmt.Errorf("the page does not hold %q", holds)
		}
	}
	slices.Sort(out.took)
	return out, nil
}
