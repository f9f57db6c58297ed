// SPDX-License-Identifier: Apache-2.0

package link

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/keyring"
)

func member(hub string, seed byte) *Membership {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize)).Public().(ed25519.PublicKey)
	return &Membership{URL: "http://hub.example", Contributor: "alder-bank", Token: "t", Hub: hub, PublicKey: key, Channel: "early"}
}

func TestMembershipIsKeptForItsOwnerOnly(t *testing.T) {
	dir := t.TempDir()
	if _, err := MembershipOf(dir, ""); !errors.Is(err, ErrNotJoined) {
		t.Errorf("before joining: %v", err)
	}
	if err := member("acme-tools", 1).save(dir); err != nil {
		t.Fatal(err)
	}
	m, err := MembershipOf(dir, "")
	if err != nil || m.Token != "t" || !m.PublicKey.Equal(member("acme-tools", 1).PublicKey) {
		t.Errorf("%+v, %v", m, err)
	}
	path := filepath.Join(dir, "hubs", "acme-tools.json")
	if fi, err := os.Stat(path); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", fi.Mode(), err)
	}
	if err := os.WriteFile(path, []byte(`{"url":"http://hub.example"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := MembershipOf(dir, ""); !errors.Is(err, &episode.Problem{Code: "hub/membership"}) {
		t.Errorf("half a membership: %v", err)
	}
}

// Whoever joined several hubs says which is meant; one that was left is meant no more, and its key stays.
func TestOfSeveralHubsOneIsNamed(t *testing.T) {
	dir := t.TempDir()
	one, other := member("acme-tools", 1), member("../own models", 2)
	if err := errors.Join(one.save(dir), other.save(dir)); err != nil {
		t.Fatal(err)
	}
	if _, err := MembershipOf(dir, ""); !errors.Is(err, &episode.Problem{Code: "hub/which"}) {
		t.Errorf("none named: %v", err)
	}
	if _, err := MembershipOf(dir, "stranger"); !errors.Is(err, &episode.Problem{Code: "hub/unknown"}) {
		t.Errorf("another named: %v", err)
	}
	if m, err := MembershipOf(dir, "../own models"); err != nil || !m.PublicKey.Equal(other.PublicKey) {
		t.Errorf("%+v, %v", m, err)
	}
	if err := one.Leave(dir); err != nil {
		t.Fatal(err)
	}
	if m, err := MembershipOf(dir, ""); err != nil || m.Hub != other.Hub {
		t.Errorf("after one was left: %+v, %v", m, err)
	}
	all, err := Memberships(dir)
	if err != nil || len(all) != 2 || !all[1].Left || !all[1].PublicKey.Equal(one.PublicKey) || all[1].Token != "" {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestAnInviteWithoutTheHubsKeyIsNotUsed(t *testing.T) {
	if _, err := Join(t.Context(), t.TempDir(), "http://127.0.0.1:1", "ABC", keyring.Signing{}); !errors.Is(err, &episode.Problem{Code: "join/code"}) {
		t.Errorf("%v", err)
	}
	if _, err := Join(t.Context(), t.TempDir(), "hub.example", Invite("ABC", member("acme-tools", 1).PublicKey, ""), keyring.Signing{}); !errors.Is(err, &episode.Problem{Code: "hub/bad-address"}) {
		t.Errorf("%v", err)
	}
}

// The ids that leave are keyed by a hub's name: another hub cannot come to have them by calling itself the same, even once the first was
// left; nor can one hub be two.
func TestANameIsOneHubsAndAHubHasOneName(t *testing.T) {
	answer := member("acme-tools", 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { json.NewEncoder(w).Encode(answer) }))
	defer srv.Close()
	dir := t.TempDir()
	join := func(m *Membership) error {
		answer = m
		_, err := Join(t.Context(), dir, srv.URL, Invite("ABC", m.PublicKey, ""), keyring.Signing{})
		return err
	}
	leave := func(name string) {
		m, err := MembershipOf(dir, name)
		if err == nil {
			err = m.Leave(dir)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(join(member("acme-tools", 1)), join(member("acme-tools", 1)), join(member("own-models", 2))); err != nil {
		t.Fatal(err)
	}
	if err := join(member("acme-tools", 3)); !errors.Is(err, &episode.Problem{Code: "join/same-name"}) {
		t.Errorf("another hub of the same name: %v", err)
	}
	if err := join(member("acme", 1)); !errors.Is(err, &episode.Problem{Code: "join/same-hub"}) {
		t.Errorf("the same hub under another name: %v", err)
	}
	leave("acme-tools")
	if err := join(member("acme-tools", 3)); !errors.Is(err, &episode.Problem{Code: "join/same-name"}) {
		t.Errorf("once the first was left: %v", err)
	}
	if err := join(member("acme-tools", 1)); err != nil {
		t.Errorf("the same hub again: %v", err)
	}
	leave("own-models")
	if err := join(member("own", 2)); !errors.Is(err, &episode.Problem{Code: "join/same-hub"}) {
		t.Errorf("a hub that was renamed, once it was left: %v", err)
	}
}
