// SPDX-License-Identifier: Apache-2.0

// Package access says who a person is to Headrace, and which of its pages and APIs are theirs.
//
// Start from [Person], whom [Of] gets of a request's context, and from the table in routes.go: each route that an edge or a
// hub has stands there with the roles that may call it, or with what else proves who calls. [Mux] holds handlers to the
// table: a route that is not in it answers nobody.
//
// The package knows nothing of how somebody came in; internal/web signs people in, and asks internal/login where an
// enterprise's identity provider does.
package access

import (
	"context"
	"strings"
)

// Roles is a set of roles.
type Roles uint8

// The roles. A person may have several; what none of them may do, the person may not.
const (
	Developer   Roles = 1 << iota // sees, vetoes, flags and takes back their own records, and nobody else's
	Steward                       // previews and approves what leaves, sets the policy; raw text only where that is configured
	Expert                        // rates
	Operator                      // keeps it running: health and configuration, no records
	Auditor                       // checks: the audit trail, the log, certificates; no raw text
	Contributor                   // at a hub: one of a contributor's people, who sees that contributor's own and no more

	All      = Developer | Steward | Expert | Operator | Auditor // of an enterprise's own people
	Everyone = All | Contributor
)

// Names are the roles that a configuration may give, in their order.
func Names() []string { return []string{"developer", "steward", "expert", "operator", "auditor"} }

// Role is the role of that name, or none.
func Role(name string) Roles {
	for i, n := range Names() {
		if n == name {
			return 1 << i
		}
	}
	return 0
}

// List are the names of the roles.
func (r Roles) List() []string {
	var list []string
	for i, n := range append(Names(), "contributor") {
		if r&(1<<i) != 0 {
			list = append(list, n)
		}
	}
	return list
}

// String is the roles in words.
func (r Roles) String() string {
	if r == 0 {
		return "none"
	}
	return strings.Join(r.List(), ", ")
}

// Person is somebody who is signed in.
type Person struct {
	// Name is what the identity provider calls them, by the same claim that names developers in records.
	Name  string
	Roles Roles
	// Local is the person at the machine, let in by a link that works once. They have all roles, and are one person: where two
	// are needed, they are not enough.
	Local bool
	// Raw says that they may look at others' raw text where their roles lead to it.
	Raw bool
	// Contributor is the one enterprise of which they may see anything at a hub; empty for all.
	Contributor string
}

// Local is the person at the machine where nothing else is configured.
func Local(name string) Person { return Person{Name: name, Roles: All, Local: true, Raw: true} }

// Has says whether the person has one of the roles.
func (p Person) Has(r Roles) bool { return p.Roles&r != 0 }

// OwnOnly says that the person sees records of their own alone, by their name.
func (p Person) OwnOnly() bool { return !p.Has(Steward) }

type key struct{}

// With is ctx for what is done in the name of p.
func With(ctx context.Context, p Person) context.Context { return context.WithValue(ctx, key{}, p) }

// Of is in whose name something is done; false where it is no person's request but this process's own, such as a command of
// whoever has its keys. A request from outside without a person comes through [Mux] to no route that needs one.
func Of(ctx context.Context) (Person, bool) {
	p, ok := ctx.Value(key{}).(Person)
	return p, ok
}
