// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"time"

	"github.com/headrace/headrace/internal/exchange"
)

// places is what this process remembers of places, so that a turn asks for nothing twice. Forgetting it costs questions.
type places struct {
	settled map[string]time.Time // what has the last answer that there will be, and since when, by place and tag
	refused map[string]time.Time // what was refused, and when, by place and tag
	senders map[string][]string  // by place
}

// How long a hub that runs leaves alone what it has refused, and what it has answered: another folder may lie in a place, and a
// registry may have lost the answers.
const (
	refusedFor = time.Hour
	settledFor = 24 * time.Hour
)

// alone says whether a turn asks nothing about something in a place.
func (h *Hub) alone(key string) bool {
	within := func(m map[string]time.Time, d time.Duration) bool {
		at, is := m[key]
		return is && h.cfg.Now().Sub(at) < d
	}
	return within(h.places.settled, settledFor) || within(h.places.refused, refusedFor)
}

func (h *Hub) sender(p exchange.Place, name string) {
	for _, s := range h.places.senders[p.String()] {
		if s == name {
			return
		}
	}
	h.places.senders[p.String()] = append(h.places.senders[p.String()], name)
}
