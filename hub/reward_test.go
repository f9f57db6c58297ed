// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/reward"
)

func TestAHubValuesDecisionsByTheRewardOfItsFile(t *testing.T) {
	example, err := os.ReadFile(filepath.Join("..", "spec", "examples", "reward.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for yaml, want := range map[string]reward.Spec{
		"{}":                           reward.Immediate(),
		"reward: retained-characters":  reward.Retained(),
		"reward: our-reward.yaml":      reward.Balanced(), // beside hub.yaml
		"reward: nothing-of-that-name": {},
	} {
		dir := t.TempDir()
		for name, text := range map[string]string{"hub.yaml": yaml + "\n", "our-reward.yaml": string(example)} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		f, err := ReadFile("", dir)
		if err != nil {
			t.Fatal(err)
		}
		c, err := f.Config()
		switch {
		case want.Name == "" && !errors.Is(err, &episode.Problem{Code: "reward/read"}):
			t.Errorf("%s: %v", yaml, err)
		case want.Name == "":
		case err != nil || (&Hub{cfg: c}).reward().Digest() != want.Digest():
			t.Errorf("%s: %v, %+v", yaml, err, c.Reward)
		}
	}
}
