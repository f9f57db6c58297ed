// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// TestATableIsReadToItsEnd: what its columns hold is said once, windows before.
func TestATableIsReadToItsEnd(t *testing.T) {
	s := newScrubber(t, Config{})
	for _, form := range []struct{ head, row string }{
		{"id,user,password,city\n", "%d,ann,tulpe%05d,Koeln\n"},
		{"| id | user | password |\n|---|---|---|\n", "| %d | ann | tulpe%05d |\n"},
		{"INSERT INTO users (id, name, password) VALUES\n", "(%d, 'ann', 'tulpe%05d'),\n"},
		{"INSERT INTO users (id, name, password) VALUES ", "(%d,'ann','tulpe%05d'),"},
	} {
		var text bytes.Buffer
		text.WriteString(form.head)
		for i := 0; text.Len() < 2*window+window/2; i++ {
			fmt.Fprintf(&text, form.row, i, i)
		}
		out, _, err := s.Text(nil, text.Bytes())
		if n := strings.Count(string(out), "tulpe"); n > 0 || err != nil {
			t.Errorf("%q: %d passwords are left of %d: %v", form.head, n, bytes.Count(text.Bytes(), []byte("tulpe")), err)
		}
	}
}
