// SPDX-License-Identifier: Apache-2.0

package keyring

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/headrace/headrace/episode"
)

// Vault is a signing key in the transit engine of HashiCorp's Vault, or of what speaks its API.
type Vault struct {
	// URL is where Vault answers, such as https://vault.example:8200.
	URL string `yaml:"url"`
	// Key is the name of an ed25519 key.
	Key string `yaml:"key"`
	// TokenFile holds a token that may read and use that key; it is read each time, so that something else can keep it fresh.
	TokenFile string `yaml:"token_file"`
	// Mount is where the engine is; empty means transit.
	Mount string `yaml:"mount,omitempty"`
}

// vault is the signing key in Vault. Its public half is kept in the file signing.pub from the first use on: a place is known by
// one key, whatever Vault rotates, and starts without asking Vault.
func (r *Ring) vault(v Vault) (crypto.Signer, error) {
	if u, err := url.Parse(v.URL); err != nil || u.Host == "" || v.Key == "" || v.TokenFile == "" {
		return nil, &episode.Problem{Code: "keys/signing", Message: "signing.vault does not say which key to use", Hint: "give url, key and token_file"}
	}
	if v.Mount == "" {
		v.Mount = "transit"
	}
	t := &transit{Vault: v}
	b, err := r.file("signing.pub", func() ([]byte, error) {
		ctx, cancel := context.WithTimeout(context.Background(), signTimeout)
		defer cancel()
		keys, latest, err := t.keys(ctx)
		if err != nil {
			return nil, err
		}
		der, err := x509.MarshalPKIXPublicKey(keys[latest])
		return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), err
	})
	if err != nil {
		return nil, err
	}
	if t.public, err = publicKey(filepath.Join(r.Dir, "signing.pub"), b); err != nil {
		return nil, err
	}
	return &remote{public: t.public, name: "Vault", ask: t.sign}, nil
}

// transit asks Vault.
type transit struct {
	Vault
	public ed25519.PublicKey

	mu      sync.Mutex
	version int // of our key at Vault, 0 until it is known
}

// keys returns the public keys by version.
func (t *transit) keys(ctx context.Context) (keys map[int]ed25519.PublicKey, latest int, err error) {
	var data struct {
		Type   string `json:"type"`
		Latest int    `json:"latest_version"`
		Keys   map[string]struct {
			Public string `json:"public_key"`
		} `json:"keys"`
	}
	if err := t.call(ctx, http.MethodGet, "keys", nil, &data); err != nil {
		return nil, 0, err
	}
	keys = map[int]ed25519.PublicKey{}
	for version, k := range data.Keys {
		n, err := strconv.Atoi(version)
		b, err64 := base64.StdEncoding.DecodeString(k.Public)
		if err == nil && err64 == nil && len(b) == ed25519.PublicKeySize {
			keys[n] = b
		}
	}
	if data.Type != "ed25519" || keys[data.Latest] == nil {
		return nil, 0, &episode.Problem{Code: "keys/signing", Message: fmt.Sprintf("the key %s in Vault is no ed25519 key but %.40q", t.Key, data.Type), Hint: "make one: vault write -f " + t.Mount + "/keys/NAME type=ed25519"}
	}
	return keys, data.Latest, nil
}

func (t *transit) sign(ctx context.Context, message []byte) ([]byte, error) {
	version, err := t.ours(ctx)
	if err != nil {
		return nil, err
	}
	var data struct {
		Signature string `json:"signature"`
	}
	err = t.call(ctx, http.MethodPost, "sign", map[string]any{"input": base64.StdEncoding.EncodeToString(message), "key_version": version}, &data)
	if err != nil {
		return nil, err
	}
	// vault:vN:BASE64; what it is worth is seen by verifying it.
	signature, err := base64.StdEncoding.DecodeString(data.Signature[strings.LastIndexByte(data.Signature, ':')+1:])
	if err != nil {
		return nil, nil
	}
	return signature, nil
}

// ours is the version of the key that this place is known by.
func (t *transit) ours(ctx context.Context) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.version > 0 {
		return t.version, nil
	}
	keys, _, err := t.keys(ctx)
	if err != nil {
		return 0, err
	}
	for version, k := range keys {
		if k.Equal(t.public) {
			t.version = version
			return version, nil
		}
	}
	return 0, unsigned("keys/other-key", "no version of the key "+t.Key+" in Vault is the one that this place is known by",
		"put it back at Vault; to be known by another, remove keys/signing.pub and join again", nil)
}

// maxVaultAnswer is far more than Vault says of a key.
const maxVaultAnswer = 1 << 20

func (t *transit) call(ctx context.Context, method, what string, body, into any) error {
	token, err := os.ReadFile(t.TokenFile)
	if err != nil {
		return unsigned("keys/signer-away", "read the token for Vault", "see that what keeps token_file fresh runs", err)
	}
	var send io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return err
		}
		send = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(t.URL, "/")+"/v1/"+t.Mount+"/"+what+"/"+url.PathEscape(t.Key), send)
	if err != nil {
		return err
	}
	req.Header.Set("X-Vault-Token", strings.TrimSpace(string(token)))
	req.Header.Set("X-Vault-Request", "true")
	// The token goes to the address that was configured and to no other.
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return unsigned("keys/signer-away", "Vault at "+t.URL+" does not answer", "see that it runs, and that this machine reaches it", err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxVaultAnswer))
	switch {
	case err != nil:
		return unsigned("keys/signer-away", "Vault at "+t.URL+" did not answer in full", "see that it runs", err)
	case resp.StatusCode == http.StatusForbidden:
		return unsigned("keys/signer-refused", "Vault does not let this token use the key "+t.Key, "give its policy read on "+t.Mount+"/keys/"+t.Key+" and update on "+t.Mount+"/sign/"+t.Key+", and see that the token has not run out", nil)
	case resp.StatusCode != http.StatusOK:
		return unsigned("keys/signer-away", fmt.Sprintf("Vault answered %s for the key %s", resp.Status, t.Key), "see that it is unsealed and has the key", nil)
	}
	answer := struct {
		Data any `json:"data"`
	}{into}
	if err := json.Unmarshal(b, &answer); err != nil {
		return unsigned("keys/signer-away", "what answered at "+t.URL+" is not Vault", "check url and mount", err)
	}
	return nil
}
