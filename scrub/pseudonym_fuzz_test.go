// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"maps"
	"slices"
	"testing"
)

// FuzzReplacement replaces any value found as any kind: what stands there is made of marks and of what the kind keeps,
// and is the same each time.
func FuzzReplacement(f *testing.F) {
	names := append(slices.Sorted(maps.Keys(kinds())), "some_vendor")
	for i, v := range []string{"a", "jane.doe@corp.com", "db1.prod.corp:80", "https://a:b@c.d:1/src/x.go?y=z#w", `C:\Users\jane\x`, "[::1]:80", "fe80::1%e", "10.0.0.0/8",
		"6f9619ff-8b86-d011-b42d-00c04fc964ff", `\u00e9\ud83d\ude00%41\n`, "Doe, Jane", "@", ":", "/", "..", "\xff", "?#", "a@@b", "://"} {
		f.Add(uint8(i), []byte(v))
	}
	s := newScrubber(f, Config{})
	f.Fuzz(func(t *testing.T, kind uint8, value []byte) {
		name := names[int(kind)%len(names)]
		once, again := replaced(t, s, name, string(value)), replaced(t, s, name, string(value))
		if once != again {
			t.Fatalf("%s %q became %q, then %q", name, value, once, again)
		}
		if marks := Marks([]byte(once)); len(marks) == 0 && once != string(value) {
			t.Fatalf("%s %q became %q, without a mark", name, value, once)
		} else if form := kinds()[name].form; len(marks) == 0 && !form.structural() && shapeOf(value).alnum > 0 && len(value) > 2 {
			t.Fatalf("%s %q stays", name, value)
		}
	})
}

// FuzzMarks counts marks in anything: they lie in the text, in order and apart.
func FuzzMarks(f *testing.F) {
	s := newScrubber(f, Config{})
	for kind, value := range map[string]string{"email": "a@b.corp", "ip": "10.1.2.3", "uuid": "6f9619ff-8b86-d011-b42d-00c04fc964ff", "phone": "123"} {
		f.Add([]byte(replaced(f, s, kind, value)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		last := 0
		for _, m := range Marks(b) {
			if m.Start < last || m.End <= m.Start || m.End > len(b) || m.Kind == "" {
				t.Fatalf("%+v in %d bytes", m, len(b))
			}
			last = m.End
		}
		w := s.worker()
		defer s.done(w)
		w.scan(b)
		for _, o := range w.own { // ours are among those that anyone counts
			if !slices.ContainsFunc(Marks(b), func(m Finding) bool { return m.Start <= o.start && o.start < m.End }) {
				t.Fatalf("%q is ours, and not counted in %q", b[o.start:o.end], bytes.Clone(b))
			}
		}
	})
}
