// SPDX-License-Identifier: Apache-2.0

package trusttest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
)

// moment is a write to the hub's tables that the admission of a bundle needs: the hub dies just before it.
type moment struct{ name, write, when string }

// moments are all of them, in their order. In the registry's tables a manifest and what it refers to are one row, so that there is
// no moment between the two: a receipt is there with its bundle's name on it, or not at all.
func moments() []moment {
	return []moment{
		{"a layer is named", "INSERT ON repo_blobs", "NEW.repo='alder/bundles'"},
		{"the entry of the log is announced", "INSERT ON log_entries", "NEW.kind='bundle'"},
		{"the log has it, its index is noted", "UPDATE ON log_entries", "NEW.kind='bundle'"},
		{"the receipt is referred to", "INSERT ON manifests", "NEW.artifact_type='" + bundle.TypeReceipt + "'"},
		{"the bundle is admitted", "INSERT ON admitted", "NEW.contributor='alder'"},
		{"it is booked on its contributor's quota", "INSERT ON usage_days", "NEW.contributor='alder'"},
		{"the bundle's manifest is visible", "INSERT ON manifests", "NEW.artifact_type='" + bundle.ArtifactType + "'"},
	}
}

// Moments kills a hub just before each write of an admission, sends the bundle again each time, and counts.
func Moments(ctx context.Context, o Options) (h Held, err error) {
	m, err := newMaker(ctx, o)
	if err != nil {
		return h, err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	c, err := m.join(ctx, "alder")
	if err != nil {
		return h, err
	}
	l := newLedger(c)
	f := &forger{dir: o.Dir, alder: c, made: map[string]bool{}}
	for i, at := range moments() {
		p, err := f.pack(c, i)
		if err != nil {
			return h, err
		}
		if err := m.dieAt(ctx, f, p, at); err != nil {
			return h, fmt.Errorf("before %s: %w", at.name, err)
		}
		dir := filepath.Join(o.Dir, fmt.Sprint("bundle-", i))
		_, digest, err := bundle.Pack(dir, p.lines, bundle.Options{Signer: c.ring.Signing(), Contributor: c.name, Recipient: hubName})
		if err != nil {
			return h, err
		}
		if digest != episode.Digest(p.manifest) {
			return h, fmt.Errorf("the same records are another bundle, %s", digest)
		}
		out, err := o.command(ctx, "push", "--dir", c.dir, dir)
		if err != nil {
			return h, fmt.Errorf("after the hub died before %s: %w", at.name, err)
		}
		receipt := filepath.Join(o.Dir, fmt.Sprintf("receipt-%d.json", i))
		if err := errors.Join(os.WriteFile(receipt, out, 0o600), l.enter(c.name, digest, receipt, p.lines), m.shows(ctx, c, digest)); err != nil {
			return h, fmt.Errorf("after the hub died before %s: %w", at.name, err)
		}
	}
	if err := m.stop(); err != nil {
		return h, err
	}
	return l.Count(ctx, o.HubDir())
}

// dieAt sends a bundle to a hub that gets no further than to a write, kills it there, and starts it again.
func (m *maker) dieAt(ctx context.Context, f *forger, p parts, at moment) (err error) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(m.o.HubDir(), "hub.db")+"?_pragma=busy_timeout(60000)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.ExecContext(ctx, "CREATE TRIGGER dies BEFORE "+at.write+" WHEN "+at.when+" BEGIN SELECT RAISE(ABORT, 'the hub dies'); END"); err != nil {
		return err
	}
	reason, err := m.judge(ctx, f, forgery{parts: p})
	if err != nil {
		return err
	}
	if reason != "UNKNOWN" {
		return fmt.Errorf("it should have got stuck: %s", reason)
	}
	if err := m.kill(); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, "DROP TRIGGER dies"); err != nil {
		return err
	}
	return m.start(ctx)
}

// shows checks that the registry has a bundle's manifest, and a receipt among what refers to it.
func (m *maker) shows(ctx context.Context, c *contributor, digest string) error {
	for path, want := range map[string]string{"manifests": bundle.ArtifactType, "referrers": bundle.TypeReceipt} {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, m.api("/v2/"+c.name+"/bundles/"+path+"/"+digest), nil)
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+c.Token)
		req.Header.Set("Accept", ocispec.MediaTypeImageManifest+", "+ocispec.MediaTypeImageIndex)
		b, err := read(http.DefaultClient, req, http.StatusOK)
		if err != nil {
			return err
		}
		if !strings.Contains(string(b), want) {
			return fmt.Errorf("%s of %s: %s", path, digest, b)
		}
	}
	return nil
}
