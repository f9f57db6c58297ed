// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// A record may hold any number of secrets that begin alike, of any lengths: all are found again, and the work for one
// byte of text does not grow with them.
func TestSecretsThatBeginAlikeAreAllFoundAgain(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	w := newScrubber(t, Config{}).worker()
	var known recall
	var values []string
	for n := range 300 {
		v := "a1B2" + of(alnum, 2+(n*37)%160)(r)
		values = append(values, v)
		known.add("password", []byte(v), false)
	}
	head := binary.LittleEndian.Uint32([]byte("a1B2"))
	if n := len(known.lengths[head]); n > maxLengths+2 {
		t.Errorf("%d lengths are compared for each byte", n)
	}
	for _, v := range values {
		b := []byte("see " + v + ", there")
		w.hits = w.hits[:0]
		known.find(w, b)
		whole := false
		for _, h := range w.hits {
			whole = whole || h.start <= 4 && h.end >= 4+len(v)
		}
		if !whole {
			t.Errorf("%q is found as %v", v, w.hits)
		}
	}
}

func TestSecretsThatOverlapAreBothFoundAgain(t *testing.T) {
	w := newScrubber(t, Config{}).worker()
	var known recall
	known.add("password", []byte("k3y-abcdef"), false)
	known.add("password", []byte("def-9x8y7z"), false)
	b := []byte("k3y-abcdef-9x8y7z")
	w.hits = w.hits[:0]
	known.find(w, b)
	if spans := w.found(nil, b); len(spans) != 1 || spans[0].end != len(b) {
		t.Errorf("%v", spans)
	}
}

func TestANameIsFoundAgainAsAWordAndASecretAnywhere(t *testing.T) {
	w := newScrubber(t, Config{}).worker()
	for _, c := range []struct {
		kind, value, text string
		again             bool
	}{
		{"user", "jdoe7", "ask jdoe7.", true}, {"user", "jdoe7", "ask xjdoe7x", false}, {"user", "jd", "ask jd", false},
		{"person", "Jane Doe", "(Jane Doe)", true}, {"person", "Grace", "by Grace", false},
		{"host", "db-03", "on db-03:", false}, {"host", "db-prod-03", "on db-prod-03:", true}, {"host", "machine", "the machine", false},
		{"secret", "x9Kq2Lm4", "axx9Kq2Lm4bb", true}, {"secret", "open sesame", "say open sesame now", true}, {"secret", "horsebattery", "horsebatteryx", false},
		{"account", "123456789012", "of 123456789012", true}, {"email", "a@b.corp", "a@b.corp", false}, {"password", "localhost", "localhost", false},
	} {
		var known recall
		w.buf = []byte(c.value)
		w.remember(&known, span{start: 0, end: len(c.value), kind: c.kind})
		w.hits = w.hits[:0]
		known.find(w, []byte(c.text))
		if again := len(w.hits) > 0; again != c.again {
			t.Errorf("%s %q in %q: found again is %t", c.kind, c.value, c.text, again)
		}
	}
}

// However a text comes in, and whichever scrubber of the same key takes it, one entity has one mark.
func TestOneEntityHasOneMarkWhereverItIsFound(t *testing.T) {
	const text = `password = "s3cr3t+v4lue" bob.miller@corp.com`
	want := anyMark.FindAllString(scrubbed(t, newScrubber(t, Config{}), text), -1)
	s := newScrubber(t, Config{})
	var stream strings.Builder
	if _, err := s.Stream(&stream, strings.NewReader(strings.Repeat("plain\n", 500_000)+text), nil); err != nil {
		t.Fatal(err)
	}
	field, _, err := s.Field(nil, fmt.Appendf(nil, `{"t":%q}`, text), "t")
	if err != nil {
		t.Fatal(err)
	}
	e := decode(t, fmt.Sprintf(`{"schema_version":"1.0","id":"ep_1","instruction":%q}`, text))
	if _, err := s.Episode(e); err != nil {
		t.Fatal(err)
	}
	for name, out := range map[string]string{"stream": stream.String(), "field": string(field), "episode": string(e.Instruction)} {
		if got := anyMark.FindAllString(out, -1); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, not %v", name, got, want)
		}
	}
}
