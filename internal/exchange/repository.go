// SPDX-License-Identifier: Apache-2.0

package exchange

import (
	"net/http"
	"time"

	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"

	"github.com/headrace/headrace/episode"
)

// repository is a place in a registry.
type repository struct {
	*remote.Repository
	idle *http.Client
}

// answersWithin is how long a registry may think about what was sent.
const answersWithin = 2 * time.Minute

// openRepository asks nothing yet. Where the registry has no API for referrers, answers are found by a tag instead, as the
// distribution specification has it: whether it has one is found out with the first question.
func openRepository(ref string, plain bool, file string) (Place, error) {
	repo, err := remote.NewRepository(ref)
	if err != nil || repo.Reference.Reference != "" {
		return nil, &episode.Problem{Code: "exchange/bad-address", Message: ref + " is not the address of a repository in a registry", Err: err,
			Hint: "give it as registry.example/headrace, without a tag, with http:// before it where the registry does not speak TLS; or name a folder, such as ./out"}
	}
	repo.PlainHTTP = plain
	repo.SkipReferrersGC = true // who may write is not always let delete
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout = answersWithin
	Impatient(t, answersWithin)
	client := &http.Client{Transport: t}
	a := &auth.Client{Client: client, Cache: auth.NewCache()}
	if file != "" {
		// Only what stands in the file: its helpers are programs, and are not run.
		store, err := credentials.NewFileStore(file)
		if err != nil {
			return nil, &episode.Problem{Code: "exchange/credentials", Message: "the file with credentials cannot be read: " + file, Err: err, Hint: `it has docker's form: {"auths": {"registry.example": {"auth": "…"}}}`}
		}
		a.Credential = credentials.Credential(store)
	}
	repo.Client = a
	return repository{repo, client}, nil
}

func (r repository) String() string { return r.Reference.Registry + "/" + r.Reference.Repository }

// Close closes connections that nobody uses.
func (r repository) Close() error {
	r.idle.CloseIdleConnections()
	return nil
}
