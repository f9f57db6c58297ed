// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

func TestSettingsForAFleetParseAndBearNoToken(t *testing.T) {
	m := newMachine(t)
	m.o.Hook = []string{ManagedHook}
	names := map[string]bool{}
	for _, f := range Managed(m.o) {
		names[f.Name] = true
		if bytes.Contains(f.Content, []byte("MILLRACE22")) {
			t.Errorf("%s has this machine's token", f.Name)
		}
		var v map[string]any
		switch filepath.Ext(f.Name) {
		case ".json":
			if (&jsonc{f.Content}).get("hooks") == nil && (&jsonc{f.Content}).get("telemetry") == nil {
				t.Errorf("%s:\n%s", f.Name, f.Content)
			}
		case ".toml":
			if err := toml.Unmarshal(f.Content, &v); err != nil || len(v) == 0 {
				t.Errorf("%s: %v\n%s", f.Name, err, f.Content)
			}
		default:
			for name := range names {
				if !bytes.Contains(f.Content, []byte(name)) && name != "README.txt" {
					t.Errorf("%s does not say where %s goes", f.Name, name)
				}
			}
		}
	}
	if len(names) != 8 {
		t.Errorf("%v", names)
	}
}
