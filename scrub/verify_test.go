// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// looks scrubs b once, and returns what the second look finds near the changes and what it finds everywhere.
func looks(w *worker, b []byte) (near, all []span, ok bool) {
	w.scan(b)
	known := &w.memory
	known.forget()
	for _, h := range w.hits {
		w.remember(known, h)
	}
	known.find(w, b)
	w.spans = w.found(w.spans[:0], b)
	out := w.render(nil, b, 0, len(b))
	near, ok = w.nearby(out, known)
	near = slices.Clone(near)
	return near, slices.Clone(w.everywhere(out, known)), ok
}

func same(a, b []span) bool {
	return slices.EqualFunc(a, b, func(a, b span) bool { return a.start == b.start && a.end == b.end && a.kind == b.kind })
}

func TestTheSecondLookNearTheChangesFindsWhatAFullOneDoes(t *testing.T) {
	s := newScrubber(t, Config{Dictionary: dictionary(t)})
	code := mixedCode(t, 1<<20)
	words := rapid.SampledFrom([]string{"password", " = ", ": ", "\"", "'", "token", "@", ".com", "://", "bob", "ghp_", " ", "\n", "/home/", "SECRET_",
		"xq7", "user_", "host-", ".", "4111111111111111", "\\", "{", "}", ",", "is ", "s3cr3t9x", "Jane Doe", "key", "Bearer ", "AbC9dE2fGh", "é", "&",
		"value", "  - ", "`", "6f9619ff-8b86-d011-b42d-00c04fc964ff", "0x", "10.1.2.3", "+", "(", ")", "db1.prod.corp", "curl -u "})
	looked, more := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		var b []byte
		for range rapid.IntRange(1, 6).Draw(t, "places") {
			from := rapid.IntRange(0, len(code)-8000).Draw(t, "from")
			b = append(b, code[from:from+rapid.IntRange(60, 8000).Draw(t, "length")]...)
			b = append(b, strings.Join(rapid.SliceOfN(words, 1, 25).Draw(t, "words"), "")...)
		}
		w := s.worker()
		defer s.done(w)
		near, all, ok := looks(w, append(b, code[:rapid.IntRange(0, 8000).Draw(t, "rest")]...))
		if !ok {
			return
		}
		if looked++; len(all) > 0 {
			more++
		}
		if !same(near, all) {
			t.Fatalf("near %v, everywhere %v", near, all)
		}
	})
	if looked < 5 {
		t.Errorf("only %d texts were looked at near their changes", looked)
	}
	t.Logf("%d texts looked at, %d of them with more to find", looked, more)
}

// The same on real files, where there are any.
func TestTheSecondLookFindsAllInRealFiles(t *testing.T) {
	s := newScrubber(t, Config{})
	w := s.worker()
	defer s.done(w)
	looked, more, bytes := 0, 0, 0
	files := creddataFiles(t)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if bytes > 16<<20 {
			break
		}
		text := files[name]
		text = text[:min(len(text), window)]
		near, all, ok := looks(w, text)
		if !ok {
			continue
		}
		if looked, bytes = looked+1, bytes+len(text); len(all) > 0 {
			more++
		}
		if !same(near, all) {
			t.Errorf("%s: near %v, everywhere %v", name, near, all)
		}
	}
	t.Logf("%d files of %d bytes looked at near their changes, %d with more to find", looked, bytes, more)
}

func TestOnlyWhatIsNewIsLookedAtAgain(t *testing.T) {
	s := newScrubber(t, Config{})
	w := s.worker()
	defer s.done(w)
	line := "password = \"s3cr3t+v4lue\"\n" + strings.Repeat("plain words\n", 400)
	b := bytes.Repeat([]byte(line), 40)
	w.scan(b)
	w.spans = w.found(w.spans[:0], b)
	for i := range w.spans {
		w.spans[i].old = i != 20
	}
	w.render(nil, b, 0, len(b))
	fresh := 0
	for _, p := range w.pieces {
		if p.fresh {
			fresh++
		}
	}
	if len(w.spans) != 40 || fresh != 1 {
		t.Errorf("%d of %d replacements are new", fresh, len(w.spans))
	}
}
