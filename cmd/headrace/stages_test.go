// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/hub"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/keyring"
	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/reward"
	"github.com/headrace/headrace/internal/sim"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/value"
)

// stage runs a command and returns its exit status, its result and what it said.
func stage(dir, in string, args ...string) (code int, out, errs string) {
	var stdout, stderr bytes.Buffer
	code = run(append([]string{"--dir", dir}, args...), strings.NewReader(in), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

// terms of a record that may be learned from and judged by.
var usable = episode.Terms{Purposes: []episode.Purpose{episode.PurposeEvaluate, episode.PurposeReward}, Recipients: []string{"acme-tools"}}

// world returns simulated decisions of a contributor, those to keep, as records that have left.
func world(t *testing.T, contributor string, decisions int, terms episode.Terms, keep func(*episode.Episode) bool) (records [][]byte) {
	t.Helper()
	w, err := sim.New(sim.Config{Seed: 5, Gain: 0.4, Decisions: decisions, Developers: decisions / 15, Draws: 1 << 14})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	err = w.Episodes(contributor, func(ep *episode.Episode) error {
		if seen[ep.ID] {
			return nil // tools say some things twice
		}
		if seen[ep.ID] = true; !keep(ep) {
			return nil
		}
		ep.Local, ep.Privacy, ep.Terms = nil, &episode.Privacy{Level: episode.LevelSignal}, &terms
		line, err := episode.AppendCanonical(nil, ep)
		records = append(records, line)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return records
}

func all(*episode.Episode) bool { return true }

func lines(records [][]byte) string { return string(bytes.Join(records, []byte("\n"))) + "\n" }

func TestTheGateJudgesByExactlyTheDevelopersThatLearnLeftOut(t *testing.T) {
	dir := t.TempDir()
	ring, err := keyring.Open(filepath.Join(dir, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	// Enough for a verdict, which the held-out ones give; of the others a part will do.
	held, heldOut, taught := gate.HeldOut(ring.Derive("split")), 0, 0
	records := world(t, "alder-bank", 34000, usable, func(ep *episode.Episode) bool {
		if held("", ep.Developer) {
			heldOut += len(ep.Decisions)
			return true
		}
		taught++
		return taught <= 3000
	})
	in, model, report := lines(records), filepath.Join(dir, "model.json"), filepath.Join(dir, "learn.json")
	code, out, errs := stage(dir, in, "learn", "--report", report)
	if code != 0 {
		t.Fatalf("learn: %d %s", code, errs)
	}
	if err := os.WriteFile(model, []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs = stage(dir, in, "gate", "--model", model)
	var judged gate.Report
	if err := json.Unmarshal([]byte(out), &judged); err != nil || code != 0 || judged.Verdict != gate.Released || !strings.Contains(errs, "released on ") {
		t.Fatalf("gate: %d %v %s %s", code, err, out, errs)
	}
	if b, _ := os.ReadFile(model); judged.Model != episode.Digest(b) {
		t.Errorf("the report names %s, not the model it was given", judged.Model)
	}

	// What each side has is what the key says, and nobody is on both.
	var learned learn.Report
	b, err := os.ReadFile(report)
	if err := errors.Join(err, json.Unmarshal(b, &learned)); err != nil {
		t.Fatal(err)
	}
	if judged.Data.Decisions != heldOut || learned.Rows != len(records)-heldOut || heldOut == 0 {
		t.Errorf("of %d decisions, %d held out, the gate saw %d and learn %d", len(records), heldOut, judged.Data.Decisions, learned.Rows)
	}

	// Refused is a verdict: only --strict makes it a failure. So are lines that could not be read.
	few := lines(records[:1500]) + "{torn\n"
	if code, out, errs := stage(dir, few, "gate", "--model", model); code != 0 || !strings.Contains(out, `"verdict": "refused"`) || !strings.Contains(errs, "needed") {
		t.Errorf("few decisions: %d %s %s", code, out, errs)
	}
	if code, _, errs := stage(dir, few, "gate", "--model", model, "--strict"); code != 1 || !strings.Contains(errs, "refused (--strict)") {
		t.Errorf("few decisions, strict: %d %s", code, errs)
	}
	_, one, _ := stage(dir, few, "learn")
	if code, again, errs := stage(dir, few, "learn", "--strict"); code != 1 || again != one || one == "" || !strings.Contains(errs, "set aside (--strict)") {
		t.Errorf("a torn line, strict: %d %s", code, errs)
	}
	// What is learned for one reward is not judged by another.
	code, out, errs = stage(dir, few, "learn", "--reward", "retained-characters")
	if code != 0 || !strings.Contains(out, `"reward":"retained-characters"`) || !strings.Contains(errs, "by retained-characters/1 each") {
		t.Fatalf("learn by another reward: %d %s", code, errs)
	}
	other := filepath.Join(dir, "other.json")
	if err := os.WriteFile(other, []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := stage(dir, few, "gate", "--model", other); code != 2 || !strings.Contains(errs, "--reward") {
		t.Errorf("judged by another reward: %d %s", code, errs)
	}
	if code, out, errs := stage(dir, few, "gate", "--model", other, "--reward", "retained-characters"); code != 0 || !strings.Contains(out, `"reward": "retained-characters"`) {
		t.Errorf("judged by its own reward: %d %s", code, errs)
	}
	if code, _, errs := stage(dir, few, "learn", "--reward", "bliss"); code != 2 || !strings.Contains(errs, "balanced") {
		t.Errorf("a reward that there is not: %d %s", code, errs)
	}
	if code, _, errs := stage(dir, few, "gate", "--model", report); code != 1 || !strings.Contains(errs, "not a filter") {
		t.Errorf("another file as the model: %d %s", code, errs)
	}
}

func TestLearnTakesNothingThatTermsOrRightsDoNotAllow(t *testing.T) {
	dir := t.TempDir()
	evaluateOnly := usable
	evaluateOnly.Purposes = []episode.Purpose{episode.PurposeEvaluate}
	over := usable
	over.ExpiresAt = time.Now().Add(-time.Hour)
	for name, c := range map[string]struct {
		terms episode.Terms
		args  []string
	}{
		"purpose":   {evaluateOnly, nil},
		"expired":   {over, nil},
		"recipient": {usable, []string{"--recipient", "somebody-else"}},
		"rights":    {usable, nil},
	} {
		records := world(t, "alder-bank", 900, c.terms, func(ep *episode.Episode) bool {
			if name == "rights" {
				ep.Origin.Provider = "anthropic"
			}
			return true
		})
		code, out, errs := stage(dir, lines(records), append([]string{"learn"}, c.args...)...)
		if code != 1 || out != "" || !strings.Contains(errs, "too few") || !strings.Contains(errs, fmt.Sprintf("refused by terms or rights: %d;", len(records))) {
			t.Errorf("%s: %d %q %s", name, code, out, errs)
		}
	}
}

func TestCurateUsesWhatVerifiesAndCountsTheRest(t *testing.T) {
	dir, other := t.TempDir(), usable
	other.Recipients = []string{"other-tools"}
	ring, err := keyring.Open(filepath.Join(dir, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	pack := func(contributor, recipient string, records [][]byte) string {
		to := filepath.Join(t.TempDir(), contributor)
		if _, _, err := bundle.Pack(to, records, bundle.Options{Contributor: contributor, Recipient: recipient, Signer: ring.Signing()}); err != nil {
			t.Fatal(err)
		}
		return to
	}
	records := world(t, "alder-bank", 600, usable, all)
	alder, birch := pack("alder-bank", "acme-tools", records), pack("birch-telecom", "acme-tools", world(t, "birch-telecom", 600, usable, all))
	foreign, broken := pack("cedar-retail", "other-tools", world(t, "cedar-retail", 600, other, all)), pack("broken", "acme-tools", records)
	if err := os.WriteFile(filepath.Join(broken, "extra"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}

	code, out, errs := stage(dir, "", "curate", alder)
	if code != 0 || strings.Count(out, "\n") != len(records) {
		t.Fatalf("one bundle of %d records: %d, %d lines, %s", len(records), code, strings.Count(out, "\n"), errs)
	}
	for _, r := range records {
		if !strings.Contains(out, string(r)+"\n") {
			t.Fatalf("a record did not come through as it was: %s", r)
		}
	}
	code, both, errs := stage(dir, "", "curate", alder, birch)
	if code != 0 || !strings.HasPrefix(both, out) || len(both) <= len(out) {
		t.Errorf("two bundles: %d, %d bytes, %s", code, len(both), errs)
	}
	if _, swapped, _ := stage(dir, "", "curate", birch, alder); swapped != both {
		t.Error("the order of the bundles changed the rows")
	}
	report := filepath.Join(dir, "report.json")
	code, twice, errs := stage(dir, "", "curate", alder, alder, broken, "--report", report)
	b, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	if code != 0 || twice != out || !strings.Contains(errs, "set aside: "+broken) || !strings.Contains(string(b), fmt.Sprintf(`"duplicate": %d`, len(records))) ||
		!strings.Contains(string(b), "is no part of the bundle") {
		t.Errorf("a copy and a broken one: %d %s %s", code, errs, b)
	}
	for _, c := range []struct {
		code int
		says string
		args []string
	}{
		{1, "set aside (--strict)", []string{alder, broken, "--strict"}},
		{1, "is no part of the bundle", []string{broken}},
		{1, "none of the bundles", []string{broken, filepath.Join(dir, "nowhere")}},
		{2, "choose one with --recipient", []string{alder, foreign}},
		{0, "cedar-retail: ", []string{alder, foreign, "--recipient", "acme-tools"}},
		{1, "not trusted here", []string{alder, "--dir", t.TempDir()}},
	} {
		if code, _, errs := stage(dir, "", append([]string{"curate"}, c.args...)...); code != c.code || !strings.Contains(errs, c.says) {
			t.Errorf("%v: %d %s", c.args, code, errs)
		}
	}
}

func TestAStatementIsRecomputedFromTheHubsFolderOrRefused(t *testing.T) {
	dir := t.TempDir()
	if code, _, errs := stage(dir, "", "up", "--demo", "--once", "--json", "--seed", "5", "--decisions", "1500"); code != 0 {
		t.Fatal(errs)
	}
	found, err := filepath.Glob(filepath.Join(dir, "demo", "*", "hub"))
	if err != nil || len(found) != 1 {
		t.Fatalf("%v %v", found, err)
	}
	folder := found[0]
	db, err := sqlstore.Open(t.Context(), filepath.Join(folder, "hub.db"), sqlstore.RoleHub)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	docs, err := db.Documents(t.Context(), sqlstore.DocStatement)
	if err != nil || len(docs) != 3 {
		t.Fatalf("%d statements, %v", len(docs), err)
	}
	for _, doc := range docs {
		code, out, errs := stage(filepath.Dir(folder), "", "value", "--statement", doc.ID)
		if code != 0 || !strings.Contains(out, `"contributor": "`+doc.Contributor+`"`) || !strings.Contains(errs, "the statement holds: "+doc.Contributor) {
			t.Errorf("%s: %d %s %s", doc.Contributor, code, out, errs)
		}
	}

	refused := func(code string, c hub.Config, id string) {
		t.Helper()
		_, err := hub.Recompute(t.Context(), c, id)
		if p, ok := errors.AsType[*episode.Problem](err); !ok || p.Code != code {
			t.Errorf("want %s, got %v", code, err)
		}
	}
	conf := hub.Config{Dir: folder}
	refused("value/no-hub", hub.Config{Dir: t.TempDir()}, docs[0].ID)
	refused("value/no-statement", conf, episode.Digest(nil))
	refused("value/expired", hub.Config{Dir: folder, Now: func() time.Time { return time.Now().AddDate(50, 0, 0) }}, docs[0].ID)
	card, err := value.DecodeRateCard([]byte("version: \"2\"\nflat_floor: 9\nbudget_share: 0.5\ncap: 10\n"))
	if err != nil {
		t.Fatal(err)
	}
	refused("value/other-rate-card", hub.Config{Dir: folder, RateCard: card}, docs[0].ID)
	refused("value/other-reward", hub.Config{Dir: folder, Reward: reward.Balanced()}, docs[0].ID)

	// One that the hub itself signed, and that promises more than follows.
	ring, err := keyring.Open(filepath.Join(folder, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	var generous value.Statement
	open(t, docs[0].Envelope, bundle.TypeStatement, bundle.NewTrust(bundle.TrustedKey{Key: ring.Public()}), &generous)
	generous.Discount += 5
	if docs[0].Envelope, err = bundle.SealDocument(bundle.TypeStatement, generous, ring.Signing()); err != nil {
		t.Fatal(err)
	}
	good := docs[0].ID
	docs[0].ID = episode.Digest(docs[0].Envelope)
	if err := db.SaveDocument(t.Context(), docs[0]); err != nil {
		t.Fatal(err)
	}
	refused("value/mismatch", conf, docs[0].ID)

	snapshots, err := db.Documents(t.Context(), sqlstore.DocSnapshot)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.NoteDocument(t.Context(), sqlstore.DocSnapshot, snapshots[0].ID, "incomplete: a record was withdrawn"); err != nil {
		t.Fatal(err)
	}
	refused("value/withdrawn", conf, good)
}
