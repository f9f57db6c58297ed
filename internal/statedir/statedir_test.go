// SPDX-License-Identifier: Apache-2.0

package statedir_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/statedir"
)

func TestOneAtATime(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	first, err := statedir.Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = statedir.Lock(dir)
	p, ok := errors.AsType[*episode.Problem](err)
	if !ok || p.Code != "state/in-use" || p.Hint == "" || !strings.Contains(p.Message, strconv.Itoa(os.Getpid())) {
		t.Errorf("got %v, want state/in-use naming process %d", err, os.Getpid())
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := statedir.Lock(dir)
	if err != nil {
		t.Fatalf("after it was given back: %v", err)
	}
	again.Close()
}

func TestFolderThatCannotBeMadeIsAProblem(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := statedir.Lock(filepath.Join(file, "below"))
	if p, ok := errors.AsType[*episode.Problem](err); !ok || p.Code != "state/folder" || p.Hint == "" {
		t.Errorf("got %v, want state/folder with a hint", err)
	}
}
