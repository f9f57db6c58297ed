// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/headrace/headrace/internal/blob"
)

// uploadIdle is how long an upload may rest before its place is given to another.
const uploadIdle = 15 * time.Minute

// upload is a blob on its way in, over one or more requests.
type upload struct {
	repo string

	mu   sync.Mutex // held during a request: requests for one upload come one by one
	w    *blob.Writer
	used time.Time
	gone bool // ended: whoever waited for mu must not touch w
}

func (g *Registry) getBlob(w http.ResponseWriter, r *http.Request, p route) error {
	if !blob.Valid(p.ref) {
		return errDigest
	}
	if ok, err := g.cfg.Index.HasBlob(r.Context(), p.repo, p.ref); err != nil {
		return err
	} else if !ok {
		return errBlob
	}
	f, err := g.cfg.Blobs.Open(p.ref)
	if errors.Is(err, blob.ErrNotFound) {
		return errBlob // erased since
	}
	if err != nil {
		return err
	}
	defer f.Close()
	h := w.Header()
	h.Set("Docker-Content-Digest", p.ref)
	h.Set("ETag", `"`+p.ref+`"`)
	h.Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", time.Time{}, f)
	return nil
}

// startUpload begins an upload, or takes the whole blob at once where the query names its digest.
func (g *Registry) startUpload(w http.ResponseWriter, r *http.Request, p route) error {
	if p.ref != "" {
		return errUnsupported
	}
	id, u, err := g.newUpload(r.Context(), p.repo)
	if err != nil {
		return err
	}
	if r.URL.Query().Has("digest") {
		return g.finish(w, r, id, u)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	setUpload(w, p.repo, id, u)
	w.WriteHeader(http.StatusAccepted)
	return nil
}

func (g *Registry) uploadStatus(w http.ResponseWriter, r *http.Request, p route) error {
	u, err := g.lockUpload(p)
	if err != nil {
		return err
	}
	defer u.mu.Unlock()
	setUpload(w, p.repo, p.ref, u)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (g *Registry) patchUpload(w http.ResponseWriter, r *http.Request, p route) error {
	u, err := g.lockUpload(p)
	if err != nil {
		return err
	}
	defer u.mu.Unlock()
	if err := inOrder(r, u); err != nil {
		setUpload(w, p.repo, p.ref, u)
		return err
	}
	if err := g.receive(w, r, u); err != nil {
		if e, ok := errors.AsType[*refusal](err); ok && e.status == http.StatusRequestEntityTooLarge {
			g.drop(p.ref, u)
		}
		return err // a chunk that broke off can go on where it did: the client asks for the status
	}
	setUpload(w, p.repo, p.ref, u)
	w.WriteHeader(http.StatusAccepted)
	return nil
}

func (g *Registry) putUpload(w http.ResponseWriter, r *http.Request, p route) error {
	u, err := g.lockUpload(p)
	if err != nil {
		return err
	}
	err = inOrder(r, u)
	u.mu.Unlock()
	if err != nil {
		return err
	}
	return g.finish(w, r, p.ref, u)
}

func (g *Registry) cancelUpload(w http.ResponseWriter, r *http.Request, p route) error {
	u, err := g.lockUpload(p)
	if err != nil {
		return err
	}
	defer u.mu.Unlock()
	g.drop(p.ref, u)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// finish takes the rest of the body and makes the blob visible: durable in the store first, then in the index, so
// that the index never names bytes that a crash could lose.
func (g *Registry) finish(w http.ResponseWriter, r *http.Request, id string, u *upload) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.gone {
		return errUpload
	}
	defer g.drop(id, u)
	digest := r.URL.Query().Get("digest")
	if !blob.Valid(digest) {
		return errDigest
	}
	if err := g.receive(w, r, u); err != nil {
		return err
	}
	if err := u.w.Commit(digest); errors.Is(err, blob.ErrDigest) {
		return refusef(http.StatusBadRequest, "DIGEST_INVALID", "the bytes do not match the digest: send the blob again")
	} else if err != nil {
		return err
	}
	if err := g.cfg.Index.LinkBlob(r.Context(), u.repo, digest); err != nil {
		return err
	}
	w.Header().Set("Location", "/v2/"+u.repo+"/blobs/"+digest)
	w.Header().Set("Docker-Content-Digest", digest)
	w.WriteHeader(http.StatusCreated)
	return nil
}

// receive appends the request's body to the upload. Who sends nothing for a while is cut off: what arrived stays, and the
// upload goes on where it was.
func (g *Registry) receive(w http.ResponseWriter, r *http.Request, u *upload) error {
	most := g.maxBlob(u.repo)
	left := most - u.w.Size()
	c := http.NewResponseController(w)
	n, err := io.Copy(u.w, io.LimitReader(&arriving{g, r, c, u.repo}, left+1))
	_ = c.SetReadDeadline(time.Time{}) // where there are no deadlines, there is none to lift
	if g.cfg.Quota != nil && n > 0 {
		err = errors.Join(err, g.cfg.Quota.Save(context.WithoutCancel(r.Context()), u.repo))
	}
	if n > left {
		return refusef(http.StatusRequestEntityTooLarge, "SIZE_INVALID", "blob is larger than %d bytes", most)
	}
	u.used = time.Now()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return refusef(http.StatusRequestTimeout, "BLOB_UPLOAD_INVALID", "nothing arrived for %v: ask for the upload's state and go on from there", g.cfg.Idle)
	}
	if err != nil {
		return fmt.Errorf("receive blob: %w", err)
	}
	return nil
}

func (g *Registry) maxBlob(repo string) int64 {
	if g.cfg.MaxBlobIn != nil {
		if n := g.cfg.MaxBlobIn(repo); n > 0 {
			return min(n, g.cfg.MaxBlob)
		}
	}
	return g.cfg.MaxBlob
}

// arriving is the body of a request, every byte of which counts against its owner's quota.
type arriving struct {
	g    *Registry
	r    *http.Request
	c    *http.ResponseController
	repo string
}

// Read waits for more, but not for ever.
func (a *arriving) Read(b []byte) (int, error) {
	_ = a.c.SetReadDeadline(time.Now().Add(a.g.cfg.Idle)) // a test's recorder has no deadlines
	n, err := a.r.Body.Read(b)
	if a.g.cfg.Quota != nil && n > 0 {
		if over := a.g.cfg.Quota.Take(a.r.Context(), a.repo, n); over != nil {
			return 0, over
		}
	}
	return n, err
}

// inOrder checks a chunk's Content-Range ("first-last"), where the client sent one.
func inOrder(r *http.Request, u *upload) error {
	h := r.Header.Get("Content-Range")
	if h == "" {
		return nil
	}
	bad := refusef(http.StatusRequestedRangeNotSatisfiable, "BLOB_UPLOAD_INVALID", "chunk out of order: the upload has %d bytes", u.w.Size())
	first, last, ok := strings.Cut(strings.TrimPrefix(h, "bytes "), "-")
	a, errA := strconv.ParseInt(first, 10, 64)
	b, errB := strconv.ParseInt(last, 10, 64)
	if !ok || errA != nil || errB != nil || a != u.w.Size() || b < a || r.ContentLength >= 0 && r.ContentLength != b-a+1 {
		return bad
	}
	return nil
}

func setUpload(w http.ResponseWriter, repo, id string, u *upload) {
	h := w.Header()
	h.Set("Location", "/v2/"+repo+"/blobs/uploads/"+url.PathEscape(id))
	h.Set("Docker-Upload-UUID", id)
	h.Set("Range", fmt.Sprintf("0-%d", max(u.w.Size()-1, 0)))
}

func (g *Registry) newUpload(ctx context.Context, repo string) (string, *upload, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.cfg.Quota != nil {
		err := g.cfg.Quota.Begin(ctx, repo, g.openOf(repo))
		if err != nil {
			g.sweep()
			err = g.cfg.Quota.Begin(ctx, repo, g.openOf(repo))
		}
		if err != nil {
			return "", nil, err
		}
	}
	if len(g.uploads) >= g.cfg.MaxUploads {
		g.sweep()
	}
	if len(g.uploads) >= g.cfg.MaxUploads {
		e := refusef(http.StatusTooManyRequests, "TOOMANYREQUESTS", "too many uploads at one time: try again in a minute")
		e.after = time.Minute
		return "", nil, e
	}
	w, err := g.cfg.Blobs.Create()
	if err != nil {
		return "", nil, err
	}
	id, u := rand.Text(), &upload{repo: repo, w: w, used: time.Now()}
	g.uploads[id] = u
	return id, u, nil
}

// openOf counts the uploads that a repository's owner has open. g.mu is held.
func (g *Registry) openOf(repo string) (n int) {
	owner, _, _ := strings.Cut(repo, "/")
	for _, u := range g.uploads {
		if o, _, _ := strings.Cut(u.repo, "/"); o == owner {
			n++
		}
	}
	return n
}

// sweep ends uploads that rest too long; one with a request under way is not resting. g.mu is held.
func (g *Registry) sweep() {
	for id, u := range g.uploads {
		if !u.mu.TryLock() {
			continue
		}
		if time.Since(u.used) > uploadIdle {
			u.gone = true
			u.w.Abort()
			delete(g.uploads, id)
		}
		u.mu.Unlock()
	}
}

// lockUpload returns the upload of the path with its mu held.
func (g *Registry) lockUpload(p route) (*upload, error) {
	g.mu.Lock()
	u := g.uploads[p.ref]
	g.mu.Unlock()
	if u == nil || u.repo != p.repo {
		return nil, errUpload
	}
	u.mu.Lock()
	if u.gone {
		u.mu.Unlock()
		return nil, errUpload
	}
	return u, nil
}

// drop ends an upload whose mu is held. Lock order: an upload's mu, then g.mu; sweep, the other way, only tries.
func (g *Registry) drop(id string, u *upload) {
	u.gone = true
	u.w.Abort()
	g.mu.Lock()
	delete(g.uploads, id)
	g.mu.Unlock()
}
