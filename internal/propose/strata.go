// SPDX-License-Identifier: Apache-2.0

package propose

import (
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
)

type artifact = episode.Artifact

// counts reports whether a file may be what made the difference: files and diffs of the task itself are not.
func counts(digest, kind string) bool {
	switch episode.ArtifactKind(kind) {
	case episode.ArtifactRules, episode.ArtifactSpec, episode.ArtifactPlan:
		return digest != ""
	}
	return false
}

// language is the suggestion's, else the episode's first.
func language(r *dataset.Row, d *dataset.Decision) string {
	if s, _ := d.Features["language"].(string); s != "" {
		return s
	}
	if len(r.Episode.Languages) > 0 {
		return r.Episode.Languages[0]
	}
	return ""
}

// size is how much was suggested, in steps: each four times the one before.
func size(d *dataset.Decision) int {
	steps := 0
	for n := d.Chars / 40; n > 0 && steps < 5; n /= 4 {
		steps++
	}
	return steps
}
