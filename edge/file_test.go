// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
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

// other is a second hub that was joined.
func other() *link.Membership {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, ed25519.SeedSize)).Public().(ed25519.PublicKey)
	return &link.Membership{URL: "http://own.example", Contributor: "the-bank", Token: "u", Hub: "own-models", PublicKey: key, Channel: "stable"}
}

// With several hubs each has its own keys, and a file that leaves open which is meant is refused, for all commands.
func TestAFileSaysWhichHubItMeans(t *testing.T) {
	left := other()
	left.Left, left.Token = true, ""
	const neither = "version: 1\nrecipients:\n  - {name: stranger, kind: maker}\nrules:\n  - {name: none, when: \"true\", level: none}\n"
	for name, c := range map[string]struct {
		text   string
		joined []*link.Membership
		want   string // code; empty: none
	}{
		"one hub, keys with all others":       {"channel: stable\n", []*link.Membership{member()}, ""},
		"one hub, keys below its name":        {"hubs: {acme-tools: {channel: stable}}\n", []*link.Membership{member()}, ""},
		"one hub, both":                       {"channel: early\nhubs: {acme-tools: {channel: stable}}\n", []*link.Membership{member()}, "config/hubs"},
		"no hub yet":                          {"hubs: {acme-tools: {channel: stable}}\ndecides_from: acme-tools\n", nil, ""},
		"two, nothing said":                   {"", []*link.Membership{member(), other()}, ""},
		"two, one has keys":                   {"hubs: {own-models: {channel: early}}\ndecides_from: own-models\n", []*link.Membership{member(), other()}, ""},
		"two, and whose channel":              {"channel: early\n", []*link.Membership{member(), other()}, "config/hubs"},
		"two, one has keys, and whose other":  {"witnesses: [x]\nhubs: {own-models: {channel: early}}\n", []*link.Membership{member(), other()}, "config/hubs"},
		"one that was not joined":             {"hubs: {stranger: {channel: early}}\n", []*link.Membership{member(), other()}, "config/hubs"},
		"one was left, keys with all others":  {"channel: stable\n", []*link.Membership{member(), left}, ""},
		"keys of one that was left":           {"hubs: {own-models: {channel: early}}\n", []*link.Membership{member(), left}, "config/hubs"},
		"decides from one that was left":      {"decides_from: own-models\n", []*link.Membership{member(), left}, "config/hubs"},
		"decides from one that was not there": {"decides_from: stranger\n", []*link.Membership{member(), other()}, "config/hubs"},
		"another contributor":                 {"hubs: {own-models: {contributor: alder-bank}}\n", []*link.Membership{member(), other()}, "config/contributor"},
		"another channel":                     {"hubs: {own-models: {channel: latest}}\n", []*link.Membership{member(), other()}, "config/channel"},
		"two exchanges":                       {"hubs: {own-models: {exchange: ./a}, acme-tools: {exchange: ./b}}\n", []*link.Membership{member(), other()}, ""},
		"one exchange for both":               {"hubs: {own-models: {exchange: ./a}, acme-tools: {exchange: ./b/../a}}\n", []*link.Membership{member(), other()}, "config/exchange"},
		"encrypted to an unknown key":         {"hubs: {own-models: {exchange: ./a, encrypt: true}}\n", []*link.Membership{member(), other()}, "config/encrypt"},
		"the hub as its own witness":          {"hubs: {acme-tools: {witnesses: [" + hubKey(t) + "]}}\n", []*link.Membership{member(), other()}, "log/witness"},
		"a policy that names neither":         {"policy: neither.yaml\n", []*link.Membership{member(), other()}, "config/policy"},
		"a key that is none of a hub's":       {"hubs: {own-models: {listen: x}}\n", []*link.Membership{member(), other()}, "config/invalid"},
	} {
		dir := t.TempDir()
		write(t, dir, "neither.yaml", neither)
		write(t, dir, "edge.yaml", c.text)
		f, err := ReadFile("", dir)
		if err == nil {
			_, err = f.Config(c.joined...)
		}
		if c.want == "" && err != nil || c.want != "" && !errors.Is(err, &episode.Problem{Code: c.want}) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestEachHubHasItsOwnKeys(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "edge.yaml", "hubs: {own-models: {channel: early, hub: http://inside.example, exchange: ./there}}\ndecides_from: own-models\n")
	f, err := ReadFile("", dir)
	if err != nil {
		t.Fatal(err)
	}
	c, err := f.Config(member(), other())
	if err != nil {
		t.Fatal(err)
	}
	one, two := c.Hubs[0], c.Hubs[1]
	if one.Member.URL != "http://hub.example" || one.Channel != "early" || one.Contributor != "alder-bank" || one.Token != "t" || one.Exchange.Place != "" {
		t.Errorf("%+v", one)
	}
	if two.Member.URL != "http://inside.example" || two.Channel != "early" || two.Contributor != "the-bank" || two.Token != "u" || two.Exchange.Place != filepath.Join(dir, "there") {
		t.Errorf("%+v", two)
	}
	if got := c.Policy.Recipients(); len(got) != 2 || c.DecidesFrom != "own-models" {
		t.Errorf("the starter policy is for %v, %q decides", got, c.DecidesFrom)
	}
}

// A token goes to no other hub's address: a command that needs one hub reads the file as the edge does.
func TestACommandDoesNotGuessWhoseAddressIsMeant(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "edge.yaml", "dir: .\nhub: http://inside.example\n")
	if err := os.Mkdir(filepath.Join(dir, "hubs"), 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := ReadFile("", dir)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range []*link.Membership{member(), other()} {
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, filepath.Join("hubs", m.Hub+".json"), string(b))
		l, err := f.LinkTo("acme-tools")
		if i == 0 && (err != nil || l.URL != "http://inside.example") {
			t.Errorf("of one: %v, %v", l, err)
		}
		if i == 1 && !errors.Is(err, &episode.Problem{Code: "config/hubs"}) {
			t.Errorf("of two: %v, %v", l, err)
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
