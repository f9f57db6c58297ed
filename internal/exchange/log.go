// SPDX-License-Identifier: Apache-2.0

package exchange

import (
	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/episode"
)

// The types of the documents that say what was seen of the hub's log.
const (
	TypeSeen = "application/vnd.headrace.seen.v1"
	TypeLog  = "application/vnd.headrace.log.v1+json"
)

// Log is what a hub leaves of its log for who cannot ask it: its newest checkpoint, and that the log goes on to it from
// others. The hub's key signed the checkpoints, and the hashes prove themselves.
type Log struct {
	Checkpoint []byte  `json:"checkpoint"`
	From       []Grown `json:"from"`
}

// Grown proves that the log goes on from one checkpoint to the newest.
type Grown struct {
	Checkpoint []byte   `json:"checkpoint"`
	Hashes     [][]byte `json:"hashes"`
}

const (
	// MaxLog is the largest that is read.
	MaxLog = 16 << 20
	// maxHashes is how many hashes a proof can have: two for each level of the largest tree.
	maxHashes = 128
)

// DecodeLog reads what a hub left.
func DecodeLog(b []byte) (l Log, err error) {
	if err = json.Unmarshal(b, &l, json.RejectUnknownMembers(true)); err == nil && len(l.Checkpoint) > 0 {
		for _, g := range l.From {
			if len(g.Checkpoint) == 0 || len(g.Hashes) > maxHashes {
				return l, badLog(nil)
			}
		}
		return l, nil
	}
	return l, badLog(err)
}

func badLog(err error) error {
	return &episode.Problem{Code: "exchange/bad-log", Message: "what the hub left of its log cannot be read", Err: err, Hint: "have the hub receive from the place once more"}
}
