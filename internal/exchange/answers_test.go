// SPDX-License-Identifier: Apache-2.0

package exchange_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/memory"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry"

	"github.com/headrace/headrace/internal/exchange"
)

// indexed is a registry that has no API for answers, in so far as it lists only those of which the index was written. While cut
// is set the writer dies between the two.
type indexed struct {
	*memory.Store
	cut   bool
	index []ocispec.Descriptor
}

func (x *indexed) Push(ctx context.Context, desc ocispec.Descriptor, r io.Reader) error {
	err := x.Store.Push(ctx, desc, r)
	if desc.MediaType == ocispec.MediaTypeImageManifest {
		if x.cut {
			return context.Canceled
		}
		x.index = append(x.index, desc)
	}
	return err
}

func (x *indexed) Predecessors(context.Context, ocispec.Descriptor) ([]ocispec.Descriptor, error) {
	if len(x.index) == 0 {
		return nil, errdef.ErrNotFound
	}
	return x.index, nil
}

// TestAnAnswerWhoseIndexWasNotWrittenIsLeftAnew: else nobody would ever find it.
func TestAnAnswerWhoseIndexWasNotWrittenIsLeftAnew(t *testing.T) {
	p := &indexed{Store: memory.New(), cut: true}
	subject := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}
	doc := exchange.Document{Type: typeTest, Subject: &subject, Layers: [][]byte{[]byte("receipt"), []byte("{}")}}
	if _, err := exchange.Put(t.Context(), p, "", doc); err == nil {
		t.Fatal("the cut is not noticed")
	}
	p.cut = false
	if lies, err := exchange.Lies(t.Context(), p, "", doc); lies || err != nil {
		t.Fatalf("it is said to lie there: %v, %v", lies, err)
	}
	for range 2 {
		if _, err := exchange.Put(t.Context(), p, "", doc); err != nil {
			t.Fatal(err)
		}
		if len(p.index) != 1 {
			t.Fatalf("the index has %d answers", len(p.index))
		}
	}
	if lies, err := exchange.Lies(t.Context(), p, "", doc); !lies || err != nil {
		t.Fatalf("it is said not to lie there: %v, %v", lies, err)
	}
}

// TestWhatWasDamagedInAFolderIsLeftAnew, blob or manifest, and holds up no other answer.
func TestWhatWasDamagedInAFolderIsLeftAnew(t *testing.T) {
	dir := t.TempDir()
	p := open(t, dir)
	subject := put(t, p, "b-1", nil, "bundle")
	docs := []exchange.Document{}
	for _, text := range []string{"first answer", "other answer"} {
		docs = append(docs, exchange.Document{Type: typeTest, Subject: &subject, Layers: [][]byte{[]byte(text)}})
		put(t, p, "", &subject, text)
	}
	m, _, desc, err := docs[0].Manifest()
	ok(t, err)
	ok(t, p.Close())
	for _, spoilt := range []ocispec.Descriptor{m.Layers[0], desc} {
		file := filepath.Join(dir, "blobs", "sha256", spoilt.Digest.Encoded())
		b, err := os.ReadFile(file)
		ok(t, err)
		b[0] ^= 1
		ok(t, os.WriteFile(file, b, 0o600))
		p := open(t, dir)
		found, err := registry.Referrers(t.Context(), p, subject, typeTest)
		if err != nil || len(found) == 0 {
			t.Fatalf("answers %v, %v", found, err)
		}
		for want, d := range docs {
			if lies, err := exchange.Lies(t.Context(), p, "", d); lies != (want == 1) || err != nil {
				t.Fatalf("document %d lies there: %v, %v", want, lies, err)
			}
		}
		put(t, p, "", &subject, "first answer")
		if lies, err := exchange.Lies(t.Context(), p, "", docs[0]); !lies || err != nil {
			t.Fatalf("it is not left anew: %v, %v", lies, err)
		}
		found, err = registry.Referrers(t.Context(), p, subject, typeTest)
		if err != nil || len(found) != 2 {
			t.Fatalf("answers %v, %v", found, err)
		}
		ok(t, p.Close())
	}
}

// TestARegistryThatSaysNothingIsGivenUp.
func TestARegistryThatSaysNothingIsGivenUp(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	defer l.Close()
	tr := http.DefaultTransport.(*http.Transport).Clone()
	exchange.Impatient(tr, 50*time.Millisecond)
	defer tr.CloseIdleConnections()
	resp, err := (&http.Client{Transport: tr}).Get("http://" + l.Addr().String() + "/v2/")
	if e, is := errors.AsType[net.Error](err); !is || !e.Timeout() {
		t.Fatalf("got %v, %v", resp, err)
	}
}

// TestAnArtifactOfManyLayersIsRefused before any of them is read: a manifest may name one large blob again and again.
func TestAnArtifactOfManyLayersIsRefused(t *testing.T) {
	p := open(t, t.TempDir())
	_, err := exchange.Layers(t.Context(), p, put(t, p, "b-1", nil, "a", "a", "a", "a", "a"), 100)
	wantCode(t, err, "exchange/bad-manifest")
	_, err = exchange.Layers(t.Context(), p, put(t, p, "b-2", nil, "four", "four"), 7)
	wantCode(t, err, "exchange/too-large")
}

// TestAManifestThatNamesWhatCannotBeAskedForIsRefused: anything else would be tried again for ever.
func TestAManifestThatNamesWhatCannotBeAskedForIsRefused(t *testing.T) {
	p := open(t, t.TempDir())
	good := put(t, p, "b-1", nil, "first", "other")
	raw, err := exchange.Blob(t.Context(), p, good, 1<<20)
	ok(t, err)
	for old, changed := range map[string]string{`"digest":"sha256:`: `"digest":"sha256:G`, `"size":5`: `"size":-5`} {
		b := []byte(strings.Replace(string(raw), old, changed, 1))
		desc := content.NewDescriptorFromBytes(good.MediaType, b)
		ok(t, p.Push(t.Context(), desc, bytes.NewReader(b)))
		_, _, err := exchange.Manifest(t.Context(), p, desc)
		wantCode(t, err, "exchange/bad-manifest")
	}
}

// TestAnAnswerThatCannotBeReadHidesNoOther.
func TestAnAnswerThatCannotBeReadHidesNoOther(t *testing.T) {
	p := open(t, t.TempDir())
	subject := put(t, p, "b-1", nil, "bundle")
	put(t, p, "", &subject, "a", "a", "a", "a", "a")
	put(t, p, "", &subject, "receipt")
	found, err := exchange.Answers(t.Context(), p, subject, typeTest)
	if err != nil || len(found) != 1 {
		t.Fatalf("found %v, %v", found, err)
	}
}
