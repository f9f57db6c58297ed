// SPDX-License-Identifier: Apache-2.0

// Package poll asks the servers of coding tools what they counted: GitHub Copilot's usage metrics, Cursor's analytics and
// AI-code tracking, Anthropic's report on Claude Code; and Jules, whose sessions are to be had nowhere else.
//
// Start from [New] and [Poller.Pass]. A pass goes from the position that the last one came to up to now, one [Page] at a
// time. Whoever keeps a page keeps its position in the same commit: a pass that was cut off goes on there. A page says
// which days it is about, whole: stored figures of these days give way to it, so that asking twice counts once, and each
// pass asks for the last days again, because servers correct them.
//
// What is counted is kept by team, and never by person: users are counted and forgotten. Figures are for comparing with
// what was captured. Nothing makes an episode of them; only Jules gives episodes.
package poll

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/headrace/headrace/episode"
)

// Config names one server to be asked, as edge.yaml does.
type Config struct {
	// Kind is claude, copilot, cursor or jules.
	Kind string `yaml:"kind"`
	// Name tells two of one kind apart; by default it is the kind.
	Name string `yaml:"name"`
	// URL is the server's address; empty for the maker's own.
	URL string `yaml:"url"`
	// KeyFile is a file that holds the key, and nothing else.
	KeyFile string `yaml:"key_file"`
	// Organisation is the one on GitHub whose use of Copilot is asked for.
	Organisation string `yaml:"organisation"`
	// Enterprise is the one on GitHub whose use of Copilot is asked for, instead of one organisation's.
	Enterprise string `yaml:"enterprise"`
	// Developer is whose key of Jules it is: a key sees its owner's sessions.
	Developer string `yaml:"developer"`
	// Since is the first day to ask for, such as 2026-10-01; by default four weeks ago, and never more than 90 days.
	Since string `yaml:"since"`
}

// Page is one answer.
type Page struct {
	// Days are those (counted from 1970, UTC) of which the figures are all there is.
	Days    []int64
	Figures []Figure
	// Episodes are what Jules' sessions tell, of the developer whose key it is.
	Episodes []*episode.Episode
	// SetAside counts rows that did not read.
	SetAside int
	// Next is the position after this page. Last says that there is nothing more for now.
	Next string
	Last bool
}

// Figure is what a server counted of one tool in one team on one day.
type Figure struct {
	Day        int64
	Tool, Team string // Team is empty for those who are in none of their own
	// Developers is how many stand behind it; who they are is not kept.
	Developers int
	// Counts are by measure, named as those of the tools' telemetry: accepted, rejected, lines_added, …; and suggested, and the
	// same of completions alone, as completions_accepted, completions_ignored, completions_suggested.
	Counts map[string]float64
}

// api is one kind of server.
type api interface {
	// start is where a pass begins: at the position that the last one came to (empty for none), less what may have changed.
	start(position string, now time.Time) string
	// fetch asks for what comes next.
	fetch(ctx context.Context, c *client, at string, now time.Time, teams *Teams) (Page, error)
}

// Poller asks one server.
type Poller struct {
	Config
	api    api
	client *client
}

// Kinds returns the kinds of servers that can be asked.
func Kinds() []string { return []string{"claude", "copilot", "cursor", "jules"} }

// New checks what was configured; it asks nothing yet.
func New(c Config) (*Poller, error) {
	if c.Name == "" {
		c.Name = c.Kind
	}
	bad := func(format string, a ...any) error {
		return &episode.Problem{Code: "config/poller", Message: fmt.Sprintf("the poller %q ", c.Name) + fmt.Sprintf(format, a...),
			Hint: "each entry under pollers: has kind (claude, copilot, cursor or jules), key_file, for copilot organisation or enterprise, for jules developer, and if you like name, url, since"}
	}
	since := int64(0)
	if c.Since != "" {
		var ok bool
		if since, ok = parseDay(c.Since); !ok {
			return nil, bad("has since: %q, which is no day such as 2026-10-01", c.Since)
		}
	}
	if c.KeyFile == "" {
		return nil, bad("names no key_file")
	}
	p := &Poller{Config: c}
	var s server
	switch c.Kind {
	case "claude":
		p.api, s = &claude{daily{since: since, late: 3, step: 1}}, claudeServer()
	case "copilot":
		if (c.Organisation == "") == (c.Enterprise == "") {
			return nil, bad("needs either organisation or enterprise")
		}
		p.api, s = &copilot{daily: daily{since: since, late: 5, step: 1, complete: true}, organisation: c.Organisation, enterprise: c.Enterprise}, copilotServer()
	case "cursor":
		p.api, s = &cursor{daily{since: since, late: 7, step: 15}}, cursorServer()
	case "jules":
		if c.Developer == "" {
			return nil, bad("names no developer: a key of Jules sees one person's sessions, say whose")
		}
		p.api, s = &jules{since: since}, julesServer()
	default:
		return nil, bad("is of kind %q, which is none that can be asked", c.Kind)
	}
	address := c.URL
	if address == "" {
		address = s.address
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, bad("has url: %q, which is no address such as https://host/path", c.URL)
	}
	if !safe(u) {
		return nil, bad("has a url without TLS: its key would travel for all to read")
	}
	p.client = newClient(s, u, c.KeyFile)
	return p, nil
}

// Pass asks for all that is new since position and hands each page to keep, which stores it together with its position
// before the next is asked for. It returns the error that ended it, mostly a Problem.
func (p *Poller) Pass(ctx context.Context, position string, now time.Time, teams *Teams, keep func(Page) error) error {
	if err := p.client.readKey(); err != nil {
		return err
	}
	at := p.api.start(position, now)
	for range maxPages {
		page, err := p.api.fetch(ctx, p.client, at, now, teams)
		if err != nil {
			return err
		}
		if err := keep(page); err != nil {
			return err
		}
		if page.Last {
			return nil
		}
		at = page.Next
	}
	return p.client.endless()
}

// maxPages bounds what a server that never says "last" can make us ask.
const maxPages = 1000
