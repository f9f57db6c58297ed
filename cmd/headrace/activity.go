// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/headrace/headrace/edge"
)

// edgeActivityCmd gives reports of activity to the running edge.
type edgeActivityCmd struct {
	Files []string `arg:"" help:"Reports (CSV) as they lie in the bucket, below by_user_analytic: all parts of a day together." type:"existingfile" placeholder:"FILE"`
}

func (edgeActivityCmd) Help() string {
	return `Amazon Q Developer tells what its users accepted and rejected in reports that it writes into a bucket once a day, and nowhere
else. Their totals are kept by team, compared with what was captured, and never learned from. The edge must be running.

Example: headrace edge import-activity 2026/10/05/00/*.csv`
}

// Run asks the running edge, which reads the files itself.
func (c *edgeActivityCmd) Run(e *env, role *edgeCmd) error {
	for i, name := range c.Files {
		abs, err := filepath.Abs(name)
		if err != nil {
			return err
		}
		c.Files[i] = abs
	}
	return role.ask(e, "activity", strings.Join(c.Files, "\n"))
}

// importActivity is what the running edge does with them.
func importActivity(ctx context.Context, ed *edge.Edge, files string) (string, error) {
	return ed.ImportActivity(ctx, strings.Split(files, "\n"))
}
