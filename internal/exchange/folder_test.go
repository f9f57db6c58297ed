// SPDX-License-Identifier: Apache-2.0

package exchange_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/exchange"
)

const typeTest = "application/vnd.headrace.test"

func open(t *testing.T, dir string) exchange.Place {
	t.Helper()
	p, err := exchange.Open(dir, exchange.Access{Make: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func put(t *testing.T, p exchange.Place, tag string, subject *ocispec.Descriptor, layers ...string) ocispec.Descriptor {
	t.Helper()
	d := exchange.Document{Type: typeTest, Subject: subject}
	for _, l := range layers {
		d.Layers = append(d.Layers, []byte(l))
	}
	desc, err := exchange.Put(t.Context(), p, tag, d)
	if err != nil {
		t.Fatal(err)
	}
	return desc
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	p, ok := errors.AsType[*episode.Problem](err)
	if !ok || p.Code != code || p.Message == "" {
		t.Fatalf("got %v, want %s", err, code)
	}
}

// files lists the plain files below a folder.
func files(t *testing.T, dir string) (n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestAFolderHoldsWhatWasLeftInIt: tags, documents and what refers to what are found by the next who opens it.
func TestAFolderHoldsWhatWasLeftInIt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	p := open(t, dir)
	bundle := put(t, p, "b-1", nil, "one", "two")
	put(t, p, "w-1", nil, "three")
	answer := put(t, p, "", &bundle, "receipt", "{}")
	put(t, p, "seen", nil, "first")
	n := files(t, dir)
	put(t, p, "seen", nil, "second")
	if got := files(t, dir); got != n {
		t.Errorf("a tag that moved on leaves %d files where there were %d", got, n)
	}
	put(t, p, "", &bundle, "receipt", "{}") // the same again
	if got := files(t, dir); got != n {
		t.Errorf("the same answer twice makes %d files of %d", got, n)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}

	p = open(t, dir)
	tags, err := exchange.Named(t.Context(), p, exchange.Bundles, exchange.Withdrawals)
	if err != nil || strings.Join(tags, " ") != "b-1 w-1" {
		t.Fatalf("tags %v, %v", tags, err)
	}
	desc, err := p.Resolve(t.Context(), "b-1")
	if err != nil || desc.Digest != bundle.Digest {
		t.Fatalf("b-1 is %v, %v", desc.Digest, err)
	}
	found, err := registry.Referrers(t.Context(), p, desc, typeTest)
	if err != nil || len(found) != 1 || found[0].Digest != answer.Digest {
		t.Fatalf("answers %v, %v", found, err)
	}
	layers, err := exchange.Layers(t.Context(), p, found[0], 100)
	if err != nil || len(layers) != 2 || string(layers[0]) != "receipt" {
		t.Fatalf("layers %q, %v", layers, err)
	}
	_, err = exchange.Layers(t.Context(), p, found[0], 3)
	wantCode(t, err, "exchange/too-large")
	if _, err := p.Resolve(t.Context(), "b-2"); !errors.Is(err, errdef.ErrNotFound) {
		t.Fatalf("what was not left: %v", err)
	}
}

// TestOneProcessAtATimeHasAFolder: another that comes while it is written or read is told so.
func TestOneProcessAtATimeHasAFolder(t *testing.T) {
	dir := t.TempDir()
	p := open(t, dir)
	_, err := exchange.Open(dir, exchange.Access{})
	wantCode(t, err, "exchange/in-use")
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
}

// TestAFolderThatIsNotAsItWasLeftIsRefused with a reason, by whoever reads it.
func TestAFolderThatIsNotAsItWasLeftIsRefused(t *testing.T) {
	const payload = "what the payload holds"
	blob := filepath.Join("blobs", "sha256", digest.FromString(payload).Encoded())
	link := func(t *testing.T, dir, name string) {
		other := filepath.Join(t.TempDir(), "other")
		ok(t, os.Rename(filepath.Join(dir, name), other))
		ok(t, os.Symlink(other, filepath.Join(dir, name)))
	}
	for name, c := range map[string]struct {
		spoil func(t *testing.T, dir string)
		code  string
	}{
		"an extra file":      {func(t *testing.T, dir string) { write(t, dir, "notes.txt", "x") }, "exchange/extra-file"},
		"an extra blob":      {func(t *testing.T, dir string) { write(t, dir, filepath.Join("blobs", "sha256", "readme"), "x") }, "exchange/extra-file"},
		"an extra folder":    {func(t *testing.T, dir string) { ok(t, os.Mkdir(filepath.Join(dir, "more"), 0o700)) }, "exchange/extra-file"},
		"a linked blob":      {func(t *testing.T, dir string) { link(t, dir, blob) }, "exchange/link"},
		"a linked index":     {func(t *testing.T, dir string) { link(t, dir, "index.json") }, "exchange/link"},
		"linked blobs":       {func(t *testing.T, dir string) { link(t, dir, filepath.Join("blobs", "sha256")) }, "exchange/link"},
		"a linked layout":    {func(t *testing.T, dir string) { link(t, dir, "oci-layout") }, "exchange/link"},
		"no index":           {func(t *testing.T, dir string) { ok(t, os.Remove(filepath.Join(dir, "index.json"))) }, "exchange/not-whole"},
		"no layout":          {func(t *testing.T, dir string) { ok(t, os.Remove(filepath.Join(dir, "oci-layout"))) }, "exchange/not-whole"},
		"half an index":      {func(t *testing.T, dir string) { write(t, dir, "index.json", `{"schemaVersion":2,"mani`) }, "exchange/bad-index"},
		"an index of others": {func(t *testing.T, dir string) { write(t, dir, "index.json", `{"schemaVersion":1}`) }, "exchange/bad-index"},
		"a missing blob":     {func(t *testing.T, dir string) { ok(t, os.Remove(filepath.Join(dir, blob))) }, "exchange/damaged"},
		"half a blob":        {func(t *testing.T, dir string) { write(t, dir, blob, payload[:7]) }, "exchange/damaged"},
		"a changed blob":     {func(t *testing.T, dir string) { write(t, dir, blob, strings.ToUpper(payload)) }, "exchange/damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			p := open(t, dir)
			desc := put(t, p, "b-1", nil, payload)
			ok(t, p.Close())
			c.spoil(t, dir)
			p, err := exchange.Open(dir, exchange.Access{})
			if err == nil {
				defer p.Close()
				_, err = exchange.Layers(t.Context(), p, desc, 1000)
			}
			wantCode(t, err, c.code)
		})
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	ok(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
}

// TestAFolderOfSomethingElseIsNotWrittenInto: a slip of the hand does not make an exchange of somebody's home.
// A folder that was given to a group, by its set-group-ID bit and the right to write, is the group's in all that is made in it. In any
// other, all is its owner's alone.
func TestAFolderIsAGroupsWhereItWasGivenToOne(t *testing.T) {
	for mode, group := range map[os.FileMode]bool{os.ModeSetgid | 0o770: true, os.ModeSetgid | 0o775: true, os.ModeSetgid | 0o750: false, 0o770: false, 0o777: false, 0o755: false, 0o700: false} {
		dir := filepath.Join(t.TempDir(), "place")
		if err := errors.Join(os.Mkdir(dir, 0o700), os.Chmod(dir, mode)); err != nil {
			t.Fatal(err)
		}
		p := open(t, dir)
		put(t, p, "b-1", nil, "a layer")
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || path == dir {
				return err
			}
			fi, err := d.Info()
			if err != nil {
				return err
			}
			want := map[[2]bool]os.FileMode{{false, false}: 0o600, {false, true}: 0o640, {true, false}: 0o700, {true, true}: 0o770}[[2]bool{d.IsDir(), group}]
			if got := fi.Mode(); got.Perm() != want || group && d.IsDir() && got&os.ModeSetgid == 0 {
				t.Errorf("in a folder of %v, %s is %v, want %v", mode, path[len(dir):], got, want)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestAFolderOfSomethingElseIsNotWrittenInto(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "letter.txt", "dear")
	_, err := exchange.Open(dir, exchange.Access{Make: true})
	wantCode(t, err, "exchange/extra-file")
	if _, err := os.Stat(filepath.Join(dir, "index.json")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an index was written: %v", err)
	}
}

// cut ends in the middle.
type cut struct{ r io.Reader }

func (c cut) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	if err == io.EOF {
		err = errors.New("the cable was pulled")
	}
	return n, err
}

// TestAPushThatIsCutLeavesNothingHalf, nor does one whose bytes are not those of the digest.
func TestAPushThatIsCutLeavesNothingHalf(t *testing.T) {
	dir := t.TempDir()
	p := open(t, dir)
	desc := content.NewDescriptorFromBytes(typeTest, []byte("whole"))
	if err := p.Push(t.Context(), desc, cut{strings.NewReader("who")}); err == nil {
		t.Fatal("half a blob is taken")
	}
	wantCode(t, p.Push(t.Context(), desc, strings.NewReader("whale")), "exchange/damaged")
	if is, err := p.Exists(t.Context(), desc); is || err != nil {
		t.Fatalf("it is there: %v, %v", is, err)
	}
	ok(t, p.Push(t.Context(), desc, bytes.NewReader([]byte("whole"))))
	ok(t, p.Close())

	// A process that died left this.
	half := filepath.Join(dir, "blobs", "sha256", ".new-HALF")
	ok(t, os.WriteFile(half, []byte("who"), 0o600))
	open(t, dir)
	if _, err := os.Stat(half); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("half a file stays: %v", err)
	}
}

// TestWhatIsAPlaceInARegistryAndWhatIsAFolder, by the words alone where there is no such folder.
func TestWhatIsAPlaceInARegistryAndWhatIsAFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	ok(t, os.MkdirAll("here.example/headrace", 0o700))
	for where, want := range map[string]string{
		"registry.example/alder/headrace": "registry.example/alder/headrace",
		"localhost:5000/headrace":         "localhost:5000/headrace",
		"http://registry/headrace":        "registry/headrace",
		"https://registry/headrace":       "registry/headrace",
	} {
		p, err := exchange.Open(where, exchange.Access{})
		if err != nil || p.String() != want {
			t.Errorf("%s is %v, %v", where, p, err)
		}
	}
	for where, code := range map[string]string{
		"here.example/headrace":     "exchange/not-whole", // it is there, and empty
		"./out.d/stick":             "exchange/no-folder",
		"../registry.example/stick": "exchange/no-folder",
		"out/stick":                 "exchange/no-folder",
		"stick":                     "exchange/no-folder",
	} {
		_, err := exchange.Open(where, exchange.Access{})
		wantCode(t, err, code)
	}
	for _, where := range []string{"http://", "registry.example/Head Race", "registry.example/headrace:tag"} {
		_, err := exchange.Open(where, exchange.Access{})
		wantCode(t, err, "exchange/bad-address")
	}
}
