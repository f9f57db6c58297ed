// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/episode"
)

const (
	maxPairs    = 1_000_000
	maxPairLine = 64 << 10 // bytes
)

// DecodePairs reads tasks done under both policies, one JSON object a line: {"task":"…","cluster":"…","old":0.5,"new":1}. Old and new
// are the rewards, higher is better. Cluster is what tasks hang together by, such as their repository; a task without one stands
// alone. Anything else in a line, and a line without both rewards, is refused with its number.
func DecodePairs(r io.Reader) ([]Pair, error) {
	var pairs []Pair
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxPairLine)
	n := 0
	for lines.Scan() {
		n++
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var p struct {
			Task    string   `json:"task"`
			Cluster string   `json:"cluster"`
			Old     *float64 `json:"old"`
			New     *float64 `json:"new"`
		}
		err := json.Unmarshal(lines.Bytes(), &p, json.RejectUnknownMembers(true))
		switch {
		case err != nil:
		case p.Task == "":
			err = errors.New("it names no task")
		case p.Old == nil || p.New == nil:
			err = errors.New("it has not both rewards")
		case len(pairs) == maxPairs:
			err = fmt.Errorf("there are more than %d tasks", maxPairs)
		}
		if err != nil {
			return nil, badPairs(fmt.Errorf("line %d: %w", n, err))
		}
		if p.Cluster == "" {
			p.Cluster = "task " + p.Task
		}
		pairs = append(pairs, Pair{Task: p.Task, Cluster: p.Cluster, Old: *p.Old, New: *p.New})
	}
	if err := lines.Err(); err != nil {
		return nil, badPairs(fmt.Errorf("line %d: %w", n+1, err))
	}
	return pairs, nil
}

func badPairs(err error) error {
	return &episode.Problem{Code: "gate/bad-pairs", Message: "not tasks that were done under both policies", Err: err,
		Hint: `write one JSON object a line: {"task":"t1","cluster":"repository-7","old":0.5,"new":1}`}
}
