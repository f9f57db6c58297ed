// SPDX-License-Identifier: Apache-2.0

package native

import (
	"context"
	"strings"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
)

func FuzzRead(f *testing.F) {
	f.Add(`{"schema_version":"1.0","id":"ep_1","new_field":{"a":1},"decisions":[{"suggestion":"s1","verdict":"accepted","by":"person"}]}` + "\n\n{torn")
	f.Fuzz(func(t *testing.T, in string) {
		n := 0
		c, err := Source{}.Read(context.Background(), capture.File{R: strings.NewReader(in)}, func(e *episode.Episode) error {
			n++
			if _, err := episode.Append(nil, e); err != nil {
				t.Fatalf("an episode that cannot be written: %v", err)
			}
			return nil
		})
		if err != nil || c.Lines != n+c.Unparsable {
			t.Fatalf("%v: %d lines, %d episodes, %d unparsable", err, c.Lines, n, c.Unparsable)
		}
	})
}
