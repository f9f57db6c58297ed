// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/device"
	"github.com/headrace/headrace/internal/intake"
	"github.com/headrace/headrace/internal/login"
)

// Intake says who may bring what, and how.
type Intake struct {
	// TLS is how the hub speaks TLS itself: the word self, which makes it its own authority that invites name, or a mapping of
	// certificate and key to files; with clients: required, edges must show the certificate that they got when they joined.
	TLS TLS `yaml:"tls,omitempty"`
	// OIDC is an identity provider whose tokens a contributor's workload may send in place of the hub's own: issuer and audience,
	// and the claim that names it (sub).
	OIDC OIDC `yaml:"oidc,omitempty"`
	// Quotas limit what one contributor may send: bundles_a_day, bytes_a_day, waiting_uploads; 0 is no limit.
	Quotas Quotas `yaml:"quotas"`
	// Rotate is how long a contributor has to make worthless what the scan found in a bundle that was refused for it.
	Rotate time.Duration `yaml:"rotate"`
}

// OIDC names the identity provider of contributors' workloads.
type OIDC struct {
	Issuer   string `yaml:"issuer,omitempty"`
	Audience string `yaml:"audience,omitempty"`
	Claim    string `yaml:"claim,omitempty"`
}

// DefaultIntake is what holds where hub.yaml says nothing else.
func DefaultIntake() Intake { return Intake{Quotas: DefaultQuotas(), Rotate: DefaultRotate} }

func (i Intake) check() error {
	if q := i.Quotas; q.Bundles < 0 || q.Bytes < 0 || q.Uploads < 0 {
		return &episode.Problem{Code: "config/quotas", Message: "a quota is negative", Hint: "use a count, or 0 for no limit"}
	}
	if i.Rotate <= 0 {
		return &episode.Problem{Code: "config/rotate", Message: "rotate is not a time to come", Hint: "use a time such as 72h"}
	}
	if _, err := i.OIDC.workloads(time.Now); err != nil {
		return err
	}
	return i.TLS.check()
}

// workloads is what tells from tokens who contributors are; nil where the hub takes its own only.
func (o OIDC) workloads(now func() time.Time) (*login.Workloads, error) {
	if o == (OIDC{}) {
		return nil, nil
	}
	return login.NewWorkloads(login.WorkloadConfig{Issuer: o.Issuer, Audience: o.Audience, Claim: o.Claim, Now: now})
}

// door is what stands between contributors and the registry.
type door struct {
	quotas    *quotas
	scans     *intake.Scanner
	authority *device.Authority // of contributors' certificates, and of the hub's own with tls: self
	workloads *login.Workloads  // nil for none
}

func (h *Hub) openDoor() (err error) {
	if h.cfg.Rotate == 0 {
		h.cfg.Rotate = DefaultRotate
	}
	h.door.quotas, h.door.scans = newQuotas(h.cfg.Quotas, h.db, h.cfg.Now), intake.New()
	if h.door.authority, err = device.NewAuthority(h.ring.Derive("contributors"), "Headrace hub", h.cfg.Now); err != nil {
		return err
	}
	h.door.workloads, err = h.cfg.OIDC.workloads(h.cfg.Now)
	return err
}
