// SPDX-License-Identifier: Apache-2.0

package access

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/headrace/headrace/episode"
)

// Config says how people come in to the pages, and as what. Without an issuer they open with a link that works once, for the
// one person at the machine.
type Config struct {
	// Issuer is what the identity provider calls itself (https://…), to the letter.
	Issuer string `yaml:"issuer,omitempty"`
	// ClientID is what the provider knows these pages as, and ClientSecretFile a file with the client's secret, a line; without
	// one the client is a public one.
	ClientID         string `yaml:"client_id,omitempty"`
	ClientSecretFile string `yaml:"client_secret_file,omitempty"`
	// URL is where people reach the pages (https://edge.example). The provider must let people come back to URL/login/callback.
	URL string `yaml:"url,omitempty"`
	// Scopes are what is asked for at a login: openid, email and profile, where nothing is said.
	Scopes []string `yaml:"scopes,omitempty"`
	// Claim names a person, by default as it names developers who enrol their machines: email, preferred_username or sub.
	Claim string `yaml:"claim,omitempty"`
	// GroupsClaim holds a person's groups in the ID token: groups, where nothing is said; realm_access.roles is within another.
	GroupsClaim string `yaml:"groups_claim,omitempty"`
	// Roles are the groups that lead to each role: developer, steward, expert, operator, auditor.
	Roles map[string][]string `yaml:"roles,omitempty"`
	// Contributors are, at a hub, the groups of each contributor's people, who see that contributor's own and no more.
	Contributors map[string][]string `yaml:"contributors,omitempty"`
	// Raw lets stewards see raw text beside what leaves. Each look is in the audit trail.
	Raw bool `yaml:"raw,omitempty"`
	// Limits bound how often people and programs may ask.
	Limits Limits `yaml:"limits,omitempty"`
	// TrustedProxies are addresses and networks of proxies before us that write X-Forwarded-For: limits by address count whom they
	// name. None, where nothing is said.
	TrustedProxies []string `yaml:"trusted_proxies,omitempty"`
}

// Limits bound how often people and programs may ask; 0 is the default, below 0 no limit.
type Limits struct {
	// Logins are tries to sign in, and one-time codes that were wrong, from one address: 120.
	Logins int `yaml:"logins_a_minute,omitempty"`
	// RawLooks are raw records that one person may open: 200.
	RawLooks int `yaml:"raw_looks_an_hour,omitempty"`
	// Requests are for pages, of one person: 1200.
	Requests int `yaml:"requests_a_minute,omitempty"`
	// APIRequests are to the APIs, from one address: 600000.
	APIRequests int `yaml:"api_requests_a_minute,omitempty"`
}

// On says that people log in with an identity provider.
func (c Config) On() bool { return c.Issuer != "" }

// Check refuses a configuration that does not say who comes in, or lets in too many. hub says whose it is.
func (c Config) Check(hub bool) error {
	bad := func(format string, a ...any) error {
		return &episode.Problem{Code: "config/access", Message: "access: " + fmt.Sprintf(format, a...),
			Hint: "it needs issuer:, client_id:, url: and roles: {steward: [GROUP], …}; see docs/access.md"}
	}
	if _, err := parseProxies(c.TrustedProxies); err != nil {
		return &episode.Problem{Code: "config/access", Message: "access: trusted_proxies: " + err.Error(), Hint: "name addresses or networks, such as [10.1.2.3, 10.2.0.0/16]; see docs/access.md"}
	}
	if !c.On() {
		if c.ClientID != "" || c.ClientSecretFile != "" || c.URL != "" || c.Raw || len(c.Roles)+len(c.Contributors)+len(c.Scopes) > 0 || c.Claim != "" || c.GroupsClaim != "" {
			return bad("there is no issuer")
		}
		return nil
	}
	u, err := url.Parse(c.URL)
	switch {
	case c.ClientID == "":
		return bad("there is no client_id")
	case err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil:
		return bad("url is %q; it must be https://HOST, where people reach the pages", c.URL)
	case len(c.Contributors) > 0 && !hub:
		return bad("contributors are a hub's to name")
	case len(c.Roles)+len(c.Contributors) == 0:
		return bad("no group has a role: nobody could come in")
	}
	for name, groups := range c.Roles {
		if Role(name) == 0 {
			return bad("%q is no role; there are %s", name, strings.Join(Names(), ", "))
		}
		if slices.Contains(groups, "") {
			return bad("a group of %s has no name", name)
		}
	}
	for name, groups := range c.Contributors {
		if name == "" || slices.Contains(groups, "") {
			return bad("a group of contributor %q has no name", name)
		}
	}
	return nil
}

func loopback(host string) bool { return host == "localhost" || net.ParseIP(host).IsLoopback() }

// Host is the host:port of URL.
func (c Config) Host() string {
	u, err := url.Parse(c.URL)
	if err != nil {
		return ""
	}
	return u.Host
}

// Secure says that people reach the pages by TLS.
func (c Config) Secure() bool { return strings.HasPrefix(c.URL, "https://") }

// Secret reads the client's secret; empty where there is none.
func (c Config) Secret() (string, error) {
	if c.ClientSecretFile == "" {
		return "", nil
	}
	b, err := os.ReadFile(c.ClientSecretFile)
	secret := strings.TrimSpace(string(b))
	if err == nil && secret == "" {
		err = fmt.Errorf("%s is empty", c.ClientSecretFile)
	}
	if err != nil {
		return "", &episode.Problem{Code: "config/read", Message: "read access: client_secret_file", Err: err, Hint: "it holds one line, the client's secret at the identity provider; take the key out for a public client"}
	}
	return secret, nil
}

// Known are those of the groups of which the configuration says anything: more need not be kept of a person.
func (c Config) Known(groups []string) []string {
	known := []string{}
	for _, g := range groups {
		said := func(list []string) bool { return slices.Contains(list, g) }
		if slices.ContainsFunc(slices.Collect(maps.Values(c.Roles)), said) || slices.ContainsFunc(slices.Collect(maps.Values(c.Contributors)), said) {
			known = append(known, g)
		}
	}
	slices.Sort(known)
	return slices.Compact(known)
}

// Person is who somebody is, by name and groups. A contributor's people are that and nothing else, whatever other groups they
// are in; whose group two contributors name is nobody.
func (c Config) Person(name string, groups []string) Person {
	in := func(list []string) bool {
		return slices.ContainsFunc(list, func(g string) bool { return slices.Contains(groups, g) })
	}
	p := Person{Name: name, Raw: c.Raw}
	for contributor, list := range c.Contributors {
		if !in(list) {
			continue
		}
		if p.Contributor != "" {
			return Person{Name: name}
		}
		p.Contributor, p.Roles, p.Raw = contributor, Contributor, false
	}
	if p.Contributor != "" {
		return p
	}
	for role, list := range c.Roles {
		if in(list) {
			p.Roles |= Role(role)
		}
	}
	p.Raw = p.Raw && p.Has(Steward)
	return p
}
