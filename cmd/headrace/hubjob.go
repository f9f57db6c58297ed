// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/headrace/headrace/hub"
)

// hubJob is something to do with what a hub keeps.
type hubJob interface {
	do(ctx context.Context, h *hub.Hub) (said string, err error)
}

// onHub does a job with the hub of a configuration and prints what it says: with its folder, or, where a hub is running on that, by
// asking it under the name of its control.
func onHub(e *env, config, name string, j hubJob) error {
	f, err := hub.ReadFile(config, e.dir)
	if err != nil {
		return err
	}
	var said string
	h, err := openHub(e, f)
	if err == nil {
		said, err = j.do(asMe(e.ctx), h)
		err = errors.Join(err, h.Close())
	} else if errors.Is(err, errInUse) {
		var arg []byte
		if arg, err = json.Marshal(j); err == nil {
			said, err = control(e.ctx, f.Dir, name, string(arg))
		}
	}
	if err == nil {
		_, err = io.WriteString(e.out, said)
	}
	return err
}

// hubControl is how a running hub does jobs of kind J.
func hubControl[J any, P interface {
	*J
	hubJob
}](h *hub.Hub) func(ctx context.Context, arg string) (string, error) {
	return func(ctx context.Context, arg string) (string, error) {
		j := P(new(J))
		if err := json.Unmarshal([]byte(arg), j); err != nil {
			return "", err
		}
		return j.do(ctx, h)
	}
}
