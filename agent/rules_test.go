// SPDX-License-Identifier: Apache-2.0

package agent_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/web"
)

func TestTheRulesInForceArriveWithTheEpisode(t *testing.T) {
	m := newMachine(t)
	work := filepath.Join(m.home, "src", "mill")
	m.ok(os.MkdirAll(work, 0o700))
	m.ok(os.WriteFile(filepath.Join(work, "CLAUDE.md"), []byte("Oil the wheel first."), 0o600))
	path := filepath.Join(m.home, ".claude", "projects", "mill", "s.jsonl")
	m.ok(os.MkdirAll(filepath.Dir(path), 0o700))
	now := time.Now().Add(time.Second).UTC()
	m.ok(os.WriteFile(path, fmt.Appendf(nil, `{"type":"user","uuid":"u1","parentUuid":null,"sessionId":"s","cwd":%q,"timestamp":%q,"message":{"content":"turn the wheel"}}`+"\n",
		work, now.Format(time.RFC3339Nano)), 0o600))
	m.run(m.enrol(), nil)
	m.arrived(1)
	v := edge.View{Edge: m.edge}
	page, err := v.Episodes(t.Context(), web.EpisodeFilter{Limit: 10})
	m.ok(err)
	stored, err := v.Episode(t.Context(), "ada", page.Rows[0].ID)
	m.ok(err)
	if a := stored.Episode.Artifacts; len(a) != 1 || a[0].Kind != episode.ArtifactRules || a[0].Name != "CLAUDE.md" || a[0].Text != "Oil the wheel first." {
		t.Errorf("%+v", a)
	}
}
