// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/headrace/headrace/episode"
)

func receipt() Receipt {
	return Receipt{Bundle: "sha256:ab", Contributor: "alder", Recipient: "maker", Records: 3, MerkleRoot: "sha256:cd", ReceivedDay: "2026-03-14", LogOrigin: "maker-log", LogIndex: 7, Checkpoint: "c"}
}

func sealed(t testing.TB) []byte {
	t.Helper()
	env, err := SealDocument(TypeReceipt, receipt(), key(1))
	if err != nil {
		t.Fatal(err)
	}
	return env
}

func TestASealedDocumentOpensToWhatWasSealed(t *testing.T) {
	payload, signer, err := OpenDocument(sealed(t), TypeReceipt, trust())
	if err != nil {
		t.Fatal(err)
	}
	var got Receipt
	if err := DecodeDocument(payload, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(receipt(), got); diff != "" || signer != KeyIDOf(public(1)) {
		t.Errorf("%s, signer %s", diff, signer)
	}
}

// verifier lets the DSSE library check what this package signs.
type verifier struct{ key ed25519.PublicKey }

func (v verifier) KeyID() (string, error)   { return string(KeyIDOf(v.key)), nil }
func (v verifier) Public() crypto.PublicKey { return v.key }
func (v verifier) Verify(_ context.Context, data, sig []byte) error {
	if !ed25519.Verify(v.key, data, sig) {
		return errors.New("wrong signature")
	}
	return nil
}

func TestOtherDSSEImplementationsVerifyOurEnvelopes(t *testing.T) {
	var env dsse.Envelope
	if err := json.Unmarshal(sealed(t), &env); err != nil {
		t.Fatal(err)
	}
	v, err := dsse.NewEnvelopeVerifier(verifier{public(1)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context(), &env); err != nil {
		t.Error(err)
	}
}

func TestAnEnvelopeHasOneFormOnly(t *testing.T) {
	env := string(sealed(t))
	replace := func(old, with string) string {
		if !strings.Contains(env, old) {
			t.Fatalf("%q is not in %s", old, env)
		}
		return strings.Replace(env, old, with, 1)
	}
	var e dsse.Envelope
	if err := json.Unmarshal([]byte(env), &e); err != nil {
		t.Fatal(err)
	}
	urlSafe := base64.URLEncoding.EncodeToString(mustBase64(t, e.Signatures[0].Sig))
	for name, c := range map[string]struct{ env, code string }{
		"space":             {env + " ", CodeMalformed},
		"duplicate key":     {replace(`"payload":`, `"payload":"","payload":`), CodeMalformed},
		"unknown key":       {replace(`{"payload":`, `{"note":1,"payload":`), CodeMalformed},
		"differently cased": {replace(`"payloadType"`, `"payloadtype"`), CodeMalformed},
		"other order":       {replace(`"keyid":"`+e.Signatures[0].KeyID+`","sig":"`+e.Signatures[0].Sig+`"`, `"sig":"`+e.Signatures[0].Sig+`","keyid":"`+e.Signatures[0].KeyID+`"`), CodeMalformed},
		"no signature":      {replace(`{"keyid":"`+e.Signatures[0].KeyID+`","sig":"`+e.Signatures[0].Sig+`"}`, ``), CodeMalformed},
		"line break":        {replace(e.Payload[:8], e.Payload[:8]+`\n`), CodeMalformed},
		"URL base64":        {replace(e.Signatures[0].Sig, urlSafe+"\\n"), CodeMalformed},
		"no padding":        {replace(e.Signatures[0].Sig, strings.TrimRight(e.Signatures[0].Sig, "=")), CodeMalformed},
		"another payload":   {replace(e.Payload, base64.StdEncoding.EncodeToString([]byte(`{}`))), CodeSignature},
		"another key":       {replace(e.Signatures[0].KeyID, string(KeyIDOf(public(9)))), CodeUnknownSigner},
		"short key id":      {replace(e.Signatures[0].KeyID, KeyID(e.Signatures[0].KeyID).Short()), CodeUnknownSigner},
		"nothing":           {"", CodeMalformed},
	} {
		_, _, err := OpenDocument([]byte(c.env), TypeReceipt, trust())
		t.Run(name, func(t *testing.T) { wantCode(t, err, c.code) })
	}
	_, _, err := OpenDocument([]byte(env), TypeRelease, trust())
	wantCode(t, err, CodeWrongType)
	_, _, err = OpenDocument([]byte(env), TypeReceipt, Trust{})
	wantCode(t, err, CodeUnknownSigner)
}

func TestADocumentWithAKeyThatItDoesNotHaveIsRefused(t *testing.T) {
	for _, payload := range []string{`{"bundle":"x","more":1}`, `{"Bundle":"x"}`, ` {}`, `[]`, ``} {
		wantCode(t, DecodeDocument([]byte(payload), new(Receipt)), CodeMalformed)
	}
}

func TestATrustFileIsReadBackAsWritten(t *testing.T) {
	want := NewTrust(TrustedKey{"birch", public(2)}, TrustedKey{"alder", public(1)}, TrustedKey{"no key", nil})
	got, err := DecodeTrust(want.Encode())
	if diff := cmp.Diff(want.Keys(), got.Keys()); diff != "" || err != nil || len(got.Keys()) != 2 {
		t.Errorf("%s, %v", diff, err)
	}
	one := base64.StdEncoding.EncodeToString(public(1))
	for _, bad := range []string{``, `{}`, `[{"name":"a","key":"AAAA"}]`, `[{"name":"a","key":"` + one + `","x":1}]`, `[{"name":"a","key":"` + one + `"},{"name":"b","key":"` + one + `"}]`} {
		_, err := DecodeTrust([]byte(bad))
		wantCode(t, err, CodeTrust)
	}
}

func FuzzOpenDocument(f *testing.F) {
	env := sealed(f)
	f.Add(env)
	f.Add([]byte(strings.Replace(string(env), "=", "", 1)))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _, err := OpenDocument(b, TypeReceipt, trust())
		if err == nil && string(b) != string(env) {
			t.Errorf("another form of the same envelope is taken: %s", b)
		}
		if _, ok := errors.AsType[*episode.Problem](err); err != nil && !ok {
			t.Errorf("not a Problem: %v", err)
		}
	})
}

func mustBase64(t testing.TB, s string) []byte {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
