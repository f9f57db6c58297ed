// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/headrace/headrace/scrub"
)

const twoRecipients = `version: 1
recipients:
  - {name: tool-maker, kind: maker}
  - {name: us, kind: own}
rules:
  - name: all
    when: "true"
    level: clean
    purposes: [evaluate]
    recipients: [tool-maker, us]
    retention_days: 30
    approval: auto
text: {repositories: ["**"], clean_batches: 1}
`

var (
	aMark = regexp.MustCompile(`xq7[a-z2-7]{18}|2001:0db8:[0-9a-f:]{29}|[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`)
	anID  = regexp.MustCompile(`(?:ep|se|co|ar|de|su|ca|dev|repo)_[0-9a-f]{32}`)
)

// The pipe, for two recipients: what each gets has none of the other's marks, pseudonyms and ids, is packed and verified, has
// its marks counted without a key, and is explained by the map to those who may open it.
func TestTwoRecipientsOfOnePipeCanJoinNothing(t *testing.T) {
	p := program{t, t.TempDir()}
	raw := strings.Replace(rawExample(t), `"provider":"anthropic"`, `"provider":"demo"`, -1)
	raw = strings.Replace(raw, `"instruction":"`, `"instruction":"Author: Jane Doe <jane.doe@db1.zorblatt.internal> on 10.1.2.3, 6f9619ff-8b86-d011-b42d-00c04fc964ff.\n`, 1)
	sealed, rules := filepath.Join(t.TempDir(), "map"), file(t, "policy.yaml", twoRecipients)
	clean, _ := p.run(raw, 0, "scrub", "--map", sealed)
	atHome := aMark.FindAllString(clean, -1)
	left := map[string]string{}
	for _, recipient := range []string{"tool-maker", "us"} {
		out, _ := p.run(clean, 0, "consent", "--audited", "1", "--policy", rules, "--recipient", recipient)
		left[recipient] = out
		if got := aMark.FindAllString(out, -1); len(got) < 6 || len(got) > len(atHome) {
			t.Errorf("%s gets the marks %q of %q", recipient, got, atHome)
		}
		if len(scrub.Marks([]byte(out))) < 6 || len(anID.FindAllString(out, -1)) < 3 {
			t.Errorf("%s: %s", recipient, out)
		}
		for _, m := range append(atHome, "zorblatt", "Jane", "jane.doe", "10.1.2.3", "6f9619ff") {
			if strings.Contains(out, m) {
				t.Errorf("%s gets %s", recipient, m)
			}
		}
		dir := filepath.Join(t.TempDir(), recipient)
		p.run(out, 0, "pack", "--out", dir)
		p.run("", 0, "verify", dir)

		// Those who may open the map learn what a recipient's mark stands for.
		user := regexp.MustCompile(`user_xq7[a-z2-7]{18}`).FindString(out)
		shown, _ := p.run("", 0, "reveal", "--for", recipient, "--epoch", "2026", sealed, user)
		if !strings.Contains(shown, "jane") && !strings.Contains(shown, "Jane") {
			t.Errorf("%s stands for %s", user, shown)
		}
		p.run("", 1, "reveal", "--for", recipient, "--epoch", "2025", sealed, user)
		p.run("", 1, "reveal", sealed, user)
	}
	for _, m := range append(aMark.FindAllString(left["us"], -1), anID.FindAllString(left["us"], -1)...) {
		if strings.Contains(left["tool-maker"], m) {
			t.Errorf("both get %s", m)
		}
	}
	p.run("", 2, "reveal", "--epoch", "2026", sealed)
}

// A record that was scrubbed with another key is set aside, unless consent is told the key.
func TestConsentWantsTheKeyThatScrubHad(t *testing.T) {
	p := program{t, t.TempDir()}
	raw := strings.Replace(rawExample(t), `"provider":"anthropic"`, `"provider":"demo"`, -1)
	key, rules := filepath.Join(t.TempDir(), "key"), file(t, "policy.yaml", twoRecipients)
	if err := os.WriteFile(key, []byte(strings.Repeat("k", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	clean, _ := p.run(raw, 0, "scrub", "--key", key)
	if _, said := p.run(clean, 1, "consent", "--audited", "1", "--policy", rules, "--recipient", "us"); !strings.Contains(said, "scrubbed with another key") {
		t.Error(said)
	}
	out, _ := p.run(clean, 0, "consent", "--audited", "1", "--policy", rules, "--recipient", "us", "--key", key)
	for _, m := range aMark.FindAllString(clean, -1) {
		if strings.Contains(out, m) {
			t.Errorf("%s leaves", m)
		}
	}
}
