// SPDX-License-Identifier: Apache-2.0

package link

import (
	"bytes"
	"crypto/ed25519"
	"errors"
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
