// SPDX-License-Identifier: Apache-2.0

package witness_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/sync/errgroup"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/tlog/proof"
	"github.com/headrace/headrace/internal/tlog/witness"
)

func key(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

// history is a log in memory, whose key signs whatever it is told to.
type history struct {
	t      testing.TB
	origin string
	signer note.Signer
	vkey   string
	hashes []tlog.Hash
	size   int64
}

func (h *history) ReadHashes(at []int64) ([]tlog.Hash, error) {
	var out []tlog.Hash
	for _, i := range at {
		out = append(out, h.hashes[i])
	}
	return out, nil
}

// newHistory is a log of these entries.
func newHistory(t testing.TB, origin string, seed byte, entries ...string) *history {
	t.Helper()
	h := &history{t: t, origin: origin}
	var err error
	if h.vkey, err = proof.VerifierKey(origin, key(seed).Public().(ed25519.PublicKey)); err != nil {
		t.Fatal(err)
	}
	secret := base64.StdEncoding.EncodeToString(append([]byte{1}, key(seed).Seed()...))
	if h.signer, err = note.NewSigner("PRIVATE+KEY+" + origin + "+" + strings.Split(h.vkey, "+")[1] + "+" + secret); err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		more, err := tlog.StoredHashes(h.size, []byte(e), h)
		if err != nil {
			t.Fatal(err)
		}
		h.hashes, h.size = append(h.hashes, more...), h.size+1
	}
	return h
}

// checkpoint is signed for the first n entries.
func (h *history) checkpoint(n int64) []byte {
	h.t.Helper()
	root, err := tlog.TreeHash(n, h)
	if err != nil {
		h.t.Fatal(err)
	}
	b, err := note.Sign(&note.Note{Text: fmt.Sprintf("%s\n%d\n%s\n", h.origin, n, base64.StdEncoding.EncodeToString(root[:]))}, h.signer)
	if err != nil {
		h.t.Fatal(err)
	}
	return b
}

// request asks to cosign the first n entries after the first old.
func (h *history) request(old, n int64) string {
	h.t.Helper()
	var lines strings.Builder
	fmt.Fprintf(&lines, "old %d\n", old)
	if old > 0 && old < n {
		p, err := tlog.ProveTree(n, old, h)
		if err != nil {
			h.t.Fatal(err)
		}
		for _, x := range p {
			fmt.Fprintln(&lines, x) // base64
		}
	}
	return lines.String() + "\n" + string(h.checkpoint(n))
}

func newWitness(t testing.TB, dir string, logs ...string) *witness.Witness {
	t.Helper()
	w, err := witness.New(witness.Config{Dir: dir, Name: "witness.example/w1", Key: key(9), Logs: logs})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// ask posts a body and returns status, content type and answer.
func ask(t testing.TB, w *witness.Witness, body string) (int, string, string) {
	t.Helper()
	srv := httptest.NewServer(w.Handler())
	defer srv.Close()
	resp, err := http.Post(srv.URL+"/add-checkpoint", "text/plain", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get("Content-Type"), string(b)
}

// TestTheWitnessAnswersAsTheProtocolSays goes through C2SP tlog-witness, answer by answer.
func TestTheWitnessAnswersAsTheProtocolSays(t *testing.T) {
	h := newHistory(t, "hub.example/log", 1, "a", "b", "c", "d", "e", "f", "g")
	fork := newHistory(t, "hub.example/log", 1, "a", "b", "x", "y", "z", "u", "v")
	stranger, unknown := newHistory(t, "hub.example/log", 2, "a", "b", "c"), newHistory(t, "other.example/log", 1, "a")
	w := newWitness(t, t.TempDir(), h.vkey)
	known, err := proof.NewLog(h.vkey, w.VerifierKey())
	if err != nil {
		t.Fatal(err)
	}
	hash := strings.Repeat("A", 43) + "=\n"
	for _, c := range []struct {
		what, body string
		status     int
		size       string // of a 409
	}{
		{"nothing yet, and a size is expected", h.request(2, 3), 409, "0\n"},
		{"the first", h.request(0, 3), 200, ""},
		{"the same again", h.request(3, 3), 200, ""},
		{"asking for the size", h.request(0, 5), 409, "3\n"},
		{"grown", h.request(3, 5), 200, ""},
		{"a replay", h.request(3, 5), 409, "5\n"},
		{"of another key", stranger.request(0, 3), 403, ""},
		{"of an unknown log", unknown.request(0, 1), 404, ""},
		{"an old size beyond the checkpoint's", "old 5\n\n" + string(h.checkpoint(3)), 400, ""},
		{"a proof too short", "old 5\n\n" + string(h.checkpoint(7)), 422, ""},
		{"another's proof", "old 5\n" + hash + "\n" + string(h.checkpoint(7)), 422, ""},
		{"a fork, longer", fork.request(5, 7), 422, ""},
		{"a fork of the same size", fork.request(5, 5), 409, ""},
		{"a changed size", strings.Replace(h.request(5, 6), "\n6\n", "\n7\n", 1), 403, ""},
		{"a zero before the size", "old 05\n\n" + string(h.checkpoint(7)), 400, ""},
		{"a negative size", "old -5\n\n" + string(h.checkpoint(7)), 400, ""},
		{"no size", string(h.checkpoint(7)), 400, ""},
		{"nothing", "", 400, ""},
		{"too many hashes", "old 5\n" + strings.Repeat(hash, 64) + "\n" + string(h.checkpoint(7)), 400, ""},
		{"half a hash", "old 5\nAAAA\n\n" + string(h.checkpoint(7)), 400, ""},
		{"too long", "old 5\n\n" + string(h.checkpoint(7)) + strings.Repeat("x", 100_000), 400, ""},
		{"and on", h.request(5, 7), 200, ""},
	} {
		status, kind, body := ask(t, w, c.body)
		if status != c.status {
			t.Errorf("%s: %d %q, want %d", c.what, status, body, c.status)
			continue
		}
		if (kind == "text/x.tlog.size") != (c.size != "") || c.size != "" && body != c.size {
			t.Errorf("%s: %s %q, want the size %q", c.what, kind, body, c.size)
		}
		if status != 200 {
			continue
		}
		_, checkpoint, _ := strings.Cut(c.body, "\n\n")
		if cp, err := known.Open([]byte(checkpoint + body)); err != nil || len(cp.Witnesses) != 1 || cp.Witnesses[0] != "witness.example/w1" {
			t.Errorf("%s: the cosignature does not hold: %v, %v", c.what, cp.Witnesses, err)
		}
	}
}

func TestTwoTreesAreNeverSigned(t *testing.T) {
	a := newHistory(t, "hub.example/log", 1, "a", "b", "c", "d")
	b := newHistory(t, "hub.example/log", 1, "a", "x", "y", "z")
	dir := t.TempDir()
	w := newWitness(t, dir, a.vkey)
	if _, err := w.Cosign([]byte(a.request(0, 1))); err != nil {
		t.Fatal(err)
	}
	var signed [2]atomic.Int64
	var g errgroup.Group
	for i := range 40 { // both at once, again and again
		g.Go(func() error {
			body := []*history{a, b}[i%2].request(1, 4)
			_, err := w.Cosign([]byte(body))
			if err == nil {
				signed[i%2].Add(1)
			} else if refused := (*witness.Refusal)(nil); !errors.As(err, &refused) {
				return err
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if signed[0].Load()+signed[1].Load() != 1 {
		t.Errorf("%d and %d checkpoints of two histories were signed, want one", signed[0].Load(), signed[1].Load())
	}
	// Nor after a restart.
	w = newWitness(t, dir, a.vkey)
	loser := a
	if signed[0].Load() > 0 {
		loser = b
	}
	for _, body := range []string{loser.request(0, 4), loser.request(1, 4), loser.request(4, 4)} {
		if line, err := w.Cosign([]byte(body)); err == nil {
			t.Errorf("signed %q", line)
		}
	}
}

// TestWhatCannotBeKeptIsNotSigned: the disk comes before the signature.
func TestWhatCannotBeKeptIsNotSigned(t *testing.T) {
	h, dir := newHistory(t, "hub.example/log", 1, "a"), t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "logs"), nil, 0o600); err != nil { // where a folder should be
		t.Fatal(err)
	}
	status, _, body := ask(t, newWitness(t, dir, h.vkey), h.request(0, 1))
	if status != 500 || strings.Contains(body, "—") {
		t.Errorf("%d %q", status, body)
	}
}

func TestAWitnessOfItselfIsRefused(t *testing.T) {
	own := newHistory(t, "hub.example/log", 9)
	twice := newHistory(t, "hub.example/log", 1)
	for what, c := range map[string]witness.Config{
		"a log with the witness's key": {Name: "witness.example", Key: key(9), Logs: []string{own.vkey}},
		"a log twice":                  {Name: "witness.example", Key: key(9), Logs: []string{twice.vkey, twice.vkey}},
		"no key":                       {Name: "witness.example", Key: key(9), Logs: []string{"hub.example"}},
		"a name that no key can bear":  {Name: "two words", Key: key(9), Logs: []string{twice.vkey}},
	} {
		c.Dir = t.TempDir()
		_, err := witness.New(c)
		if p, ok := errors.AsType[*episode.Problem](err); !ok || p.Hint == "" {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// FuzzCosign: whatever is sent, the witness answers, and what it signs is a checkpoint that the log signed and that
// continues the last.
func FuzzCosign(f *testing.F) {
	h := newHistory(f, "hub.example/log", 1, "a", "b", "c", "d", "e", "f", "g")
	for _, n := range []int64{0, 3, 5} {
		f.Add([]byte(h.request(3, max(n, 3))))
		f.Add([]byte(h.request(0, n)))
	}
	f.Add([]byte("old 3\nAAAA\n\nhub.example/log\n5\nAAAA\n\n— hub.example/log AAAA\n"))
	w := newWitness(f, f.TempDir(), h.vkey)
	known, err := proof.NewLog(h.vkey, w.VerifierKey())
	if err != nil {
		f.Fatal(err)
	}
	if _, err := w.Cosign([]byte(h.request(0, 3))); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		line, err := w.Cosign(body)
		if err != nil {
			if refused := (*witness.Refusal)(nil); !errors.As(err, &refused) {
				t.Fatal(err)
			}
			return
		}
		_, checkpoint, _ := bytes.Cut(body, []byte("\n\n"))
		cp, err := known.Open(append(bytes.Clone(checkpoint), line...))
		if err != nil || len(cp.Witnesses) == 0 {
			t.Fatalf("%q: %q does not verify: %v", body, line, err)
		}
		if root, err := tlog.TreeHash(int64(cp.Size), h); err != nil || !bytes.Equal(root[:], cp.Root) || cp.Size < 3 {
			t.Fatalf("%q: signed a tree that is not the log's", body)
		}
	})
}
