// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headrace/headrace/internal/trusttest"
)

// theProgram is the test binary by the name under which it is the program itself (see TestMain).
func theProgram(t *testing.T) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "headrace")
	if err := os.Symlink(exe, binary); err != nil {
		t.Fatal(err)
	}
	return binary
}

func trial(t *testing.T) trusttest.Options {
	return trusttest.Options{Binary: theProgram(t), Dir: t.TempDir(), Seed: 1, Log: func(s string) { t.Log(s) }}
}

// TestEveryReceiptStandsThroughKillsAndCuts is the measure "intake" in small: bench trust --long has 10,000 bundles.
func TestEveryReceiptStandsThroughKillsAndCuts(t *testing.T) {
	o := trusttest.IntakeOptions{Options: trial(t), Contributors: 3, Bundles: 24, Kills: 15}
	if testing.Short() {
		o.Bundles, o.Kills = 12, 9
	}
	r, err := trusttest.Intake(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", r)
	for _, wrong := range r.Wrong() {
		t.Error(wrong)
	}
	if r.Bundles != o.Bundles || r.Proven != o.Bundles || r.Entries != o.Bundles || r.Records != 3*o.Bundles {
		t.Errorf("of %d bundles %d are there, with %d records, %d proven, with %d entries in the log", o.Bundles, r.Bundles, r.Records, r.Proven, r.Entries)
	}
	if r.HubKills == 0 || r.SenderKills == 0 || r.Cuts == 0 || r.Tries == o.Bundles {
		t.Errorf("too little was broken to show anything: %+v", r)
	}
	if strings.TrimSpace(os.Getenv("HEADRACE_LONG")) != "" && r.Continued == 0 {
		t.Error("no bundle carried a checkpoint")
	}
	t.Run("the counting finds what is planted", func(t *testing.T) { findsWhatIsPlanted(t, o.HubDir(), r) })
}

// TestNoForgedBundleIsTakenIn is the measure "forged" in small: each kind of forgery is tried, and refused for its own reason.
func TestNoForgedBundleIsTakenIn(t *testing.T) {
	o := trusttest.ForgeOptions{Options: trial(t), Forgeries: 300}
	if testing.Short() {
		o.Forgeries = 120 // each kind once
	}
	r, err := trusttest.Forge(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Passed) > 0 || len(r.Other) > 0 {
		t.Errorf("of %d forgeries were taken in: %q; refused for another reason than theirs: %q", r.Tried, r.Passed, r.Other)
	}
	if r.Kinds < 90 || len(r.Reasons) < 20 {
		t.Errorf("only %d kinds, refused for %d reasons", r.Kinds, len(r.Reasons))
	}
	if len(r.Carried) < r.Kinds-2 {
		t.Errorf("only %d kinds came in a folder", len(r.Carried))
	}
	t.Logf("%d forgeries of %d kinds: %s", r.Tried, r.Kinds, trusttest.Table(r.Reasons))
	t.Logf("in folders: %s", trusttest.Table(r.InFolders()))
}

// TestRawTextRestsOnlySealed are the measures "raw-rest" and "canaries" in small.
func TestRawTextRestsOnlySealed(t *testing.T) {
	o := trusttest.SearchOptions{Options: trial(t), Canaries: 1500, Kills: 4}
	if testing.Short() {
		o.Canaries, o.Kills = 800, 2
	}
	r, err := trusttest.Search(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", r)
	for _, f := range r.Found {
		t.Errorf("planted text in %s", f)
	}
	if r.Sealed == 0 || r.Left["signal"] == 0 || r.Left["masked"] == 0 || r.Kills != o.Kills || len(r.By) < 9 {
		t.Errorf("too little went round to show anything: %+v", r)
	}
	if r.Left["clean"] < r.Whole || r.Stopped == 0 || r.Waiting == 0 || r.Left["clean"]+r.Stopped+r.Waiting != r.Texts {
		t.Errorf("of %d records of clean text, %d of them without a canary, %d left, %d were stopped, %d wait", r.Texts, r.Whole, r.Left["clean"], r.Stopped, r.Waiting)
	}
}

// TestAWithdrawalEndsInTheSameCertificateThroughKills kills hub and edge in the middle of a withdrawal's steps.
func TestAWithdrawalEndsInTheSameCertificateThroughKills(t *testing.T) {
	o := trusttest.WithdrawOptions{Options: trial(t), Kills: 8}
	if testing.Short() {
		o.Kills = 4
	}
	if os.Getenv("HEADRACE_LONG") != "" {
		o.Kills = 60
	}
	r, err := trusttest.Withdraw(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("kills by stage: %v; %+v; %+v", r.Spread, r.Quiet, r.Killed)
	if !trusttest.SameFates(r.Quiet, r.Killed) || r.Quiet.Records == 0 || r.Quiet.Contributor != r.Killed.Contributor {
		t.Errorf("in peace the certificate says\n%+v\nand through kills\n%+v", r.Quiet, r.Killed)
	}
	if r.Certificates != 2 || r.Kills != o.Kills {
		t.Errorf("%d certificates of two withdrawals, after %d kills", r.Certificates, r.Kills)
	}
}

// TestAHubThatDiesAtAnyWriteOfAnAdmissionTakesTheBundleInOnce kills it just before each: between a receipt and its bundle's manifest, too.
func TestAHubThatDiesAtAnyWriteOfAnAdmissionTakesTheBundleInOnce(t *testing.T) {
	h, err := trusttest.Moments(t.Context(), trial(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range h.Wrong() {
		t.Error(wrong)
	}
	if h.Bundles == 0 || h.Bundles != h.Proven || h.Bundles != h.Entries {
		t.Errorf("%+v", h)
	}
}
