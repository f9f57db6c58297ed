// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

// The payload types of the signed documents.
const (
	TypeBundle       = "application/vnd.in-toto+json"
	TypeReceipt      = "application/vnd.headrace.receipt.v1+json"
	TypeRelease      = "application/vnd.headrace.release.v1+json"
	TypeRollout      = "application/vnd.headrace.rollout.v1+json"
	TypeGateReport   = "application/vnd.headrace.gate-report.v1+json"
	TypeStatement    = "application/vnd.headrace.statement.v1+json"
	TypeInstructions = "application/vnd.headrace.instructions.v1+json"
	TypeCounts       = "application/vnd.headrace.counts.v1+json"
	TypeWithdrawal   = "application/vnd.headrace.withdrawal.v1+json"
)

// maxDocument bounds an envelope: a bundle's manifest with many terms is a few hundred kilobytes.
const maxDocument = 16 << 20

// Receipt is the hub's answer to a bundle that it took in; it travels sealed as [TypeReceipt].
type Receipt struct {
	// Bundle is the digest of the OCI manifest; MerkleRoot, Records, Contributor and Recipient repeat the bundle's manifest.
	Bundle      string `json:"bundle"`
	Contributor string `json:"contributor"`
	Recipient   string `json:"recipient"`
	Records     int    `json:"records"`
	MerkleRoot  string `json:"merkle_root"`
	// ReceivedDay is the UTC date, such as 2026-03-31: retention counts from it.
	ReceivedDay string `json:"received_day"`
	// LogOrigin and LogIndex say where in which log the bundle is; the log is called as the recipient is. Checkpoint is a signed
	// tree head that includes it, with the cosignatures of witnesses. The proofs travel beside the receipt.
	LogOrigin  string `json:"log_origin"`
	LogIndex   uint64 `json:"log_index"`
	Checkpoint string `json:"checkpoint"`
}

// SealDocument signs v's canonical JSON with an ed25519 key, which may be in a device, and returns a DSSE envelope in canonical
// JSON. It is deterministic.
func SealDocument(payloadType string, v any, key crypto.Signer) ([]byte, error) {
	if own, ok := key.(ed25519.PrivateKey); key == nil || ok && len(own) != ed25519.PrivateKeySize {
		return nil, problem(CodeNoSigner, "give a signing key; this machine's is in keys/signing.key", "no signing key for %s", payloadType)
	}
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, problem(CodeNoSigner, "give an ed25519 key", "the signing key for %s is of another kind", payloadType)
	}
	payload, err := canonical(v)
	if err != nil {
		return nil, err
	}
	sig, err := key.Sign(nil, dsse.PAE(payloadType, payload), crypto.Hash(0))
	if err != nil {
		return nil, fmt.Errorf("sign %s: %w", payloadType, err)
	}
	envelope, err := canonical(dsse.Envelope{
		PayloadType: payloadType,
		Payload:     base64.StdEncoding.EncodeToString(payload),
		Signatures: []dsse.Signature{{
			KeyID: string(KeyIDOf(public)),
			Sig:   base64.StdEncoding.EncodeToString(sig),
		}},
	})
	if err == nil && len(envelope) > maxDocument { // nobody would open it
		return nil, problem(CodeTooLarge, "split what it is about", "a signed document of %d bytes is longer than any that is opened", len(envelope))
	}
	return envelope, err
}

// OpenDocument returns the payload of an envelope that a trusted key signed as payloadType. The envelope must be exactly
// what SealDocument writes: one signature, canonical JSON, padded base64.
func OpenDocument(envelope []byte, payloadType string, t Trust) (payload []byte, signer KeyID, err error) {
	if len(envelope) > maxDocument {
		return nil, "", malformed("an envelope of %d bytes is longer than any signed document", len(envelope))
	}
	var env dsse.Envelope
	if err := strict(envelope, &env); err != nil {
		return nil, "", malformed("not a DSSE envelope in canonical form: %v", err)
	}
	if env.PayloadType != payloadType {
		return nil, "", problem(CodeWrongType, "check that this is the file you meant", "the envelope holds %q, not %q", env.PayloadType, payloadType)
	}
	if len(env.Signatures) != 1 {
		return nil, "", malformed("an envelope has one signature, this one has %d", len(env.Signatures))
	}
	payload, ok := unbase64(env.Payload)
	sig, sigOK := unbase64(env.Signatures[0].Sig)
	if !ok || !sigOK {
		return nil, "", malformed("the envelope's base64 is not in its one standard form")
	}
	signer = KeyID(env.Signatures[0].KeyID)
	key, known := t.Lookup(signer)
	if !known {
		return nil, signer, problem(CodeUnknownSigner, "if you know whose key it is, add it to the trust file (verify --trust FILE)",
			"signed by a key that is not trusted here (%.12q)", signer)
	}
	if !ed25519.Verify(key.Key, dsse.PAE(payloadType, payload), sig) {
		return nil, signer, problem(CodeSignature, "fetch it again; if it stays so, ask the signer what was sent",
			"the signature of %s does not fit the content", signer.Short())
	}
	return payload, signer, nil
}

// DecodeDocument reads an opened payload into v: duplicate, unknown and differently cased keys are errors, and so is any
// other form than the canonical one.
func DecodeDocument(payload []byte, v any) error {
	if err := strict(payload, v); err != nil {
		return malformed("not the document it says it is: %v", err)
	}
	return nil
}

// strict decodes b into v and refuses it unless encoding v again gives b.
func strict(b []byte, v any) error {
	if err := json.Unmarshal(b, v, json.RejectUnknownMembers(true)); err != nil {
		return err
	}
	again, err := canonical(v)
	if err != nil {
		return err
	}
	if !bytes.Equal(b, again) {
		return errNotCanonical
	}
	return nil
}

// canonical is RFC 8785 JSON.
func canonical(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	c := jsontext.Value(b)
	if err := c.Canonicalize(); err != nil {
		return nil, err
	}
	return c, nil
}

// unbase64 takes the one standard form only: the decoder by itself passes over line breaks and stray bits.
func unbase64(s string) ([]byte, bool) {
	b, err := base64.StdEncoding.DecodeString(s)
	return b, err == nil && base64.StdEncoding.EncodeToString(b) == s
}
