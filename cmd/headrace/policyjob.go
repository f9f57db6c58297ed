// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/consent"
)

// policyJob is a test or an explanation with all that it reads, so that a running edge can do it, too.
type policyJob struct {
	Policy      string   `json:"policy"`
	Against     string   `json:"against,omitempty"`
	Recipient   string   `json:"recipient,omitempty"`
	Record      string   `json:"record,omitempty"` // to explain; empty to test
	JSON        bool     `json:"json,omitempty"`
	Audited     int      `json:"audited,omitempty"`
	Preferences []string `json:"preferences,omitempty"`
}

func newPolicyJob(policy, recipient string, asJSON bool, b *beside) (*policyJob, error) {
	if _, err := consent.ReadPolicy(policy); err != nil {
		return nil, err // it names the file
	}
	j := &policyJob{Recipient: recipient, JSON: asJSON, Audited: b.Audited}
	if _, err := b.asker(""); err != nil {
		return nil, err
	}
	var err error
	for _, path := range b.Preferences {
		var text string
		if text, err = textOf(path); err != nil {
			return nil, err
		}
		j.Preferences = append(j.Preferences, text)
	}
	j.Policy, err = textOf(policy)
	return j, err
}

func textOf(path string) (string, error) {
	b, err := os.ReadFile(path)
	return string(b), err
}

// on does the job on files, or on what the edge in the state folder has recorded: by itself, or through the edge that runs.
func (j *policyJob) on(e *env, files []string, config, key string) error {
	from, err := e.recorded(files, config, key)
	if errors.Is(err, errInUse) {
		f, err := edge.ReadFile(config, e.dir)
		if err != nil {
			return err
		}
		arg, err := json.Marshal(j)
		if err != nil {
			return err
		}
		said, err := control(e.ctx, f.Dir, "policy", string(arg))
		if err != nil {
			return err
		}
		_, err = io.WriteString(e.out, said)
		return err
	}
	if err != nil {
		return err
	}
	defer from.close()
	return j.run(from, e.out, e.err)
}

// policyOf is what a running edge answers.
func policyOf(ctx context.Context, ed *edge.Edge, arg string) (string, error) {
	j := new(policyJob)
	if err := json.Unmarshal([]byte(arg), j); err != nil {
		return "", err
	}
	var out bytes.Buffer
	err := j.run(recorded{episodes: ed.Recorded(ctx), lowerer: ed.Lowerer}, &out, io.Discard)
	return out.String(), err
}

func (j *policyJob) run(from recorded, out, said io.Writer) error {
	p, err := consent.DecodePolicy([]byte(j.Policy))
	if err != nil {
		return err
	}
	names := p.Recipients()
	if j.Recipient != "" {
		names = []string{j.Recipient}
	}
	known := map[string]*consent.Preferences{}
	for _, text := range j.Preferences {
		who, err := consent.DecodePreferences([]byte(text))
		if err != nil {
			return err
		}
		known[who.Developer] = who
	}
	now := time.Now()
	ask := func(e *episode.Episode) consent.Request {
		return consent.Request{Now: now, Audited: j.Audited, Preferences: known[consent.DeveloperOf(e)]}
	}
	if j.Record != "" {
		return j.explain(p, names, ask, from, out)
	}
	return j.test(p, names, ask, from, out, said)
}

func (j *policyJob) test(p *consent.Policy, names []string, ask func(*episode.Episode) consent.Request, from recorded, out, said io.Writer) error {
	var against *consent.Policy
	var err error
	if j.Against != "" {
		if against, err = consent.DecodePolicy([]byte(j.Against)); err != nil {
			return err
		}
	}
	t, err := consent.NewTrial(p, against, names, from.lowerer)
	if err != nil {
		return err
	}
	for ep, err := range from.episodes {
		if err == nil {
			err = t.Add(ep, ask(ep))
		} else if !from.setsAside(err) {
			return err
		} else {
			t.SetAside()
		}
		if err != nil {
			fmt.Fprintf(said, "set aside: %v\n", err)
		}
	}
	r := t.Report()
	if r.Records == 0 {
		return &episode.Problem{Code: "policy/nothing", Message: "there are no episodes to try the policy on",
			Hint: "name files of scrubbed episodes, or - for standard input; without any, those that the edge has recorded are tried, while their text lasts"}
	}
	if j.JSON {
		return printJSON(out, r)
	}
	return printTrial(out, r)
}

func (j *policyJob) explain(p *consent.Policy, names []string, ask func(*episode.Episode) consent.Request, from recorded, out io.Writer) error {
	for ep, err := range from.episodes {
		switch {
		case err != nil && !from.setsAside(err):
			return err
		case err != nil || j.Record != "-" && ep.ID != j.Record:
			continue
		}
		q := ask(ep)
		all := make([]consent.Explanation, len(names))
		for i := range names {
			q.Recipient = names[i]
			if all[i], err = p.Explain(ep, q); err != nil {
				return err
			}
		}
		if j.JSON {
			return printJSON(out, all)
		}
		var text bytes.Buffer
		for _, x := range all {
			printExplanation(&text, x)
		}
		_, err = text.WriteTo(out)
		return err
	}
	return &episode.Problem{Code: "policy/no-record", Message: fmt.Sprintf("there is no record %q", j.Record), Hint: "the edge's episodes page lists ids; a record can be explained while its text lasts"}
}
