// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/headrace/headrace/edge"
)

// edgeJob is something to do with what an edge keeps.
type edgeJob interface {
	do(ctx context.Context, ed *edge.Edge) (said string, err error)
}

// onEdge does a job with the edge of a configuration and prints what it says.
func onEdge(e *env, config, name string, j edgeJob) error {
	said, err := askEdge(e, config, name, j)
	if err == nil {
		_, err = io.WriteString(e.out, said)
	}
	return err
}

// askEdge does a job with the edge of a configuration: with its folder, or, where an edge is running on that, by asking it under the
// name of its control.
func askEdge(e *env, config, name string, j edgeJob) (said string, err error) {
	f, joined, err := (&edgeCmd{Config: config}).read(e)
	if err != nil {
		return "", err
	}
	conf := edge.Config{Dir: f.Dir}
	if len(joined) > 0 {
		if conf, err = f.Config(joined...); err != nil {
			return "", err
		}
	}
	conf.Log = logger(e.err)
	ed, err := edge.OpenRecorded(e.ctx, conf)
	if err == nil {
		said, err = j.do(asMe(e.ctx), ed)
		return said, errors.Join(err, ed.Close())
	}
	if !errors.Is(err, errInUse) {
		return "", err
	}
	arg, err := json.Marshal(j)
	if err != nil {
		return "", err
	}
	return control(e.ctx, f.Dir, name, string(arg))
}

// answerJob is what a running edge answers to a job of kind J.
func answerJob[J edgeJob](ctx context.Context, ed *edge.Edge, arg string) (string, error) {
	var j J
	if err := json.Unmarshal([]byte(arg), &j); err != nil {
		return "", err
	}
	return j.do(ctx, ed)
}
