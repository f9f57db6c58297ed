// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"bytes"
	"errors"
	"testing"
)

func key(t testing.TB, secret byte) *Key {
	t.Helper()
	k, err := Derive(bytes.Repeat([]byte{secret}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestOnlyTheKeyOpensAndOnlyWhatIsUnchanged(t *testing.T) {
	k, other := key(t, 1), key(t, 2)
	pub, err := Parse(" " + k.Public().String() + "\n")
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := pub.Seal([]byte("the wheel turns"))
	if err != nil {
		t.Fatal(err)
	}
	if len(sealed) != len("the wheel turns")+Overhead || bytes.Contains(sealed, []byte("wheel")) {
		t.Errorf("%d bytes: %q", len(sealed), sealed)
	}
	if plain, err := key(t, 1).Open(sealed); err != nil || string(plain) != "the wheel turns" {
		t.Errorf("opened %q, %v", plain, err)
	}
	if _, err := other.Open(sealed); !errors.Is(err, ErrSealed) {
		t.Errorf("another key: %v", err)
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		if _, err := k.Open(changed); !errors.Is(err, ErrSealed) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
	}
	if _, err := Derive([]byte("short")); err == nil {
		t.Error("a short secret makes a key")
	}
}

func FuzzOpenAndParse(f *testing.F) {
	k := key(f, 1)
	sealed, _ := k.Public().Seal([]byte("x"))
	f.Add(sealed, k.Public().String())
	f.Fuzz(func(t *testing.T, b []byte, s string) {
		if plain, err := k.Open(b); err == nil && !bytes.Equal(b, sealed) && len(plain)+Overhead != len(b) {
			t.Fatalf("%x opens to %q", b, plain)
		}
		if p, err := Parse(s); err == nil {
			if _, err := p.Seal(b); err != nil {
				t.Logf("%q is a key that cannot seal: %v", s, err)
			}
		}
	})
}
