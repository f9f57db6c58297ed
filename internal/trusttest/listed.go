// SPDX-License-Identifier: Apache-2.0

package trusttest

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
)

// The edge of the trial is told of some canaries, as people do who want to see whether what they planted comes out. They stand in
// text of level clean, which no mask changes: the edge itself must find them. They have a head of their own, because of what it
// is told of an edge shows asterisks, which would hide the others.
const (
	listedHead = "tidemillcanary"
	listedFile = "canaries"
	manyListed = 40
)

// list makes those that the edge is told of.
func (w *world) list() {
	for i := range manyListed {
		w.listed = append(w.listed, w.word(listedHead, i))
	}
}

// mayHoldListed reports whether a file of the trial's folder may hold one: the list of them, and the edge's own tables, where clean
// text waits for its bundle, and stays for a person to look at when it is stopped.
func mayHoldListed(file string) bool {
	tables := filepath.Join(searched, "edge", "edge.db")
	return file == filepath.Join(searched, listedFile) || file == tables || file == tables+"-wal"
}

// plantListed sends episodes of which clean text leaves: of three, one that holds no canary, one that holds one that the edge is told of
// in one of its texts, each text in turn, and one of those that waits for a person.
func (w *world) plantListed(ctx context.Context, i int) error {
	var body []byte
	texts := 0
	episodeOf(fmt.Sprintf("%032x", 0), "", func() string { texts++; return "" })
	for k := range together {
		w.report.Texts++
		n, at, repository := 0, -1, "git.example/clean"
		if k%3 > 0 {
			at = (i*together + k) % texts
			w.report.Planted++
			w.report.By["clean text"]++
		}
		switch k % 3 {
		case 0:
			w.report.Whole++
		case 2:
			repository = "git.example/waits"
		}
		b, err := json.Marshal(episodeOf(fmt.Sprintf("c%015x%016x", i, k), repository, func() string {
			if n++; n-1 == at {
				return w.listed[w.rng.IntN(len(w.listed))]
			}
			return "race"
		}))
		if err != nil {
			return err
		}
		body = append(append(body, b...), '\n')
	}
	return w.post(ctx, "/v1/episodes", "application/x-ndjson", body, true)
}
