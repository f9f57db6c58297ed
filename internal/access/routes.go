// SPDX-License-Identifier: Apache-2.0

package access

import (
	"maps"
	"slices"
)

// Proof is what proves who calls, where it is not a person's session. The handler itself asks for it.
type Proof string

// What may prove who calls.
const (
	Open   Proof = "open"   // nobody needs to: it is public, or what is sent is its own proof, such as a one-time code
	Token  Proof = "token"  // the edge's token, which local tools send; telemetry may come without from the same machine
	Device Proof = "device" // the certificate of a developer's machine
	Forge  Proof = "forge"  // a secret that a code forge shares, over the whole delivery
	Joined Proof = "joined" // a contributor's token, certificate or signature
)

// Rule is who may call a route: the persons who have one of Roles, or whoever has the Proof.
type Rule struct {
	Roles Roles
	Proof Proof
}

// table is the one place that says who may call what. A route that is not here answers nobody, and a test finds it.
func table() map[string]Rule {
	t := map[string]Rule{}
	roles := func(r Roles, patterns ...string) {
		for _, p := range patterns {
			t[p] = Rule{Roles: r}
		}
	}
	proof := func(by Proof, patterns ...string) {
		for _, p := range patterns {
			t[p] = Rule{Proof: by}
		}
	}

	// Signing in and out, and what a page without anybody's data is made of.
	proof(Open, "GET /static/", "GET /enter", "GET /login", "GET /login/callback", "POST /logout")

	// Pages of both.
	roles(Everyone, "GET /{$}", "/") // "/" is what is nowhere: it says so to whoever is signed in
	roles(Everyone, "GET /releases", "GET /releases/{id}")
	roles(Steward|Operator|Expert|Auditor, "GET /reward")
	roles(Steward|Expert|Auditor, "GET /gates", "GET /gates/{id}", "GET /gates/{id}/report.json")
	roles(Auditor, "GET /audit")
	roles(Steward|Auditor|Contributor, "GET /statements", "GET /statements/{id}")

	// Pages of an edge. A developer's are of their own records: the edge's views see to that.
	roles(Operator, "GET /start")
	roles(Developer|Steward, "GET /episodes", "GET /episodes/{id}")
	roles(Steward, "GET /preview", "GET /preview/{id}", "POST /preview/{id}", "GET /preview/{id}/rule", "POST /preview/{id}/rule")
	roles(Developer, "GET /mine", "GET /mine/{id}", "POST /mine/{id}", "GET /mine/preferences", "POST /mine/preferences")
	roles(Steward|Auditor, "GET /policy", "GET /policy/{version}")
	roles(Steward, "POST /policy/{version}")
	roles(Steward|Auditor, "GET /bundles", "GET /bundles/{id}")
	roles(Developer|Steward|Auditor, "GET /withdrawals", "GET /withdrawals/{id}")
	roles(Developer|Steward, "POST /withdrawals")

	roles(Steward|Operator, "POST /releases")
	roles(Steward|Expert|Auditor, "GET /instructions", "GET /instructions/{id}")
	roles(Steward, "POST /instructions/{id}")

	// Pages of a hub.
	roles(Steward|Operator|Auditor, "GET /snapshots", "GET /snapshots/{id}")
	roles(Steward, "GET /snapshots/{id}/export/{format}")

	// APIs of an edge.
	proof(Token, "POST /v1/episodes", "POST /v1/decisions", "POST /v1/outcomes", "POST /v1/logs", "POST /v1/traces", "POST /v1/metrics", "POST /v1/junit", "POST /v1/decide")
	proof(Forge, "POST /v1/webhooks/github", "POST /v1/webhooks/gitlab")
	proof(Open, "GET /v1/device/login", "POST /v1/device/enrol")
	proof(Device, "POST /v1/device/renew", "POST /v1/sealed", "POST /v1/mine", "GET /v1/device/instructions")

	// APIs of a hub. The log is public.
	proof(Open, "/log/", "POST /v1/enrol")
	proof(Joined, "/v2/", "POST /v1/renew")
	return t
}

// RuleOf is the rule of a route; false where the table has none.
func RuleOf(pattern string) (Rule, bool) {
	r, ok := table()[pattern]
	return r, ok
}

// Patterns are all routes of the table.
func Patterns() []string { return slices.Sorted(maps.Keys(table())) }
