// SPDX-License-Identifier: Apache-2.0

package hub_test

import (
	"crypto"
	"crypto/ed25519"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/aggregate"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/sqlstore"
)

// counted are the counts of the example, of a period, for this hub.
func counted(t *testing.T, period string) *aggregate.Counts {
	t.Helper()
	c := new(aggregate.Counts)
	if err := json.Unmarshal(example(t, "counts.json"), c); err != nil {
		t.Fatal(err)
	}
	c.Recipient, c.Period = "maker", period
	for i := range c.Reports {
		c.Reports[i].Recipient, c.Reports[i].Period = "maker", period
	}
	return c
}

// tells sends counts and returns the status and the code of the refusal, if it is one.
func (s *sender) tells(c *aggregate.Counts, key crypto.Signer) (status int, code string) {
	s.t.Helper()
	envelope, err := bundle.SealDocument(bundle.TypeCounts, c, key)
	s.ok(err)
	raw, err := json.Marshal(ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, ArtifactType: bundle.TypeCounts,
		Config: s.blob("counts", ocispec.MediaTypeEmptyJSON, []byte("{}")), Layers: []ocispec.Descriptor{s.blob("counts", bundle.TypeCounts, envelope)}})
	s.ok(err)
	w := s.do(s.t.Context(), http.MethodPut, "/v2/alder-bank/counts/manifests/"+episode.Digest(raw), map[string]string{"Content-Type": ocispec.MediaTypeImageManifest}, raw)
	for _, part := range strings.FieldsFunc(w.Body.String(), func(r rune) bool { return r == '"' }) {
		if strings.HasPrefix(part, "counts/") || strings.HasPrefix(part, "bundle/") {
			code = part
		}
	}
	return w.Code, code
}

func TestCountsAreTheirSendersAndToldOnce(t *testing.T) {
	s := newSender(t)
	_, other, err := ed25519.GenerateKey(nil)
	s.ok(err)
	for name, try := range map[string]struct {
		change func(*aggregate.Counts)
		key    ed25519.PrivateKey
	}{
		"forged":            {func(*aggregate.Counts) {}, other},
		"another's":         {func(c *aggregate.Counts) { c.Contributor = "birch-telecom" }, s.key},
		"for another hub":   {func(c *aggregate.Counts) { *c = *counted(t, c.Period); c.Recipient = "other" }, s.key},
		"of a time to come": {func(c *aggregate.Counts) { *c = *counted(t, "2026-11") }, s.key},
		"with less noise":   {func(c *aggregate.Counts) { c.Reports[0].HalfWidth95 = 1 }, s.key},
	} {
		c := counted(t, "2026-10")
		try.change(c)
		if status, code := s.tells(c, try.key); status < 400 || status > 499 || code == "" {
			t.Errorf("%s: %d %s", name, status, code)
		}
	}
	first := counted(t, "2026-10")
	for range 2 { // again is the same
		if status, code := s.tells(first, s.key); status != http.StatusCreated {
			t.Fatalf("%d %s", status, code)
		}
	}
	otherwise := counted(t, "2026-10")
	otherwise.Reports[0].Values[0].Count++
	for name, c := range map[string]*aggregate.Counts{"other counts of it": otherwise, "a week of it": counted(t, "2026-W40")} {
		if status, code := s.tells(c, s.key); status < 400 || status > 499 || code != "counts/told" {
			t.Errorf("%s: %d %s", name, status, code)
		}
	}
	if status, code := s.tells(counted(t, "2026-09"), s.key); status != http.StatusCreated {
		t.Errorf("the month before: %d %s", status, code)
	}
	if status, code := s.tells(counted(t, "2025-01"), s.key); status < 400 || status > 499 || code != "counts/too-old" {
		t.Errorf("a month of the year before last: %d %s", status, code)
	}
	s.time = s.time.Add(time.Hour)
	db, err := sqlstore.Open(t.Context(), s.dir+"/hub.db", sqlstore.RoleHub)
	s.ok(err)
	defer db.Close()
	if docs, err := db.DocumentsOf(t.Context(), sqlstore.DocCounts, "alder-bank"); err != nil || len(docs) != 2 {
		t.Errorf("%d are kept, %v", len(docs), err)
	}
}

func TestCountsAreNotKeptForEver(t *testing.T) {
	s := newSender(t)
	for _, period := range []string{"2026-09", "2026-10"} {
		if status, code := s.tells(counted(t, period), s.key); status != http.StatusCreated {
			t.Fatalf("%d %s", status, code)
		}
	}
	db, err := sqlstore.Open(t.Context(), s.dir+"/hub.db", sqlstore.RoleHub)
	s.ok(err)
	defer db.Close()
	s.ok(db.SaveDocument(t.Context(), sqlstore.DocumentRow{Kind: sqlstore.DocSelection, ID: "r/alder-bank", Parent: "r", Contributor: "alder-bank", Envelope: []byte("{}"), LogIndex: -1, MadeAt: s.time}))
	for _, want := range []struct {
		at         time.Time
		kept, seen int
	}{{s.time.AddDate(0, 0, 360), 2, 1}, {time.Date(2026, 10, 1, 1, 0, 0, 0, time.UTC).AddDate(0, 0, 400), 1, 1}, {s.time.AddDate(0, 0, 401), 0, 0}} {
		s.time = want.at
		s.ok(s.h.Turn(t.Context()))
		docs, err := db.Documents(t.Context(), sqlstore.DocCounts)
		s.ok(err)
		seen, err := db.Documents(t.Context(), sqlstore.DocSelection)
		s.ok(err)
		if len(docs) != want.kept || len(seen) != want.seen {
			t.Errorf("on %s %d counts and %d of what gates saw are kept", want.at, len(docs), len(seen))
		}
	}
}

// What is counted at home and what arrives is told apart in the same way.
func TestCountsAndDecisionsMeanTheSameKinds(t *testing.T) {
	want := map[dataset.Choice]string{dataset.ShowOrHide: "filter", dataset.AmongOptions: "route", dataset.WithOrWithout: "instructions"}
	for _, ids := range [][]string{nil, {"show", "hide"}, {"with", "without"}, {"option-1", "option-2"}, {"option-1", "hide"}, {"option-1", "with"}, {"with", "option-1"}} {
		e := &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: "ep_1", StartedAt: time.Unix(0, 0), Developer: "ada", Local: &episode.Local{},
			Decisions: []episode.Decision{{Suggestion: "s1", Verdict: episode.Accepted, By: episode.ByPerson}}}
		for _, id := range ids {
			e.Decisions[0].Actions = append(e.Decisions[0].Actions, episode.Action{ID: id})
		}
		choice := dataset.Decisions([]dataset.Row{{Episode: e}})[0].Choice()
		tally := aggregate.NewTally(aggregate.Shares()[0])
		for i := range 200 {
			one := *e
			one.Developer = string(rune('a' + i))
			tally.Add(&one)
			tally.Add(func() *episode.Episode {
				no := one
				no.ID = "ep_2"
				no.Decisions = []episode.Decision{e.Decisions[0]}
				no.Decisions[0].Verdict = episode.Rejected
				return &no
			}())
		}
		r, err := tally.Report("2026-10", aggregate.Params{Epsilon: "10"})
		if err != nil {
			t.Fatal(err)
		}
		c := aggregate.Counts{Reports: []aggregate.Report{*r}}
		for _, kind := range []string{"filter", "route", "instructions"} {
			if got := len(c.Shares(kind)) > 0; got != (want[choice] == kind) {
				t.Errorf("%q is choice %d, and counts as %s: %v", ids, choice, kind, got)
			}
		}
	}
}
