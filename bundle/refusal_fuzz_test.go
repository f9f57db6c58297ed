// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"crypto/ed25519"
	"testing"
)

// FuzzClaimed: who opens an envelope with the key of whom it claims to be from finds that name in it.
func FuzzClaimed(f *testing.F) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	w, err := SealDocument(TypeWithdrawal, Withdrawal{Contributor: "alder-bank", Recipient: "tool-maker", IDs: []string{"ep_1"}}, key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(w, TypeWithdrawal)
	f.Add([]byte(`{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[]}`), TypeBundle)
	trust := NewTrust(TrustedKey{Name: "alder-bank", Key: key.Public().(ed25519.PublicKey)})
	f.Fuzz(func(t *testing.T, envelope []byte, payloadType string) {
		who, err := Claimed(envelope, payloadType)
		payload, _, opened := OpenDocument(envelope, payloadType, trust)
		if opened != nil || payloadType != TypeWithdrawal {
			return
		}
		var w Withdrawal
		if DecodeDocument(payload, &w) == nil && (err != nil || who != w.Contributor) {
			t.Fatalf("claims %q (%v), says %q", who, err, w.Contributor)
		}
	})
}
