// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// ReadFiles reads dictionaries and files of rules by their names: one [Dictionary] and one set of [Rules] for all, nil
// where there are no files.
func ReadFiles(dictionaries, rules []string) (d *Dictionary, rs *Rules, err error) {
	var open []*os.File
	defer func() {
		for _, f := range open {
			err = errors.Join(err, f.Close())
		}
	}()
	var files []io.Reader
	for _, name := range dictionaries {
		f, err := os.Open(name)
		if err != nil {
			return nil, nil, fmt.Errorf("open dictionary: %w", err)
		}
		open, files = append(open, f), append(files, f)
	}
	if len(files) > 0 {
		if d, err = ReadDictionary(files...); err != nil {
			return nil, nil, err
		}
	}
	for _, name := range rules {
		f, err := os.Open(name)
		if err != nil {
			return nil, nil, fmt.Errorf("open rules: %w", err)
		}
		open = append(open, f)
		if rs, err = ReadRules(rs, f, name); err != nil {
			return nil, nil, err
		}
	}
	return d, rs, nil
}
