// SPDX-License-Identifier: Apache-2.0

package exchange

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/statedir"
)

// folder is an OCI image layout on disk. Blobs are written before the index that names them, each whole or not at all: what
// the index says of a folder that was written here is there, whenever the power went. It never leaves its folder: os.Root
// follows no link out of it, and there are no links in it.
type folder struct {
	dir  string
	root *os.Root
	lock *os.File // the file oci-layout, which never changes
	log  *slog.Logger

	group bool // its group reads and writes there, too

	index    []ocispec.Descriptor                   // a digest once for each of its tags, or once without
	subjects map[digest.Digest][]ocispec.Descriptor // what refers to what; nil until somebody asks
	halves   []string                               // files of writes that were cut off
}

const (
	layoutFile = ocispec.ImageLayoutFile
	indexFile  = ocispec.ImageIndexFile
	blobsDir   = "blobs/sha256"
	unfinished = ".new-" // starts the name of a file that is being written
)

func openFolder(dir string, a Access) (_ Place, err error) {
	if a.Make {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, notThere(dir, err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, notThere(dir, err)
	}
	f := &folder{dir: dir, root: root, log: a.Log}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	if f.group, err = ofGroup(root); err != nil {
		return nil, notThere(dir, err)
	}
	if err := f.check(); err != nil { // before anything is written into a folder that is something else
		return nil, err
	}
	if a.Make {
		if err := f.begin(); err != nil {
			return nil, err
		}
	}
	if err := f.hold(); err != nil {
		return nil, err
	}
	b, err := f.read(indexFile, maxIndex)
	if err != nil {
		return nil, notWhole(dir, err)
	}
	f.index, err = decodeIndex(b)
	return f, err
}

func notThere(dir string, err error) error {
	return &episode.Problem{Code: "exchange/no-folder", Message: dir + " is no folder that can be opened", Err: err, Hint: "name the folder that headrace push --to made"}
}

func notWhole(dir string, err error) error {
	return &episode.Problem{Code: "exchange/not-whole", Message: "the folder " + dir + " is no exchange, or was not copied whole", Err: err, Hint: "name the folder that headrace push --to made, and copy all of it"}
}

// hold makes the folder this process's until it is closed, however it ends.
func (f *folder) hold() (err error) {
	if f.lock, err = f.root.Open(layoutFile); err != nil {
		return notWhole(f.dir, err)
	}
	err = syscall.Flock(int(f.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return &episode.Problem{Code: "exchange/in-use", Message: "another process reads or writes " + f.dir, Hint: "try again when it has finished"}
	}
	if err != nil {
		return fmt.Errorf("lock %s: %w", f.dir, err)
	}
	for _, name := range f.halves { // nothing names them, and who wrote them is gone
		_ = f.root.Remove(name) // a folder that cannot be written to can be read
	}
	return nil
}

// check refuses a folder in which anything lies beside the layout: nothing rides along, and no link leads elsewhere.
func (f *folder) check() error {
	return fs.WalkDir(f.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return notWhole(f.dir, err)
		}
		switch plain := d.Type().IsRegular(); {
		case d.IsDir() && (name == "." || name == "blobs" || name == blobsDir),
			plain && (name == layoutFile || name == indexFile || blobName.MatchString(name)):
			return nil
		case plain && strings.HasPrefix(path.Base(name), unfinished):
			f.halves = append(f.halves, name)
			return nil
		case d.Type()&fs.ModeSymlink != 0:
			return &episode.Problem{Code: "exchange/link", Message: fmt.Sprintf("%q in %s is a link, and an exchange holds none", name, f.dir), Hint: "copy the folder once more, with files in place of links"}
		}
		return &episode.Problem{Code: "exchange/extra-file", Message: fmt.Sprintf("%q in %s is no part of an exchange", name, f.dir), Hint: "remove it: nothing may ride along unseen"}
	})
}

func (f *folder) String() string { return f.dir }

// Close lets others have the folder.
func (f *folder) Close() error {
	if f.lock != nil {
		f.lock.Close()
	}
	return f.root.Close()
}

// read returns a small file.
func (f *folder) read(name string, most int64) ([]byte, error) {
	r, err := f.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, most+1))
	if int64(len(b)) > most {
		err = fmt.Errorf("%s is longer than %d bytes", name, most)
	}
	return b, err
}

func blobPath(d digest.Digest) (string, error) {
	if err := d.Validate(); err != nil || d.Algorithm() != digest.SHA256 {
		return "", damaged(fmt.Sprintf("%.80q is no digest", d), err)
	}
	return blobsDir + "/" + d.Encoded(), nil
}

// Fetch returns a blob's bytes. One that is shorter or longer than it should be is refused at once; whoever reads it checks
// the digest.
func (f *folder) Fetch(_ context.Context, desc ocispec.Descriptor) (io.ReadCloser, error) {
	name, err := blobPath(desc.Digest)
	if err != nil {
		return nil, err
	}
	r, err := f.root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, damaged(fmt.Sprintf("%s is not in %s: the folder was not copied whole", desc.Digest, f.dir), errdef.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	fi, err := r.Stat()
	if err == nil && fi.Size() != desc.Size {
		err = damaged(fmt.Sprintf("%s has %d of %d bytes: it was not copied whole", desc.Digest, fi.Size(), desc.Size), nil)
	}
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// Exists says whether a blob is there with the bytes that its digest says, so that one that was damaged is left anew; a manifest is,
// once the index names it.
func (f *folder) Exists(_ context.Context, desc ocispec.Descriptor) (bool, error) {
	name, err := blobPath(desc.Digest)
	if err != nil {
		return false, err
	}
	if desc.MediaType == ocispec.MediaTypeImageManifest && !f.named(desc.Digest) {
		return false, nil
	}
	r, err := f.root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer r.Close()
	v := content.NewVerifyReader(r, desc)
	if _, err := io.Copy(io.Discard, v); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	return v.Verify() == nil, nil
}

func (f *folder) named(d digest.Digest) bool {
	return slices.ContainsFunc(f.index, func(m ocispec.Descriptor) bool { return m.Digest == d })
}

// Push writes a blob, whole and durable, and names it in the index if it is a manifest.
func (f *folder) Push(_ context.Context, desc ocispec.Descriptor, r io.Reader) error {
	name, err := blobPath(desc.Digest)
	if err != nil {
		return err
	}
	checked := content.NewVerifyReader(r, desc)
	if err := f.write(name, checked); err != nil {
		return err
	}
	if desc.MediaType != ocispec.MediaTypeImageManifest {
		return nil
	}
	f.subjects = nil
	if f.named(desc.Digest) {
		return errdef.ErrAlreadyExists
	}
	f.index = append(f.index, ocispec.Descriptor{MediaType: desc.MediaType, Digest: desc.Digest, Size: desc.Size})
	return f.saveIndex()
}

// write puts a file in place: a temporary name, fsync, rename, fsync of its folder.
func (f *folder) write(name string, r io.Reader) error {
	tmp := path.Join(path.Dir(name), unfinished+rand.Text())
	w, err := f.create(tmp)
	if err != nil {
		return f.unwritten(err)
	}
	defer f.root.Remove(tmp)
	_, err = io.Copy(w, r)
	if v, ok := r.(*content.VerifyReader); ok && err == nil {
		if err = v.Verify(); err != nil {
			err = damaged("what was to be written to "+name+" has other bytes than its digest says", err)
		}
	}
	if err = errors.Join(err, w.Sync(), w.Close()); err == nil {
		err = f.root.Rename(tmp, name)
	}
	if err == nil {
		err = statedir.Sync(filepath.Join(f.dir, filepath.FromSlash(path.Dir(name))))
	}
	if err != nil {
		return f.unwritten(err)
	}
	return nil
}

func (f *folder) unwritten(err error) error {
	if _, ok := errors.AsType[*episode.Problem](err); ok {
		return err
	}
	return &episode.Problem{Code: "exchange/not-written", Message: "nothing can be written to " + f.dir, Err: err, Hint: "make room, or give a folder that you may write to: answers go into the same one"}
}

func (f *folder) saveIndex() error {
	b, err := encodeIndex(f.index)
	if err != nil {
		return err
	}
	return f.write(indexFile, bytes.NewReader(b))
}

// Tag names a manifest that is there.
func (f *folder) Tag(ctx context.Context, desc ocispec.Descriptor, tag string) error {
	if !tagName.MatchString(tag) || !f.named(desc.Digest) {
		return fmt.Errorf("tag %s as %.80q: %w", desc.Digest, tag, errdef.ErrNotFound)
	}
	now := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: desc.Digest, Size: desc.Size, Annotations: map[string]string{ocispec.AnnotationRefName: tag}}
	before := slices.Clone(f.index)
	f.index = slices.DeleteFunc(f.index, func(m ocispec.Descriptor) bool {
		return tagOf(m) == tag || tagOf(m) == "" && m.Digest == desc.Digest
	})
	f.index = append(f.index, now)
	if slices.EqualFunc(before, f.index, func(a, b ocispec.Descriptor) bool { return a.Digest == b.Digest && tagOf(a) == tagOf(b) }) {
		return nil
	}
	f.subjects = nil
	if err := f.saveIndex(); err != nil {
		return err
	}
	for _, m := range before {
		if tagOf(m) == tag && !f.named(m.Digest) {
			f.drop(ctx, m)
		}
	}
	return nil
}

// drop deletes what a tag named before it moved on, but what others name. It is of no use any more, and does no harm: what cannot
// be deleted stays.
func (f *folder) drop(ctx context.Context, gone ocispec.Descriptor) {
	old, _, err := Manifest(ctx, f, gone)
	if err != nil {
		return
	}
	named := map[digest.Digest]bool{}
	for _, d := range f.index {
		m, _, err := Manifest(ctx, f, d)
		if err != nil {
			return // nobody knows what it names
		}
		named[d.Digest], named[m.Config.Digest] = true, true
		for _, l := range m.Layers {
			named[l.Digest] = true
		}
	}
	for _, d := range append(old.Layers, old.Config, gone) {
		if name, err := blobPath(d.Digest); err == nil && !named[d.Digest] {
			_ = f.root.Remove(name)
		}
	}
}

func tagOf(m ocispec.Descriptor) string { return m.Annotations[ocispec.AnnotationRefName] }

// Resolve finds a manifest by its tag or digest.
func (f *folder) Resolve(_ context.Context, ref string) (ocispec.Descriptor, error) {
	for _, m := range f.index {
		if tagOf(m) == ref && ref != "" || m.Digest.String() == ref {
			return ocispec.Descriptor{MediaType: m.MediaType, Digest: m.Digest, Size: m.Size}, nil
		}
	}
	return ocispec.Descriptor{}, fmt.Errorf("%s in %s: %w", ref, f.dir, errdef.ErrNotFound)
}

// Tags lists the tags that sort after last.
func (f *folder) Tags(_ context.Context, last string, fn func([]string) error) error {
	var tags []string
	for _, m := range f.index {
		if t := tagOf(m); t > last {
			tags = append(tags, t)
		}
	}
	slices.Sort(tags)
	return fn(tags)
}

// Predecessors returns the manifests whose subject this is, by digest. One that is damaged is passed over, and holds up no other.
func (f *folder) Predecessors(ctx context.Context, desc ocispec.Descriptor) ([]ocispec.Descriptor, error) {
	if f.subjects == nil {
		subjects, read := map[digest.Digest][]ocispec.Descriptor{}, map[digest.Digest]bool{}
		for _, d := range f.index {
			if read[d.Digest] {
				continue
			}
			read[d.Digest] = true
			d.Annotations = nil
			raw, err := Blob(ctx, f, d, maxManifest)
			if _, spoilt := errors.AsType[*episode.Problem](err); spoilt {
				f.log.Warn("a manifest in a folder is damaged and is passed over", "folder", f.dir, "manifest", d.Digest, "err", err)
				continue
			}
			if err != nil {
				return nil, err
			}
			var m ocispec.Manifest
			if json.Unmarshal(raw, &m) == nil && m.Subject != nil {
				d.ArtifactType = m.ArtifactType
				subjects[m.Subject.Digest] = append(subjects[m.Subject.Digest], d)
			}
		}
		f.subjects = subjects
	}
	found := f.subjects[desc.Digest]
	slices.SortFunc(found, func(a, b ocispec.Descriptor) int { return cmp.Compare(a.Digest, b.Digest) })
	return found, nil
}
