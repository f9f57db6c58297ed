// SPDX-License-Identifier: Apache-2.0

package design

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/headrace/headrace"

// root is the checkout.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// listed is what go list says of a package.
type listed struct {
	ImportPath string
	Dir        string
	Name       string
	Standard   bool
	GoFiles    []string
	CgoFiles   []string
	Imports    []string
	Module     *struct{ Path, Version, Dir string }
}

// list asks the go command.
func list(t *testing.T, args ...string) []listed {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Dir,Name,Standard,GoFiles,CgoFiles,Imports,Module"}, args...)...)
	cmd.Dir, cmd.Stderr = root(t), os.Stderr
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1") // with 0 the go command hides who would need C
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	var all []listed
	for d := json.NewDecoder(out); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	return all
}

// ours is one package of the module: what it imports of ours, outside its tests, without the module's name.
type ours struct {
	name, dir string
	program   bool
	files     []string
	imports   []string
}

func packages(t *testing.T) []ours {
	var all []ours
	for _, p := range list(t, "./...") {
		o := ours{name: strings.TrimPrefix(p.ImportPath, module+"/"), dir: p.Dir, program: p.Name == "main", files: p.GoFiles}
		for _, i := range p.Imports {
			if of, ok := strings.CutPrefix(i, module+"/"); ok {
				o.imports = append(o.imports, of)
			}
		}
		all = append(all, o)
	}
	if !slices.ContainsFunc(all, func(o ours) bool { return o.name == "episode" }) {
		t.Fatal("go list does not know our own packages")
	}
	return all
}
