// SPDX-License-Identifier: Apache-2.0

package hookprog

import (
	"path/filepath"
	"time"
)

// Keep leaves a payload in the queue of the state folder dir as Main does an event: sealed to the edge's key, as a whole
// or not at all. Its first line says what it is. It is for what else runs beside a tool and must not hold it up; it
// reports whether the payload is kept. Where this machine has not joined an edge there is nobody to keep it for.
func Keep(dir string, payload []byte, at time.Time) bool {
	q := queueOf(dir)
	key, ok := q.key()
	if !ok {
		return false
	}
	if len(payload) > MaxEvent {
		q.drop()
		return false
	}
	return q.put(key, payload, at.UTC())
}

// First reports, once on this machine, that its user has not been told yet of what is kept under that name.
func First(dir, name string) bool {
	q := queueOf(dir)
	return q.first(word(name))
}

func queueOf(dir string) queue { return queue{dir: filepath.Join(dir, "agent")} }
