// SPDX-License-Identifier: Apache-2.0

package trusttest

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
)

// parts are the blobs of a bundle.
type parts struct {
	manifest, envelope, payload []byte
	lines                       [][]byte
}

// packed is an honest bundle of some records.
func packed(dir string, lines [][]byte, o bundle.Options) (p parts, err error) {
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	_, name, err := bundle.Pack(dir, lines, o)
	if err != nil {
		return p, err
	}
	read := func(d string) (b []byte) {
		b, bad := os.ReadFile(filepath.Join(dir, "blobs", "sha256", strings.TrimPrefix(d, "sha256:")))
		err = errors.Join(err, bad)
		return b
	}
	p.manifest = read(name)
	var m ocispec.Manifest
	if err := errors.Join(err, json.Unmarshal(p.manifest, &m)); err != nil {
		return p, err
	}
	p.envelope, p.payload = read(m.Layers[0].Digest.String()), read(m.Layers[1].Digest.String())
	if err != nil {
		return p, err
	}
	raw, err := unpack(p.payload)
	p.lines = bytes.Split(bytes.TrimSuffix(raw, []byte("\n")), []byte("\n"))
	return p, err
}

func unpack(payload []byte) ([]byte, error) {
	z, err := zstd.NewReader(nil)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	return z.DecodeAll(payload, nil)
}

func pack(raw []byte, o ...zstd.EOption) ([]byte, error) {
	z, err := zstd.NewWriter(nil, o...)
	if err != nil {
		return nil, err
	}
	return z.EncodeAll(raw, nil), z.Close()
}

// rebuilt is the OCI manifest for other blobs, in the form that a bundle's has, changed as is asked.
func (p parts) rebuilt(change func(*ocispec.Manifest)) (parts, error) {
	var m ocispec.Manifest
	if err := json.Unmarshal(p.manifest, &m); err != nil {
		return p, err
	}
	for i, b := range [][]byte{p.envelope, p.payload} {
		m.Layers[i].Digest, m.Layers[i].Size = digest.Digest(episode.Digest(b)), int64(len(b))
	}
	if change != nil {
		change(&m)
	}
	raw, err := json.Marshal(m)
	if err != nil {
		return p, err
	}
	p.manifest, err = canonical(raw)
	return p, err
}

// canonical is RFC 8785.
func canonical(b []byte) ([]byte, error) {
	v := jsontext.Value(bytes.Clone(b))
	err := v.Canonicalize()
	return v, err
}

// statement is what was signed, as a tree that can be changed.
func (p parts) statement() (map[string]any, error) {
	var env struct {
		Payload []byte `json:"payload"`
	}
	if err := json.Unmarshal(p.envelope, &env); err != nil {
		return nil, err
	}
	var s map[string]any
	return s, json.Unmarshal(env.Payload, &s)
}

// signed changes the statement, names the payload in it as it is now, and signs that with a key: whoever holds the key
// means every word.
func (p parts) signed(key crypto.Signer, change func(statement, predicate map[string]any)) (parts, error) {
	s, err := p.statement()
	if err != nil {
		return p, err
	}
	sum := strings.TrimPrefix(episode.Digest(p.payload), "sha256:")
	s["subject"].([]any)[0].(map[string]any)["digest"] = map[string]any{"sha256": sum}
	if change != nil {
		change(s, s["predicate"].(map[string]any))
	}
	if p.envelope, err = bundle.SealDocument(bundle.TypeBundle, s, key); err != nil {
		return p, err
	}
	return p.rebuilt(nil)
}

// holding has other bytes as its records, and a statement that says how many.
func (p parts) holding(raw []byte, key crypto.Signer, change func(statement, predicate map[string]any)) (parts, error) {
	var err error
	if p.payload, err = pack(raw); err != nil {
		return p, err
	}
	return p.signed(key, func(s, m map[string]any) {
		m["payload_bytes"] = float64(len(raw))
		if change != nil {
			change(s, m)
		}
	})
}

// enveloped changes the fields of the envelope.
func (p parts) enveloped(change func(env, signature map[string]any)) (parts, error) {
	var env map[string]any
	if err := json.Unmarshal(p.envelope, &env); err != nil {
		return p, err
	}
	change(env, env["signatures"].([]any)[0].(map[string]any))
	raw, err := json.Marshal(env)
	if err != nil {
		return p, err
	}
	if p.envelope, err = canonical(raw); err != nil {
		return p, err
	}
	return p.rebuilt(nil)
}

// withEnvelope has another envelope, named rightly.
func (p parts) withEnvelope(b []byte) (parts, error) {
	p.envelope = b
	return p.rebuilt(nil)
}

func (p parts) withPayload(b []byte) (parts, error) {
	p.payload = b
	return p.rebuilt(nil)
}

// flipped changes one bit.
func flipped(b []byte, rng *rand.Rand) []byte {
	b = bytes.Clone(b)
	b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
	return b
}

// cutShort loses some of the end.
func cutShort(b []byte, rng *rand.Rand) []byte { return bytes.Clone(b[:rng.IntN(len(b))]) }

// inAnotherForm writes a JSON object that says the same in another way, or nearly.
func inAnotherForm(b []byte, how string, rng *rand.Rand) ([]byte, error) {
	var members []string // of the outermost object, as they stand
	d := jsontext.NewDecoder(bytes.NewReader(b))
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	for d.PeekKind() != '}' {
		key, err := d.ReadValue()
		if err != nil {
			return nil, err
		}
		name := string(key)
		value, err := d.ReadValue()
		if err != nil {
			return nil, err
		}
		members = append(members, name+":"+string(value))
	}
	i := rng.IntN(len(members))
	switch how {
	case "order":
		k := (i + 1 + rng.IntN(len(members)-1)) % len(members)
		members[i], members[k] = members[k], members[i]
	case "space":
		members[i] = []string{" ", "\n", "\t", "\r\n"}[rng.IntN(4)] + members[i]
	case "twice":
		members = append(members, members[i])
	case "case":
		members[i] = `"` + strings.ToUpper(members[i][1:2]) + members[i][2:]
	case "unknown":
		members = append(members, `"zz":`+fmt.Sprint(rng.IntN(1000)))
	case "escape":
		members[i] = fmt.Sprintf(`"\u%04x`, members[i][1]) + members[i][2:]
	default:
		return nil, fmt.Errorf("no form %q", how)
	}
	return []byte("{" + strings.Join(members, ",") + "}"), nil
}

// inOtherBase64 writes base64 in a form that lax decoders take for the same.
func inOtherBase64(s string, rng *rand.Rand) string {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return s + "\n"
	}
	const width = 64
	forms := []string{s[:width] + "\n" + s[width:], s + "\n", " " + s, s + "=", base64.RawStdEncoding.EncodeToString(b) + "%3D"}
	if other := base64.URLEncoding.EncodeToString(b); other != s {
		forms = append(forms, other)
	}
	if pad := strings.TrimRight(s, "="); pad != s { // bits that no byte uses
		const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
		last := strings.IndexByte(digits, pad[len(pad)-1])
		forms = append(forms, pad, pad[:len(pad)-1]+string(digits[last^1])+s[len(pad):])
	}
	return forms[rng.IntN(len(forms))]
}
