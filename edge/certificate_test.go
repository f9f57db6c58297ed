// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"os"
	"testing"

	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/web"
)

// What an edge keeps of a certificate proves it to who has nothing but the hub's key; a change of any part of it does not.
func TestKeptCertificateIsProofForAnAuditor(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	l.send(e, three()...)
	l.turn(e)
	l.turnHub()
	_, err := e.Withdraw(t.Context(), "steward", web.Scope{Session: "s-1"})
	l.ok(err)
	e.Turn(t.Context())
	l.turnHub()
	l.turn(e)
	files, err := os.ReadDir(l.path("alder-bank", "certificates"))
	l.ok(err)
	if len(files) != 1 {
		t.Fatalf("%d certificates are kept", len(files))
	}
	raw, err := os.ReadFile(l.path("alder-bank", "certificates", files[0].Name()))
	l.ok(err)
	check := func(raw []byte, key ed25519.PublicKey) error {
		var k link.Certificate
		if err := json.Unmarshal(raw, &k); err != nil {
			return err
		}
		c, at, err := k.Check(key)
		if err == nil && (c.Records != 1 || at.Size == 0 || len(c.Fates) < 2) {
			t.Errorf("it says %+v in a log of %d", c, at.Size)
		}
		return err
	}
	l.ok(check(raw, l.hub.Public()))
	if check(raw, e.Public()) == nil {
		t.Error("it is proof under another key")
	}
	for i := 0; i < len(raw); i += 7 {
		changed := bytes.Clone(raw)
		if changed[i] ^= 1; check(changed, l.hub.Public()) == nil {
			t.Errorf("a change of byte %d, %q, goes through", i, raw[max(0, i-20):min(len(raw), i+20)])
		}
	}
	for _, part := range []string{"certificate", "proof", "asked"} {
		var m map[string]json.RawMessage
		l.ok(json.Unmarshal(raw, &m))
		delete(m, part)
		b, err := json.Marshal(m)
		l.ok(err)
		if check(b, l.hub.Public()) == nil {
			t.Errorf("it is proof without its %s", part)
		}
	}
}
