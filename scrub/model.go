// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/episode"
)

// Model is a program beside this one that finds names in prose: instructions, messages, reasoning, comments, reasons. It
// gets the texts of a record as they are, so it must be one that may see them. It takes
//
//	POST {"texts":["ask Jane"]}
//
// and answers, with a list for each text, where start and end count characters (Unicode code points, as Python does):
//
//	{"spans":[[{"start":4,"end":8,"kind":"person"}]]}
//
// Where it does not answer, or answers something else, the record is not proven clean.
type Model struct {
	url    string
	client *http.Client
}

const (
	modelTimeout = 5 * time.Second
	modelAnswer  = 16 << 20 // bytes
)

// NewModel returns a model at an address: https, or http on this machine.
func NewModel(address string) (*Model, error) {
	u, err := url.Parse(address)
	wrong := func(what string) error {
		return &episode.Problem{Code: "scrub/model", Message: "model " + address + ": " + what, Hint: "give a URL such as http://127.0.0.1:8600/spans"}
	}
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, wrong("that is no http or https URL")
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme == "http" && u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, wrong("raw text would go over the network in clear; use https")
	}
	refuse := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Model{url: address, client: &http.Client{Timeout: modelTimeout, CheckRedirect: refuse}}, nil
}

// ask returns what the model finds, by text.
func (m *Model) ask(ctx context.Context, texts []string) (map[string][]span, error) {
	found := map[string][]span{}
	if len(texts) == 0 {
		return found, nil
	}
	body, err := json.Marshal(map[string]any{"texts": texts})
	if err != nil {
		return nil, fmt.Errorf("write texts: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := m.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answers %s", resp.Status)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, modelAnswer+1))
	if err != nil || len(b) > modelAnswer {
		return nil, fmt.Errorf("it answers more than %d bytes, or stops: %w", modelAnswer, err)
	}
	return answered(b, texts)
}

// answered reads an answer.
func answered(b []byte, texts []string) (map[string][]span, error) {
	var answer struct {
		Spans [][]struct {
			Start int    `json:"start"`
			End   int    `json:"end"`
			Kind  string `json:"kind"`
		} `json:"spans"`
	}
	if err := json.Unmarshal(b, &answer); err != nil {
		return nil, fmt.Errorf("read its answer: %w", err)
	}
	if len(answer.Spans) != len(texts) {
		return nil, fmt.Errorf("it answers for %d texts of %d", len(answer.Spans), len(texts))
	}
	found := map[string][]span{}
	for i, text := range texts {
		offsets := offsetsOf(text)
		for _, s := range answer.Spans[i] {
			if s.Start < 0 || s.Start >= s.End || s.End >= len(offsets) {
				return nil, fmt.Errorf("its span %d to %d is outside of text %d", s.Start, s.End, i)
			}
			kind := headOf(s.Kind)
			if strings.Trim(kind, "_") == "" {
				return nil, fmt.Errorf("its span in text %d has no kind", i)
			}
			found[text] = append(found[text], span{start: offsets[s.Start], end: offsets[s.End], kind: kind})
		}
	}
	return found, nil
}

// offsetsOf returns where each character of a text begins, and its end.
func offsetsOf(text string) []int {
	offsets := make([]int, 0, utf8.RuneCountInString(text)+1)
	for i := range text {
		offsets = append(offsets, i)
	}
	return append(offsets, len(text))
}

// prose are the texts of a record that people wrote for people.
func prose(e *episode.Episode) (texts []string) {
	add := func(t string) {
		if strings.TrimSpace(t) != "" {
			texts = append(texts, t)
		}
	}
	add(e.Instruction)
	for i := range e.Steps {
		add(e.Steps[i].Message)
		add(e.Steps[i].Reasoning)
	}
	for i := range e.Decisions {
		add(string(e.Decisions[i].Reason))
	}
	for i := range e.Ratings {
		add(e.Ratings[i].Comment)
	}
	return texts
}

// tell asks the model, if there is one, about a record.
func (p *pass) tell(e *episode.Episode) error {
	m := p.w.s.cfg.Model
	if m == nil {
		return nil
	}
	ctx, cancel := context.WithDeadline(context.Background(), p.w.deadline)
	defer cancel()
	told, err := m.ask(ctx, prose(e))
	if err != nil {
		return fmt.Errorf("%w: the model: %w", ErrUnsafe, err)
	}
	p.told = told
	return nil
}
