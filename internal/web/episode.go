// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/access"
)

// episodeData is one episode as its page tells it: each suggestion with what was decided on it and what became of it.
type episodeData struct {
	*EpisodeView
	Suggestions []suggestion
	Loose       []episode.Decision // on no suggestion that is here
	CanTakeBack bool
}

type suggestion struct {
	episode.Suggestion
	Change    []diffLine
	Decisions []decision
	Outcomes  []episode.Outcome
}

type decision struct {
	episode.Decision
	Change []diffLine // from what was suggested to what was in place afterwards, where that differs
}

func (s *Site) episode(r *http.Request) (view, error) {
	p, _ := access.Of(r.Context())
	if err := s.look(p, 1); err != nil {
		return view{}, err
	}
	v, err := s.cfg.Edge.Episode(r.Context(), p.Name, r.PathValue("id"))
	if err != nil {
		return view{}, err
	}
	return view{Title: "One episode", Data: newEpisodeData(v)}, nil
}

func newEpisodeData(v *EpisodeView) episodeData {
	d := episodeData{EpisodeView: v, CanTakeBack: v.Episode.Session != "" && v.State != "withdrawn"}
	at := map[string]int{}
	for i, sg := range v.Episode.Suggestions {
		at[sg.ID] = i
		change := diff
		if sg.Kind == episode.KindCompletion {
			change = inserted
		}
		d.Suggestions = append(d.Suggestions, suggestion{Suggestion: sg, Change: change(sg.Before, sg.After)})
	}
	for _, dc := range v.Episode.Decisions {
		i, ok := at[dc.Suggestion]
		if !ok {
			d.Loose = append(d.Loose, dc)
			continue
		}
		sg := &d.Suggestions[i]
		x := decision{Decision: dc}
		if dc.Final != "" && dc.Final != sg.After {
			x.Change = diff(sg.After, dc.Final)
		}
		sg.Decisions = append(sg.Decisions, x)
	}
	for _, o := range v.Episode.Outcomes {
		if i, ok := at[o.Suggestion]; ok {
			d.Suggestions[i].Outcomes = append(d.Suggestions[i].Outcomes, o)
		}
	}
	return d
}
