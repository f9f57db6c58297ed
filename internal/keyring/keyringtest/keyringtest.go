// SPDX-License-Identifier: Apache-2.0

// Package keyringtest is Vault's transit engine for tests: the two calls of its documented API that signing uses, over real
// HTTP and with real ed25519 keys.
//
// Start from [New]. What goes wrong is for the test to set.
package keyringtest

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/headrace/headrace/internal/keyring"
)

// Vault holds one key with its versions. Its exported fields are changed by way of [Vault.Set].
type Vault struct {
	URL string

	mu sync.Mutex // guards what follows
	// Away makes it answer 503, as a sealed Vault does; Denies 403.
	Away, Denies bool
	// Other makes it sign with a key that is not ours, Garbled with no signature at all.
	Other, Garbled bool
	// Kind is what it says the key is.
	Kind string

	token string
	keys  []ed25519.PrivateKey // version 1 first
	signs int
}

// New starts a Vault with a key of one version, and returns it with the configuration that names it.
func New(t testing.TB) (*Vault, keyring.Signing) {
	t.Helper()
	v := &Vault{Kind: "ed25519", token: rand.Text()}
	v.Rotate()
	srv := httptest.NewServer(v)
	t.Cleanup(srv.Close)
	v.URL = srv.URL
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(v.token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return v, keyring.Signing{Vault: &keyring.Vault{URL: v.URL, Key: "headrace", TokenFile: file}}
}

// Set changes it.
func (v *Vault) Set(change func(*Vault)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	change(v)
}

// Rotate adds a version of the key.
func (v *Vault) Rotate() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.keys = append(v.keys, newKey())
}

// Signed is how many signatures it gave.
func (v *Vault) Signed() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.signs
}

func newKey() ed25519.PrivateKey {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err) // the system has no randomness
	}
	return key
}

// ServeHTTP answers as https://developer.hashicorp.com/vault/api-docs/secret/transit says.
func (v *Vault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	var data any
	status, why := http.StatusNotFound, "no handler for route"
	switch {
	case v.Away:
		status, why = http.StatusServiceUnavailable, "Vault is sealed"
	case v.Denies || r.Header.Get("X-Vault-Token") != v.token:
		status, why = http.StatusForbidden, "permission denied"
	case r.Method == http.MethodGet && r.URL.Path == "/v1/transit/keys/headrace":
		keys := map[string]any{}
		for i, k := range v.keys {
			keys[strconv.Itoa(i+1)] = map[string]any{"name": v.Kind, "public_key": base64.StdEncoding.EncodeToString(k.Public().(ed25519.PublicKey))}
		}
		data = map[string]any{"name": "headrace", "type": v.Kind, "latest_version": len(v.keys), "keys": keys}
	case r.Method == http.MethodPost && r.URL.Path == "/v1/transit/sign/headrace":
		data, status, why = v.sign(r)
	}
	w.Header().Set("Content-Type", "application/json")
	if data == nil {
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(map[string][]string{"errors": {why}})
		return
	}
	json.NewEncoder(w).Encode(map[string]any{"request_id": "r", "data": data})
}

func (v *Vault) sign(r *http.Request) (data any, status int, why string) {
	var ask struct {
		Input   string `json:"input"`
		Version int    `json:"key_version"`
	}
	err := json.NewDecoder(r.Body).Decode(&ask)
	message, err64 := base64.StdEncoding.DecodeString(ask.Input)
	if err != nil || err64 != nil || ask.Version < 0 || ask.Version > len(v.keys) {
		return nil, http.StatusBadRequest, "unable to decode input as base64, or no such version"
	}
	if ask.Version == 0 {
		ask.Version = len(v.keys)
	}
	key := v.keys[ask.Version-1]
	if v.Other {
		key = newKey()
	}
	v.signs++
	signature := base64.StdEncoding.EncodeToString(ed25519.Sign(key, message))
	if v.Garbled {
		signature = "?"
	}
	return map[string]any{"signature": fmt.Sprintf("vault:v%d:%s", ask.Version, signature), "key_version": ask.Version}, 0, ""
}
