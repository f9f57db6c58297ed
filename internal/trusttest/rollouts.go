// SPDX-License-Identifier: Apache-2.0

package trusttest

import (
	"bytes"
	"crypto"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/release"
)

// RolloutForger has what somebody may have who shows an edge something else in the place of a hub's last roll-out: all that the hub has signed
// and, as a hub that breaks its word, its key.
type RolloutForger struct {
	Hub, Other crypto.Signer     // of the hub, and of another one
	Steps      []release.Rollout // as the hub has signed them, the newest first: two of one release, which has not gone back
	Foreign    string            // a release of the other hub
	Now        time.Time
	Seed       uint64
}

// ForgedRollout is what is shown, and why it is refused.
type ForgedRollout struct {
	Name    string
	Layers  [][]byte // of the artifact: a document and its proof
	Reasons string   // codes of problems, one of which is the edge's
}

// notInLog are the reasons of what comes without the proof that the hub's log holds it.
const notInLog = "log/checkpoint log/proof"

// Forged are all ways to forge a roll-out.
func (f RolloutForger) Forged() (list []ForgedRollout, err error) {
	rng := rand.New(rand.NewPCG(f.Seed, 7))
	seal := func(payloadType string, on any, key crypto.Signer) []byte {
		b, bad := bundle.SealDocument(payloadType, on, key)
		err = errors.Join(err, bad)
		return b
	}
	show := func(name, reasons string, layers ...[]byte) {
		list = append(list, ForgedRollout{name, layers, reasons})
	}
	noProof := []byte(`{}`)
	newest := seal(bundle.TypeRollout, f.Steps[0], f.Hub)
	next := f.Steps[0].GoBack("", episode.Digest(newest), "harm", f.Now) // what the hub might sign next, and has not

	// What the hub has signed, or signs against its word.
	signed := func(name, reasons string, change func(on *release.Rollout)) {
		on := next
		change(&on)
		show(name, reasons, seal(bundle.TypeRollout, on, f.Hub), noProof)
	}
	rolling := func(on *release.Rollout, as release.Rollout) {
		on.State, on.Stage, on.Shares = release.Rolling, as.Stage, as.Shares
	}
	show("the one before", "rollout/old", seal(bundle.TypeRollout, f.Steps[1], f.Hub), noProof)
	signed("not in the log", notInLog, func(*release.Rollout) {})
	signed("another of the same number", "rollout/two", func(on *release.Rollout) { on.Sequence = f.Steps[0].Sequence })
	signed("after another than the last", "rollout/two", func(on *release.Rollout) { on.Before = episode.Digest([]byte("another")) })
	signed("fewer than before", "rollout/backwards", func(on *release.Rollout) { rolling(on, f.Steps[1]) })
	signed("of another hub's release", notInLog, func(on *release.Rollout) { rolling(on, f.Steps[0]); on.Release = f.Foreign })
	signed("of another kind", "rollout/bad", func(on *release.Rollout) { on.Kind = release.Route })
	signed("of no kind", "rollout/bad", func(on *release.Rollout) { on.Kind = "model" })
	signed("shares of another stage", "rollout/bad", func(on *release.Rollout) { on.Shares = f.Steps[0].Shares })
	signed("a stage that there is not", "rollout/bad", func(on *release.Rollout) { on.State, on.Stage = release.Rolling, release.Stages+1 })
	signed("of a later format", "rollout/bad", func(on *release.Rollout) { on.Format = "headrace-rollout/9" })
	signed("without a number", "rollout/bad", func(on *release.Rollout) { on.Sequence = 0 })

	// What somebody else makes of it.
	document := seal(bundle.TypeRollout, next, f.Hub)
	show("signed by another hub", "bundle/unknown-signer", seal(bundle.TypeRollout, next, f.Other), noProof)
	show("signed as something else", "bundle/wrong-type", seal(bundle.TypeStatement, next, f.Hub), noProof)
	show("truncated", "bundle/malformed", document[:len(document)-10], noProof)
	show("cut short", "bundle/malformed", cutShort(document, rng), noProof)
	show("a bit", "bundle/malformed bundle/wrong-type bundle/unknown-signer bundle/bad-signature", flipped(document, rng), noProof)
	show("a word of it", "bundle/bad-signature", bytes.Replace(document, []byte(`"payload":"e`), []byte(`"payload":"f`), 1), noProof)
	for _, how := range []string{"order", "space", "unknown", "escape", "twice", "case"} {
		b, bad := inAnotherForm(document, how, rng)
		err = errors.Join(err, bad)
		show("written otherwise, "+how, "bundle/malformed", b, noProof)
	}
	enveloped := func(name, reasons string, change func(env, signature map[string]any)) {
		var env map[string]any
		err = errors.Join(err, json.Unmarshal(document, &env))
		if err != nil {
			return
		}
		change(env, env["signatures"].([]any)[0].(map[string]any))
		raw, bad := json.Marshal(env)
		b, worse := canonical(raw)
		err = errors.Join(err, bad, worse)
		show(name, reasons, b, noProof)
	}
	enveloped("in other base64", "bundle/malformed", func(env, _ map[string]any) { env["payload"] = inOtherBase64(env["payload"].(string), rng) })
	enveloped("signature in other base64", "bundle/malformed", func(_, sig map[string]any) { sig["sig"] = inOtherBase64(sig["sig"].(string), rng) })
	enveloped("a second signature", "bundle/malformed", func(env, sig map[string]any) { env["signatures"] = []any{sig, sig} })
	enveloped("no signature", "bundle/malformed", func(env, _ map[string]any) { env["signatures"] = []any{} })
	var last struct{ Signatures []struct{ Sig string } }
	err = errors.Join(err, json.Unmarshal(newest, &last))
	if err != nil {
		return nil, err
	}
	enveloped("the signature of the one before", "bundle/bad-signature", func(_, sig map[string]any) { sig["sig"] = last.Signatures[0].Sig })

	// Other artifacts.
	show("one layer", "rollout/bad", noProof)
	show("three layers", "rollout/bad", document, noProof, noProof)
	return list, err
}
