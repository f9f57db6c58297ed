// SPDX-License-Identifier: Apache-2.0

package link

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
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/device"
	"github.com/headrace/headrace/internal/keyring"
	"github.com/headrace/headrace/internal/statedir"
)

// Membership is what is kept of a hub that was joined, in a file of the folder hubs (0600).
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
	// Left says that the hub was left: what it signed can still be verified.
	Left bool `json:"left,omitempty"`
}

// membershipFolder holds a file for each hub, named after it.
const membershipFolder = "hubs"

// Memberships returns the hubs that were joined from dir, by their names, those that were left again among them.
func Memberships(dir string) ([]*Membership, error) {
	dir = filepath.Join(dir, membershipFolder)
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read memberships: %w", err)
	}
	var list []*Membership
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".json") {
			continue // what a crash left of writing one
		}
		path := filepath.Join(dir, f.Name())
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read membership: %w", err)
		}
		m := new(Membership)
		if err := json.Unmarshal(b, m); err != nil || len(m.PublicKey) != ed25519.PublicKeySize || m.Hub == "" || m.Token == "" && !m.Left {
			return nil, &episode.Problem{Code: "hub/membership", Message: path + " is broken", Err: err, Hint: "put it back from a backup, or join again with a new invite"}
		}
		list = append(list, m)
	}
	slices.SortFunc(list, func(a, b *Membership) int { return strings.Compare(a.Hub, b.Hub) })
	return list, nil
}

// MembershipOf returns the hub of this name among those that were joined from dir and not left; where no name is said, the only one.
func MembershipOf(dir, name string) (*Membership, error) {
	all, err := Memberships(dir)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(m *Membership) bool { return m.Left })
	if len(all) == 0 {
		return nil, ErrNotJoined
	}
	if name == "" && len(all) == 1 {
		return all[0], nil
	}
	var names []string
	for _, m := range all {
		if m.Hub == name {
			return m, nil
		}
		names = append(names, m.Hub)
	}
	if name == "" {
		return nil, &episode.Problem{Code: "hub/which", Message: fmt.Sprintf("%d hubs were joined", len(all)), Hint: "say which is meant: --hub " + strings.Join(names, ", or --hub ")}
	}
	return nil, &episode.Problem{Code: "hub/unknown", Message: fmt.Sprintf("no hub of the name %q was joined", name), Hint: "those that were: " + strings.Join(names, ", ")}
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
		return nil, badAddress(address)
	}
	ring, err := keyring.OpenWith(filepath.Join(dir, "keys"), signing)
	if err != nil {
		return nil, err
	}
	if pin != "" && u.Scheme != "https" {
		return nil, &episode.Problem{Code: "join/not-tls", Message: "the hub that made this invite speaks TLS", Hint: "give its address as https://" + u.Host + "; the code is not spent"}
	}
	before, err := Memberships(dir)
	if err != nil {
		return nil, err
	}
	m := &Membership{URL: strings.TrimSuffix(address, "/"), Pin: pin}
	if err := m.enrol(ctx, code, ring.Public()); err != nil {
		return nil, err
	}
	if got := string(bundle.KeyIDOf(m.PublicKey)); !strings.HasPrefix(got, key) {
		return nil, &episode.Problem{Code: "join/other-hub", Message: "what answered at " + address + " is not the hub that made the invite",
			Hint: "the code is spent: tell the hub's operator, and check the address before you use a new one"}
	}
	for _, other := range before {
		switch same := other.PublicKey.Equal(m.PublicKey); {
		case other.Hub == m.Hub && same && other.Contributor != m.Contributor: // what was sent is taken back by that name
			return nil, &episode.Problem{Code: "join/other-name", Message: fmt.Sprintf("%s knows us as %q, and the invite was for %q", m.Hub, other.Contributor, m.Contributor),
				Hint: "the code is spent: what was sent under the one name could not be taken back under the other; ask for an invite for " + other.Contributor}
		case other.Hub == m.Hub && !same: // ids that leave are keyed by this name, and those that left to the other stay with it
			return nil, &episode.Problem{Code: "join/same-name", Message: fmt.Sprintf("another hub that was joined is called %q, too", m.Hub),
				Hint: "the code is spent: ask the operator of this one for another name and a new invite"}
		case other.Hub != m.Hub && same: // it would have each record twice, and its log has one name
			return nil, &episode.Problem{Code: "join/same-hub", Message: fmt.Sprintf("this hub was joined as %q, and calls itself %q now", other.Hub, m.Hub),
				Hint: "the code is spent: its log goes by its old name, and what left there is taken back by it; ask its operator to go by that again"}
		}
	}
	return m, m.save(dir)
}

// Leave ends what joining began: nothing is sent to the hub any more, and nothing can be taken back there. Its key stays, so that
// what it signed can still be verified.
func (m *Membership) Leave(dir string) error {
	left := Membership{URL: m.URL, Contributor: m.Contributor, Hub: m.Hub, PublicKey: m.PublicKey, Left: true}
	return left.save(dir)
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
	return statedir.Write(filepath.Join(dir, membershipFolder, url.PathEscape(m.Hub)+".json"), append(b, '\n'))
}
