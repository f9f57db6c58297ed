// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/statedir"
)

// Payload types of what the edge signs of its policy: that a version came in force, that it was proposed, and each yes to it.
const (
	typePolicy   = "application/vnd.headrace.policy.v1+json"
	typeProposal = "application/vnd.headrace.policy-proposal.v1+json"
	typeVote     = "application/vnd.headrace.policy-vote.v1+json"
)

// policyHeadFile lies beside the database, in the edge's folder, and holds what was signed of the version that came in force last: a
// database that was put back shows by it.
const policyHeadFile = "policy.head"

// inForceWord is what the audit trail calls it that a version came in force.
const inForceWord = "policy in force"

// policyDocument is what the edge signs of a version that comes in force.
type policyDocument struct {
	Version    int64     `json:"version"`
	Digest     string    `json:"digest"`
	Before     string    `json:"before,omitzero"` // digest of the signed document of the version that was in force until then
	People     int       `json:"people,omitzero"` // that it takes to loosen what this version says, 1 or 2; 0 where documents did not say it yet
	ProposedBy string    `json:"proposed_by"`
	ApprovedBy []string  `json:"approved_by"`
	OnePerson  bool      `json:"one_person,omitzero"` // it loosens, and one person was enough
	Anew       bool      `json:"anew,omitzero"`       // it came in force while it was not sure what had been
	InForce    time.Time `json:"in_force"`

	digest string // of the envelope
}

// two says that it takes two people to loosen what the version says.
func (d policyDocument) two() bool { return d.People == 2 || d.People == 0 && len(d.ApprovedBy) > 1 }

// policyProposal is what the edge signs of a proposal, as it was made.
type policyProposal struct {
	Version    int64     `json:"version"`
	Digest     string    `json:"digest"`
	Base       int64     `json:"base"`
	People     int       `json:"people"`
	ProposedBy string    `json:"proposed_by"`
	At         time.Time `json:"at"`
}

// policyVote is what the edge signs of a yes. It names what it was given to.
type policyVote struct {
	Proposal string    `json:"proposal"` // digest of the signed proposal
	Who      string    `json:"who"`
	Role     string    `json:"role"`
	At       time.Time `json:"at"`
}

func people(two bool) int {
	if two {
		return 2
	}
	return 1
}

// policyKey signs versions. It is made from the root key, which stays when the key that others know is replaced.
func (e *Edge) policyKey() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(e.ring.Derive("policy")) }

// openSigned reads what the edge has signed of its policy.
func (e *Edge) openSigned(envelope []byte, payloadType string, doc any) error {
	payload, _, err := bundle.OpenDocument(envelope, payloadType, bundle.NewTrust(bundle.TrustedKey{Name: "this edge", Key: e.policyKey().Public().(ed25519.PublicKey)}))
	if err != nil {
		return err
	}
	return bundle.DecodeDocument(payload, doc)
}

func (e *Edge) openVersion(envelope []byte) (doc policyDocument, err error) {
	doc.digest = episode.Digest(envelope)
	return doc, e.openSigned(envelope, typePolicy, &doc)
}

// checkPolicy makes sure that a version is the one that the edge signed when it came in force.
func (e *Edge) checkPolicy(r sqlstore.PolicyRow, p *consent.Policy) (policyDocument, error) {
	doc, err := e.openVersion(r.Envelope)
	if err == nil && (doc.Version != r.Version || doc.Digest != r.Digest || p.Digest() != r.Digest) {
		err = errors.New("it was signed for another policy")
	}
	if err == nil {
		return doc, nil
	}
	return doc, &episode.Problem{Code: "policy/signature", Message: fmt.Sprintf("version %d of the policy, which is in force, is not what this edge signed", r.Version), Err: err,
		Hint: "somebody has changed the database, or keys/root.key is another one: put back the one or the other from a backup"}
}

// signPolicy signs that a version comes in force, and has it in words for the audit trail. versions.mu is held.
func (e *Edge) signPolicy(r sqlstore.PolicyRow) (envelope []byte, words string, err error) {
	v := &e.versions
	doc := policyDocument{Version: r.Version, Digest: r.Digest, Before: v.last, People: people(r.TwoPeople), ProposedBy: r.ProposedBy, ApprovedBy: []string{},
		OnePerson: r.Looser && len(r.Votes) < 2, Anew: v.held != nil, InForce: e.cfg.Now().UTC()}
	for _, vote := range r.Votes {
		doc.ApprovedBy = append(doc.ApprovedBy, vote.Who)
	}
	words = versionWords(r)
	if doc.OnePerson {
		words += ", by one person"
	}
	if doc.Anew {
		words += ", while it was not sure what had been"
	}
	switch {
	case r.TwoPeople && !v.two:
		words += "; from here on it takes two people to loosen"
	case v.two && !r.TwoPeople:
		words += "; from here on one person may loosen"
	}
	envelope, err = bundle.SealDocument(typePolicy, doc, e.policyKey())
	return envelope, words, err
}

// signProposal signs a proposal as it is made, and the yes of who makes it, where that counts.
func (e *Edge) signProposal(r *sqlstore.PolicyRow) (err error) {
	r.Envelope, err = bundle.SealDocument(typeProposal, policyProposal{Version: r.Version, Digest: r.Digest, Base: r.Base, People: people(r.TwoPeople), ProposedBy: r.ProposedBy, At: r.ProposedAt.UTC()}, e.policyKey())
	for i := range r.Votes {
		if err == nil {
			err = e.signVote(*r, &r.Votes[i])
		}
	}
	return err
}

func (e *Edge) signVote(r sqlstore.PolicyRow, v *sqlstore.PolicyVote) (err error) {
	v.Envelope, err = bundle.SealDocument(typeVote, policyVote{Proposal: episode.Digest(r.Envelope), Who: v.Who, Role: v.Role, At: v.At.UTC()}, e.policyKey())
	return err
}

// checkProposal makes sure that a proposal and the yeses to it are what was said here, and returns its policy. What the database
// says of it beside that counts for nothing.
func (e *Edge) checkProposal(r sqlstore.PolicyRow) (*consent.Policy, error) {
	p, err := consent.DecodePolicy([]byte(r.Body))
	var said policyProposal
	if err == nil {
		err = e.openSigned(r.Envelope, typeProposal, &said)
	}
	if err == nil && (said.Version != r.Version || said.Digest != r.Digest || said.Digest != p.Digest() || said.Base != r.Base || said.People != people(r.TwoPeople) || said.ProposedBy != r.ProposedBy) {
		err = errors.New("another one was signed")
	}
	for _, v := range r.Votes {
		var yes policyVote
		if err == nil {
			err = e.openSigned(v.Envelope, typeVote, &yes)
		}
		if err == nil && (yes.Proposal != episode.Digest(r.Envelope) || yes.Who != v.Who || yes.Role != v.Role) {
			err = fmt.Errorf("the yes of %s was given to something else", v.Who)
		}
	}
	if err == nil {
		return p, nil
	}
	return nil, &episode.Problem{Code: "policy/proposal", Message: fmt.Sprintf("version %d, or a yes to it, is not what was said here", r.Version), Err: err,
		Hint: "somebody has changed the database: refuse this version, and propose it again"}
}

// keptPolicy is what was signed of the version that came in force last; nil where no file says it.
func (e *Edge) keptPolicy() (*policyDocument, error) {
	b, err := os.ReadFile(filepath.Join(e.cfg.Dir, policyHeadFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	doc, err := e.openVersion(b)
	if err != nil {
		held := rolledBack("the file " + policyHeadFile + ", which says which version of the policy came in force last, was not signed here")
		held.Err = err
		return nil, held
	}
	return &doc, nil
}

func (e *Edge) keepPolicy(envelope []byte) error {
	return statedir.Write(filepath.Join(e.cfg.Dir, policyHeadFile), envelope)
}
