// SPDX-License-Identifier: Apache-2.0

package hub_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/hub"
	"github.com/headrace/headrace/internal/blob"
	"github.com/headrace/headrace/internal/sqlstore"
)

// sender is a contributor that speaks to a hub's registry by hand, so that a test can come between any two requests.
type sender struct {
	t     *testing.T
	dir   string // the hub's
	h     *hub.Hub
	key   ed25519.PrivateKey
	token string
	time  time.Time
	asked func() // called when the hub asks what time it is; nil: nothing
}

func newSender(t *testing.T) *sender {
	t.Helper()
	s := &sender{t: t, dir: t.TempDir(), time: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}
	var err error
	s.h, err = hub.New(t.Context(), hub.Config{Dir: s.dir, Name: "maker", Now: s.now})
	s.ok(err)
	t.Cleanup(func() { s.h.Close() })
	_, s.key, err = ed25519.GenerateKey(nil)
	s.ok(err)
	ans, err := s.h.Enlist(t.Context(), "alder-bank", s.key.Public().(ed25519.PublicKey), false)
	s.ok(err)
	s.token = ans.Token
	return s
}

func (s *sender) now() time.Time {
	if do := s.asked; do != nil {
		s.asked = nil
		do()
	}
	return s.time
}

func (s *sender) ok(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *sender) do(ctx context.Context, method, path string, header map[string]string, body []byte) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(ctx, method, path, bytes.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+s.token)
	for k, v := range header {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	s.h.Handler().ServeHTTP(w, r)
	return w
}

// blob uploads one and returns its descriptor.
func (s *sender) blob(place, mediaType string, b []byte) ocispec.Descriptor {
	s.t.Helper()
	d := episode.Digest(b)
	if w := s.do(s.t.Context(), http.MethodPost, "/v2/alder-bank/"+place+"/blobs/uploads/?digest="+d, nil, b); w.Code != http.StatusCreated {
		s.t.Fatalf("upload: %d %s", w.Code, w.Body)
	}
	return ocispec.Descriptor{MediaType: mediaType, Digest: ocispec.DescriptorEmptyJSON.Digest.Algorithm().FromBytes(b), Size: int64(len(b))}
}

func (s *sender) manifest(ctx context.Context, place string, raw []byte) int {
	s.t.Helper()
	w := s.do(ctx, http.MethodPut, "/v2/alder-bank/"+place+"/manifests/"+episode.Digest(raw), map[string]string{"Content-Type": ocispec.MediaTypeImageManifest}, raw)
	if w.Code != http.StatusCreated {
		s.t.Log(w.Code, w.Body)
	}
	return w.Code
}

// withdrawal uploads one and returns a manifest that carries it, with a note that makes it another.
func (s *sender) withdrawal(note string, ids ...string) []byte {
	s.t.Helper()
	envelope, err := bundle.SealDocument(bundle.TypeWithdrawal, bundle.Withdrawal{Contributor: "alder-bank", Recipient: "maker", IDs: ids}, s.key)
	s.ok(err)
	raw, err := json.Marshal(ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, ArtifactType: bundle.TypeWithdrawal,
		Config: s.blob("withdrawals", ocispec.MediaTypeEmptyJSON, []byte("{}")), Layers: []ocispec.Descriptor{s.blob("withdrawals", bundle.TypeWithdrawal, envelope)},
		Annotations: map[string]string{"note": note}})
	s.ok(err)
	return raw
}

// upload packs records, uploads what a bundle of them consists of and returns its manifest, which is still to be pushed.
func (s *sender) upload(ids ...string) []byte {
	s.t.Helper()
	var lines [][]byte
	for _, id := range ids {
		ep, err := episode.Decode(example(s.t, "episode.signal.json"))
		s.ok(err)
		ep.ID, ep.Terms.Recipients = episode.NewID("demo", id), []string{"maker"}
		line, err := episode.AppendCanonical(nil, ep)
		s.ok(err)
		lines = append(lines, line)
	}
	dir := filepath.Join(s.t.TempDir(), "bundle")
	_, digest, err := bundle.Pack(dir, lines, bundle.Options{Signer: s.key, Contributor: "alder-bank", Recipient: "maker"})
	s.ok(err)
	read := func(d string) []byte {
		b, err := os.ReadFile(filepath.Join(dir, "blobs", "sha256", strings.TrimPrefix(d, "sha256:")))
		s.ok(err)
		return b
	}
	raw := read(digest)
	var m ocispec.Manifest
	s.ok(json.Unmarshal(raw, &m))
	for _, d := range append(m.Layers, m.Config) {
		s.blob("bundles", d.MediaType, read(d.Digest.String()))
	}
	return raw
}

// age makes all blobs but one look as if they had been put a day and more ago.
func (s *sender) age(but string) {
	s.t.Helper()
	files, err := filepath.Glob(filepath.Join(s.dir, "blobs", "sha256", "*"))
	s.ok(err)
	s.time = s.time.Add(30 * time.Hour)
	for _, f := range files {
		at := s.time
		if "sha256:"+filepath.Base(f) != but {
			at = at.Add(-30 * time.Hour)
		}
		s.ok(os.Chtimes(f, at, at))
	}
}

// answers are the referrers of a manifest, by type.
func (s *sender) answers(place string, manifest []byte) (types []string) {
	s.t.Helper()
	w := s.do(s.t.Context(), http.MethodGet, "/v2/alder-bank/"+place+"/referrers/"+episode.Digest(manifest), nil, nil)
	var index ocispec.Index
	s.ok(json.Unmarshal(w.Body.Bytes(), &index))
	for _, m := range index.Manifests {
		types = append(types, m.ArtifactType)
	}
	return types
}

// A withdrawal may come in more than one artifact, before and after it is certified: who sent each finds the certificate there.
func TestEachArtifactThatCarriedAWithdrawalIsAnswered(t *testing.T) {
	s := newSender(t)
	list := [][]byte{s.withdrawal("first", "ep_1"), s.withdrawal("second", "ep_1"), s.withdrawal("late", "ep_1")}
	for i, m := range list {
		if code := s.manifest(t.Context(), "withdrawals", m); code != http.StatusCreated {
			t.Fatalf("%d: %d", i, code)
		}
		if i == 1 {
			s.ok(s.h.Turn(t.Context()))
		}
	}
	for i, m := range list {
		if got := s.answers("withdrawals", m); len(got) != 1 || got[0] != bundle.TypeCertificate {
			t.Errorf("artifact %d is answered with %v", i, got)
		}
	}
	docs, err := s.db().Documents(t.Context(), sqlstore.DocCertificate)
	s.ok(err)
	if len(docs) != 1 {
		t.Errorf("%d certificates of one withdrawal", len(docs))
	}
}

func (s *sender) db() *sqlstore.DB {
	s.t.Helper()
	db, err := sqlstore.Open(s.t.Context(), filepath.Join(s.dir, "hub.db"), sqlstore.RoleHub)
	s.ok(err)
	s.t.Cleanup(func() { db.Close() })
	return db
}

// A sweep that comes while a bundle is being verified takes what lay there for a day: the envelope, where the records came later. The
// bundle is not admitted without it.
func TestNoBundleIsAdmittedOfWhichASweepTookAPart(t *testing.T) {
	for kept := range 2 {
		s := newSender(t)
		raw := s.upload("1")
		var m ocispec.Manifest
		s.ok(json.Unmarshal(raw, &m))
		s.asked = func() { // the hub asks once it has verified the bundle
			s.age(m.Layers[kept].Digest.String())
			s.ok(s.h.Turn(t.Context()))
		}
		if code := s.manifest(t.Context(), "bundles", raw); code == http.StatusCreated || s.asked != nil {
			t.Errorf("without layer %d: answered with %d", 1-kept, code)
		}
		if list, err := s.db().Admitted(t.Context()); err != nil || len(list) != 0 {
			t.Errorf("without layer %d %d are admitted, %v", 1-kept, len(list), err)
		}
		if again := s.upload("1"); !bytes.Equal(again, raw) || s.manifest(t.Context(), "bundles", again) != http.StatusCreated {
			t.Error("it is not taken in when it comes anew")
		}
	}
}

// A bundle that is admitted and whose push was cut off before the registry named it is no upload that nothing names.
func TestASweepTakesNothingOfAnAdmittedBundle(t *testing.T) {
	s := newSender(t)
	m := s.upload("1")
	ctx, hangUp := context.WithCancel(t.Context())
	db := s.db()
	var look func()
	look = func() { // the last time that the hub asks, it counts what it has admitted
		if list, err := db.Admitted(t.Context()); err != nil || len(list) > 0 {
			hangUp()
		} else {
			s.asked = look
		}
	}
	s.asked = look
	if code := s.manifest(ctx, "bundles", m); code == http.StatusCreated {
		t.Fatalf("answered with %d", code)
	}
	s.asked = nil
	if list, err := db.Admitted(t.Context()); err != nil || len(list) != 1 {
		t.Fatalf("%d are admitted, %v", len(list), err)
	}
	s.age("")
	s.ok(s.h.Turn(t.Context()))
	if code := s.manifest(t.Context(), "bundles", m); code != http.StatusCreated {
		t.Errorf("pushed again: %d", code)
	}
}

// One bundle whose records cannot be read is set aside and told; all others make the next snapshot, and it does, too, once it can be
// read again.
func TestOneUnreadableBundleHoldsUpNoOther(t *testing.T) {
	s := newSender(t)
	for _, id := range []string{"1", "2"} {
		if code := s.manifest(t.Context(), "bundles", s.upload(id)); code != http.StatusCreated {
			t.Fatal(code)
		}
	}
	admitted, err := s.db().Admitted(t.Context())
	s.ok(err)
	file := filepath.Join(s.dir, "blobs", "sha256", strings.TrimPrefix(admitted[0].Shard, "sha256:"))
	whole, err := os.ReadFile(file)
	s.ok(err)
	s.ok(os.WriteFile(file, whole[:len(whole)-1], 0o600))
	blobs, err := blob.View(filepath.Join(s.dir, "blobs"), filepath.Join(s.dir, "keys", "blobs"))
	s.ok(err)
	if _, err := blobs.Get(t.Context(), admitted[0].Shard); !errors.Is(err, blob.ErrDigest) {
		t.Fatalf("the damage: %v", err)
	}
	rows := func() (made, of int) {
		t.Helper()
		s.ok(s.h.Turn(t.Context()))
		list, err := hub.View{Hub: s.h}.Snapshots(t.Context())
		s.ok(err)
		return len(list), list[0].Records
	}
	for range 2 { // and once only
		if made, of := rows(); made != 1 || of != 1 {
			t.Fatalf("%d snapshots, the newest of %d records; want 1 of 1", made, of)
		}
	}
	stages, err := hub.View{Hub: s.h}.HubStages(t.Context())
	s.ok(err)
	if note := stages[1].Note; !strings.Contains(note, "cannot be read: 1;") {
		t.Errorf("the page says %q", note)
	}
	s.ok(os.WriteFile(file, whole, 0o600))
	if made, of := rows(); made != 2 || of != 2 {
		t.Errorf("%d snapshots, the newest of %d records; want 2 of 2", made, of)
	}
}
