// SPDX-License-Identifier: Apache-2.0

package trusttest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/exchange"
)

// What becomes of a folder that was changed in a place that says nothing of a bundle: asItWas is the honest bundle, by its digest, in
// spite of other white space in the index; unseen is one that the index does not name as a bundle any more.
const (
	asItWas = "AS-IT-WAS"
	unseen  = "UNSEEN"
)

// carriedReasons are those of kinds that have others in a folder than in a registry, which looks at what it is sent before a hub does.
func carriedReasons() map[string]string {
	return map[string]string{
		"manifest: a bit":                    "exchange/bad-manifest exchange/not-taken exchange/damaged bundle/malformed",
		"manifest: cut short":                "exchange/bad-manifest",
		"manifest: written otherwise, twice": "exchange/not-taken exchange/bad-manifest bundle/malformed",
		"manifest: written otherwise, case":  "exchange/not-taken exchange/bad-manifest bundle/malformed",
		"manifest: type of artifact":         "exchange/not-taken",
		"manifest: a third layer":            "exchange/not-taken",
		"manifest: one layer":                "exchange/not-taken",
		"manifest: a config":                 "exchange/bad-manifest",
		"manifest: a size":                   "exchange/damaged",
		"manifest: under another's name":     "exchange/damaged",
		"manifest: sent as something else":   "exchange/bad-index",
		"records: others under their name":   "exchange/damaged",
		"records: not sent":                  "exchange/damaged",
		"envelope: a bit":                    "bundle/malformed bundle/wrong-type bundle/unknown-signer bundle/bad-signature intake/unknown-contributor",
		"envelope: another type":             "bundle/malformed",
		"signer: oneself in another's name":  "bundle/unknown-signer",
		"sender: with another's bundle":      replayed, // a folder does not say whose it is
		"sender: somebody who was revoked":   "intake/revoked",
		"folder: a bit of a file":            "exchange/damaged exchange/bad-index exchange/bad-manifest " + asItWas + " " + unseen,
		"folder: a file cut short":           "exchange/damaged exchange/bad-index " + asItWas,
		"folder: a file longer":              "exchange/damaged " + asItWas,
		"folder: a file more":                "exchange/extra-file " + asItWas, // with the name of a blob that nobody asks for
		"folder: a folder more":              "exchange/extra-file",
		"folder: a file less":                "exchange/damaged exchange/not-whole " + asItWas, // the configuration of all bundles
		"folder: no index":                   "exchange/not-whole",
		"folder: a link to a file":           "exchange/link",
		"folder: an index written otherwise": "exchange/bad-index " + asItWas,
	}
}

// carry lets a forgery of each kind that can lie in a folder come to the hub in an exchange that somebody carries. Most lie in one
// folder: one that is refused must hold up no other. What damages the folder itself lies in one of its own.
func (m *maker) carry(ctx context.Context, f *forger, r *ForgeReport) (err error) {
	sent := f.honest
	f.lay = func(dir string, p parts) error { return lay(dir, forgery{parts: p}) }
	defer func() { f.honest, f.lay = sent, f.layBundle }()
	together := filepath.Join(f.dir, "carried")
	honest, err := f.fresh(1)
	if err == nil {
		err = f.lay(together, honest[0])
	}
	if err != nil {
		return err
	}
	kindOf := map[string]kind{} // by the digest that the folder's index names
	for _, k := range kinds() {
		if k.onlySent() {
			continue
		}
		if k.reasons == replayed {
			f.honest = sent
		} else if f.honest, err = f.fresh(2); err != nil {
			return err
		}
		x, err := k.forge(f)
		if err != nil {
			return fmt.Errorf("forge %s: %w", k.name, err)
		}
		name := x.named()
		if x.dir == "" && x.media == "" && kindOf[name].name == "" {
			kindOf[name] = k
			if err := lay(together, x); err != nil {
				return err
			}
			continue
		}
		if x.dir == "" {
			x.dir = filepath.Join(f.dir, "alone")
			if err := lay(x.dir, x); err != nil {
				return err
			}
		}
		reasons, err := m.visit(ctx, f, x.dir)
		if err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
		if len(reasons) != 1 {
			return fmt.Errorf("%s: of one bundle in a folder the hub says %v", k.name, reasons)
		}
		for _, reason := range reasons {
			r.carried(k, reason)
		}
	}
	reasons, err := m.visit(ctx, f, together)
	if err != nil {
		return err
	}
	for name, k := range kindOf {
		r.carried(k, reasons[name])
	}
	if reason := reasons[episode.Digest(honest[0].manifest)]; reason != asItWas {
		return fmt.Errorf("the honest bundle among them is refused: %s", reason)
	}
	return nil
}

// fresh are honest bundles that the hub does not have: of those that it has it reads no more than the name.
func (f *forger) fresh(n int) (list []parts, err error) {
	for range n {
		f.n++
		var lines [][]byte
		for i := range 3 {
			line, err := record(fmt.Sprintf("ep_fresh_%d_%d", f.n, i), nil)
			if err != nil {
				return nil, err
			}
			lines = append(lines, line)
		}
		p, err := f.packed(f.alder, lines)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

// onlySent reports whether a kind is about who sends it, which a folder does not say.
func (k kind) onlySent() bool {
	return k.name == "sender: one's old token" || k.name == "sender: into another's repository"
}

// named is the digest under which a forger has it lie somewhere.
func (x forgery) named() string {
	if strings.HasPrefix(x.ref, "sha256:") {
		return x.ref
	}
	return episode.Digest(x.manifest)
}

// lay puts a forgery into an exchange, beside what lies there.
func lay(dir string, x forgery) error {
	blobs, path := filepath.Join(dir, "blobs", "sha256"), filepath.Join(dir, "index.json")
	if err := os.MkdirAll(blobs, 0o700); err != nil {
		return err
	}
	index := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex}
	if b, err := os.ReadFile(path); err == nil {
		if err := json.Unmarshal(b, &index); err != nil {
			return err
		}
	}
	config := []byte("{}")
	if x.config != nil {
		config = x.config
	}
	files := map[string][]byte{x.named(): x.manifest, episode.Digest(x.envelope): x.envelope, episode.Digest(config): config}
	if !x.withheld {
		files[cmp.Or(x.misnamed, episode.Digest(x.payload))] = x.payload
	}
	var errs []error
	for name, b := range files {
		errs = append(errs, os.WriteFile(filepath.Join(blobs, strings.TrimPrefix(name, "sha256:")), b, 0o600))
	}
	index.Manifests = append(index.Manifests, ocispec.Descriptor{MediaType: cmp.Or(x.media, ocispec.MediaTypeImageManifest), Digest: digest.Digest(x.named()), Size: int64(len(x.manifest)),
		Annotations: map[string]string{ocispec.AnnotationRefName: exchange.Tag(exchange.Bundles, x.named())}})
	b, err := json.Marshal(index)
	return errors.Join(append(errs, err, os.WriteFile(path, b, 0o600), os.WriteFile(filepath.Join(dir, ocispec.ImageLayoutFile), []byte(`{"imageLayoutVersion":"1.0.0"}`), 0o600))...)
}

// visit is "headrace hub receive" on a folder, which goes then: what the hub says of each bundle in it, by digest.
func (m *maker) visit(ctx context.Context, f *forger, dir string) (reasons map[string]string, err error) {
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	out, refused := m.o.command(ctx, "hub", "receive", "--dir", m.dir(), dir)
	p, err := exchange.Open(dir, exchange.Access{})
	if p, ok := errors.AsType[*episode.Problem](err); ok { // the folder itself is refused, and the hub has said it, too
		if refused == nil || !strings.Contains(refused.Error(), p.Message) {
			return nil, fmt.Errorf("the hub says %q of a folder of which is to be said: %w", out, err)
		}
		return map[string]string{"": p.Code}, nil
	}
	if err := errors.Join(err, refused); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	var said struct {
		Refused []struct {
			Artifact string
			Code     string
		}
	}
	if err := json.Unmarshal(out, &said); err != nil {
		return nil, fmt.Errorf("%s: %w", out, err)
	}
	reasons = map[string]string{}
	for _, x := range said.Refused {
		reasons[x.Artifact] = x.Code
	}
	tags, err := exchange.Named(ctx, p, exchange.Bundles)
	if err != nil {
		return nil, err
	}
	for _, tag := range tags {
		desc, err := p.Resolve(ctx, tag)
		if err != nil {
			return nil, err
		}
		name := desc.Digest.String()
		if reasons[name] != "" {
			continue
		}
		for _, a := range []struct{ mediaType, reason string }{{bundle.TypeReceipt, taken}, {bundle.TypeIncident, "intake/incident"}} {
			found, err := exchange.Answers(ctx, p, desc, a.mediaType)
			if err != nil {
				return nil, err
			}
			if len(found) > 0 {
				reasons[name] = a.reason
			}
		}
		sent, honest := f.made[name]
		switch {
		case reasons[name] == "":
			return nil, fmt.Errorf("the hub has no answer to %s", tag)
		case reasons[name] == taken && sent:
			reasons[name] = replayed
		case reasons[name] == taken && honest:
			reasons[name] = asItWas
		}
	}
	if len(reasons) == 0 {
		reasons[""] = unseen
	}
	return reasons, nil
}

// carried notes what became of a forgery in a folder.
func (r *ForgeReport) carried(k kind, reason string) {
	reasons := cmp.Or(carriedReasons()[k.name], k.reasons)
	r.note(r.Carried, "in a folder, "+k.name, reason, strings.Fields(reasons))
}
