// SPDX-License-Identifier: Apache-2.0

package trusttest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
)

// ForgeOptions says how many forgeries are tried.
type ForgeOptions struct {
	Options
	Forgeries int // 1,000; each kind in turn
}

// ForgeReport is what came out.
type ForgeReport struct {
	Tried   int
	Kinds   int
	Passed  []string                  // kinds of which one was taken in
	Other   []string                  // kinds of which one was refused for a reason that is not its own
	Reasons map[string]int            // refusals by reason
	ByKind  map[string]map[string]int // and by kind of forgery
	Carried map[string]map[string]int // of those that came in a folder, by kind and reason
}

// note notes what became of a forgery, which has these reasons to be refused.
func (r *ForgeReport) note(by map[string]map[string]int, kind, reason string, reasons []string) {
	if by[kind] == nil {
		by[kind] = map[string]int{}
	}
	by[kind][reason]++
	switch {
	case reason == taken:
		r.Passed = append(r.Passed, kind)
	case !slices.Contains(reasons, reason):
		r.Other = append(r.Other, kind+": "+reason)
	}
}

// InFolders are the reasons of those that came in a folder, with their number.
func (r *ForgeReport) InFolders() map[string]int {
	reasons := map[string]int{}
	for _, by := range r.Carried {
		for reason, n := range by {
			reasons[reason] += n
		}
	}
	return reasons
}

// Table is reason and count, most first, for people.
func Table(reasons map[string]int) string {
	list := slices.SortedFunc(maps.Keys(reasons), func(a, b string) int {
		return cmp.Or(reasons[b]-reasons[a], strings.Compare(a, b))
	})
	for i, k := range list {
		list[i] = fmt.Sprintf("%s %d", k, reasons[k])
	}
	return strings.Join(list, ", ")
}

// forgery is a bundle as a forger sends it.
type forgery struct {
	parts
	config   []byte       // nil: the empty one
	as       *contributor // whose token it comes with; nil: the honest contributor's
	repo     string       // whose repository; empty: that of who sends
	ref      string       // the name that the manifest is sent under; empty: its digest
	media    string       // the content type; empty: an OCI manifest's
	misnamed string       // the payload is sent under this digest
	withheld bool         // the payload is not sent
	dir      string       // a folder to verify instead of sending
	key      *contributor // whose key a folder is verified against; nil: the honest contributor's
}

// kind is a way to forge, and the reasons for which it is refused: one of them, always.
type kind struct {
	name    string
	forge   func(f *forger) (forgery, error)
	reasons string
}

// forger has what a forger may have: honest bundles, and keys of its own, old and others'.
type forger struct {
	dir                 string
	rng                 *rand.Rand
	alder, birch, cedar *contributor                    // honest; another; one that has a new key since
	gone                *contributor                    // revoked
	oldToken            *contributor                    // cedar before that
	honest, theirs      []parts                         // bundles of alder's and birch's
	made                map[string]bool                 // digests of all honest bundles; true: the hub has it
	lay                 func(dir string, p parts) error // makes the folder that a kind then changes
	ofGone              parts
	n                   int
}

// own is one of the honest contributor's bundles.
func (f *forger) own() parts { return f.honest[f.rng.IntN(len(f.honest))] }

// Forge sends changed bundles to a hub, lets "verify" look at changed folders, lets all that can lie in one come in an exchange, too,
// and counts by which reason each was refused.
func Forge(ctx context.Context, o ForgeOptions) (r ForgeReport, err error) {
	o.Forgeries = cmp.Or(o.Forgeries, 1000)
	m, err := newMaker(ctx, o.Options)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	f, err := m.newForger(ctx)
	if err != nil {
		return r, err
	}
	r = ForgeReport{Reasons: map[string]int{}, ByKind: map[string]map[string]int{}, Carried: map[string]map[string]int{}}
	all := kinds()
	for ; r.Tried < o.Forgeries; r.Tried++ {
		k := all[r.Tried%len(all)]
		forged, err := k.forge(f)
		if err != nil {
			return r, fmt.Errorf("forge %s: %w", k.name, err)
		}
		reason, err := m.judge(ctx, f, forged)
		if err != nil {
			return r, fmt.Errorf("%s: %w", k.name, err)
		}
		if reason == taken && k.reasons == replayed {
			reason = replayed
		}
		r.note(r.ByKind, k.name, reason, strings.Fields(k.reasons))
		if reason != taken {
			r.Reasons[reason]++
		}
		if r.Tried%1000 == 999 {
			o.log("%d of %d forgeries tried", r.Tried+1, o.Forgeries)
		}
	}
	r.Kinds = len(r.ByKind)
	for range (o.Forgeries + 999) / 1000 {
		if err := m.carry(ctx, f, &r); err != nil {
			return r, fmt.Errorf("in a folder: %w", err)
		}
	}
	after, err := m.admitted(ctx)
	if err != nil {
		return r, err
	}
	for _, a := range after {
		if _, honest := f.made[a.Bundle]; !honest {
			r.Passed = append(r.Passed, "at the hub is "+a.Bundle+", which nobody made honestly")
		}
	}
	return r, m.stop()
}

// newForger lets contributors join, send honest bundles, change keys and be revoked.
func (m *maker) newForger(ctx context.Context) (*forger, error) {
	f := &forger{dir: m.o.Dir, rng: rand.New(rand.NewPCG(m.o.Seed, 5)), made: map[string]bool{}}
	f.lay = f.layBundle
	for name, c := range map[string]**contributor{"alder": &f.alder, "birch": &f.birch, "cedar": &f.oldToken, "dogwood": &f.gone} {
		var err error
		if *c, err = m.join(ctx, name); err != nil {
			return nil, err
		}
	}
	for i := range 4 {
		for c, list := range map[*contributor]*[]parts{f.alder: &f.honest, f.birch: &f.theirs} {
			p, err := f.pack(c, i)
			if err != nil {
				return nil, err
			}
			if reason, err := m.judge(ctx, f, forgery{parts: p, as: c}); err != nil || reason != taken {
				return nil, fmt.Errorf("an honest bundle is refused: %s %w", reason, err)
			}
			*list, f.made[episode.Digest(p.manifest)] = append(*list, p), true
		}
	}
	var err error
	if f.ofGone, err = f.pack(f.gone, 0); err != nil {
		return nil, err
	}
	delete(f.made, episode.Digest(f.ofGone.manifest)) // honestly made, and too late
	// cedar's key is lost: it joins anew from an empty folder. dogwood's access ends.
	if _, err := m.o.command(ctx, "hub", "revoke", "--dir", m.dir(), f.oldToken.name); err != nil {
		return nil, err
	}
	if err := os.Rename(f.oldToken.dir, f.oldToken.dir+"-before"); err != nil {
		return nil, err
	}
	if f.cedar, err = m.join(ctx, "cedar"); err != nil {
		return nil, err
	}
	_, err = m.o.command(ctx, "hub", "revoke", "--dir", m.dir(), f.gone.name)
	return f, err
}

// pack makes an honest bundle of some records.
func (f *forger) pack(c *contributor, k int) (parts, error) {
	var lines [][]byte
	for i := range 3 + k {
		line, err := record(fmt.Sprintf("ep_%s_%d_%d", c.name, k, i), nil)
		if err != nil {
			return parts{}, err
		}
		lines = append(lines, line)
	}
	return f.packed(c, lines)
}

func (f *forger) packed(c *contributor, lines [][]byte) (parts, error) {
	p, err := packed(filepath.Join(f.dir, "pack"), lines, bundle.Options{Signer: c.ring.Signing(), Contributor: c.name, Recipient: hubName})
	f.made[episode.Digest(p.manifest)] = false
	return p, err
}

// layBundle makes a folder of one bundle.
func (f *forger) layBundle(dir string, p parts) error {
	_, _, err := bundle.Pack(dir, p.lines, bundle.Options{Signer: f.alder.ring.Signing(), Contributor: f.alder.name, Recipient: hubName})
	return err
}

// taken is the reason of what is not refused, and replayed of what is sent again: it gets the same answer, and at the end there
// must be no bundle more.
const (
	taken    = "taken in"
	replayed = "REPLAYED"
)

// judge sends a forgery, or verifies its folder, and returns why it is refused.
func (m *maker) judge(ctx context.Context, f *forger, x forgery) (reason string, err error) {
	who := cmp.Or(x.as, f.alder)
	if x.dir != "" {
		_, err := bundle.Verify(x.dir, cmp.Or(x.key, f.alder).trust())
		err = errors.Join(err, os.RemoveAll(x.dir))
		if p, ok := errors.AsType[*episode.Problem](err); ok {
			return p.Code, nil
		}
		if err != nil {
			return "", err
		}
		return taken, nil
	}
	repo := cmp.Or(x.repo, who.name) + "/bundles"
	config := x.config
	if config == nil {
		config = []byte("{}")
	}
	for i, b := range [][]byte{config, x.envelope, x.payload} {
		name := episode.Digest(b)
		if i == 2 {
			if x.withheld {
				continue
			}
			name = cmp.Or(x.misnamed, name)
		}
		if reason, err := m.ask(ctx, who, http.MethodPost, m.api("/v2/"+repo+"/blobs/uploads/", "digest", name), "application/octet-stream", b); err != nil || reason != taken {
			return reason, err
		}
	}
	return m.ask(ctx, who, http.MethodPut, m.api("/v2/"+repo+"/manifests/"+cmp.Or(x.ref, episode.Digest(x.manifest))), cmp.Or(x.media, ocispec.MediaTypeImageManifest), x.manifest)
}

// ask sends one request and returns why it is refused.
func (m *maker) ask(ctx context.Context, who *contributor, method, url, contentType string, body []byte) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+who.Token)
	req.Header.Set("Content-Type", contentType)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode == http.StatusCreated {
		return taken, err
	}
	var said struct {
		Errors []struct {
			Code   string
			Detail struct{ Code string }
		}
	}
	if err := json.Unmarshal(b, &said); err != nil || len(said.Errors) != 1 {
		return "", fmt.Errorf("%s %s: %s: %.300s", method, url, resp.Status, b)
	}
	return cmp.Or(said.Errors[0].Detail.Code, said.Errors[0].Code), nil
}
