// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/tlog/proof"
)

func member() *link.Membership {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize)).Public().(ed25519.PublicKey)
	return &link.Membership{URL: "http://hub.example", Contributor: "alder-bank", Token: "t", Hub: "acme-tools", PublicKey: key, Channel: "early"}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAnEdgeWithoutAFileFollowsTheHubItJoined(t *testing.T) {
	f, err := ReadFile("", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c, err := f.Config(member())
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Hubs) != 1 || c.Hubs[0].Name != "acme-tools" || c.Hubs[0].Contributor != "alder-bank" || c.Hubs[0].Channel != "early" || c.Settle != 24*time.Hour || c.RawRetention != 72*time.Hour {
		t.Errorf("%+v", c)
	}
	if got := c.Policy.Recipients(); len(got) != 1 || got[0] != "acme-tools" {
		t.Errorf("the starter policy is for %v", got)
	}
	if got, want := c.Policy.Digest(), consent.Starter().Digest(); got == want {
		t.Error("another recipient is another policy, with a digest of its own")
	}
}

func TestAFileThatContradictsTheHubIsRefused(t *testing.T) {
	const other = "version: 1\nrecipients:\n  - {name: stranger, kind: maker}\nrules:\n  - {name: none, when: \"true\", level: none}\n"
	for code, text := range map[string]string{
		"config/contributor":   "contributor: birch-telecom\n",
		"config/policy":        "policy: other.yaml\n",
		"config/channel":       "channel: latest\n",
		"config/raw-retention": "raw_retention: 400h\n",
		"config/invalid":       "polciy: x\n",
		"log/witness":          "witnesses: [" + hubKey(t) + "]\n", // the hub cannot vouch for itself
	} {
		dir := t.TempDir()
		write(t, dir, "other.yaml", other)
		write(t, dir, "edge.yaml", text)
		f, err := ReadFile("", dir)
		if err == nil {
			_, err = f.Config(member())
		}
		if !errors.Is(err, &episode.Problem{Code: code}) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// hubKey is the hub's own key in the form of a witness's.
func hubKey(t *testing.T) string {
	t.Helper()
	vkey, err := proof.VerifierKey("witness.example", member().PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return vkey
}
