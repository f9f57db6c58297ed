// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/hub"
)

// job is something to do with what a role keeps. As JSON it is what a running role is asked to do.
type job[R any] interface {
	do(ctx context.Context, role R) (said string, err error)
}

// ask does a job with the role that open opens, or, where one is running on that folder, by asking it under the name of its control.
func ask[R io.Closer](e *env, dir, name string, open func() (R, error), j job[R]) (said string, err error) {
	role, err := open()
	if err == nil {
		said, err = j.do(asMe(e.ctx), role)
		return said, errors.Join(err, role.Close())
	}
	if !errors.Is(err, errInUse) {
		return "", err
	}
	arg, err := json.Marshal(j)
	if err != nil {
		return "", err
	}
	return control(e.ctx, dir, name, string(arg))
}

// does is how a running role does jobs of kind J.
func does[J job[R], R any](role R) func(ctx context.Context, arg string) (string, error) {
	return func(ctx context.Context, arg string) (string, error) {
		var j J
		if err := json.Unmarshal([]byte(arg), &j); err != nil {
			return "", err
		}
		return j.do(ctx, role)
	}
}

// askEdge does a job with the edge of a configuration.
func askEdge(e *env, config, name string, j job[*edge.Edge]) (said string, err error) {
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
	return ask(e, f.Dir, name, func() (*edge.Edge, error) { return edge.OpenRecorded(e.ctx, conf) }, j)
}

// onEdge does a job with the edge of a configuration and prints what it says.
func onEdge(e *env, config, name string, j job[*edge.Edge]) error {
	said, err := askEdge(e, config, name, j)
	return e.print(said, err)
}

// onHub does a job with the hub of a configuration and prints what it says.
func onHub(e *env, config, name string, j job[*hub.Hub]) error {
	f, err := hub.ReadFile(config, e.dir)
	if err != nil {
		return err
	}
	said, err := ask(e, f.Dir, name, func() (*hub.Hub, error) { return openHub(e, f) }, j)
	return e.print(said, err)
}

// print prints what was said, unless there is an error.
func (e *env) print(said string, err error) error {
	if err == nil {
		_, err = io.WriteString(e.out, said)
	}
	return err
}
