// SPDX-License-Identifier: Apache-2.0

package public

import (
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestEveryWordOfTheListIsPublicInAnyCase(t *testing.T) {
	b, err := os.ReadFile("words.txt")
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(string(b))
	if len(words) < 30_000 {
		t.Fatalf("the list has only %d words", len(words))
	}
	for i, w := range words {
		if i > 0 && words[i-1] >= w {
			t.Errorf("%s is not in its place", w)
		}
		if !Has([]byte(w)) || !Has([]byte(strings.ToUpper(w))) {
			t.Errorf("%s is not public: run go generate", w)
		}
	}
}

func TestTheKeywordsOfAllLanguagesArePublic(t *testing.T) {
	b, err := os.ReadFile("gather/known.yaml")
	if err != nil {
		t.Fatal(err)
	}
	b = append(b, " break case chan const continue default defer else fallthrough for func go goto if import interface map package range return select struct switch type var"+
		" and as assert async await class def del elif except finally from global in is lambda nonlocal not or pass raise try while with yield"+
		" debugger enum export extends function implements instanceof let new static super this throw typeof void declare namespace readonly keyof infer satisfies undefined"...)
	for i := 0; i < len(b); {
		if !Starts(b, i) {
			i++
			continue
		}
		end := Word(b, i)
		if end-i <= longest && !Has(b[i:end]) {
			t.Errorf("%s is not public", b[i:end])
		}
		i = end
	}
}

func TestNamesOfPeopleAndMadeUpWordsArePrivate(t *testing.T) {
	for w := range strings.FieldsSeq("johnson mueller schmidt garcia nguyen david michael johannes ivanov tanaka fjordbank zorblatt kvistgard Alderbank NORDWIND") {
		if Has([]byte(w)) {
			t.Errorf("%s is public", w)
		}
	}
}

func TestFewPrivateWordsAreTakenForPublicOnes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const n = 1 << 20
	taken := 0
	for range n {
		var w [14]byte
		for i := range w {
			w[i] = byte('a' + r.IntN(26))
		}
		if Has(w[:]) {
			taken++
		}
	}
	if taken > 64 { // 16 are expected
		t.Errorf("%d of %d random words are public", taken, n)
	}
}

func TestNamesAreCutIntoWords(t *testing.T) {
	for name, want := range map[string]string{
		"FjordbankLedgerClient": "Fjordbank Ledger Client",
		"parseHTTPRequest":      "parse HTTP Request",
		"userIDs":               "user IDs",
		"IDsOf":                 "IDs Of",
		"snake_case-kebab.dot":  "snake case kebab dot",
		"utf8x":                 "utf x",
		"größeÄnderung":         "größeÄnderung",
		"日本語 “a”":               "日本語 a",
		"zero\u200bwidth":       "zero\u200bwidth",
		"\xffbad":               "\xffbad",
		"A":                     "A",
		"":                      "",
	} {
		var got []string
		for b, i := []byte(name), 0; i < len(b); {
			if !Starts(b, i) {
				_, n := utf8.DecodeRune(b[i:])
				i += n
				continue
			}
			end := Word(b, i)
			got, i = append(got, string(b[i:end])), end
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%q is cut into %q, want %q", name, s, want)
		}
	}
}

func FuzzWord(f *testing.F) {
	f.Add([]byte("HTTPServerIDs größe\xff\u200b"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for i := range b {
			end := Word(b, i)
			if end < i || end > len(b) || Starts(b, i) != (end > i) {
				t.Fatalf("at %d of %q a word ends at %d", i, b, end)
			}
			Has(b[i:end])
		}
	})
}

func BenchmarkHas(b *testing.B) {
	for b.Loop() {
		Has([]byte("response"))
	}
}
