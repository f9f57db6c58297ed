// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"github.com/headrace/headrace/episode"
)

// key is a signing key from a seed, so that tests give the same bytes each time.
func key(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func public(seed byte) ed25519.PublicKey { return key(seed).Public().(ed25519.PublicKey) }

func trust() Trust { return NewTrust(TrustedKey{"alder", public(1)}) }

func options() Options {
	return Options{Signer: key(1), Contributor: "alder", Recipient: "maker", Checkpoint: "alder-log\n3\nroot\n"}
}

func record(t testing.TB, id string, change ...func(*episode.Episode)) []byte {
	t.Helper()
	e := &episode.Episode{SchemaVersion: "1.0", ID: id, Languages: []string{"go"},
		Privacy: &episode.Privacy{Level: episode.LevelSignal, Scrubber: "headrace-scrub/2", Policy: "sha256:p", Findings: map[string]int{"email": 2}},
		Terms:   &episode.Terms{Purposes: []episode.Purpose{"evaluate"}, Recipients: []string{"maker"}, RetentionDays: 30}}
	for _, c := range change {
		c(e)
	}
	b, err := episode.AppendCanonical(nil, e)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func records(t testing.TB, n int) [][]byte {
	var all [][]byte
	for i := range n {
		all = append(all, record(t, fmt.Sprintf("ep_%d", i)))
	}
	return all
}

// packed packs into a fresh folder and returns it.
func packed(t testing.TB, r [][]byte, o Options) (dir, digest string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "bundle")
	_, digest, err := Pack(dir, r, o)
	if err != nil {
		t.Fatal(err)
	}
	return dir, digest
}

func files(t testing.TB, dir string) map[string]string {
	t.Helper()
	m := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			b, err := os.ReadFile(p)
			m[strings.TrimPrefix(p, dir)] = string(b)
			return err
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func wantCode(t testing.TB, err error, code string) {
	t.Helper()
	p, ok := errors.AsType[*episode.Problem](err)
	if !ok || p.Code != code || p.Hint == "" {
		t.Errorf("got %v (%+v), want %s", err, p, code)
	}
}

func TestWhatWasPackedIsWhatIsVerified(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		ids := rapid.SliceOfNDistinct(rapid.StringN(1, 20, 60), 1, 30, rapid.ID[string]).Draw(rt, "ids")
		want := map[string]bool{}
		var all [][]byte
		for _, id := range ids {
			r := record(t, id)
			all, want[string(r)] = append(all, r), true
		}
		dir, digest := packed(t, all, options())
		b, err := Verify(dir, trust())
		if err != nil {
			rt.Fatal(err)
		}
		got := map[string]bool{}
		for i, r := range b.Records() {
			got[string(r)] = true
			if err := CheckInclusion(b.Manifest.MerkleRoot, b.Len(), i, r, b.Prove(i)); err != nil {
				rt.Fatal(err)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" || b.Digest != digest || b.SignerName != "alder" || b.Len() != len(ids) {
			rt.Fatalf("%s\n%+v", diff, b)
		}
	})
}

func TestTheSameRecordsGiveTheSameBytesInAnyOrder(t *testing.T) {
	r := records(t, 50)
	a, da := packed(t, r, options())
	r[3], r[40] = r[40], r[3]
	b, db := packed(t, append(r, r[7]), options())
	if diff := cmp.Diff(files(t, a), files(t, b)); diff != "" || da != db {
		t.Errorf("two packs differ: %s", diff)
	}
}

func TestPackingAgainIntoTheSameFolderIsFineAndIntoAnotherBundlesIsNot(t *testing.T) {
	r := records(t, 3)
	dir, digest := packed(t, r, options())
	if _, again, err := Pack(dir, r, options()); err != nil || again != digest {
		t.Errorf("again: %s, %v", again, err)
	}
	before := files(t, dir)
	_, _, err := Pack(dir, r[:2], options())
	wantCode(t, err, CodeExists)
	if diff := cmp.Diff(before, files(t, dir)); diff != "" {
		t.Errorf("the bundle that was there has changed: %s", diff)
	}
}

func TestTheManifestCountsWhatIsInTheRecords(t *testing.T) {
	r := append(records(t, 2), record(t, "ep_c", func(e *episode.Episode) {
		e.Privacy.Level, e.Privacy.Findings, e.Terms.RetentionDays = episode.LevelClean, map[string]int{"jwt": 1, "email": 1}, 90
	}))
	dir, _ := packed(t, r, options())
	b, err := Verify(dir, trust())
	if err != nil {
		t.Fatal(err)
	}
	m := b.Manifest
	if m.Kind != KindEpisodes || m.Records != 3 || m.Levels["signal"] != 2 || m.Levels["clean"] != 1 || m.Findings["email"] != 5 || m.Findings["jwt"] != 1 ||
		len(m.Terms) != 2 || m.Terms[0].Records != 2 || m.Terms[1].Terms.RetentionDays != 90 || m.Checkpoint != "alder-log\n3\nroot\n" ||
		!cmp.Equal(m.Scrubbers, []string{"headrace-scrub/2"}) || !cmp.Equal(m.Policies, []string{"sha256:p"}) || m.Contributor != "alder" || m.Recipient != "maker" {
		t.Errorf("%+v", m)
	}
}

func TestPackRefusesWhatMustNotLeave(t *testing.T) {
	with := func(f func(*episode.Episode)) [][]byte { return append(records(t, 2), record(t, "ep_x", f)) }
	for name, c := range map[string]struct {
		records [][]byte
		options func(*Options)
		code    string
	}{
		"empty":             {nil, nil, CodeEmpty},
		"local":             {with(func(e *episode.Episode) { e.Local = &episode.Local{} }), nil, CodeLocal},
		"null local":        {[][]byte{[]byte(`{"id":"x","local":null}`)}, nil, CodeLocal},
		"no terms":          {with(func(e *episode.Episode) { e.Terms = nil }), nil, CodeTerms},
		"no purposes":       {with(func(e *episode.Episode) { e.Terms.Purposes = nil }), nil, CodeTerms},
		"another recipient": {with(func(e *episode.Episode) { e.Terms.Recipients = []string{"them"} }), nil, CodeTerms},
		"no level":          {with(func(e *episode.Episode) { e.Privacy = nil }), nil, CodeLevel},
		"level none":        {with(func(e *episode.Episode) { e.Privacy.Level = episode.LevelNone }), nil, CodeLevel},
		"mixed":             {with(func(e *episode.Episode) { e.Amends = "ep_0" }), nil, CodeMixed},
		"not canonical":     {append(records(t, 1), []byte(`{"id": "x"}`)), nil, CodeRecord},
		"two keys":          {[][]byte{[]byte(`{"id":"x","id":"y"}`)}, nil, CodeRecord},
		"canary":            {with(func(e *episode.Episode) { e.Instruction = `a "ca\nary" b` }), func(o *Options) { o.Canaries = []string{`never`, `"ca\nary"`} }, CodeCanary},
		"empty canary":      {records(t, 1), func(o *Options) { o.Canaries = []string{""} }, CodeCanary},
		"no key":            {records(t, 1), func(o *Options) { o.Signer = nil }, CodeNoSigner},
		"no contributor":    {records(t, 1), func(o *Options) { o.Contributor = "" }, CodeTerms},
	} {
		t.Run(name, func(t *testing.T) {
			o := options()
			if c.options != nil {
				c.options(&o)
			}
			dir := filepath.Join(t.TempDir(), "b")
			_, _, err := Pack(dir, c.records, o)
			wantCode(t, err, c.code)
			if _, err := os.Stat(dir); err == nil {
				t.Error("a refused bundle is on disk")
			}
		})
	}
}

func TestNoBitOfABundleCanBeChanged(t *testing.T) {
	t.Parallel()
	dir, _ := packed(t, records(t, 1), options())
	for name, content := range files(t, dir) {
		path := dir + name
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		step := 1
		if strings.HasPrefix(name, "/blobs/") {
			step = 7 // a bit of each byte; every bit is tried in memory below
		}
		for i := 0; i < len(content)*8; i += step {
			if _, err := f.WriteAt([]byte{content[i/8] ^ 1<<(i%8)}, int64(i/8)); err != nil {
				t.Fatal(err)
			}
			if _, err := Verify(dir, trust()); err == nil {
				t.Fatalf("%s with bit %d changed is taken", name, i)
			} else if _, ok := errors.AsType[*episode.Problem](err); !ok {
				t.Fatalf("%s with bit %d changed gives no Problem: %v", name, i, err)
			}
			if _, err := f.WriteAt([]byte{content[i/8]}, int64(i/8)); err != nil {
				t.Fatal(err)
			}
		}
		for _, b := range []string{content + "\n", content[:len(content)-1], ""} {
			if err := os.WriteFile(path, []byte(b), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := Verify(dir, trust()); err == nil {
				t.Fatalf("%s with another length is taken", name)
			}
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b, err := Verify(dir, trust())
	if err != nil {
		t.Fatal(err)
	}
	noBitOfABlob(t, b.Digest, files(t, dir))
}

// noBitOfABlob flips every bit of every signed or named blob.
func noBitOfABlob(t *testing.T, digest string, all map[string]string) {
	t.Helper()
	for name, content := range all {
		if !strings.HasPrefix(name, "/blobs/") || content == emptyConfig {
			continue
		}
		flipped := []byte(content)
		get := func(path string) []byte {
			if path == name {
				return flipped
			}
			return []byte(all[path])
		}
		for i := range len(flipped) * 8 {
			flipped[i/8] ^= 1 << (i % 8)
			_, err := VerifyFrom(get("/"+blobPath(digest)), func(d string) ([]byte, error) { return get("/" + blobPath(d)), nil }, trust())
			if err == nil {
				t.Fatalf("%s with bit %d changed is taken", name, i)
			}
			flipped[i/8] ^= 1 << (i % 8)
		}
	}
}

func TestNothingMayRideAlong(t *testing.T) {
	for _, extra := range []string{"notes.txt", "blobs/sha256/" + strings.Repeat("0", 64), "blobs/sha512/x", ".hidden", "blobs/sha256/sub/x"} {
		dir, _ := packed(t, records(t, 2), options())
		path := filepath.Join(dir, extra)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte("x"), 0o600)); err != nil {
			t.Fatal(err)
		}
		_, err := Verify(dir, trust())
		wantCode(t, err, CodeExtra)
	}
	dir, digest := packed(t, records(t, 2), options())
	path := filepath.Join(dir, blobPath(digest))
	if err := errors.Join(os.Rename(path, dir+".away"), os.Symlink(dir+".away", path)); err != nil {
		t.Fatal(err)
	}
	_, err := Verify(dir, trust())
	wantCode(t, err, CodeExtra)
}

func TestMissingFilesAreNamed(t *testing.T) {
	dir, _ := packed(t, records(t, 2), options())
	for name := range files(t, dir) {
		if err := os.Rename(dir+name, dir+".away"); err != nil {
			t.Fatal(err)
		}
		_, err := Verify(dir, trust())
		if name == "/index.json" {
			wantCode(t, err, CodeNotBundle)
		} else {
			wantCode(t, err, CodeMissing)
		}
		if err := os.Rename(dir+".away", dir+name); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Verify(filepath.Join(dir, "nowhere"), trust())
	wantCode(t, err, CodeNotBundle)
}

func TestABundleFromAStrangerOrInAnothersNameIsRefused(t *testing.T) {
	dir, _ := packed(t, records(t, 2), options())
	for code, trust := range map[string]Trust{
		CodeUnknownSigner: NewTrust(TrustedKey{"alder", public(2)}),
		CodeContributor:   NewTrust(TrustedKey{"birch", public(1)}),
	} {
		_, err := Verify(dir, trust)
		wantCode(t, err, code)
	}
	if _, err := Verify(dir, NewTrust(TrustedKey{"", public(1)})); err != nil {
		t.Errorf("a machine's own key: %v", err)
	}
}

// zipped is raw as another program, or an older version of this one, may compress it.
func zipped(t *testing.T, raw []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithWindowSize(window))
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(raw, nil)
}

func payloadOf(lines ...[]byte) []byte { return append(bytes.Join(lines, []byte("\n")), '\n') }

// resigned builds a bundle by hand whose signer meant every word of it, for what only counting the records again shows.
func resigned(t *testing.T, raw []byte, change func(*Manifest)) error {
	t.Helper()
	lines := bytes.Split(bytes.TrimSuffix(raw, []byte("\n")), []byte("\n"))
	leaves := make([]hash, len(lines))
	for i, l := range lines {
		leaves[i] = leaf(sha256.Sum256(l))
	}
	m, err := summarise(lines, leaves, "alder", "maker", "")
	if err != nil {
		m = Manifest{Version: manifestVersion, Kind: KindEpisodes, Contributor: "alder", Recipient: "maker", Records: len(lines), PayloadBytes: int64(len(raw))}
	}
	if change != nil {
		change(&m)
	}
	payload := newBlob(zipped(t, raw))
	sealed, err := SealDocument(TypeBundle, newStatement(m, payload), key(1))
	if err != nil {
		t.Fatal(err)
	}
	envelope := newBlob(sealed)
	oci, err := ociManifest(envelope, payload)
	if err != nil {
		t.Fatal(err)
	}
	blobs := map[string][]byte{envelope.digest: envelope.bytes, payload.digest: payload.bytes}
	_, err = VerifyFrom(oci, func(d string) ([]byte, error) { return blobs[d], nil }, trust())
	return err
}

func TestASignerCannotSignWhatTheRecordsDoNotSay(t *testing.T) {
	sorted, _, err := sortRecords(records(t, 3))
	if err != nil {
		t.Fatal(err)
	}
	raw := payloadOf(sorted...)
	if err := resigned(t, raw, nil); err != nil {
		t.Fatalf("the honest one: %v", err)
	}
	for code, changes := range map[string][]func(*Manifest){
		CodeManifest: {
			func(m *Manifest) { m.Records++ },
			func(m *Manifest) { m.Levels["clean"] = 1 },
			func(m *Manifest) { m.MerkleRoot = format(sha256.Sum256(nil)) },
			func(m *Manifest) { m.Kind = KindAmendments },
			func(m *Manifest) { m.Findings = nil },
			func(m *Manifest) { m.Terms[0].Records = 1 },
			func(m *Manifest) { m.Version = "2.0" },
		},
		CodeTerms:     {func(m *Manifest) { m.Recipient = "them" }},
		CodeTooLarge:  {func(m *Manifest) { m.PayloadBytes = 0 }, func(m *Manifest) { m.PayloadBytes = MaxPayload + 1 }},
		CodeMalformed: {func(m *Manifest) { m.PayloadBytes-- }, func(m *Manifest) { m.PayloadBytes++ }},
	} {
		for _, change := range changes {
			wantCode(t, resigned(t, raw, change), code)
		}
	}
	reversed := payloadOf(sorted[2], sorted[1], sorted[0])
	wantCode(t, resigned(t, reversed, nil), CodeMalformed)
	wantCode(t, resigned(t, payloadOf(sorted[0], sorted[0]), nil), CodeMalformed)
	wantCode(t, resigned(t, raw[:len(raw)-1], func(m *Manifest) { m.PayloadBytes = int64(len(raw)) - 1 }), CodeMalformed)
	wantCode(t, resigned(t, append(record(t, "x", func(e *episode.Episode) { e.Local = &episode.Local{} }), '\n'), nil), CodeLocal)
}

func TestUnpackingIsBoundedByWhatWasSigned(t *testing.T) {
	bomb := zipped(t, make([]byte, 64<<20))
	if raw, err := decompress(bomb, 1000); err == nil || len(raw) > 1000 {
		t.Errorf("%d bytes came of it, %v", len(raw), err)
	}
	if raw, err := decompress(bomb, 64<<20); err != nil || len(raw) != 64<<20 {
		t.Errorf("%d bytes came of it, %v", len(raw), err)
	}
}

func FuzzVerifyFrom(f *testing.F) {
	dir, digest := packed(f, records(f, 2), options())
	all := files(f, dir)
	manifest := all["/"+blobPath(digest)]
	blobs := map[string][]byte{}
	for _, b := range all {
		blobs[episode.Digest([]byte(b))] = []byte(b)
	}
	f.Add([]byte(manifest), []byte(nil))
	f.Add([]byte(strings.Replace(manifest, `"layers"`, `"Layers"`, 1)), []byte("{}"))
	f.Fuzz(func(t *testing.T, m, other []byte) {
		b, err := VerifyFrom(m, func(d string) ([]byte, error) {
			if b, ok := blobs[d]; ok {
				return b, nil
			}
			return other, nil
		}, trust())
		if err == nil && (string(m) != manifest || b.Digest != digest) {
			t.Errorf("another manifest is taken: %s", m)
		}
	})
}

func BenchmarkPack(b *testing.B)   { benchmark(b, true) }
func BenchmarkVerify(b *testing.B) { benchmark(b, false) }

func benchmark(b *testing.B, pack bool) {
	const n = 10_000
	filler := strings.Repeat("f", 600)
	var all [][]byte
	for i := range n {
		all = append(all, record(b, fmt.Sprintf("ep_%d_%s", i, filler[:400+i%200])))
	}
	root := b.TempDir()
	dir := filepath.Join(root, "x")
	if _, _, err := Pack(dir, all, options()); err != nil {
		b.Fatal(err)
	}
	for i := 0; b.Loop(); i++ {
		var err error
		if pack {
			_, _, err = Pack(filepath.Join(root, fmt.Sprint(i)), all, options())
		} else {
			_, err = Verify(dir, trust())
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "records/s")
}
