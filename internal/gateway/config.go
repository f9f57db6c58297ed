// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/headrace/headrace/episode"
)

// The dialects that tools and upstreams speak. One is not made of the other.
const (
	OpenAI    = "openai"
	Anthropic = "anthropic"
)

// DefaultListen is where tools find a gateway whose configuration does not say.
const DefaultListen = "127.0.0.1:8403"

// Config says where tools find the gateway, and where their requests go. Without upstreams there is no gateway.
type Config struct {
	// Listen is the host:port where tools find it: 127.0.0.1:8403, where nothing is said.
	Listen string `yaml:"listen,omitempty"`
	// Upstreams are what answers. The first of each kind takes the requests whose model is not below.
	Upstreams []Upstream `yaml:"upstreams,omitempty"`
	// Models are names by which tools may ask for a model: {NAME: {upstream: NAME, model: NAME}}.
	Models map[string]Model `yaml:"models,omitempty"`
	// Routes are names that stand for several of those models, which are chosen among by what the edge would decide: {NAME: [MODEL, …]}. The first is
	// taken while nothing was learned.
	Routes map[string][]string `yaml:"routes,omitempty"`
}

// Upstream is a provider, or a server of models of one's own.
type Upstream struct {
	// Name is how models refer to it.
	Name string `yaml:"name"`
	// Kind is the dialect that it speaks: openai or anthropic.
	Kind string `yaml:"kind"`
	// URL is its address as tools would be given it: https://api.openai.com/v1, https://api.anthropic.com.
	URL string `yaml:"url"`
	// KeyEnv is the environment variable, and KeyFile the file, that has its key. With neither, the tool's own authorisation goes there as
	// it came, if this is the first of its kind.
	KeyEnv  string `yaml:"key_env,omitempty"`
	KeyFile string `yaml:"key_file,omitempty"`
	// All lets everything be asked for with that key: files, stored answers, batches, fine-tuning. Without it only models are asked, and listed.
	All bool `yaml:"all,omitempty"`
	// OwnLogin lets the tool's own authorisation go here, too, where this is not the first upstream of its kind.
	OwnLogin bool `yaml:"own_login,omitempty"`
}

// Model is where requests for a model go.
type Model struct {
	Upstream string `yaml:"upstream"`
	// Model is what the upstream calls it, where that is not what the tool does.
	Model string `yaml:"model,omitempty"`
}

// On says that there is a gateway.
func (c Config) On() bool { return len(c.Upstreams) > 0 }

// Address is where tools find it.
func (c Config) Address() string { return cmp.Or(c.Listen, DefaultListen) }

// Local says that only this machine reaches it.
func (c Config) Local() bool {
	host, _, err := net.SplitHostPort(c.Address())
	return err == nil && loopback(host)
}

// Beside returns the configuration with each path as beside makes it.
func (c Config) Beside(beside func(path string) string) Config {
	c.Upstreams = slices.Clone(c.Upstreams)
	for i := range c.Upstreams {
		c.Upstreams[i].KeyFile = beside(c.Upstreams[i].KeyFile)
	}
	return c
}

// Check refuses a configuration that leads nowhere.
func (c Config) Check() error {
	if !c.On() {
		if c.Listen != "" || len(c.Models)+len(c.Routes) > 0 {
			return bad("there are no upstreams")
		}
		return nil
	}
	names := map[string]bool{}
	for _, u := range c.Upstreams {
		at, err := url.Parse(u.URL)
		switch {
		case u.Name == "" || names[u.Name]:
			return bad("an upstream has no name, or that of another: %q", u.Name)
		case u.Kind != OpenAI && u.Kind != Anthropic:
			return bad("kind of upstream %s is %q; it is openai or anthropic", u.Name, u.Kind)
		case err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" || at.RawQuery != "" || at.Fragment != "":
			return bad("url of upstream %s is no address such as https://api.openai.com/v1", u.Name)
		case at.User != nil:
			return bad("url of upstream %s holds a name or password; keys come by key_env or key_file", u.Name)
		case c.itself(at):
			return bad("url of upstream %s is where the gateway itself listens", u.Name)
		case u.KeyEnv != "" && u.KeyFile != "":
			return bad("upstream %s has key_env and key_file", u.Name)
		}
		names[u.Name] = true
	}
	for name, m := range c.Models {
		if name == "" || !names[m.Upstream] {
			return bad("model %q goes to %q, which is no upstream", name, m.Upstream)
		}
	}
	for name, options := range c.Routes {
		if _, taken := c.Models[name]; name == "" || taken || len(options) < 2 || len(options) > MaxOptions {
			return bad("route %q has the name of a model, or not from 2 to %d models", name, MaxOptions)
		}
		kind := ""
		for i, o := range options {
			m, known := c.Models[o]
			at := slices.IndexFunc(c.Upstreams, func(u Upstream) bool { return u.Name == m.Upstream })
			if !known || slices.Index(options, o) != i || kind != "" && kind != c.Upstreams[at].Kind {
				return bad("route %q leads to %q, which is no model, or is there twice, or speaks another dialect than the one before", name, o)
			}
			kind = c.Upstreams[at].Kind
		}
	}
	return nil
}

// itself reports whether an address is the gateway's own.
func (c Config) itself(at *url.URL) bool {
	host, port, _ := net.SplitHostPort(c.Address())
	return at.Port() == port && (at.Hostname() == host || loopback(at.Hostname()) && (host == "" || loopback(host) || net.ParseIP(host).IsUnspecified()))
}

func loopback(host string) bool { return host == "localhost" || net.ParseIP(host).IsLoopback() }

// MaxOptions is among how many models a route may choose.
const MaxOptions = 16

func bad(format string, a ...any) error {
	return &episode.Problem{Code: "config/gateway", Message: "gateway: " + fmt.Sprintf(format, a...),
		Hint: "it needs upstreams: [{name: …, kind: openai or anthropic, url: …}]; see docs/gateway.md"}
}

// key is the upstream's own; empty where the tool's authorisation goes there.
func (u Upstream) key() (string, error) {
	switch {
	case u.KeyEnv != "":
		if key := strings.TrimSpace(os.Getenv(u.KeyEnv)); key != "" {
			return key, nil
		}
		return "", &episode.Problem{Code: "gateway/key", Message: fmt.Sprintf("$%s, which has the key of upstream %s, is not set", u.KeyEnv, u.Name), Hint: "set it, or name a file with key_file"}
	case u.KeyFile != "":
		b, err := os.ReadFile(u.KeyFile)
		if err != nil {
			return "", &episode.Problem{Code: "gateway/key", Message: "read the key of upstream " + u.Name, Err: err, Hint: "key_file names a file with the key, a line"}
		}
		if key := strings.TrimSpace(string(b)); key != "" {
			return key, nil
		}
		return "", &episode.Problem{Code: "gateway/key", Message: fmt.Sprintf("the file with the key of upstream %s is empty", u.Name), Hint: "put the key into it, a line"}
	}
	return "", nil
}
