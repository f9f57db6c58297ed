// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/sqlstore"
)

// DefaultRotate is how long a contributor has to make worthless what a bundle should not have held.
const DefaultRotate = 72 * time.Hour

// maxFindings bounds an incident: who let more through than that learns the rest by sending what is left.
const maxFindings = 1000

// incidentError refuses a bundle and carries the signed incident to whoever pushed it.
type incidentError struct {
	*episode.Problem
	envelope []byte
}

// Unwrap lets callers find the Problem.
func (e *incidentError) Unwrap() error { return e.Problem }

// Detail is what the registry's answer carries.
func (e *incidentError) Detail() any {
	return struct {
		*episode.Problem
		Incident json.RawMessage `json:"incident"`
	}{e.Problem, e.envelope}
}

// scan looks at a verified bundle with the hub's own engine. Where that finds something, nothing of the bundle is kept, and
// the error says where, not what.
func (h *Hub) scan(ctx context.Context, contributor, repo string, manifest []byte, b *bundle.Bundle) error {
	inc := bundle.Incident{ID: incidentID(h.cfg.Name, b.Digest), Bundle: b.Digest, Contributor: contributor, Recipient: h.cfg.Name}
	if err := h.look(b, &inc); err != nil {
		return err
	}
	if len(inc.Findings) == 0 {
		return nil
	}
	now := h.cfg.Now().UTC()
	inc.Day, inc.RotateBy = now.Format(time.DateOnly), now.Add(h.cfg.Rotate).Truncate(time.Hour).Format(time.RFC3339)
	envelope, err := bundle.SealDocument(bundle.TypeIncident, inc, h.ring.Signing())
	if err != nil { // what was found does not rest here until the key is back: it comes again
		return errors.Join(err, h.dropLayers(ctx, repo, manifest), h.bury(ctx))
	}
	var m ocispec.Manifest
	if err := json.Unmarshal(manifest, &m); err != nil {
		return err
	}
	// One commit says that it happened and that the bytes must go; where a crash comes between, the next turn deletes them.
	err = h.db.Noting(h.entry(ctx, "incident "+inc.ID, "refuse", b.Digest)).RefuseArrival(ctx, repo, []string{m.Layers[0].Digest.String(), m.Layers[1].Digest.String()}, sqlstore.DocumentRow{Kind: sqlstore.DocIncident, ID: inc.ID, Parent: b.Digest,
		Contributor: contributor, Envelope: envelope, LogIndex: -1, MadeAt: now})
	if err != nil {
		return err
	}
	h.log.Error("a bundle is refused: what the scan found in it should not have left the contributor", "contributor", contributor, "incident", inc.ID, "findings", len(inc.Findings)+inc.More)
	return h.refused(ctx, repo, manifest, inc.ID)
}

// look fills in what the engine finds: structured hits, and, where there are more random-looking runs than findings that the
// manifest claims and that are not there as marks, these.
func (h *Hub) look(b *bundle.Bundle, inc *bundle.Incident) error {
	marks, claimed, random := 0, 0, 0
	for _, n := range b.Manifest.Findings {
		claimed += n
	}
	var opaque []bundle.IncidentFinding
	for i, line := range b.Records() {
		found, err := h.door.scans.Record(line)
		if err != nil {
			return &episode.Problem{Code: "intake/unreadable", Message: fmt.Sprintf("record %d cannot be scanned", i), Err: err, Hint: "pack it anew"}
		}
		marks, random = marks+found.Marks, random+found.Opaque
		for _, hit := range found.Hits {
			inc.Findings = append(inc.Findings, bundle.IncidentFinding{Record: i, Field: hit.Field, Kind: hit.Kind})
		}
		for _, field := range found.Runs {
			opaque = append(opaque, bundle.IncidentFinding{Record: i, Field: field, Kind: "opaque"})
		}
	}
	if random > max(0, claimed-marks) {
		inc.Findings = append(inc.Findings, opaque...)
	}
	if n := len(inc.Findings); n > maxFindings {
		inc.Findings, inc.More = inc.Findings[:maxFindings], n-maxFindings
	}
	return nil
}

// refusedBefore answers for a bundle that is the subject of an incident: nothing of it is looked at again.
func (h *Hub) refusedBefore(ctx context.Context, repo string, manifest []byte, digest string) error {
	id := incidentID(h.cfg.Name, digest)
	if _, err := h.db.Document(ctx, sqlstore.DocIncident, id); errors.Is(err, sqlstore.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	if err := h.dropLayers(ctx, repo, manifest); err != nil {
		return err
	}
	return h.refused(ctx, repo, manifest, id)
}

// refused deletes what arrived, makes the incident a referrer of the bundle that is not there, for the contributor to fetch,
// and returns it as an error.
func (h *Hub) refused(ctx context.Context, repo string, manifest []byte, id string) error {
	if err := h.bury(ctx); err != nil {
		return err
	}
	doc, err := h.db.Document(ctx, sqlstore.DocIncident, id)
	if err != nil {
		return err
	}
	subject := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: ocidigest(doc.Parent), Size: int64(len(manifest))}
	if _, _, err := h.publish(ctx, repo, "", bundle.TypeIncident, &subject, doc.Envelope); err != nil {
		return err
	}
	inc, err := h.openIncident(doc)
	if err != nil {
		return err
	}
	kinds, records := map[string]bool{}, map[int]bool{}
	for _, f := range inc.Findings {
		kinds[f.Kind], records[f.Record] = true, true
	}
	return &incidentError{&episode.Problem{Code: "intake/incident",
		Message: fmt.Sprintf("the hub's scan found what must not arrive in %d of the bundle's records (%s): it is refused and nothing of it was kept", len(records), strings.Join(slices.Sorted(maps.Keys(kinds)), ", ")),
		Hint:    "look at these records, make what is in them worthless by " + inc.RotateBy + ", and tell the filter's makers; incident " + inc.ID}, doc.Envelope}
}

func (h *Hub) openIncident(doc sqlstore.DocumentRow) (inc bundle.Incident, err error) {
	payload, _, err := bundle.OpenDocument(doc.Envelope, bundle.TypeIncident, bundle.NewTrust(bundle.TrustedKey{Key: h.Public()}))
	if err != nil {
		return inc, err
	}
	return inc, bundle.DecodeDocument(payload, &inc)
}

// incidentID is the same for the same bundle: it is refused once, however often it comes.
func incidentID(hub, digest string) string {
	s := sha256.Sum256([]byte("incident\x00" + hub + "\x00" + digest))
	return "inc_" + hex.EncodeToString(s[:8])
}
