// SPDX-License-Identifier: Apache-2.0

package tlog_test

import (
	"crypto/ed25519"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/headrace/headrace/internal/tlog"
	"github.com/headrace/headrace/internal/tlog/proof"
	"github.com/headrace/headrace/internal/tlog/witness"
)

// TestALogIsWitnessedByWhoAnswersAndGoesOnWithoutTheRest: cosignatures are on the checkpoint that covers an entry; a
// witness that is away, or signs something else, costs the log nothing but that witness.
func TestALogIsWitnessedByWhoAnswersAndGoesOnWithoutTheRest(t *testing.T) {
	vkey, err := proof.VerifierKey("hub.example/log", key(1).Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	var list []tlog.Witness
	var keys []string
	var mode [2]atomic.Int32 // of each witness: 0 answers, 1 is away, 2 signs with nonsense
	for i, name := range []string{"witness.example/w1", "witness.example/w2"} {
		w, err := witness.New(witness.Config{Dir: t.TempDir(), Name: name, Key: key(byte(20 + i)), Logs: []string{vkey}})
		if err != nil {
			t.Fatal(err)
		}
		srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			switch mode[i].Load() {
			case 0:
				w.Handler().ServeHTTP(rw, r)
			case 1:
				panic(http.ErrAbortHandler)
			case 2:
				rw.Write([]byte("— " + name + " AAAA\n"))
			}
		}))
		defer srv.Close()
		list, keys = append(list, tlog.Witness{Key: w.VerifierKey(), URL: srv.URL}), append(keys, w.VerifierKey())
	}
	dir := t.TempDir()
	reopen := func() *tlog.Log {
		l, err := tlog.Open(t.Context(), tlog.Config{Dir: dir, Origin: "hub.example/log", Key: key(1), Witnesses: list})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	l := reopen()
	defer func() { l.Close() }()
	known, err := proof.NewLog(vkey, keys...)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		first, second int32
		restart       bool
		want          []string
	}{
		{0, 0, false, []string{"witness.example/w1", "witness.example/w2"}},
		{0, 1, false, []string{"witness.example/w1"}},
		{1, 1, false, nil},
		{2, 0, false, []string{"witness.example/w2"}},
		{0, 0, true, []string{"witness.example/w1", "witness.example/w2"}}, // both caught up
	} {
		if c.restart {
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			l = reopen()
		}
		mode[0].Store(c.first)
		mode[1].Store(c.second)
		var at uint64
		var cp proof.Checkpoint
		for range 5 { // on a busy disk a witness may be late
			at = add(t, l, "bundle", "x")
			cp, err = inclusion(t, l, at).Verify(known, "bundle", "x")
			if slices.Sort(cp.Witnesses); err != nil || slices.Equal(cp.Witnesses, c.want) {
				break
			}
		}
		if err != nil || !slices.Equal(cp.Witnesses, c.want) {
			t.Errorf("entry %d: witnessed by %q, %v; want %q", at, cp.Witnesses, err, c.want)
		}
		if missing, err := l.Unwitnessed(); err != nil || len(missing)+len(c.want) != len(list) {
			t.Errorf("entry %d: not witnessed by %q, %v", at, missing, err)
		}
		// Who accepts no witness, or others, is told of none.
		if cp, err := knownBy(t, vkey, keys[1]).Open(cp.Signed); err != nil || slices.Contains(cp.Witnesses, "witness.example/w1") {
			t.Errorf("entry %d: a witness that nobody accepts counts: %q, %v", at, cp.Witnesses, err)
		}
	}
}

func knownBy(t *testing.T, vkey, witness string) *proof.Log {
	t.Helper()
	l, err := proof.NewLog(vkey, witness)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestAWitnessThatIsTheLogItselfIsRefused(t *testing.T) {
	own, err := proof.VerifierKey("witness.example", key(1).Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []tlog.Witness{{Key: own, URL: "http://127.0.0.1:1"}, {Key: "nonsense", URL: "http://127.0.0.1:1"}, {Key: own, URL: "nowhere"}} {
		l, err := tlog.Open(t.Context(), tlog.Config{Dir: t.TempDir(), Origin: "hub.example/log", Key: key(1), Witnesses: []tlog.Witness{w}})
		if err == nil {
			l.Close()
			t.Errorf("%+v was taken", w)
		}
	}
}
