// SPDX-License-Identifier: Apache-2.0

package design

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	link  = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	named = regexp.MustCompile("`((?:agent|bundle|cmd|docs|edge|episode|hub|internal|scrub|spec|\\.ci)/[\\w./-]+)`")
)

// TestDocumentsNameFilesThatExist: a link or a path in a document leads somewhere, and no document names a line.
func TestDocumentsNameFilesThatExist(t *testing.T) {
	n := 0
	files(t, func(name string, text []byte) {
		if !strings.HasSuffix(name, ".md") {
			return
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if u, err := url.Parse(m[1]); err != nil || u.Scheme != "" {
				continue
			}
			n++
			if _, err := os.Stat(filepath.Join(root(t), filepath.Dir(name), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", name, m[1])
			}
		}
		for _, m := range named.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "NAME") {
				continue // a pattern, not a file
			}
			n++
			if _, err := os.Stat(filepath.Join(root(t), m[1])); err != nil {
				t.Errorf("%s names %s, which is not there", name, m[1])
			}
		}
	})
	if n == 0 {
		t.Error("no document names any file")
	}
}
