// SPDX-License-Identifier: Apache-2.0

package login

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
)

// The claims that may name a developer.
const (
	claimEmail    = "email"
	claimUsername = "preferred_username"
	claimSubject  = "sub"
)

const groupPrefix = "group:"

// claims is what we look at, besides what go-oidc does.
type claims struct {
	Type     string         `json:"typ"` // Keycloak's: ID, or another that is no login
	Party    string         `json:"azp"`
	Email    string         `json:"email"`
	Verified jsontext.Value `json:"email_verified"` // a bool; with some a string
	Username string         `json:"preferred_username"`
	Group    jsontext.Value `json:"groups"` // strings; with some one string
}

// readClaims reads them by their exact names, each of which may stand there once.
func readClaims(raw []byte) (c claims, err error) {
	err = json.Unmarshal(raw, &c)
	return c, err
}

// email is an address that the provider has verified, or empty.
func (c *claims) email() string {
	if v := c.Verified.String(); v != "true" && v != `"true"` {
		return ""
	}
	return strings.ToLower(c.Email)
}

// allowed says whether one of the domains or groups is the person's.
func (c *claims) allowed(allow []string) bool {
	_, domain, _ := strings.Cut(c.email(), "@")
	groups := c.groups()
	return len(allow) == 0 || slices.ContainsFunc(allow, func(a string) bool {
		if group, is := strings.CutPrefix(a, groupPrefix); is {
			return group != "" && slices.Contains(groups, group)
		}
		return domain != "" && strings.EqualFold(a, domain)
	})
}

// groups are the person's; what is of another kind names none.
func (c *claims) groups() []string {
	var many []string
	if json.Unmarshal(c.Group, &many) == nil {
		return many
	}
	var one string
	if json.Unmarshal(c.Group, &one) == nil {
		return []string{one}
	}
	return nil
}

// developer is the person's name by a claim.
func (c *claims) developer(claim, subject string) (string, error) {
	name := ""
	switch claim {
	case claimEmail:
		if name = c.email(); name == "" && c.Email != "" {
			return "", &episode.Problem{Code: "login/email-not-verified", Message: "the identity provider does not say that your e-mail address is verified",
				Hint: "verify it there; or, where nobody can choose their own user name, whoever runs the edge sets claim: preferred_username in edge.yaml"}
		}
	case claimUsername:
		name = c.Username
	case claimSubject:
		name = subject
	}
	if name = strings.TrimSpace(name); name == "" {
		return "", &episode.Problem{Code: "login/no-name", Message: "the identity provider says nothing of your " + claim + " in its ID token",
			Hint: "whoever runs the edge has the provider put it there (scopes: in edge.yaml, or the provider's own settings), or sets another claim:, such as sub"}
	}
	return name, nil
}
