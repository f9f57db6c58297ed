// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/poll"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/statedir"
)

// Coverage compares the decisions that were captured with those that the tools themselves counted.
type Coverage struct {
	// From and To are the days compared, both included, UTC.
	From string        `json:"from"`
	To   string        `json:"to"`
	Rows []Covered     `json:"rows"`
	Asks []PollerState `json:"pollers"`
}

// Covered is one comparison: of one tool, in one team or several, by one who counted.
type Covered struct {
	Tool string `json:"tool"`
	// Team is a team, "all", or "others" beside teams that are named.
	Team string `json:"team"`
	// Decisions are what was counted: edits, completions, code (both), or calls (of every kind of tool). Like is compared with like.
	Decisions string `json:"decisions"`
	// CountedBy is telemetry or the name of a poller; empty where nobody counted.
	CountedBy string `json:"counted_by,omitempty"`
	// Days is on how many days there is a count: only of these is anything compared.
	Days int `json:"days"`
	// Withheld says that the figures are, because fewer than ten developers stand behind one of them.
	Withheld bool `json:"withheld,omitempty"`
	// Developers is how many stand behind the figures, at least: behind the one that is from fewer.
	Developers int `json:"developers,omitempty"`
	// Captured and Counted are the figures. Rejected is nil where who counted does not count them.
	Captured Tally `json:"captured,omitzero"`
	Counted  Tally `json:"counted,omitzero"`
}

// Tally is how many suggestions were accepted, modified or not, and how many rejected.
type Tally struct {
	Accepted int  `json:"accepted"`
	Rejected *int `json:"rejected,omitempty"`
}

// PollerState is how it stands with a poller.
type PollerState struct {
	Name      string    `json:"name"`
	PolledAt  time.Time `json:"polled_at,omitzero"`
	Problem   string    `json:"problem,omitempty"`
	ProblemAt time.Time `json:"problem_at,omitzero"`
}

// Coverage compares what was captured on the last days with what was counted. Only whole days are compared, and only a
// week or four: the difference of two spans must not tell of a day on which few worked.
func (e *Edge) Coverage(ctx context.Context, days int) (*Coverage, error) {
	teams, err := e.teams()
	if err != nil {
		return nil, err
	}
	return coverage(ctx, e.db, e.cfg, teams, days)
}

// ReadCoverage does the same for an edge that is not running, in whose folder nothing else changes.
func ReadCoverage(ctx context.Context, cfg Config, days int) (*Coverage, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(cfg.Database); errors.Is(err, fs.ErrNotExist) && !strings.Contains(cfg.Database, "://") {
		return nil, &episode.Problem{Code: "coverage/nothing", Message: "nothing has been recorded in " + cfg.Dir + " yet",
			Hint: "start headrace up, or headrace edge on the enterprise's server; --dir names another state folder"}
	}
	lock, err := statedir.Lock(cfg.Dir)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	db, err := sqlstore.Open(ctx, cfg.Database, sqlstore.RoleEdge)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	teams, err := (&Edge{cfg: cfg}).teams()
	if err != nil {
		return nil, err
	}
	return coverage(ctx, db, cfg, teams, days)
}

// CoverageDays are over how many days a comparison may go.
func CoverageDays() [2]int { return [2]int{7, 28} }

func coverage(ctx context.Context, db *sqlstore.DB, cfg Config, teams *poll.Teams, days int) (*Coverage, error) {
	if d := CoverageDays(); days != d[0] && days != d[1] {
		return nil, &episode.Problem{Code: "coverage/days", Message: fmt.Sprintf("%d days cannot be compared", days), Hint: fmt.Sprintf("take %d or %d", d[0], d[1])}
	}
	to := day(cfg.Now()) - 1
	from := to - int64(days) + 1
	captured, err := db.Captured(ctx, from, to)
	if err != nil {
		return nil, err
	}
	totals, err := db.Totals(ctx, from, to)
	if err != nil {
		return nil, err
	}
	senders, err := db.Senders(ctx, from, to)
	if err != nil {
		return nil, err
	}
	polled, err := db.Polled(ctx, from, to)
	if err != nil {
		return nil, err
	}
	polls, err := db.Polls(ctx)
	if err != nil {
		return nil, err
	}
	c := &Coverage{From: date(from), To: date(to), Rows: compare(captured, counted(totals, senders, polled), teams, cfg.Own)}
	for _, p := range polls {
		c.Asks = append(c.Asks, PollerState{Name: p.Source, PolledAt: p.PolledAt, Problem: p.Problem, ProblemAt: p.ProblemAt})
	}
	return c, nil
}

func date(day int64) string { return time.Unix(day*86400, 0).UTC().Format(time.DateOnly) }

// onCode counts an episode's decisions on code, which is what tools count, too: completions, edits and files that were
// taken, modified or not, and those that were rejected.
func onCode(ep *episode.Episode) (accepted, rejected int) {
	if len(ep.Decisions) == 0 {
		return 0, 0
	}
	code := make(map[string]bool, len(ep.Suggestions))
	for i := range ep.Suggestions {
		switch s := &ep.Suggestions[i]; s.Kind {
		case episode.KindCompletion, episode.KindEdit, episode.KindFile:
			code[s.ID] = true
		}
	}
	for i := range ep.Decisions {
		switch d := &ep.Decisions[i]; {
		case !code[d.Suggestion]:
		case d.Verdict == episode.Accepted || d.Verdict == episode.Modified:
			accepted++
		case d.Verdict == episode.Rejected:
			rejected++
		}
	}
	return accepted, rejected
}
