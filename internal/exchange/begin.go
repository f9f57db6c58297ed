// SPDX-License-Identifier: Apache-2.0

package exchange

import (
	"errors"
	"io/fs"
	"os"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// ofGroup says whether a folder was given to a group, which is what set-group-ID and the right to write say together: an edge and a
// hub that are two users of one machine both read and write there. What is made in it then is the group's, whatever the umask; the
// bits for all others are nobody's to set here. In any other folder all is its owner's alone.
func ofGroup(root *os.Root) (bool, error) {
	fi, err := root.Stat(".")
	return err == nil && fi.Mode()&fs.ModeSetgid != 0 && fi.Mode()&0o020 != 0, err
}

// create begins a file.
func (f *folder) create(name string) (*os.File, error) {
	w, err := f.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil || !f.group {
		return w, err
	}
	if err := w.Chmod(0o640); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// mkdir makes a folder in it, unless it is there.
func (f *folder) mkdir(name string) error {
	err := f.root.Mkdir(name, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err == nil && f.group {
		err = f.root.Chmod(name, fs.ModeSetgid|0o770)
	}
	return err
}

// begin makes an empty layout of what is not one yet. The file that is locked comes first and is never changed.
func (f *folder) begin() error {
	w, err := f.create(layoutFile)
	if err == nil {
		_, err = w.WriteString(`{"imageLayoutVersion":"` + ocispec.ImageLayoutVersion + "\"}\n")
		err = errors.Join(err, w.Sync(), w.Close())
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return f.unwritten(err)
	}
	for _, name := range []string{"blobs", blobsDir} {
		if err := f.mkdir(name); err != nil {
			return f.unwritten(err)
		}
	}
	if _, err := f.root.Lstat(indexFile); errors.Is(err, fs.ErrNotExist) {
		return f.saveIndex()
	}
	return nil
}
