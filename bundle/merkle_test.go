// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/mod/sumdb/tlog"
)

var update = flag.Bool("update", false, "write spec/vectors/merkle.json anew")

// vectors are the trees of the first n of these records, for other implementations to check themselves against.
type vectors struct {
	Records []string `json:"records"`
	// Roots[n-1] is the root of the first n records; Proofs[n-1][i] the path of record i among them.
	Roots  []string     `json:"roots"`
	Proofs [][][]string `json:"proofs"`
}

func testBundle(n int) *Bundle {
	b := &Bundle{}
	for i := range n {
		b.lines = append(b.lines, fmt.Appendf(nil, `{"id":"ep_%d"}`, i))
	}
	leaves := make([]hash, n)
	for i, l := range b.lines {
		leaves[i] = leaf(sha256.Sum256(l))
	}
	b.Manifest.MerkleRoot = format(root(leaves))
	return b
}

func TestTreesAreThoseOfTheVectors(t *testing.T) {
	got := vectors{}
	for n := 1; n <= 9; n++ {
		b := testBundle(n)
		got.Records = append(got.Records, string(b.lines[n-1]))
		got.Roots = append(got.Roots, b.Manifest.MerkleRoot)
		proofs := make([][]string, n)
		for i := range n {
			proofs[i] = b.Prove(i)
		}
		got.Proofs = append(got.Proofs, proofs)
	}
	path := filepath.Join("..", "spec", "vectors", "merkle.json")
	if *update {
		b, err := json.Marshal(got, jsontext.WithIndent("  "))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := vectors{}
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

// The Go checksum database's tree is the same one, written by others.
func TestTreesAreThoseOfRFC6962(t *testing.T) {
	var stored []tlog.Hash
	read := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(at))
		for i, x := range at {
			out[i] = stored[x]
		}
		return out, nil
	})
	for n := 1; n <= 70; n++ {
		b := testBundle(n)
		digest := sha256.Sum256(b.lines[n-1])
		more, err := tlog.StoredHashes(int64(n-1), digest[:], read)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, more...)
		want, err := tlog.TreeHash(int64(n), read)
		if err != nil {
			t.Fatal(err)
		}
		if got := b.Manifest.MerkleRoot; got != format(hash(want)) {
			t.Fatalf("root of %d is %s", n, got)
		}
		for i := range n {
			proof, err := tlog.ProveRecord(int64(n), int64(i), read)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, h := range proof {
				want = append(want, format(hash(h)))
			}
			if diff := cmp.Diff(want, b.Prove(i)); diff != "" {
				t.Fatalf("proof of %d in %d: %s", i, n, diff)
			}
		}
	}
}

func TestAProofOfAnythingElseIsRefused(t *testing.T) {
	b := testBundle(7)
	root, proof := b.Manifest.MerkleRoot, b.Prove(4)
	if err := CheckInclusion(root, 7, 4, b.Record(4), proof); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		CheckInclusion(root, 7, 4, b.Record(3), proof),
		CheckInclusion(root, 7, 5, b.Record(4), proof),
		CheckInclusion(root, 8, 4, b.Record(4), proof[:1]),
		CheckInclusion(root, 7, 4, b.Record(4), append(proof[:len(proof):len(proof)], proof[0])),
		CheckInclusion(root, 7, 7, b.Record(4), proof),
		CheckInclusion(root, 0, 0, b.Record(4), nil),
		CheckInclusion(proof[0], 7, 4, b.Record(4), proof),
		CheckInclusion(root, 7, 4, b.Record(4), []string{"x", "y", "z"}),
	} {
		wantCode(t, err, CodeInclusion)
	}
}
