// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"sync"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/config"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/poll"
	"github.com/headrace/headrace/internal/sqlstore"
)

// pollEvery is how often tools' servers are asked for what they counted. They report by the day.
const pollEvery = time.Hour

// poll asks the servers that the configuration names, each at its own pace: one that is slow holds up none of the others,
// and none of them anything else.
func (e *Edge) poll(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, p := range e.pollers {
		wg.Go(func() {
			for {
				if err := e.pollOne(ctx, p); err != nil && ctx.Err() == nil {
					e.log.Warn("a tool's server did not tell what it counted", "poller", p.Name, "err", err)
				}
				select {
				case <-ctx.Done():
					return
				case <-time.After(pollEvery):
				}
			}
		})
	}
}

// openPollers checks the pollers that are configured.
func (e *Edge) openPollers() error {
	for _, c := range e.cfg.Pollers {
		p, err := poll.New(c)
		if err != nil {
			return err
		}
		e.pollers = append(e.pollers, p)
	}
	return nil
}

// pollOne asks one server for all that is new, and notes what was wrong where it does not answer.
func (e *Edge) pollOne(ctx context.Context, p *poll.Poller) error {
	at, err := e.db.Poll(ctx, p.Name)
	if err != nil {
		return err
	}
	teams, err := e.teams()
	if err == nil {
		err = p.Pass(ctx, at.Position, e.cfg.Now(), teams, func(page poll.Page) error { return e.keepPolled(ctx, p.Name, p.Developer, page) })
	}
	if err != nil && ctx.Err() == nil {
		if err := e.db.PollFailed(ctx, p.Name, e.cfg.Now(), problemText(err)); err != nil {
			return err
		}
	}
	return err
}

// problemText is what a person is told of an error.
func problemText(err error) string {
	text := err.Error()
	if p, ok := err.(*episode.Problem); ok && p.Hint != "" {
		text += " → " + p.Hint
	}
	return printable(text, 1000)
}

// teams reads who is in which team, anew each time: the file is somebody else's to change.
func (e *Edge) teams() (*poll.Teams, error) {
	if e.cfg.Teams == "" {
		return nil, nil
	}
	return poll.ReadTeams(e.cfg.Teams)
}

// keepPolled stores a page. Episodes go the way of all others, through the inbox, and are durable before the position is; a
// crash between the two tells them twice, which is once. What was counted goes into a table that nothing else reads but
// the comparison with what was captured.
func (e *Edge) keepPolled(ctx context.Context, source, developer string, page poll.Page) error {
	e.stats.SetAside.Add(int64(page.SetAside))
	if page.SetAside > 0 {
		e.log.Warn("rows of a tool's server are set aside", "source", source, "rows", page.SetAside)
	}
	if len(page.Episodes) > 0 {
		var lines []byte
		n := 0
		for _, ep := range page.Episodes {
			more, err := episode.Append(lines, ep)
			if err != nil {
				e.setAside("a session of a tool's server is set aside", err)
				continue
			}
			lines, n = append(more, '\n'), n+1
		}
		if err := e.Deliver(ctx, Principal{Name: developer, Authenticated: true}, lines, n); err != nil {
			return err
		}
	}
	var rows []sqlstore.Polled
	for _, f := range page.Figures {
		records, err := e.policy().Records(consent.Facts{Tool: f.Tool, Team: f.Team})
		if err != nil {
			e.setAside("a total is set aside: the policy cannot say whether it may be recorded", err)
			continue
		}
		if !records {
			continue
		}
		for measure, n := range f.Counts {
			rows = append(rows, sqlstore.Polled{Day: f.Day, Tool: f.Tool, Team: f.Team, Measure: measure, N: n, Developers: f.Developers})
		}
	}
	return e.db.StorePolled(ctx, source, page.Next, e.cfg.Now(), page.Days, rows)
}

// checkPollers checks the pollers of the configuration file at path, and finds their keys beside it.
func checkPollers(path string, list []poll.Config) error {
	seen := map[string]bool{}
	for i := range list {
		list[i].KeyFile = config.Beside(path, list[i].KeyFile)
		p, err := poll.New(list[i])
		if err != nil {
			return err
		}
		if seen[p.Name] {
			return &episode.Problem{Code: "config/poller", Message: "two pollers are called " + p.Name, Hint: "give each a name: of its own"}
		}
		seen[p.Name] = true
	}
	return nil
}
