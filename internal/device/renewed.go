// SPDX-License-Identifier: Apache-2.0

package device

import (
	"sync"
	"time"
)

// renewed is a value that is made anew every so often, when it is asked for.
type renewed[T any] struct {
	mu    sync.Mutex
	value T
	at    time.Time
	every time.Duration
	now   func() time.Time
	make  func() (T, error)
}

func (r *renewed[T]) get() (T, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if since := r.now().Sub(r.at); since >= 0 && since < r.every { // a clock may be set back
		return r.value, nil
	}
	v, err := r.make()
	if err != nil {
		return r.value, err
	}
	r.value, r.at = v, r.now()
	return v, nil
}
