// SPDX-License-Identifier: Apache-2.0

package trusttest

import (
	"bytes"
	"compress/gzip"
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
)

// kinds are all ways to forge.
func kinds() []kind {
	return append(append(append(append(manifestKinds(), layerKinds()...), envelopeKinds()...), signerKinds()...), append(meantKinds(), folderKinds()...)...)
}

// changed makes a kind that changes one of the honest bundles.
func changed(name, reasons string, change func(f *forger, p parts) (parts, error)) kind {
	return kind{name, func(f *forger) (forgery, error) {
		p, err := change(f, f.own())
		return forgery{parts: p}, err
	}, reasons}
}

// manifestKinds change the OCI manifest, which no signature covers.
func manifestKinds() []kind {
	list := []kind{
		changed("manifest: a bit", "MANIFEST_INVALID MANIFEST_BLOB_UNKNOWN SIZE_INVALID DIGEST_INVALID bundle/malformed intake/not-taken intake/bad-manifest", func(f *forger, p parts) (parts, error) {
			p.manifest = flipped(p.manifest, f.rng)
			return p, nil
		}),
		changed("manifest: cut short", "MANIFEST_INVALID", func(f *forger, p parts) (parts, error) {
			p.manifest = cutShort(p.manifest, f.rng)
			return p, nil
		}),
	}
	for _, form := range []struct{ how, reasons string }{{"order", "bundle/malformed"}, {"space", "bundle/malformed"}, {"unknown", "bundle/malformed"}, {"escape", "bundle/malformed"},
		{"twice", "MANIFEST_INVALID"}, {"case", "MANIFEST_INVALID intake/not-taken bundle/malformed"}} {
		list = append(list, changed("manifest: written otherwise, "+form.how, form.reasons, func(f *forger, p parts) (_ parts, err error) {
			p.manifest, err = inAnotherForm(p.manifest, form.how, f.rng)
			return p, err
		}))
	}
	rebuilt := func(name, reasons string, change func(f *forger, m *ocispec.Manifest)) {
		list = append(list, changed("manifest: "+name, reasons, func(f *forger, p parts) (parts, error) {
			return p.rebuilt(func(m *ocispec.Manifest) { change(f, m) })
		}))
	}
	rebuilt("media type of a layer", "bundle/malformed", func(f *forger, m *ocispec.Manifest) {
		m.Layers[f.rng.IntN(2)].MediaType = []string{"application/json", "application/vnd.oci.image.layer.v1.tar+gzip", "text/plain"}[f.rng.IntN(3)]
	})
	rebuilt("type of artifact", "intake/not-taken", func(f *forger, m *ocispec.Manifest) {
		m.ArtifactType = []string{bundle.TypeReceipt, bundle.TypeWithdrawal, "application/vnd.example", ""}[f.rng.IntN(4)]
	})
	rebuilt("layers swapped", "bundle/malformed", func(_ *forger, m *ocispec.Manifest) { m.Layers[0], m.Layers[1] = m.Layers[1], m.Layers[0] })
	rebuilt("a third layer", "bundle/malformed", func(f *forger, m *ocispec.Manifest) { m.Layers = append(m.Layers, m.Layers[f.rng.IntN(2)]) })
	rebuilt("one layer", "bundle/malformed", func(f *forger, m *ocispec.Manifest) { m.Layers = m.Layers[f.rng.IntN(2):][:1] })
	rebuilt("a subject", "bundle/malformed", func(_ *forger, m *ocispec.Manifest) { s := m.Layers[0]; m.Subject = &s })
	rebuilt("an annotation", "bundle/malformed", func(f *forger, m *ocispec.Manifest) {
		m.Annotations = map[string]string{"n": fmt.Sprint(f.rng.IntN(1000))}
	})
	rebuilt("a size", "SIZE_INVALID", func(f *forger, m *ocispec.Manifest) { m.Layers[f.rng.IntN(2)].Size += 1 + f.rng.Int64N(100) })
	rebuilt("its version", "bundle/malformed", func(f *forger, m *ocispec.Manifest) { m.SchemaVersion = 3 + f.rng.IntN(100) })
	rebuilt("a place to fetch from", "bundle/malformed", func(f *forger, m *ocispec.Manifest) {
		m.Layers[f.rng.IntN(2)].URLs = []string{"https://elsewhere.example/blob"}
	})
	return append(list,
		kind{"manifest: under another's name", func(f *forger) (forgery, error) {
			p := f.own()
			p.manifest = flipped(p.manifest, f.rng)
			return forgery{parts: p, ref: episode.Digest(f.own().manifest)}, nil
		}, "DIGEST_INVALID"},
		kind{"manifest: sent as something else", func(f *forger) (forgery, error) {
			return forgery{parts: f.own(), media: []string{ocispec.MediaTypeImageIndex, "application/json", "text/plain"}[f.rng.IntN(3)]}, nil
		}, "MANIFEST_INVALID"},
		kind{"manifest: a config", func(f *forger) (forgery, error) {
			config := fmt.Appendf(nil, `{"n":%d}`, f.rng.IntN(1000))
			p, err := f.own().rebuilt(func(m *ocispec.Manifest) {
				m.Config.Digest, m.Config.Size, m.Config.Data = digest.Digest(episode.Digest(config)), int64(len(config)), nil
			})
			return forgery{parts: p, config: config}, err
		}, "bundle/malformed"},
	)
}

// layerKinds change what the manifest names.
func layerKinds() []kind {
	payload := func(name string, change func(f *forger, p parts) ([]byte, error)) kind {
		return changed("records: "+name, "bundle/digest-mismatch", func(f *forger, p parts) (parts, error) {
			b, err := change(f, p)
			if err != nil {
				return p, err
			}
			return p.withPayload(b)
		})
	}
	recoded := func(o ...zstd.EOption) func(f *forger, p parts) ([]byte, error) {
		return func(f *forger, p parts) ([]byte, error) {
			raw, err := unpack(p.payload)
			if err != nil {
				return nil, err
			}
			return pack(raw, o...)
		}
	}
	return []kind{
		payload("a bit", func(f *forger, p parts) ([]byte, error) { return flipped(p.payload, f.rng), nil }),
		payload("cut short", func(f *forger, p parts) ([]byte, error) { return cutShort(p.payload, f.rng), nil }),
		payload("more behind", func(f *forger, p parts) ([]byte, error) {
			return append(bytes.Clone(p.payload), 0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, byte(f.rng.IntN(256))), nil // a frame that decoders skip
		}),
		payload("compressed harder", recoded(zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderCRC(false))),
		payload("compressed without a checksum", recoded(zstd.WithEncoderCRC(false))),
		payload("not compressed", func(_ *forger, p parts) ([]byte, error) { return unpack(p.payload) }),
		payload("compressed with gzip", func(_ *forger, p parts) ([]byte, error) {
			raw, err := unpack(p.payload)
			if err != nil {
				return nil, err
			}
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			z.Write(raw)
			return b.Bytes(), z.Close()
		}),
		payload("of another contributor", func(f *forger, p parts) ([]byte, error) { return f.theirs[f.rng.IntN(len(f.theirs))].payload, nil }),
		payload("a record less", func(f *forger, p parts) ([]byte, error) {
			i := f.rng.IntN(len(p.lines))
			var raw []byte
			for k, l := range p.lines {
				if k != i {
					raw = append(append(raw, l...), '\n')
				}
			}
			return pack(raw)
		}),
		{"records: others under their name", func(f *forger) (forgery, error) {
			p := f.own()
			name := episode.Digest(p.payload)
			p.payload = flipped(p.payload, f.rng)
			return forgery{parts: p, misnamed: name}, nil
		}, "DIGEST_INVALID"},
		{"records: not sent", func(f *forger) (forgery, error) {
			p, err := f.own().withPayload(fmt.Appendf(nil, "%d that nobody sent", f.rng.Int64()))
			return forgery{parts: p, withheld: true}, err
		}, "MANIFEST_BLOB_UNKNOWN"},
	}
}

// envelopeKinds change the signed statement or what signs it.
func envelopeKinds() []kind {
	list := []kind{
		changed("envelope: a bit", "bundle/malformed bundle/wrong-type bundle/unknown-signer bundle/bad-signature", func(f *forger, p parts) (parts, error) {
			return p.withEnvelope(flipped(p.envelope, f.rng))
		}),
		changed("envelope: cut short", "bundle/malformed", func(f *forger, p parts) (parts, error) { return p.withEnvelope(cutShort(p.envelope, f.rng)) }),
	}
	for _, how := range []string{"order", "space", "unknown", "escape", "twice", "case"} {
		list = append(list, changed("envelope: written otherwise, "+how, "bundle/malformed", func(f *forger, p parts) (parts, error) {
			b, err := inAnotherForm(p.envelope, how, f.rng)
			if err != nil {
				return p, err
			}
			return p.withEnvelope(b)
		}))
	}
	field := func(name, reasons string, change func(f *forger, env, sig map[string]any)) {
		list = append(list, changed("envelope: "+name, reasons, func(f *forger, p parts) (parts, error) {
			return p.enveloped(func(env, sig map[string]any) { change(f, env, sig) })
		}))
	}
	field("statement in other base64", "bundle/malformed", func(f *forger, env, _ map[string]any) { env["payload"] = inOtherBase64(env["payload"].(string), f.rng) })
	field("signature in other base64", "bundle/malformed", func(f *forger, _, sig map[string]any) { sig["sig"] = inOtherBase64(sig["sig"].(string), f.rng) })
	field("signature in hexadecimal", "bundle/bad-signature", func(_ *forger, _, sig map[string]any) {
		b, _ := base64.StdEncoding.DecodeString(sig["sig"].(string))
		sig["sig"] = hex.EncodeToString(b)
	})
	field("a second signature", "bundle/malformed", func(_ *forger, env, sig map[string]any) { env["signatures"] = []any{sig, sig} })
	field("no signature", "bundle/malformed", func(_ *forger, env, _ map[string]any) { env["signatures"] = []any{} })
	field("another type", "bundle/wrong-type", func(f *forger, env, _ map[string]any) {
		env["payloadType"] = []string{bundle.TypeReceipt, bundle.TypeWithdrawal, "application/json", ""}[f.rng.IntN(4)]
	})
	field("another's key named", "bundle/unknown-signer", func(f *forger, _, sig map[string]any) { sig["keyid"] = string(bundle.KeyIDOf(f.birch.ring.Public())) })
	field("the key named in capitals", "bundle/unknown-signer", func(_ *forger, _, sig map[string]any) { sig["keyid"] = strings.ToUpper(sig["keyid"].(string)) })
	field("the signature of another bundle", "bundle/bad-signature", func(f *forger, env, sig map[string]any) {
		for {
			other := f.own()
			var s string
			if _, err := other.enveloped(func(_, o map[string]any) { s = o["sig"].(string) }); err != nil || s != sig["sig"] {
				sig["sig"] = s
				return
			}
		}
	})
	field("the signature's other form", "bundle/bad-signature", func(_ *forger, _, sig map[string]any) {
		// Adding the order of the group to S gives a second signature where a verifier does not look (RFC 8032, section 8.4).
		b, _ := base64.StdEncoding.DecodeString(sig["sig"].(string))
		order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
		le := func(b []byte) []byte {
			out := bytes.Clone(b)
			for i, k := 0, len(out)-1; i < k; i, k = i+1, k-1 {
				out[i], out[k] = out[k], out[i]
			}
			return out
		}
		s := new(big.Int).SetBytes(le(b[32:]))
		copy(b[32:], le(s.Add(s, order).FillBytes(make([]byte, 32))))
		sig["sig"] = base64.StdEncoding.EncodeToString(b)
	})
	field("a word of the statement", "bundle/bad-signature", func(f *forger, env, _ map[string]any) {
		b, _ := base64.StdEncoding.DecodeString(env["payload"].(string))
		env["payload"] = base64.StdEncoding.EncodeToString(bytes.Replace(b, []byte(`"records":`), fmt.Appendf(nil, `"records":%d`, 1+f.rng.IntN(9)), 1))
	})
	list = append(list, changed("envelope: signed without its type", "bundle/bad-signature", func(f *forger, p parts) (parts, error) {
		return p.enveloped(func(env, sig map[string]any) {
			b, _ := base64.StdEncoding.DecodeString(env["payload"].(string))
			signed := [][]byte{b, dsse.PAE("", b), dsse.PAE(bundle.TypeReceipt, b)}[f.rng.IntN(3)]
			by, err := f.alder.ring.Signing().Sign(nil, signed, crypto.Hash(0))
			if err != nil {
				panic(err) // it is a key on disk
			}
			sig["sig"] = base64.StdEncoding.EncodeToString(by)
		})
	}))
	return list
}

// signerKinds are honest in form, and signed or sent by somebody else.
func signerKinds() []kind {
	signed := func(name, reasons string, key func(f *forger) crypto.Signer, contributor string) kind {
		return changed("signer: "+name, reasons, func(f *forger, p parts) (parts, error) {
			return p.signed(key(f), func(_, m map[string]any) { m["contributor"] = contributor })
		})
	}
	return []kind{
		signed("a stranger", "bundle/unknown-signer", func(f *forger) crypto.Signer {
			seed := make([]byte, ed25519.SeedSize)
			for i := range seed {
				seed[i] = byte(f.rng.IntN(256))
			}
			return ed25519.NewKeyFromSeed(seed)
		}, "alder"),
		signed("another contributor", "bundle/unknown-signer", func(f *forger) crypto.Signer { return f.birch.ring.Signing() }, "alder"),
		signed("oneself in another's name", "bundle/wrong-contributor", func(f *forger) crypto.Signer { return f.alder.ring.Signing() }, "birch"),
		{"replay: once more", func(f *forger) (forgery, error) { return forgery{parts: f.own()}, nil }, replayed},
		{"replay: under a tag", func(f *forger) (forgery, error) {
			return forgery{parts: f.own(), ref: []string{"latest", "early", "v1"}[f.rng.IntN(3)]}, nil
		}, replayed},
		{"signer: one's old key", func(f *forger) (forgery, error) {
			p, err := f.own().signed(f.oldToken.ring.Signing(), func(_, m map[string]any) { m["contributor"] = "cedar" })
			return forgery{parts: p, as: f.cedar}, err
		}, "bundle/unknown-signer"},
		{"sender: one's old token", func(f *forger) (forgery, error) {
			p, err := f.own().signed(f.cedar.ring.Signing(), func(_, m map[string]any) { m["contributor"] = "cedar" })
			return forgery{parts: p, as: f.oldToken}, err
		}, "UNAUTHORIZED"},
		{"sender: somebody who was revoked", func(f *forger) (forgery, error) { return forgery{parts: f.ofGone, as: f.gone}, nil }, "DENIED"},
		{"sender: with another's bundle", func(f *forger) (forgery, error) {
			return forgery{parts: f.theirs[f.rng.IntN(len(f.theirs))]}, nil
		}, "bundle/unknown-signer"},
		{"sender: into another's repository", func(f *forger) (forgery, error) {
			return forgery{parts: []parts{f.own(), f.theirs[f.rng.IntN(len(f.theirs))]}[f.rng.IntN(2)], repo: "birch"}, nil
		}, "DENIED"},
	}
}

// aDay is a moment in the past, for terms that have run out.
func aDay() time.Time { return time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC) }
