// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
)

func TestAPolicyIsTriedOnWhatIsRecordedAsItGoesBeforeThePolicy(t *testing.T) {
	m := newMill(t)
	first, second := one("e1", "mill"), one("e2", "mill")
	first.Instruction = "write to jane.doe@alder-bank.example"
	m.tells(ada, first, second)
	recorded := func() (list []*episode.Episode) {
		for e, err := range m.e.Recorded(t.Context()) {
			m.ok(err)
			list = append(list, e)
		}
		return list
	}
	list := recorded()
	if len(list) != 2 {
		t.Fatalf("%d episodes of 2", len(list))
	}
	for _, e := range list {
		if e.Privacy == nil || e.Privacy.Level != episode.LevelClean || e.Local == nil || e.Local.Repository != "alder/mill" || strings.Contains(e.Instruction, "jane.doe") {
			t.Errorf("%+v %+v %q", e.Privacy, e.Local, e.Instruction)
		}
	}
	m.pass(15 * 24 * time.Hour)
	m.ok(m.e.Turn(t.Context()))
	if list := recorded(); len(list) > 0 {
		t.Errorf("%d whose text has expired", len(list))
	}
}

func TestAFolderWithoutAnEdgeStaysAsItIs(t *testing.T) {
	dir := t.TempDir()
	if _, err := edge.OpenRecorded(t.Context(), edge.Config{Dir: dir}); !errors.Is(err, &episode.Problem{Code: "edge/nothing"}) {
		t.Errorf("got %v", err)
	}
	if made, err := os.ReadDir(dir); err != nil || len(made) > 0 {
		t.Errorf("%v, %v", made, err)
	}
}
