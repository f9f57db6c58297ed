// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
)

// The peer must be asked the same: else its figure says nothing.
func TestThePeerDecidesTheSameRecordsByTheSameRules(t *testing.T) {
	if n := len(fiftyRules()); n != 50 {
		t.Errorf("%d rules", n)
	}
	var ours, peer watch
	if err := decideAll(2000, &ours); err != nil {
		t.Fatal(err)
	}
	if err := decideAllPlainly(2000, &peer); err != nil {
		t.Fatal(err)
	}
	if ours.Note != peer.Note || strings.HasPrefix(ours.Note, "0 ") || ours.CPU <= 0 {
		t.Errorf("ours: %+v, peer: %+v", ours, peer)
	}
}
