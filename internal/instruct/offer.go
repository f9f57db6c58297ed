// SPDX-License-Identifier: Apache-2.0

package instruct

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

const offersFormat = "headrace-instruction-offers/1"

// Offers is what a hub asks a contributor's edge to have tried, and what came of it: the hub signs and logs it. Its sequence number
// only rises.
type Offers struct {
	Format      string  `json:"format"`
	Contributor string  `json:"contributor"`
	Sequence    int64   `json:"sequence"`
	Offers      []Offer `json:"offers"` // the oldest first
}

// Offer is one release of instructions on its way.
type Offer struct {
	ID      string `json:"id"` // follows from the payload
	Payload []byte `json:"payload"`
	// Gate is the signed report that judged the trial; none while it is not judged.
	Gate []byte `json:"gate,omitzero"`
	// Dropped says why it was given up without a judgement; empty where it was not.
	Dropped string `json:"dropped,omitzero"`
}

// ID names a release of instructions by its payload: decisions of its trial bear it.
func ID(payload []byte) string {
	sum := sha256.Sum256(append([]byte("headrace instructions\x00"), payload...))
	return "rel_" + hex.EncodeToString(sum[:12])
}

// NewOffers makes the document.
func NewOffers(contributor string, sequence int64, offers []Offer) *Offers {
	return &Offers{Format: offersFormat, Contributor: contributor, Sequence: sequence, Offers: offers}
}

// Check says why it is not what a hub would sign for that contributor.
func (o *Offers) Check(contributor string) error {
	switch {
	case o.Format != offersFormat:
		return badPayload(fmt.Errorf("format %q is not %s", o.Format, offersFormat))
	case o.Contributor != contributor:
		return badPayload(fmt.Errorf("it is for %.60q", o.Contributor))
	}
	for _, f := range o.Offers {
		if f.ID != ID(f.Payload) {
			return badPayload(fmt.Errorf("%.60q is not what its payload says", f.ID))
		}
	}
	return nil
}
