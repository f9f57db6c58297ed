// SPDX-License-Identifier: Apache-2.0

package keyring

import (
	"path/filepath"
	"strings"

	"filippo.io/age"
)

const ageFile = "age.key"

// Age is the identity (X25519) with which a hub opens what was encrypted to it, in age's own form: age's program reads the
// file, too. It is made when it is first asked for.
func (r *Ring) Age() (*age.X25519Identity, error) {
	b, err := r.file(ageFile, func() ([]byte, error) {
		id, err := age.GenerateX25519Identity()
		if err != nil {
			return nil, err
		}
		return []byte(id.String() + "\n"), nil
	})
	if err != nil {
		return nil, err
	}
	id, err := age.ParseX25519Identity(strings.TrimSpace(string(b)))
	if err != nil {
		return nil, broken(filepath.Join(r.Dir, ageFile), "an identity as age-keygen writes it")
	}
	return id, nil
}
