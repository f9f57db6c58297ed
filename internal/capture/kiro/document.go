// SPDX-License-Identifier: Apache-2.0

package kiro

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
)

var (
	// A requirement after the Easy Approach to Requirements Syntax, in a list; a person's own words are seldom so.
	ears = regexp.MustCompile(`(?m)^\s*(?:[0-9][0-9.]*\)?|[-*])\s+\**(?:WHEN|IF|WHILE|WHERE|WHENEVER|THE)\b.*\bSHALL\b`)
	// Done or not, a task of a plan has a number.
	task = regexp.MustCompile(`(?m)^[ \t]*[-*] \[([ xX~-])\]\*? [0-9][0-9.]*[ .]`)
	// The requirements that a task is for stand in a line of their own below it.
	served   = regexp.MustCompile(`(?m)^[ \t]*[-*][ \t]+(?:_Requirements?: .*_|\*\*Validates: Requirements? .*)[ \t\r]*$`)
	story    = regexp.MustCompile(`(?m)^\s*(?:[-*]\s+)?\*\*User Story:?\*\*`)
	section  = regexp.MustCompile(`(?m)^## (Overview|Architecture|Components and Interfaces|Data Models|Correctness Properties|Error Handling|Testing Strategy)[ \t\r]*$`)
	included = regexp.MustCompile(`(?m)^inclusion:[ \t]*["']?(always|fileMatch|manual|auto)["']?[ \t\r]*$`)
)

// documentOf says what a Markdown file is to Kiro, by its shape; empty for nothing. Only where the shape alone would be
// found elsewhere too, the folder helps to tell.
func documentOf(head, file string) episode.ArtifactKind {
	head = strings.TrimLeft(strings.TrimPrefix(head, "\uFEFF"), " \t\r\n")
	parts := strings.Split(filepath.ToSlash(file), "/")
	in := func(folder string, up int) bool {
		n := len(parts) - 1 - up
		return n > 0 && parts[n] == folder && parts[n-1] == ".kiro"
	}
	if matter, ok := frontMatter(head); ok {
		if included.MatchString(matter) {
			return episode.ArtifactRules
		}
		return ""
	}
	title, _, _ := strings.Cut(head, "\n")
	if !strings.HasPrefix(title, "# ") || strings.HasPrefix(title, "# aider chat") {
		return ""
	}
	sections := map[string]bool{}
	for _, m := range section.FindAllStringSubmatch(head, 64) {
		sections[m[1]] = true
	}
	switch {
	case task.MatchString(head) && served.MatchString(head):
		return episode.ArtifactPlan
	case ears.MatchString(head) && (story.MatchString(head) || strings.Contains(title, "Requirements")):
		return episode.ArtifactSpec
	case sections["Components and Interfaces"] && len(sections) >= 4, len(sections) >= 2 && in("specs", 2):
		return episode.ArtifactSpec
	case task.MatchString(head) && in("specs", 2):
		return episode.ArtifactPlan
	case in("steering", 1): // without front matter it is always in force
		return episode.ArtifactRules
	}
	return ""
}

// frontMatter is what stands between two lines of three dashes at the beginning.
func frontMatter(text string) (matter string, ok bool) {
	first, rest, _ := strings.Cut(text, "\n")
	if strings.TrimRight(first, " \t\r") != "---" {
		return "", false
	}
	for end, line := 0, ""; end < len(rest); end += len(line) {
		line = rest[end:]
		if i := strings.IndexByte(line, '\n'); i >= 0 {
			line = line[:i+1]
		}
		if strings.TrimRight(line, " \t\r\n") == "---" {
			return rest[:end], true
		}
	}
	return "", false
}

// readDocument gives the one episode of a spec or steering file. Its id is made of the place and the content: what was
// changed is another artifact, and the earlier one was in force as well.
func readDocument(ctx context.Context, f capture.File, emit func(*episode.Episode) error) (capture.Counts, error) {
	var c capture.Counts
	var b bytes.Buffer
	if n, err := b.ReadFrom(io.LimitReader(f.R, capture.MaxDocument+1)); err != nil {
		return c, err
	} else if n > capture.MaxDocument {
		return c, fmt.Errorf("it is one document of more than %d MiB", capture.MaxDocument>>20)
	}
	if err := ctx.Err(); err != nil {
		return c, err
	}
	whole := b.String()
	for line := range strings.Lines(whole) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		if c.Lines++; strings.ToValidUTF8(line, "") != line {
			c.Unparsable++
		}
	}
	kind := documentOf(whole[:min(len(whole), 256<<10)], f.Path)
	repository, name := within(f.Path)
	a := capture.Artifact(kind, name, strings.ToValidUTF8(whole, "\uFFFD"))
	c.Kind(string(kind))
	if kind == episode.ArtifactPlan {
		for _, m := range task.FindAllStringSubmatch(whole, -1) {
			if strings.EqualFold(m[1], "x") {
				c.Kind("task done")
			} else {
				c.Kind("task open")
			}
		}
	}
	return c, emit(&episode.Episode{SchemaVersion: episode.SchemaVersion, ID: episode.NewID(Name, "artifact/"+repository+"/"+name+"/"+a.Digest),
		Tool: episode.Tool{Name: Name, Surface: episode.SurfaceAgent}, Repository: repository, Artifacts: []episode.Artifact{a}})
}

// within is the folder that holds .kiro, and the file's path from there; else only the file's name.
func within(file string) (repository, name string) {
	if file == "" || file == "-" {
		return "", ""
	}
	abs, err := filepath.Abs(file)
	if err != nil {
		return "", path.Base(filepath.ToSlash(file))
	}
	abs = filepath.ToSlash(abs)
	if at := strings.LastIndex(abs, "/.kiro/"); at >= 0 {
		return filepath.FromSlash(abs[:at]), abs[at+1:]
	}
	return "", path.Base(abs)
}
