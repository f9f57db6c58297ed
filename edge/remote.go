// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	godigest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content/oci"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/device"
	"github.com/headrace/headrace/internal/keyring"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/statedir"
)

// Membership is what an edge keeps of the hub it joined, in the file hub.json (0600) of its folder.
type Membership struct {
	URL         string            `json:"url"`
	Contributor string            `json:"contributor"` // this enterprise's name there
	Token       string            `json:"token"`
	Hub         string            `json:"hub"` // as policies and terms call it
	PublicKey   ed25519.PublicKey `json:"public_key"`
	Channel     string            `json:"channel"`
	// AgeRecipient is the hub's key to which bundles are encrypted where an exchange asks for it; empty: joined before there was one.
	AgeRecipient string `json:"age_recipient,omitempty"`
	// Pin names the hub's own authority; empty: the hub has a certificate of one that this machine knows, or does not speak TLS.
	Pin string `json:"pin,omitempty"`
	// Certificate and CertificateKey are what this edge shows the hub, PEM.
	Certificate    string `json:"certificate,omitempty"`
	CertificateKey string `json:"certificate_key,omitempty"`
}

const membershipFile = "hub.json"

// ReadMembership returns the hub that the edge in dir has joined.
func ReadMembership(dir string) (*Membership, error) {
	b, err := os.ReadFile(filepath.Join(dir, membershipFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotJoined
	}
	if err != nil {
		return nil, fmt.Errorf("read membership: %w", err)
	}
	m := new(Membership)
	if err := json.Unmarshal(b, m); err != nil || len(m.PublicKey) != ed25519.PublicKeySize || m.Token == "" {
		return nil, &episode.Problem{Code: "hub/membership", Message: filepath.Join(dir, membershipFile) + " is broken", Err: err, Hint: "put it back from a backup, or join again with a new invite"}
	}
	return m, nil
}

// ErrNotJoined says that an edge has no hub.
var ErrNotJoined = &episode.Problem{Code: "hub/none", Message: "this edge has not joined a hub",
	Hint: "ask the hub's operator for an invite (headrace hub invite NAME), then: headrace edge join URL CODE"}

// Invite writes an invite's code as a person passes it on: the hub's one-time code, the name of the hub's key, so that
// nobody between the two can put another key in its place, and, where the hub is its own authority, that one's name.
func Invite(code string, hub ed25519.PublicKey, pin string) string {
	code += "." + string(bundle.KeyIDOf(hub)[:keyDigits])
	if pin != "" {
		code += "." + pin
	}
	return code
}

const keyDigits = 32 // 128 bits

// pinLetters is how long the name of an authority is.
const pinLetters = 32

// Join uses up an invite: the hub learns the signing key of the edge in dir, and dir keeps what the hub answered.
func Join(ctx context.Context, dir, address, invite string, signing keyring.Signing) (*Membership, error) {
	parts := strings.Split(strings.TrimSpace(invite), ".")
	if len(parts) < 2 || len(parts) > 3 || len(parts[1]) != keyDigits || len(parts) == 3 && len(parts[2]) != pinLetters {
		return nil, &episode.Problem{Code: "join/code", Message: "the code is not whole", Hint: "copy it as headrace hub invite printed it: letters, a dot, 32 digits, and perhaps a dot and 32 letters more; it is not spent"}
	}
	code, key, pin := parts[0], parts[1], ""
	if len(parts) == 3 {
		pin = parts[2]
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, &episode.Problem{Code: "hub/bad-address", Message: fmt.Sprintf("%q is not the address of a hub", address), Hint: "give it as https://host or http://host:port"}
	}
	ring, err := keyring.OpenWith(filepath.Join(dir, "keys"), signing)
	if err != nil {
		return nil, err
	}
	if pin != "" && u.Scheme != "https" {
		return nil, &episode.Problem{Code: "join/not-tls", Message: "the hub that made this invite speaks TLS", Hint: "give its address as https://" + u.Host + "; the code is not spent"}
	}
	m := &Membership{URL: strings.TrimSuffix(address, "/"), Pin: pin}
	if err := m.enrol(ctx, code, ring.Public()); err != nil {
		return nil, err
	}
	if got := string(bundle.KeyIDOf(m.PublicKey)); !strings.HasPrefix(got, key) {
		return nil, &episode.Problem{Code: "join/other-hub", Message: "what answered at " + address + " is not the hub that made the invite",
			Hint: "the code is spent: tell the hub's operator, and check the address before you use a new one"}
	}
	return m, m.save(dir)
}

// enrol asks the hub, and fills in its answer.
func (m *Membership) enrol(ctx context.Context, code string, key ed25519.PublicKey) error {
	own, request, err := device.Request()
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]string{"code": code, "public_key": base64.StdEncoding.EncodeToString(key), "request": string(request)})
	if err != nil {
		return err
	}
	c, err := newClient(m, "", time.Now)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.URL+"/v1/enrol", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("join: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		if p := explainTLS(err, time.Now()); p != nil {
			p.Hint += "; the code is not spent"
			return p
		}
		return &episode.Problem{Code: "hub/unreachable", Message: "the hub at " + m.URL + " does not answer", Err: err, Hint: "check the address, and that the hub runs; the code is not spent"}
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return fmt.Errorf("join: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		p := new(episode.Problem)
		if json.Unmarshal(b, p) == nil && p.Code != "" {
			return p
		}
		return &episode.Problem{Code: "join/refused", Message: fmt.Sprintf("%s answered %s", m.URL, resp.Status), Hint: "check that this is the address of a Headrace hub"}
	}
	if err := json.Unmarshal(b, m); err != nil || len(m.PublicKey) != ed25519.PublicKeySize || m.Token == "" || m.Contributor == "" || m.Hub == "" {
		return &episode.Problem{Code: "join/answer", Message: m.URL + " did not answer as a hub does", Err: err, Hint: "check that this is the address of a Headrace hub"}
	}
	if m.Certificate != "" {
		m.CertificateKey = string(own)
	}
	return nil
}

// save writes the membership whole: a crash never leaves half of it.
func (m *Membership) save(dir string) error {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return statedir.Write(filepath.Join(dir, membershipFile), append(b, '\n'))
}

// Remote talks to a hub for a command that needs none of an edge's state.
type Remote struct{ e *Edge }

// Remote returns a client of the joined hub for the edge in dir, which keeps there what it sees of the hub's log. The word
// of these witnesses counts.
func (m *Membership) Remote(dir string, witnesses []string) Remote {
	return Remote{&Edge{log: slog.New(slog.DiscardHandler), cfg: Config{Dir: dir, Witnesses: witnesses, Contributor: m.Contributor, Recipient: m.Hub, Channel: m.Channel,
		Hub: &Hub{URL: m.URL, Token: m.Token, Public: m.PublicKey, Member: m}}}}
}

// Receipt is the hub's answer to a bundle, verified: the signed receipt, the proof that its log holds the bundle, and the
// proof that the log continues the one whose checkpoint the bundle carried.
type Receipt struct {
	Receipt     json.RawMessage `json:"receipt"`
	Proof       json.RawMessage `json:"proof"`
	Consistency json.RawMessage `json:"consistency"`
	// WitnessedBy are the witnesses that vouch for the log, of those that this edge accepts; none: not witnessed.
	WitnessedBy []string `json:"witnessed_by"`
}

// Push sends the bundle in dir, which the key named own must have signed, and returns the hub's receipt. It asks no edge whether
// the bundle may still leave: [Edge.Push] does. What arrived before is not sent twice; nothing is sent to a hub whose log does not show that it keeps its promise.
func (r Remote) Push(ctx context.Context, dir string, own ed25519.PublicKey) (*Receipt, error) {
	b, err := bundle.Verify(dir, bundle.NewTrust(bundle.TrustedKey{Name: r.e.cfg.Contributor, Key: own}))
	if err != nil {
		return nil, err
	}
	if err := b.Manifest.Expired(time.Now()); err != nil {
		return nil, err
	}
	if err := r.e.watch(ctx); err != nil {
		return nil, err
	}
	repo, err := r.e.repository(r.e.cfg.Contributor + repoBundles)
	if err != nil {
		return nil, err
	}
	layout, err := oci.NewFromFS(ctx, os.DirFS(dir))
	if err != nil {
		return nil, fmt.Errorf("open bundle %s: %w", dir, err)
	}
	root, err := layout.Resolve(ctx, b.Digest)
	if err != nil {
		return nil, fmt.Errorf("open bundle %s: %w", dir, err)
	}
	if err := oras.CopyGraph(ctx, layout, repo, root, oras.DefaultCopyGraphOptions); err != nil {
		return nil, fmt.Errorf("push bundle %s: %w", b.Digest, r.e.explain(err))
	}
	layers, err := r.e.answerTo(ctx, repo, root, bundle.TypeReceipt, nil)
	if err != nil {
		return nil, fmt.Errorf("receipt of bundle %s: %w", b.Digest, err)
	}
	receipt, err := r.e.checkReceipt(ctx, b.Digest, b.Manifest, layers)
	if err != nil {
		return nil, fmt.Errorf("receipt of bundle %s: %w", b.Digest, err)
	}
	return receipt, nil
}

// Incident fetches the hub's signed word on why it refused a bundle.
func (r Remote) Incident(ctx context.Context, digest string) ([]byte, error) {
	repo, err := r.e.repository(r.e.cfg.Contributor + repoBundles)
	if err != nil {
		return nil, err
	}
	layers, err := r.e.answerTo(ctx, repo, ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: godigest.Digest(digest)}, bundle.TypeIncident, nil)
	if err != nil {
		return nil, err
	}
	_, err = r.e.openIncident(layers[0], digest)
	return layers[0], err
}

// Release is a release as the hub sent it, verified.
type Release struct {
	*release.Release
	Envelope, Model, Gate []byte
}

// Pull fetches the release that a channel offers, or nil where it offers none.
func (r Remote) Pull(ctx context.Context, channel string) (*Release, error) {
	repo, err := r.e.repository(repoReleases)
	if err != nil {
		return nil, err
	}
	_, layers, err := r.e.tagged(ctx, repo, channel)
	if err != nil || layers == nil {
		return nil, err
	}
	c, err := r.e.pulled(ctx, layers)
	if err != nil {
		return nil, fmt.Errorf("release in channel %s: %w", channel, err)
	}
	return &Release{c.release, layers[0], layers[1], layers[2]}, nil
}
