// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"time"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/device"
	"github.com/headrace/headrace/internal/sqlstore"
)

// EnrolRequest is what an edge sends with its invite.
type EnrolRequest struct {
	Code      string `json:"code"`
	PublicKey string `json:"public_key"` // base64 of the raw ed25519 key
	// Request is for a certificate to speak TLS with, PEM; empty for none.
	Request string `json:"request,omitempty"`
}

// EnrolAnswer tells an edge its name here, its token, and the key that signs what the hub says.
type EnrolAnswer struct {
	Contributor string `json:"contributor"`
	Token       string `json:"token"`
	Hub         string `json:"hub"`
	PublicKey   string `json:"public_key"`
	Channel     string `json:"channel"`
	// Recipient is the key to which bundles can be encrypted on their way.
	Recipient string `json:"age_recipient"`
	// Certificate answers the request, PEM.
	Certificate string `json:"certificate,omitempty"`
}

// inviteFor is how long an invite is good for.
const inviteFor = 7 * 24 * time.Hour

var contributorName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// maxEnrol is the largest request to join or renew, in bytes. Anybody may send one.
const maxEnrol = 64 << 10

// Invite makes a one-time code with which an enterprise becomes the contributor name. subject is what tokens of its workload
// say who it is, where the hub takes such; else it is empty.
func (h *Hub) Invite(ctx context.Context, name, subject string) (code string, expires time.Time, err error) {
	if !contributorName.MatchString(name) || name == releases {
		return "", expires, &episode.Problem{Code: "invite/bad-name", Message: fmt.Sprintf("%q cannot be a contributor's name", name),
			Hint: "use lower-case letters, digits and single hyphens, such as alder-bank"}
	}
	if subject != "" && h.door.workloads == nil {
		return "", expires, &episode.Problem{Code: "invite/no-oidc", Message: "this hub takes no tokens of an identity provider", Hint: "set oidc: {issuer: …, audience: …} in hub.yaml"}
	}
	code, expires = rand.Text(), h.cfg.Now().Add(inviteFor)
	return code, expires, h.db.Noting(h.entry(ctx, "", "invite", name)).AddInvite(ctx, tokenDigest(code), name, subject, expires)
}

// Enrol uses up an invite.
func (h *Hub) Enrol(ctx context.Context, req EnrolRequest) (EnrolAnswer, error) {
	if _, err := decodeKey(req.PublicKey); err != nil {
		return EnrolAnswer{}, &episode.Problem{Code: "enrol/bad-key", Message: "the public key is not one", Err: err, Hint: "run headrace edge join again"}
	}
	if req.Request != "" {
		if _, err := device.KeyName([]byte(req.Request)); err != nil { // before the code is spent
			return EnrolAnswer{}, &episode.Problem{Code: "enrol/bad-request", Message: "not a request for a certificate", Err: err, Hint: "run headrace edge join again"}
		}
	}
	token := rand.Text() + rand.Text()
	now := h.cfg.Now()
	invited, _, _, err := h.db.Invite(ctx, tokenDigest(req.Code))
	if err != nil && !errors.Is(err, sqlstore.ErrNotFound) {
		return EnrolAnswer{}, err
	}
	c, err := h.db.Noting(h.entry(ctx, invited, "join", req.PublicKey)).Join(ctx, tokenDigest(req.Code), sqlstore.ContributorRow{PublicKey: req.PublicKey, TokenDigest: tokenDigest(token), Channel: "early", JoinedAt: now}, now)
	switch {
	case errors.Is(err, sqlstore.ErrNotFound):
		return EnrolAnswer{}, h.noInvite(ctx, req.Code, now)
	case errors.Is(err, sqlstore.ErrRevoked):
		return EnrolAnswer{}, revokedKey("the code is not spent: put keys/signing.key of the edge's folder aside, so that a new one is made, then join again")
	case err != nil:
		return EnrolAnswer{}, err
	}
	id, err := h.ring.Age()
	if err != nil {
		return EnrolAnswer{}, err
	}
	ans := EnrolAnswer{Recipient: id.Recipient().String(), Contributor: c.Name, Token: token, Hub: h.cfg.Name, PublicKey: encodeKey(h.Public()), Channel: c.Channel}
	if req.Request != "" {
		ans.Certificate, err = h.issue(ctx, c.Name, req.Request)
	}
	return ans, err
}

// noInvite says why a code is none that is good now.
func (h *Hub) noInvite(ctx context.Context, code string, now time.Time) error {
	p := &episode.Problem{Code: "enrol/no-invite", Message: "this hub has made no such invite", Hint: "copy the code whole, and check that the address is that of the hub that made it"}
	_, expires, used, err := h.db.Invite(ctx, tokenDigest(code))
	switch {
	case errors.Is(err, sqlstore.ErrNotFound):
	case err != nil:
		return err
	case !used.IsZero():
		p = &episode.Problem{Code: "enrol/used", Message: "the invite was used on " + used.UTC().Format("2 January at 15:04 UTC"),
			Hint: "if that was not you, tell the hub's operator at once; else you have joined, or ask for a new one"}
	case !now.Before(expires):
		p = &episode.Problem{Code: "enrol/expired", Message: "the invite was good until " + expires.UTC().Format("2 January at 15:04 UTC"), Hint: "ask the hub's operator for a new one: headrace hub invite NAME"}
	}
	return p
}

func (h *Hub) serveEnrol(w http.ResponseWriter, r *http.Request) {
	var req EnrolRequest
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxEnrol))
	if err == nil {
		err = json.Unmarshal(b, &req)
	}
	if err != nil {
		h.answer(w, http.StatusBadRequest, &episode.Problem{Code: "enrol/bad-request", Message: "not an enrolment: " + err.Error()})
		return
	}
	ans, err := h.Enrol(r.Context(), req)
	if p, ok := errors.AsType[*episode.Problem](err); ok {
		h.answer(w, http.StatusForbidden, p)
	} else if err != nil {
		h.log.Error("enrol", "err", err)
		h.answer(w, http.StatusServiceUnavailable, &episode.Problem{Code: "enrol/not-stored", Message: "the enrolment was not stored", Hint: "try again later"})
	} else {
		h.answer(w, http.StatusOK, ans)
	}
}

// trustEver holds the keys that a contributor has and had: what was taken in under one that has ended since is carried out.
func (h *Hub) trustEver(ctx context.Context, contributor string) (trust bundle.Trust, err error) {
	keys, err := h.db.FormerKeys(ctx, contributor)
	if err != nil {
		return trust, err
	}
	list, err := h.db.Contributors(ctx)
	if err != nil {
		return trust, err
	}
	for _, c := range list {
		if c.Name == contributor {
			keys = append(keys, c.PublicKey)
		}
	}
	for _, k := range keys {
		key, err := decodeKey(k)
		if err != nil {
			return trust, err
		}
		trust = trust.With(bundle.TrustedKey{Name: contributor, Key: key})
	}
	return trust, nil
}

func encodeKey(k ed25519.PublicKey) string { return base64.StdEncoding.EncodeToString(k) }

func decodeKey(s string) (ed25519.PublicKey, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("%.60q is not an ed25519 public key in base64", s)
	}
	return b, nil
}

// CodeRevokedKey is the code of the Problem that refuses an edge whose signing key was revoked.
const CodeRevokedKey = "enrol/revoked-key"

func revokedKey(hint string) error {
	return &episode.Problem{Code: CodeRevokedKey, Message: "this edge's signing key was revoked or replaced here, and does not come back", Hint: hint}
}

// Enlist makes an edge of the same process a contributor, without an invite. Each start gives it a new token, unless its key
// was revoked.
func (h *Hub) Enlist(ctx context.Context, name string, key ed25519.PublicKey, demo bool) (EnrolAnswer, error) {
	if !contributorName.MatchString(name) || name == releases {
		return EnrolAnswer{}, fmt.Errorf("%q cannot be a contributor's name", name)
	}
	token := rand.Text() + rand.Text()
	err := h.db.AddContributor(ctx, sqlstore.ContributorRow{Name: name, PublicKey: encodeKey(key), TokenDigest: tokenDigest(token), Channel: "early", Demo: demo, JoinedAt: h.cfg.Now()})
	if errors.Is(err, sqlstore.ErrRevoked) {
		err = revokedKey("to let it send again, put keys/signing.key of the edge's folder aside, so that a new one is made")
	}
	if err != nil {
		return EnrolAnswer{}, err
	}
	return EnrolAnswer{Contributor: name, Token: token, Hub: h.cfg.Name, PublicKey: encodeKey(h.Public()), Channel: "early"}, nil
}
