// SPDX-License-Identifier: Apache-2.0

package witness

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
)

const (
	maxProof = 63       // hashes, as the protocol says
	maxBody  = 64 << 10 // a proof has 3 KiB at most, the rest is for other witnesses' signatures
)

// request is the body of add-checkpoint.
type request struct {
	old        uint64 // size of the checkpoint that the log believes was cosigned last
	proof      [][]byte
	checkpoint []byte
}

// parse reads a body in its one form: "old N", the proof's hashes in base64, an empty line, the checkpoint.
func parse(body []byte) (request, error) {
	head, checkpoint, ok := bytes.Cut(body, []byte("\n\n"))
	if !ok || len(checkpoint) == 0 {
		return request{}, refuse(http.StatusBadRequest, "a request is an old size, a proof, an empty line and a checkpoint")
	}
	lines := strings.Split(string(head), "\n")
	size, ok := strings.CutPrefix(lines[0], "old ")
	r := request{checkpoint: checkpoint}
	var err error
	if r.old, err = strconv.ParseUint(size, 10, 64); !ok || err != nil || strconv.FormatUint(r.old, 10) != size {
		return request{}, refuse(http.StatusBadRequest, "the first line is not \"old\" and a size")
	}
	if len(lines)-1 > maxProof {
		return request{}, refuse(http.StatusBadRequest, "a proof has at most %d hashes", maxProof)
	}
	for _, line := range lines[1:] {
		h, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(h) != sha256.Size || base64.StdEncoding.EncodeToString(h) != line {
			return request{}, refuse(http.StatusBadRequest, "a line of the proof is not a hash in base64")
		}
		r.proof = append(r.proof, h)
	}
	return r, nil
}
