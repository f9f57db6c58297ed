// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"maps"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
)

// Episode makes a raw episode clean, in place, and returns what it replaced. An error is ErrUnsafe: throw the episode
// away.
//
// It goes over every text of the record three times: to find; to replace, with what was found anywhere looked for
// everywhere; and to verify the result. Only what is listed in texts survives: fields that this version does not know
// are dropped and counted. Ids, and the names in developer, session and repository, stay as they are: consent replaces
// them by ids keyed for the recipient. Token ids and log-probabilities go where their text changed, and the digest of
// an artifact is that of its clean text. The local block gets the real repository, paths and developer, which consent
// rules ask for, and consent takes it off again.
func (s *Scrubber) Episode(e *episode.Episode) (found []Finding, err error) {
	defer closed(&err)
	w := s.recordWorker()
	w.mask = false
	defer s.done(w)
	p := newPass(w)
	if err := p.tell(e); err != nil {
		return nil, err
	}
	local, dropped := localOf(e), 0
	err = p.run(func() error {
		err := p.texts(e)
		dropped, p.dropped = dropped+p.dropped, 0
		return err
	})
	if err != nil {
		return nil, err
	}
	before := e.Privacy
	e.Privacy = &episode.Privacy{Level: episode.LevelClean, Scrubber: Version, Findings: p.counts, DroppedFields: dropped}
	if before != nil && before.Scrubber == Version { // scrubbed before: it adds up
		e.Privacy.DroppedFields += before.DroppedFields
		for k, n := range before.Findings {
			e.Privacy.Findings[k] += n
		}
	}
	local.Findings = maps.Clone(e.Privacy.Findings)
	e.Local = local
	return p.found, nil
}

// localOf gathers the facts for consent rules. What is there already came from a first time, or from capture.
func localOf(e *episode.Episode) *episode.Local {
	l := &episode.Local{}
	if e.Local != nil {
		*l = *e.Local
		l.Unknown = nil
	}
	if l.Repository == "" {
		l.Repository = e.Repository
	}
	if l.Developer == "" {
		l.Developer = e.Developer
	}
	if l.License == "" && e.Origin != nil {
		l.License = e.Origin.License
	}
	if l.Paths == nil {
		for i := range e.Suggestions {
			if p := e.Suggestions[i].Path; p != "" {
				l.Paths = append(l.Paths, p)
			}
		}
		slices.Sort(l.Paths)
		l.Paths = slices.Compact(l.Paths)
	}
	return l
}

// texts visits every text of the record but ids, and drops what this version does not know.
func (p *pass) texts(e *episode.Episode) error {
	p.at("episode", -1, &e.Unknown, &e.Tool.Unknown, &e.Model.Unknown)
	text(p, &e.SchemaVersion)
	text(p, &e.Tool.Name)
	text(p, &e.Tool.Version)
	text(p, &e.Tool.Surface)
	text(p, &e.Model.Provider)
	text(p, &e.Model.Name)
	for i := range e.Languages {
		text(p, &e.Languages[i])
	}
	p.at("instruction", -1)
	text(p, &e.Instruction)
	for i := range e.Artifacts {
		p.artifact(i, &e.Artifacts[i])
	}
	for i := range e.Steps {
		p.step(i, &e.Steps[i])
	}
	for i := range e.Suggestions {
		p.suggestion(i, &e.Suggestions[i])
	}
	for i := range e.Decisions {
		d := &e.Decisions[i]
		p.at("decisions", i, &d.Unknown)
		text(p, &d.Verdict)
		text(p, &d.By)
		text(p, &d.Reason)
		text(p, &d.Final)
		text(p, &d.Chosen)
		p.features(&d.Features)
		for j := range d.Actions {
			p.at("decisions", i, &d.Actions[j].Unknown)
			text(p, &d.Actions[j].ID)
			p.features(&d.Actions[j].Features)
		}
	}
	for i := range e.Outcomes {
		p.at("outcomes", i, &e.Outcomes[i].Unknown)
		text(p, &e.Outcomes[i].Kind)
		text(p, &e.Outcomes[i].Window)
	}
	for i := range e.Ratings {
		r := &e.Ratings[i]
		p.at("ratings", i, &r.Unknown)
		text(p, &r.By)
		text(p, &r.Target)
		text(p, &r.Scale)
		text(p, &r.Comment)
	}
	p.rest(e)
	return p.err
}

func (p *pass) rest(e *episode.Episode) {
	if e.Usage != nil {
		p.at("usage", -1, &e.Usage.Unknown)
	}
	if e.Links != nil {
		p.at("links", -1, &e.Links.Unknown)
	}
	if o := e.Origin; o != nil {
		p.at("origin", -1, &o.Unknown)
		text(p, &o.Provider)
		text(p, &o.ContractClass)
		text(p, &o.License)
	}
	if e.Privacy != nil {
		p.at("privacy", -1, &e.Privacy.Unknown)
	}
	if e.Local != nil {
		p.at("local", -1, &e.Local.Unknown)
	}
	e.Terms = nil // consent's to give, never the sender's
}

func (p *pass) artifact(i int, a *episode.Artifact) {
	p.at("artifacts", i, &a.Unknown)
	text(p, &a.Kind)
	text(p, &a.Name)
	text(p, &a.MediaType)
	if text(p, &a.Text) && a.Digest != "" {
		a.Digest = episode.Digest([]byte(a.Text))
	}
}

func (p *pass) step(i int, s *episode.Step) {
	p.at("steps", i, &s.Unknown)
	text(p, &s.Source)
	text(p, &s.Message)
	text(p, &s.Reasoning)
	for j := range s.ToolCalls {
		c := &s.ToolCalls[j]
		p.at("steps", i, &c.Unknown)
		text(p, &c.Name)
		if len(c.Arguments) > 0 && p.err == nil {
			c.Arguments, p.err = visitJSON(c.Arguments, "", p.visit)
		}
	}
	if s.Observation != nil {
		p.at("steps", i, &s.Observation.Unknown)
		for j := range s.Observation.Results {
			r := &s.Observation.Results[j]
			p.at("steps", i, &r.Unknown)
			text(p, &r.Content)
		}
	}
}

func (p *pass) suggestion(i int, s *episode.Suggestion) {
	p.at("suggestions", i, &s.Unknown)
	text(p, &s.Kind)
	text(p, &s.Path)
	text(p, &s.Language)
	text(p, &s.Before)
	if text(p, &s.After) {
		s.TokenIDs, s.LogProbs = nil, nil
	}
	text(p, &s.Policy)
	p.features(&s.Features)
}

func (p *pass) features(f *map[string]any) {
	if len(*f) > 0 && p.err == nil {
		*f, p.err = visitMap(*f, p.visit)
	}
}

// at names the part of the record that comes next, and drops and counts what it holds that this version does not know.
func (p *pass) at(field string, index int, unknown ...*jsontext.Value) {
	p.field, p.index = field, index
	for _, u := range unknown {
		if len(*u) > 0 {
			p.dropped += max(1, members(*u))
			*u = nil
		}
	}
}

// members counts the members of a JSON object.
func members(v jsontext.Value) (n int) {
	d := jsontext.NewDecoder(bytes.NewReader(v))
	if _, err := d.ReadToken(); err != nil {
		return 0
	}
	for ; d.PeekKind() == '"'; n++ {
		nameErr, valueErr := d.SkipValue(), d.SkipValue()
		if nameErr != nil || valueErr != nil {
			break
		}
	}
	return n
}

// text visits one string, of whatever type, and reports whether it changed.
func text[T ~string](p *pass, t *T) bool {
	if p.err != nil || *t == "" {
		return false
	}
	clean, err := p.visit("", string(*t))
	if err != nil {
		p.err = err
		return false
	}
	changed := clean != string(*t)
	*t = T(clean)
	return changed
}
