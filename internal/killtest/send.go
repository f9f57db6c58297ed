// SPDX-License-Identifier: Apache-2.0

package killtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/headrace/headrace/episode"
)

const (
	senders  = 4
	together = 5 // records of a request
)

// job is one request: some episodes, or what became known of them later.
type job struct {
	episodes []*episode.Episode
	later    *job // sent once this one is acknowledged
	late     bool
}

func newSender(records []*record, lives int) *sender {
	s := &sender{lives: lives + 1, acked: map[string]bool{}}
	for part := range slices.Chunk(records, together) {
		j, later := &job{}, &job{late: true}
		for _, r := range part {
			j.episodes = append(j.episodes, r.episode)
			if r.late != nil {
				later.episodes = append(later.episodes, r.late)
			}
		}
		if len(later.episodes) > 0 {
			j.later = later
		}
		s.queue = append(s.queue, j)
	}
	s.total = len(s.queue)
	s.allow(0)
	return s
}

// allow spreads the sending over the lives of the process: there is something to send in each.
func (s *sender) allow(life int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit = s.total * (life + 1) / s.lives
}

func (s *sender) next() *job {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 || s.taken >= s.limit && !s.queue[0].late {
		return nil
	}
	j := s.queue[0]
	s.queue = s.queue[1:]
	if !j.late {
		s.taken++
	}
	return j
}

// back puts a job that was not acknowledged in front: the client sends it again.
func (s *sender) back(j *job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = slices.Insert(s.queue, 0, j)
	if !j.late {
		s.taken--
	}
}

func (s *sender) done(j *job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ep := range j.episodes {
		s.acked[ep.ID] = true
	}
	if j.late {
		s.late += len(j.episodes)
	}
	if j.later != nil {
		s.queue = slices.Insert(s.queue, min(len(s.queue), 3), j.later)
	}
}

func (s *sender) acknowledged() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.acked)
}

// all returns what was acknowledged.
func (s *sender) all() (ids []string, late int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.acked)), s.late
}

// run sends until there is nothing more to send in this life, or the process is gone.
func (s *sender) run(ctx context.Context, p *upProcess) {
	var wg sync.WaitGroup
	for range senders {
		wg.Go(func() {
			for ctx.Err() == nil {
				j := s.next()
				if j == nil {
					return
				}
				if err := p.post(ctx, j.episodes); err != nil {
					s.back(j)
					return
				}
				s.done(j)
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	wg.Wait()
}

// post sends one request; nil is the acknowledgement.
func (p *upProcess) post(ctx context.Context, list []*episode.Episode) error {
	var body []byte
	for _, ep := range list {
		var err error
		if body, err = episode.Append(body, ep); err != nil {
			return err
		}
		body = append(body, '\n')
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+"/v1/episodes", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+p.token)
	resp, err := p.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK || bytes.Contains(answer, []byte("set_aside")) {
		return fmt.Errorf("%s: %s", resp.Status, answer)
	}
	return nil
}
