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

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/sqlstore"
)

// EnrolRequest is what an edge sends with its invite.
type EnrolRequest struct {
	Code      string `json:"code"`
	PublicKey string `json:"public_key"` // base64 of the raw ed25519 key
}

// EnrolAnswer tells an edge its name here, its token, and the key that signs what the hub says.
type EnrolAnswer struct {
	Contributor string `json:"contributor"`
	Token       string `json:"token"`
	Hub         string `json:"hub"`
	PublicKey   string `json:"public_key"`
	Channel     string `json:"channel"`
}

// inviteFor is how long an invite is good for.
const inviteFor = 7 * 24 * time.Hour

var contributorName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// Invite makes a one-time code with which an enterprise becomes the contributor name.
func (h *Hub) Invite(ctx context.Context, name string) (code string, expires time.Time, err error) {
	if !contributorName.MatchString(name) || name == releases {
		return "", expires, &episode.Problem{Code: "invite/bad-name", Message: fmt.Sprintf("%q cannot be a contributor's name", name),
			Hint: "use lower-case letters, digits and single hyphens, such as alder-bank"}
	}
	code, expires = rand.Text(), h.cfg.Now().Add(inviteFor)
	return code, expires, h.db.AddInvite(ctx, tokenDigest(code), name, expires)
}

// Enrol uses up an invite.
func (h *Hub) Enrol(ctx context.Context, req EnrolRequest) (EnrolAnswer, error) {
	if _, err := decodeKey(req.PublicKey); err != nil {
		return EnrolAnswer{}, &episode.Problem{Code: "enrol/bad-key", Message: "the public key is not one", Err: err, Hint: "run headrace edge join again"}
	}
	token := rand.Text() + rand.Text()
	now := h.cfg.Now()
	c, err := h.db.Join(ctx, tokenDigest(req.Code), sqlstore.ContributorRow{PublicKey: req.PublicKey, TokenDigest: tokenDigest(token), Channel: "early", JoinedAt: now}, now)
	if errors.Is(err, sqlstore.ErrNotFound) {
		return EnrolAnswer{}, &episode.Problem{Code: "enrol/no-invite", Message: "the invite is unknown, used or expired", Hint: "ask the hub's operator for a new one: headrace hub invite NAME"}
	}
	if err != nil {
		return EnrolAnswer{}, err
	}
	return EnrolAnswer{Contributor: c.Name, Token: token, Hub: h.cfg.Name, PublicKey: encodeKey(h.Public()), Channel: c.Channel}, nil
}

func (h *Hub) serveEnrol(w http.ResponseWriter, r *http.Request) {
	var req EnrolRequest
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
	if err == nil {
		err = json.Unmarshal(b, &req)
	}
	status, v := http.StatusOK, any(nil)
	if err != nil {
		status, v = http.StatusBadRequest, &episode.Problem{Code: "enrol/bad-request", Message: "not an enrolment: " + err.Error()}
	} else if ans, err := h.Enrol(r.Context(), req); err != nil {
		p, ok := errors.AsType[*episode.Problem](err)
		if status = http.StatusForbidden; !ok {
			h.log.Error("enrol", "err", err)
			status, p = http.StatusServiceUnavailable, &episode.Problem{Code: "enrol/not-stored", Message: "the enrolment was not stored", Hint: "try again later"}
		}
		v = p
	} else {
		v = ans
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func encodeKey(k ed25519.PublicKey) string { return base64.StdEncoding.EncodeToString(k) }

func decodeKey(s string) (ed25519.PublicKey, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("%.60q is not an ed25519 public key in base64", s)
	}
	return b, nil
}

// Enlist makes an edge of the same process a contributor, without an invite. Each start gives it a new token.
func (h *Hub) Enlist(ctx context.Context, name string, key ed25519.PublicKey, demo bool) (EnrolAnswer, error) {
	if !contributorName.MatchString(name) || name == releases {
		return EnrolAnswer{}, fmt.Errorf("%q cannot be a contributor's name", name)
	}
	token := rand.Text() + rand.Text()
	err := h.db.AddContributor(ctx, sqlstore.ContributorRow{Name: name, PublicKey: encodeKey(key), TokenDigest: tokenDigest(token), Channel: "early", Demo: demo, JoinedAt: h.cfg.Now()})
	return EnrolAnswer{Contributor: name, Token: token, Hub: h.cfg.Name, PublicKey: encodeKey(h.Public()), Channel: "early"}, err
}
