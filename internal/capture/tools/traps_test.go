// SPDX-License-Identifier: Apache-2.0

package tools

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
	"github.com/headrace/headrace/internal/sharedtest"
)

// The traps are those of the reference's section 16, by its numbers. These are of all readers; package otlp has those of
// telemetry, and each reader's package its own.

func TestTrap9AHistoryIsKnownByItsShapeWhateverItIsCalled(t *testing.T) {
	dir := sharedtest.Dir(t, "corpus/claude-code/entire")
	label, err := os.ReadFile(filepath.Join(dir, "c070516b3fa9-0.metadata.json"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(label, []byte(`"Gemini CLI"`)) {
		t.Fatal("the checkpoint is not called Gemini's any more")
	}
	raw, err := os.ReadFile(filepath.Join(dir, "c070516b3fa9-0.full.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"c070516b3fa9-0.full.jsonl", "/home/m/.gemini/tmp/mill/chats/session-2026.jsonl", "/home/m/.codex/sessions/rollout-2026.jsonl", "-"} {
		n := 0
		rep, err := capture.ReadFrom(context.Background(), All(), "", capture.File{Path: path, R: bytes.NewReader(raw)}, func(e *episode.Episode) error {
			if n++; e.Tool.Name != "claude-code" {
				t.Errorf("%s: an episode of %s", path, e.Tool.Name)
			}
			return nil
		})
		if err != nil || rep.Tool != "claude-code" || n == 0 {
			t.Errorf("%s: %d episodes of %s, %v", path, n, rep.Tool, err)
		}
	}
}

func TestTrap11AMomentIsReadInEachFormThatToolsWrite(t *testing.T) {
	want := time.Date(2025, 3, 28, 5, 33, 26, 0, time.UTC)
	for _, text := range []string{"2025-03-28T05:33:26Z", "2025-03-28T05:33:26.000Z", "2025-03-28T07:33:26+02:00", "2025-03-27T21:33:26-08:00", "2025-03-28T05:33:26", "2025-03-28T05:33:26.000000",
		"2025-03-28 05:33:26", "1743140006", "1743140006000", "1743140006.0"} {
		if got := lax.ParseTime(text); !got.Equal(want) {
			t.Errorf("%q is %v", text, got)
		}
	}
	for _, text := range []string{"", "0", "-1", "yesterday", "1e300", "NaN", "Inf", "99999-01-01T00:00:00Z"} {
		if got := lax.ParseTime(text); !got.IsZero() {
			t.Errorf("%q is %v", text, got)
		}
	}
}

var address = regexp.MustCompile(`[\w.+-]+@[\w-]+\.\w+`)

// Who somebody is comes from the device or the login, never from a history; and what a history says of it stays in fields
// that the filter looks into.
func TestTrap15NoReaderTellsWhoSomebodyIs(t *testing.T) {
	root := sharedtest.Dir(t, "corpus")
	files, problems := capture.Walk(root)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	n := 0
	for _, f := range files {
		_, err := capture.Read(context.Background(), All(), "", f.Path, func(e *episode.Episode) error {
			n++
			if e.Developer != "" {
				t.Errorf("%s: the developer is %q", f.Path, e.Developer)
			}
			told := []string{e.ID, e.Session, e.Tool.Name, e.Tool.Version, e.Model.Name, e.Model.Provider}
			told = append(told, e.Languages...)
			for _, s := range e.Suggestions {
				told = append(told, s.ID, s.Language)
				for k := range s.Features {
					told = append(told, k)
				}
			}
			for _, r := range e.Ratings {
				told = append(told, r.By, r.Target, r.Scale)
			}
			if text := strings.Join(told, " "); address.MatchString(text) {
				t.Errorf("%s: an address is in a field that holds no text: %q", f.Path, address.FindString(text))
			}
			return nil
		})
		if p, ok := errors.AsType[*episode.Problem](err); err != nil && (!ok || p.Code != "capture/not-a-history") {
			t.Errorf("%s: %v", f.Path, err)
		}
	}
	if n < 1000 {
		t.Errorf("only %d episodes", n)
	}
}

// A format that drifts must show: a record of a type that nobody knows is counted by its name, and costs no other.
func TestTrap16WhatIsOfAnUnknownTypeIsCountedByItsName(t *testing.T) {
	root := sharedtest.Dir(t, "corpus")
	for name, unknown := range map[string]string{
		"claude-code/agent-sessions/claude/small.jsonl":        `{"type":"river_report","uuid":"x","sessionId":"s"}`,
		"codex/agent-sessions/codex/small.jsonl":               `{"timestamp":"2026-01-01T00:00:00Z","type":"river_report","payload":{"type":"flood"}}`,
		"pi/agent-sessions/pi/small.jsonl":                     `{"type":"river_report","id":"x"}`,
		"droid/agent-sessions/droid/session_store_large.jsonl": `{"type":"river_report","id":"x"}`,
	} {
		raw, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is not there any more", name)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		count := func(b []byte) capture.Report {
			rep, err := capture.ReadFrom(context.Background(), All(), "", capture.File{Path: "-", R: bytes.NewReader(b)}, func(*episode.Episode) error { return nil })
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			return rep
		}
		plain, drifted := count(raw), count(append(bytes.TrimRight(raw, "\n"), []byte("\n"+unknown+"\n")...))
		shown := false
		for kind, k := range drifted.Kinds {
			shown = shown || strings.HasPrefix(kind, "river_report") && k == 1
		}
		if !shown || drifted.Unparsable != plain.Unparsable || drifted.Episodes != plain.Episodes || drifted.Lines != plain.Lines+1 {
			t.Errorf("%s: %+v", name, drifted.Counts)
		}
	}
}
