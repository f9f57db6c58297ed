// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/canary"
)

// controls are what a running role does for commands on its own machine, which cannot open its state folder while it has
// it. It listens on a loopback port of its own; address and a secret of this run are in the file "control" (0600) of the
// folder, so that who may read the keys there may ask, and nobody else.
type controls map[string]func(ctx context.Context, arg string) (string, error)

const controlFile = "control"

// serve answers until ctx ends; ready is called once commands find it.
func (c controls) serve(ctx context.Context, dir string, guard *canary.Guard, ready func()) error {
	l, err := net.Listen("tcp", freePort)
	if err != nil {
		return fmt.Errorf("listen for commands: %w", err)
	}
	secret, path := rand.Text(), filepath.Join(dir, controlFile)
	tmp := path + ".new"
	// Written whole, then renamed: a command never reads half of it.
	if err := errors.Join(os.WriteFile(tmp, []byte(l.Addr().String()+" "+secret+"\n"), 0o600), os.Rename(tmp, path)); err != nil {
		return errors.Join(fmt.Errorf("listen for commands: %w", err), l.Close())
	}
	defer os.Remove(path)
	handler := c.handler(secret)
	if guard != nil {
		handler = guard.Handler(handler)
	}
	srv := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { srv.Close() })
	defer stop()
	ready()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// asMe is ctx for what the person at this machine does.
func asMe(ctx context.Context) context.Context { return access.With(ctx, access.Local(me())) }

func (c controls) handler(secret string) http.Handler {
	want := []byte("Bearer " + secret)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		do, known := c[strings.TrimPrefix(r.URL.Path, "/")]
		if !known || r.Method != http.MethodPost || subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), want) != 1 {
			http.NotFound(w, r)
			return
		}
		arg, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 128<<10))
		var result string
		if err == nil {
			result, err = do(asMe(r.Context()), string(arg)) // who may read the secret has the keys, too
		}
		if err != nil {
			p, ok := errors.AsType[*episode.Problem](err)
			if !ok {
				p = &episode.Problem{Code: "control/error", Message: err.Error()}
			}
			w.WriteHeader(http.StatusBadRequest)
			json.NewEncoder(w).Encode(p)
			return
		}
		io.WriteString(w, result)
	})
}

// errInUse is what opening a folder says that a running process has.
var errInUse = &episode.Problem{Code: "state/in-use"}

// control asks the process that runs on dir to do something.
func control(ctx context.Context, dir, what, arg string) (string, error) {
	b, err := os.ReadFile(filepath.Join(dir, controlFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", notRunning(dir, nil)
	}
	if err != nil {
		return "", fmt.Errorf("ask the running process: %w", err)
	}
	address, secret, _ := strings.Cut(strings.TrimSpace(string(b)), " ")
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/"+what, bytes.NewReader([]byte(arg)))
	if err != nil {
		return "", notRunning(dir, err)
	}
	req.Header.Set("Authorization", "Bearer "+secret)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", notRunning(dir, err)
	}
	defer resp.Body.Close()
	if b, err = io.ReadAll(resp.Body); err != nil {
		return "", fmt.Errorf("ask the running process: %w", err)
	}
	if resp.StatusCode == http.StatusOK {
		return string(b), nil
	}
	p := new(episode.Problem)
	if json.Unmarshal(b, p) == nil && p.Code != "" {
		return "", p
	}
	return "", notRunning(dir, fmt.Errorf("%s answered %s", address, resp.Status))
}

func notRunning(dir string, err error) error {
	return &episode.Problem{Code: "control/not-running", Message: "nothing that takes commands runs on " + dir, Err: err,
		Hint: "start it (headrace edge, headrace hub), or name its folder with --dir"}
}
