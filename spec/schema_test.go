// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write episode.schema.json anew")

func TestSchemaIsThatOfTheGoTypes(t *testing.T) {
	want, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile("episode.schema.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(want), EpisodeSchema); diff != "" {
		t.Errorf("episode.schema.json is not what the Go types give (-types +file); run go test ./spec -update\n%s", diff)
	}
}
