// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// measureUp times "make up" in a copy of the checkout, from the command to the first page: with nothing built yet
// (up-cold), the same with no module fetched either (up-cold/modules), and the second time (up-warm).
func measureUp(ctx context.Context, b *bench) ([]row, error) {
	if _, err := os.Stat(filepath.Join(b.root, "Makefile")); err != nil {
		return nil, err
	}
	clone := filepath.Join(b.temp, "clone")
	if err := b.copyTo(ctx, clone); err != nil {
		return nil, err
	}
	modules, err := goEnv(ctx, "GOMODCACHE")
	if err != nil {
		return nil, err
	}
	built := filepath.Join(b.temp, "built")
	var rows []row
	again := func(id, modules, built, note string) error {
		took, err := b.firstPage(ctx, clone, modules, built)
		if err == nil {
			rows = append(rows, row{ID: id, Ours: figure(took.Seconds()), Unit: "s", N: 1, Note: note})
		}
		return err
	}
	if b.quick { // what is built already stays
		if built, err = goEnv(ctx, "GOCACHE"); err != nil {
			return nil, err
		}
		if _, err := b.firstPage(ctx, clone, modules, built); err != nil {
			return nil, err
		}
		return rows, errors.Join(again("up-warm", modules, built, "make up to its first page, second time"), os.RemoveAll(clone))
	}
	if err := again("up-cold", modules, built, "make up to its first page, empty build cache, modules fetched"); err != nil {
		return rows, err
	}
	if err := again("up-warm", modules, built, "the same, second time"); err != nil {
		return rows, err
	}
	if err := os.RemoveAll(clone); err != nil {
		return rows, err
	}
	if err := b.copyTo(ctx, clone); err != nil {
		return rows, err
	}
	err = again("up-cold/modules", filepath.Join(b.temp, "modules"), filepath.Join(b.temp, "built-2"), "make up to its first page, empty build cache, no module fetched: the network's share is in it")
	return rows, err
}

// copyTo copies what a clone would have: what git tracks, and what it would if it were added.
func (b *bench) copyTo(ctx context.Context, dir string) error {
	cmd := exec.CommandContext(ctx, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = b.root
	list, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("list the checkout's files: %w", err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(list), "\x00"), "\x00") {
		info, err := os.Stat(filepath.Join(b.root, name))
		if errors.Is(err, os.ErrNotExist) {
			continue // removed, not yet for git
		}
		if err != nil {
			return err
		}
		content, err := os.ReadFile(filepath.Join(b.root, name))
		if err != nil {
			return err
		}
		to := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(to, content, info.Mode().Perm()); err != nil {
			return err
		}
	}
	return nil
}

// firstPage runs "make up" and follows the link that it prints, as a person would.
func (b *bench) firstPage(ctx context.Context, clone, modules, built string) (time.Duration, error) {
	addr, err := freeAddr()
	if err != nil {
		return 0, err
	}
	state, err := os.MkdirTemp(b.temp, "up-")
	if err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, "make", "up", "ARGS=--listen "+addr+" --otlp= --dir "+state)
	cmd.Dir = clone
	if cmd.Env, err = b.bareEnv(); err != nil {
		return 0, err
	}
	settings, err := goEnv(ctx, "GOENV") // where this machine's Go fetches modules, say
	if err != nil {
		return 0, err
	}
	cmd.Env = append(cmd.Env, "GOMODCACHE="+modules, "GOCACHE="+built, "GOENV="+settings)
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); name == "GOPROXY" || name == "GOSUMDB" || name == "GOTOOLCHAIN" || name == "GOROOT" || name == "GOFLAGS" || name == "GONOSUMDB" {
			cmd.Env = append(cmd.Env, v)
		}
	}
	begin := time.Now()
	c, err := start(cmd)
	if err != nil {
		return 0, err
	}
	defer c.stop()
	url, err := c.until(ctx, link, 10*time.Minute)
	if err != nil {
		return 0, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return 0, err
	}
	resp, err := (&http.Client{Jar: jar, Timeout: 10 * time.Second}).Get(strings.TrimSpace(url))
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	took := time.Since(begin)
	if resp.StatusCode != http.StatusOK || !strings.Contains(string(page), "</html>") {
		return 0, fmt.Errorf("the first page is %s, %d bytes", resp.Status, len(page))
	}
	return took, nil
}

// goEnv is one of Go's settings on this machine.
func goEnv(ctx context.Context, name string) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", name).Output()
	return strings.TrimSpace(string(out)), err
}

// measureSize is the size of the binary that is given to people.
func measureSize(_ context.Context, b *bench) ([]row, error) {
	info, err := os.Stat(b.bin)
	if err != nil {
		return nil, err
	}
	return []row{{ID: "size", Ours: figure(float64(info.Size()) / 1e6), Unit: "MB", N: 1, Note: fmt.Sprintf("%d bytes: CGO_ENABLED=0 go build -trimpath -ldflags \"-s -w\"", info.Size())}}, nil
}

// measureIdle is the memory of "headrace up" that nobody uses.
func measureIdle(ctx context.Context, b *bench) ([]row, error) {
	otlp, err := freeAddr()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(b.temp, "idle")
	c, _, err := b.up(ctx, dir, "--otlp", otlp)
	if err != nil {
		return nil, err
	}
	defer c.stop()
	wait := 10 * time.Second
	if b.quick {
		wait = 3 * time.Second
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(wait):
	}
	rss, err := c.memory()
	return []row{{ID: "idle", Ours: figure(rss / 1e6), Unit: "MB", N: 1, Note: fmt.Sprintf("resident set %v after the start, no histories, pages and OTLP listening", wait)}}, err
}
