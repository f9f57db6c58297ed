// SPDX-License-Identifier: Apache-2.0

package access_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/access"
)

// conf is a configuration as it should be, changed.
func conf(change func(*access.Config)) access.Config {
	c := access.Config{Issuer: "https://login.example", ClientID: "headrace", URL: "https://edge.example", Roles: map[string][]string{"steward": {"g-s"}, "developer": {"g-d", "g-all"}}}
	if change != nil {
		change(&c)
	}
	return c
}

func TestAConfigurationThatWouldLetInTheWrongOnesIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		of  access.Config
		hub bool
		ok  bool
	}{
		"nothing at all":              {access.Config{}, false, true},
		"limits alone":                {access.Config{Limits: access.Limits{RawLooks: 5}}, false, true},
		"as it should be":             {conf(nil), false, true},
		"with a slash":                {conf(func(c *access.Config) { c.URL += "/" }), false, true},
		"on this machine":             {conf(func(c *access.Config) { c.URL = "http://localhost:8400" }), false, true},
		"contributors of a hub":       {conf(func(c *access.Config) { c.Contributors = map[string][]string{"alder-bank": {"g-a"}} }), true, true},
		"contributors of an edge":     {conf(func(c *access.Config) { c.Contributors = map[string][]string{"alder-bank": {"g-a"}} }), false, false},
		"a contributor without name":  {conf(func(c *access.Config) { c.Contributors = map[string][]string{"": {"g-a"}} }), true, false},
		"a nameless group":            {conf(func(c *access.Config) { c.Roles["steward"] = []string{""} }), false, false},
		"no issuer":                   {conf(func(c *access.Config) { c.Issuer = "" }), false, false},
		"no client":                   {conf(func(c *access.Config) { c.ClientID = "" }), false, false},
		"no address":                  {conf(func(c *access.Config) { c.URL = "" }), false, false},
		"an address without TLS":      {conf(func(c *access.Config) { c.URL = "http://edge.example" }), false, false},
		"an address with a path":      {conf(func(c *access.Config) { c.URL = "https://edge.example/headrace" }), false, false},
		"a role that is none":         {conf(func(c *access.Config) { c.Roles["admin"] = []string{"g"} }), false, false},
		"the contributors' own role":  {conf(func(c *access.Config) { c.Roles["contributor"] = []string{"g"} }), true, false},
		"no role":                     {conf(func(c *access.Config) { c.Roles = nil }), false, false},
		"raw text without a provider": {access.Config{Raw: true}, false, false},
	} {
		if err := c.of.Check(c.hub); (err == nil) != c.ok || err != nil && !errors.Is(err, &episode.Problem{Code: "config/access"}) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhoSomebodyIsFollowsFromTheirGroups(t *testing.T) {
	c := conf(func(c *access.Config) {
		c.Raw = true
		c.Contributors = map[string][]string{"alder-bank": {"g-alder", "g-both"}, "birch-telecom": {"g-birch", "g-both"}}
	})
	for _, x := range []struct {
		groups []string
		want   access.Person
	}{
		{nil, access.Person{}},
		{[]string{"g-x"}, access.Person{}},
		{[]string{"g-s"}, access.Person{Roles: access.Steward, Raw: true}},
		{[]string{"g-all", "g-x"}, access.Person{Roles: access.Developer}},
		{[]string{"g-d", "g-s"}, access.Person{Roles: access.Developer | access.Steward, Raw: true}},
		{[]string{"g-alder"}, access.Person{Roles: access.Contributor, Contributor: "alder-bank"}},
		{[]string{"g-alder", "g-s"}, access.Person{Roles: access.Contributor, Contributor: "alder-bank"}}, // the narrower one
		{[]string{"g-alder", "g-birch"}, access.Person{}},
		{[]string{"g-both"}, access.Person{}},
	} {
		x.want.Name = "ada"
		if d := cmp.Diff(x.want, c.Person("ada", x.groups)); d != "" {
			t.Errorf("%v: %s", x.groups, d)
		}
	}
	if d := cmp.Diff([]string{"g-alder", "g-s"}, c.Known([]string{"g-x", "g-s", "g-alder", "g-s", ""})); d != "" {
		t.Error(d)
	}
}

func TestTheSecretIsALineOfAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	c := access.Config{ClientSecretFile: path}
	if _, err := c.Secret(); err == nil {
		t.Error("a file that is not there")
	}
	for content, want := range map[string]string{"s3\n": "s3", " \n": ""} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if s, err := c.Secret(); s != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", content, s, err)
		}
	}
}
