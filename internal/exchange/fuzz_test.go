// SPDX-License-Identifier: Apache-2.0

package exchange

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzIndex: what is read of an index is written so that it reads the same.
func FuzzIndex(f *testing.F) {
	f.Add([]byte(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":2,"annotations":{"org.opencontainers.image.ref.name":"b-1"}}]}`))
	f.Add([]byte(`{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:../../../../etc/passwd","size":-1}]}`))
	f.Add([]byte(`{"schemaVersion":2,"schemaVersion":2}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := decodeIndex(b)
		if err != nil {
			return
		}
		for _, m := range list {
			if name, err := blobPath(m.Digest); err != nil || !blobName.MatchString(name) {
				t.Fatalf("%q leads to %q, %v", m.Digest, name, err)
			}
		}
		again, err := encodeIndex(list)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeIndex(again)
		if err != nil {
			t.Fatalf("%v of %s", err, again)
		}
		if d := cmp.Diff(list, got); d != "" {
			t.Fatal(d)
		}
	})
}

// FuzzLog: what a hub left of its log is read or refused.
func FuzzLog(f *testing.F) {
	f.Add([]byte(`{"checkpoint":"YQ==","from":[{"checkpoint":"YQ==","hashes":["YQ=="]}]}`))
	f.Add([]byte(`{"checkpoint":"","from":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := DecodeLog(b)
		if err == nil && len(bytes.TrimSpace(l.Checkpoint)) == 0 && len(l.Checkpoint) == 0 {
			t.Fatal("a log without a checkpoint")
		}
	})
}
