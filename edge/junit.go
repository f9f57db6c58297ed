// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/gitlog"
	"github.com/headrace/headrace/internal/capture/junit"
)

// TestsAnswer says how tests went that were sent in.
type TestsAnswer struct {
	Tests   int `json:"tests"`
	Failed  int `json:"failed"`
	Skipped int `json:"skipped"`
}

// serveJUnit takes the results of tests, a file of JUnit XML: POST /v1/junit?repository=ADDRESS&commit=ID. It may be packed with gzip.
func (e *Edge) serveJUnit(w http.ResponseWriter, r *http.Request, p Principal) {
	q := r.URL.Query()
	repository := gitlog.Name(q.Get("repository"))
	if repository == "" {
		refuse(w, http.StatusBadRequest, &episode.Problem{Code: "junit/repository", Message: "the parameter repository is no address of a git repository", Hint: "give the one it is cloned from: ?repository=https://git.example.com/team/name.git"})
		return
	}
	commit := strings.ToLower(q.Get("commit"))
	if !gitlog.IsID(commit) {
		refuse(w, http.StatusBadRequest, &episode.Problem{Code: "junit/commit", Message: "the parameter commit is no commit's id in full",
			Hint: "give what git rev-parse HEAD prints; of a pull request the newest commit of its branch, not the merge that was made to test it"})
		return
	}
	result, err := readJUnit(w, r)
	if err != nil {
		code := http.StatusBadRequest
		if _, large := errors.AsType[*http.MaxBytesError](err); large || errors.Is(err, errUnpacked) {
			code, err = http.StatusRequestEntityTooLarge, &episode.Problem{Code: "intake/too-large", Message: fmt.Sprintf("the file is larger than %d bytes", MaxRequest), Hint: "send the files of the parts one by one", Err: err}
		}
		refuse(w, code, err)
		return
	}
	if err := e.ReceiveReports(r.Context(), p, []gitlog.Report{result.Report(repository, commit, time.Time{})}); err != nil {
		e.unavailable(w, err)
		return
	}
	all := result.Total()
	answer(w, http.StatusOK, TestsAnswer{all.Tests, all.Failed, all.Skipped})
}

// errUnpacked says that a file is larger than it may be, once it is unpacked.
var errUnpacked = errors.New("it is too large once it is unpacked")

func readJUnit(w http.ResponseWriter, r *http.Request) (*junit.Result, error) {
	var in io.Reader = http.MaxBytesReader(w, r.Body, MaxRequest)
	switch r.Header.Get("Content-Encoding") {
	case "", "identity":
	case "gzip":
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, &episode.Problem{Code: "junit/gzip", Message: "the body is not packed with gzip", Err: err}
		}
		in = &bounded{z, MaxRequest}
	default:
		return nil, &episode.Problem{Code: "junit/encoding", Message: "the content encoding is not known", Hint: "send the file as it is, or packed with gzip"}
	}
	return junit.Read(in)
}

// bounded fails once more than left bytes were read.
type bounded struct {
	in   io.Reader
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.in.Read(p)
	if b.left -= n; b.left < 0 {
		return 0, errUnpacked
	}
	return n, err
}
