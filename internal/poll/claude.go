// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/headrace/headrace/internal/capture/lax"
)

// claude asks for Anthropic's report on Claude Code: GET /v1/organizations/usage_report/claude_code, one day at a time, one
// row for each user and terminal.
type claude struct{ daily }

func claudeServer() server {
	return server{title: "Anthropic's Admin API", address: "https://api.anthropic.com",
		key: "it takes an Admin API key (sk-ant-admin…), which an admin of the organisation makes in the Claude Console",
		sign: func(r *http.Request, key string) {
			r.Header.Set("x-api-key", key)
			r.Header.Set("anthropic-version", "2023-06-01")
		}}
}

// claudeReport is one page of it.
type claudeReport struct {
	Data     lax.List[claudeRow] `json:"data"`
	HasMore  lax.Bool            `json:"has_more"`
	NextPage lax.String          `json:"next_page"`
}

type claudeRow struct {
	Date  lax.String `json:"date"`
	Actor lax.Object[struct {
		Email  lax.String `json:"email_address"`
		APIKey lax.String `json:"api_key_name"`
	}] `json:"actor"`
	Core lax.Object[struct {
		Sessions lax.Number `json:"num_sessions"`
		Lines    lax.Object[struct {
			Added   lax.Number `json:"added"`
			Removed lax.Number `json:"removed"`
		}] `json:"lines_of_code"`
		Commits      lax.Number `json:"commits_by_claude_code"`
		PullRequests lax.Number `json:"pull_requests_by_claude_code"`
	}] `json:"core_metrics"`
	Tools lax.Object[struct {
		Edit      lax.Object[claudeTool] `json:"edit_tool"`
		MultiEdit lax.Object[claudeTool] `json:"multi_edit_tool"`
		Write     lax.Object[claudeTool] `json:"write_tool"`
		Notebook  lax.Object[claudeTool] `json:"notebook_edit_tool"`
	}] `json:"tool_actions"`
	Models lax.List[struct {
		Cost lax.Object[struct {
			Amount lax.Number `json:"amount"` // cents
		}] `json:"estimated_cost"`
		Tokens lax.Object[struct {
			Input      lax.Number `json:"input"`
			Output     lax.Number `json:"output"`
			CacheRead  lax.Number `json:"cache_read"`
			CacheWrite lax.Number `json:"cache_creation"`
		}] `json:"tokens"`
	}] `json:"model_breakdown"`
}

type claudeTool struct {
	Accepted lax.Number `json:"accepted"`
	Rejected lax.Number `json:"rejected"`
}

func (a *claude) fetch(ctx context.Context, c *client, at string, now time.Time, teams *Teams) (Page, error) {
	from, to, last := a.span(at, now)
	page := a.page(from, to, last)
	t := NewTally(teams)
	for day := from; day <= to; day++ {
		err := c.pages(func(token string) (string, error) {
			q := url.Values{"starting_at": {formatDay(day)}, "limit": {"1000"}}
			if token != "" {
				q.Set("page", token)
			}
			var r claudeReport
			if ok, err := c.getJSON(ctx, "/v1/organizations/usage_report/claude_code", q, &r); err != nil || !ok {
				return "", err
			}
			if !r.Data.OK {
				return "", c.unexpected("its report has no data")
			}
			page.SetAside += claudeRows(t, day, r.Data.V)
			if !r.HasMore {
				return "", nil
			}
			return string(r.NextPage), nil
		})
		if err != nil {
			return Page{}, err
		}
	}
	page.Figures = t.Figures()
	return page, nil
}

// claudeRows adds the rows of a day, and returns how many are not of it.
func claudeRows(t *Tally, day int64, rows []claudeRow) (aside int) {
	for i := range rows {
		r := &rows[i]
		if of, ok := firstDay(r.Date); !ok || of != day {
			aside++
			continue
		}
		counts := map[string]float64{}
		for _, tool := range []claudeTool{r.Tools.V.Edit.V, r.Tools.V.MultiEdit.V, r.Tools.V.Write.V, r.Tools.V.Notebook.V} {
			counts["accepted"] += count(tool.Accepted)
			counts["rejected"] += count(tool.Rejected)
		}
		core := &r.Core.V
		counts["sessions"], counts["commits"], counts["pull_requests"] = count(core.Sessions), count(core.Commits), count(core.PullRequests)
		counts["lines_added"], counts["lines_removed"] = count(core.Lines.V.Added), count(core.Lines.V.Removed)
		for _, m := range r.Models.V {
			if cents := float64(m.Cost.V.Amount); cents > 0 && cents < 1e12 {
				counts["cost_usd"] += cents / 100
			}
			counts["tokens_input"] += count(m.Tokens.V.Input)
			counts["tokens_output"] += count(m.Tokens.V.Output)
			counts["tokens_cache_read"] += count(m.Tokens.V.CacheRead)
			counts["tokens_cache_write"] += count(m.Tokens.V.CacheWrite)
		}
		// A key is no developer: what it did counts, and adds nobody.
		t.Person(day, "claude-code", string(r.Actor.V.Email), counts)
	}
	return aside
}
