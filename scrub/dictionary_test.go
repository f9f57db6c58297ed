// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"
)

func readDictionary(t testing.TB, csv string) *Dictionary {
	t.Helper()
	d, err := ReadDictionary(strings.NewReader(csv))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// listedIn returns what the dictionary alone finds, as text.
func listedIn(d *Dictionary, text string) []string {
	w := &worker{}
	d.find(w, []byte(text))
	var found []string
	for _, h := range w.hits {
		found = append(found, text[h.start:h.end])
	}
	return found
}

const listing = `kind,value,id,match
person,Jane Doe,7
person,jd1815,7
person,jane.doe@corp.example,7
person,Mark Long
person,will
person,QA
person,Zoë Müller
person,Quentin van der Berg
person,Łukasz Strauß
person,李小龙
person,80815
person,E29507
customer,Volta Energía
customer,Fjordbank
customer,Target,,any
project,kestrel
project,İstanbul Gate
project,Tern,,cue
project,Rook One,,exact
host,db1.prod.corp
host,web
ticket,PAY
ticket,SR#337860
phone,+1 (415) 555-2919
iban,ES17 8670 2531 5790 5690 2899
ip,10.20.0.7
`

func TestListedNamesAreFoundHoweverTheyAreWritten(t *testing.T) {
	d := readDictionary(t, listing)
	for text, want := range map[string]string{
		"FjordbankLedgerClient":               "Fjordbank",
		"new ledgerFjordbank()":               "Fjordbank",
		"fjordbank_ledger":                    "fjordbank",
		"FJORDBANK-API":                       "FJORDBANK",
		"FJORDBANKApi":                        "FJORDBANK",
		"fjordbank2":                          "fjordbank",
		"v2Fjordbank":                         "Fjordbank",
		`"a\nFjordbank x\tfjordbank"`:         "Fjordbank|fjordbank",
		"?q=a%20fjordbank%2Ffjordbank":        "fjordbank|fjordbank",
		"Fjord\u200bbank fjord\u00adbank":     "Fjord\u200bbank|fjord\u00adbank",
		"ＦＪＯＲＤＢＡＮＫ":                           "ＦＪＯＲＤＢＡＮＫ",
		"Fjоrdbank with a Cyrillic о":         "Fjоrdbank",
		"Fjordbank’s and Fjordbank's":         "Fjordbank|Fjordbank",
		"—Fjordbank—":                         "Fjordbank",
		"volta-energía":                       "volta-energía",
		"volta-energia":                       "volta-energia",
		"VoltaEnergía.java":                   "VoltaEnergía",
		"voltaenergia":                        "voltaenergia",
		norm.NFD.String("Volta Energía now"):  norm.NFD.String("Volta Energía"),
		"Volta%20Energia":                     "Volta%20Energia",
		"Volta\n    Energía":                  "Volta\n    Energía",
		"Doe, Jane and DOE Jane":              "Doe, Jane|DOE Jane",
		"J. Doe and J.Doe":                    "J. Doe|J.Doe",
		"Q. van der Berg":                     "Q. van der Berg",
		"jane.doe@corp.example":               "jane.doe@corp.example",
		"JaneDoe janeDoe jane_doe":            "JaneDoe|janeDoe|jane_doe",
		"zoe.mueller, zoe.muller, ZOË MÜLLER": "zoe.mueller|zoe.muller|ZOË MÜLLER",
		"Z. Müller":                           "Z. Müller",
		"Zo\xeb M\xfcller in Latin-1":         "Zo\xeb M\xfcller",
		"lukasz strauss":                      "lukasz strauss",
		"ŁUKASZ STRAUSS":                      "ŁUKASZ STRAUSS",
		"演员李小龙在香港":                            "李小龙",
		"istanbul-gate İSTANBUL GATE":         "istanbul-gate|İSTANBUL GATE",
		"Mark Long, mark.long":                "Mark Long|mark.long",
		"author: will":                        "will",
		"ask @will":                           "will",
		"staff no 80815 is E29507":            "80815|E29507",
		"QA said":                             "QA",
		"target":                              "target",
		"project tern":                        "tern",
		"see Rook One":                        "Rook One",
		"api.db1.prod.corp:8080":              "api.db1.prod.corp",
		"ssh web":                             "web",
		"PAY-123, pay_7 and PAY-9/x":          "PAY-123|pay_7|PAY-9",
		"fix SR#337860":                       "SR#337860",
		"call +1 (415) 555-2919":              "1 (415) 555-2919",
		"ES1786702531579056902899":            "ES1786702531579056902899",
		"from 10.20.0.7 port":                 "10.20.0.7",
	} {
		if got := strings.Join(listedIn(d, text), "|"); got != want {
			t.Errorf("%q: found %q, not %q", text, got, want)
		}
	}
}

func TestNamesThatAreOrdinaryWordsNeedMoreThanTheirLetters(t *testing.T) {
	d := readDictionary(t, listing)
	for _, text := range []string{
		"it will pass", "Will you", "mark long lines", "the mark, long ago", "qa qaTest", "web", "webClient", "tern", "rook one", "PAY", "pay the 7", "payment",
		"port 80815", "x = 80815", "10200 7", "102007", "1.10.20.07", "j.doe()", "j doe", "J Doering", "janedoes", "kestrels", "targeted", "Rook One1", "E295070",
	} {
		if got := listedIn(d, text); len(got) > 0 {
			t.Errorf("%q: found %q", text, got)
		}
	}
}

func TestNamesOfOneIdAreOneEntity(t *testing.T) {
	d := readDictionary(t, listing+"person,Jane Roe,8\nperson,jr,8\nperson,Jim Roe,9\nperson,jr,9\n")
	for _, same := range []string{"Jane Doe", "jane.doe", "JD1815", "jane.doe@corp.example", "J. Doe"} {
		if got := d.entity([]byte(same)); got != "7" {
			t.Errorf("%q is of %q", same, got)
		}
	}
	for _, other := range []string{"jr", "J. Roe"} { // of two people
		if got := d.entity([]byte(other)); got == "8" || got == "9" {
			t.Errorf("%q is of %q", other, got)
		}
	}
	if got := d.entity([]byte("nobody")); got != "" {
		t.Errorf("nobody is %q", got)
	}
	s := newScrubber(t, Config{Dictionary: d})
	want := markOf(t, s, "by Jane Doe")
	for _, same := range []string{"jd1815 said", "Doe, Jane", "/home/jd1815/x", "mail jane.doe@corp.example", "jane.doe@elsewhere.example", "J. Doe", "JANE_DOE", "cc jd1815@corp.example"} {
		if got := markOf(t, s, same); got != want {
			t.Errorf("%q has %s, not %s: %s", same, got, want, scrubbed(t, s, same))
		}
	}
	if a, b := markOf(t, s, "zoe.mueller"), markOf(t, s, "Zoë Müller"); a != b {
		t.Errorf("%s, %s", a, b)
	}
}

func TestABadLineOfADictionaryIsNamed(t *testing.T) {
	for csv, want := range map[string]string{
		"person,x\n": "line 1", "kind,value\nplanet,Mars\n": "line 2", "person\n": "line 1", "person,a,b,c,d\n": "line 1", "person,ab,,often\n": "match",
		"person,A = B\n": "joins no words", "person," + strings.Repeat("ab", 150) + "\n": "longer", "person,\"a\n": "line",
	} {
		if _, err := ReadDictionary(strings.NewReader(csv)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", csv, err)
		}
	}
}

// A name is found in every text that is made of it by the rules, whatever stands around.
func TestAnyNameIsFoundInAnyOfItsForms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[A-Z][a-z]{3,7}[aeiou]x`)
		words := rapid.SliceOfN(word, 1, 4).Draw(t, "words")
		d, err := ReadDictionary(strings.NewReader("customer," + strings.Join(words, " ") + "\nhost,zzz9.corp\n"))
		if err != nil {
			t.Fatal(err)
		}
		sep := rapid.SampledFrom([]string{" ", ".", "-", "_", "", "%20", ": ", "\n"}).Draw(t, "sep")
		change := rapid.SampledFrom([]func(string) string{strings.ToUpper, strings.ToLower, func(s string) string { return s }, norm.NFD.String}).Draw(t, "case")
		form := change(strings.Join(words, sep))
		before := rapid.SampledFrom([]string{"", "x ", "\"", "/", "a.", "é ", "old_", "\xff", "ab", "…"}).Draw(t, "before")
		after := rapid.SampledFrom([]string{"", " x", "\"", "/", ".go", "'s", "_new", "\xff", "2", "New", "…"}).Draw(t, "after")
		if camel := strings.HasPrefix(form, strings.ToUpper(form[:1])) && form != strings.ToUpper(form); before == "ab" && !camel || after == "New" && form == strings.ToUpper(form) {
			return // no border there
		}
		got := listedIn(d, before+form+after)
		if !slices.Contains(got, form) {
			t.Fatalf("%q: found %q", before+form+after, got)
		}
	})
}

func FuzzDictionary(f *testing.F) {
	f.Add([]byte(listing), []byte("jane doe FJORDBANK Zo\xeb 李小龙 \\nJane%20Doe"))
	f.Add([]byte("person,a b\nticket,x y\nhost,1.1.1\n"), []byte("a b x y-1 1.1.1 A. B"))
	f.Fuzz(func(t *testing.T, csv, text []byte) {
		d, err := ReadDictionary(bytes.NewReader(csv))
		if err != nil {
			return
		}
		w := &worker{}
		d.find(w, text)
		for _, h := range w.hits {
			if h.start < 0 || h.start >= h.end || h.end > len(text) || h.kind == "" {
				t.Fatalf("%v in %d bytes", h, len(text))
			}
		}
		d.entity(text)
	})
}

// million makes a dictionary as an enterprise of many people has one.
func million(n int) []byte {
	r := rand.New(rand.NewPCG(4, 2))
	syllables := strings.Fields("ka ren mi lo va sten dor ne ri sa tu bel gar on ix fa quin zel har mo pra shi ell und ber co ja ny wi ek")
	word := func(n int) string {
		var s string
		for range n {
			s += syllables[r.IntN(len(syllables))]
		}
		return strings.ToUpper(s[:1]) + s[1:]
	}
	var b bytes.Buffer
	for i := 0; i < n; {
		switch k := r.IntN(10); {
		case k < 6:
			given, family := word(2+r.IntN(2)), word(2+r.IntN(3))
			fmt.Fprintf(&b, "person,%s %s,e%d\nperson,%s%d,e%d\nperson,E%07d,e%d\n", given, family, i, strings.ToLower(given[:1]+family), r.IntN(100), i, i, i)
			i += 3
		case k < 8:
			fmt.Fprintf(&b, "host,%s%d.%s.corp.example\n", strings.ToLower(word(2)), r.IntN(1000), strings.ToLower(word(2)))
			i++
		case k < 9:
			fmt.Fprintf(&b, "project,%s %s\n", word(3), word(2))
			i++
		default:
			fmt.Fprintf(&b, "ticket,%s-%d\n", strings.ToUpper(word(2)[:3]), r.IntN(1e6))
			i++
		}
	}
	return b.Bytes()
}

func heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

func TestADictionaryOfAMillionIsReadInSecondsAndSmall(t *testing.T) {
	n, most := 100_000, 12<<20
	if !testing.Short() && os.Getenv("HEADRACE_LONG") != "" {
		n, most = 1_000_000, 96<<20
	}
	csv := million(n)
	before, start := heap(), time.Now()
	d := readDictionary(t, string(csv))
	took, size := time.Since(start), heap()-before
	t.Logf("%d entries, %d names: %v, %.1f MB (table %.1f, names %.1f, text %.1f, bit set %.1f)", n, len(d.names), took.Round(time.Millisecond), float64(size)/1e6,
		float64(4*len(d.slots))/1e6, float64(16*len(d.names))/1e6, float64(len(d.text))/1e6, float64(8*len(d.cells))/1e6)
	if size > most {
		t.Errorf("%d names take %d bytes", n, size)
	}
	if got := listedIn(d, string(csv[7:bytes.IndexByte(csv[7:], ',')+7])); len(got) != 1 {
		t.Errorf("the first name is not found: %q", got)
	}
}

func BenchmarkDictionary(b *testing.B) {
	src := mixedCode(b, 16<<20)
	d := readDictionary(b, string(million(1_000_000)))
	w := &worker{}
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		w.hits = w.hits[:0]
		d.find(w, src)
	}
	b.ReportMetric(float64(len(w.hits)), "hits")
}

func BenchmarkTextWithAMillionNames(b *testing.B) {
	src := mixedCode(b, 16<<20)
	s := newScrubber(b, Config{Dictionary: readDictionary(b, string(million(1_000_000)))})
	var out []byte
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		var err error
		if out, _, err = s.Text(out[:0], src); err != nil {
			b.Fatal(err)
		}
	}
}

func TestALongWordTakesLinearTimeInTheDictionary(t *testing.T) {
	d := readDictionary(t, listing+"customer,aB\ncustomer,aBaB aB\n")
	for _, unit := range []string{"a", "aB", "李", "fjordbankFjordbank", "jane ", "a1", "\xff", "é", "É", "\\n", "%20", "J. "} {
		w := &worker{}
		took := func(n int) time.Duration {
			text := []byte(strings.Repeat(unit, n/len(unit)))
			return quickest(func() {
				w.hits = w.hits[:0]
				d.find(w, text)
			})
		}
		short, long := took(1<<17), took(1<<19)
		if long > 12*short+time.Second {
			t.Errorf("%q: %v, four times as many %v", unit, short, long)
		}
	}
}

// quickest is the shortest time that f took of five: a busy machine makes the others longer.
func quickest(f func()) time.Duration {
	best := time.Hour
	for range 5 {
		start := time.Now()
		f()
		best = min(best, time.Since(start))
	}
	return best
}

func TestAFoldedLetterKeepsItsPlace(t *testing.T) {
	for in, want := range map[string]string{"É": "e", "e\u0301": "e", "ß": "ss", "İ": "i", "ı": "i", "Ａ": "a", "Ø": "o", "한": "\u1112\u1161\u11ab", "½": "12", "\xe9": "e", "А": "a", "ﬁ": "fi", "—": ""} {
		var out []byte
		n := 0
		for n < len(in) {
			var size int
			out, size, _ = foldLetter(out, []byte(in[n:]))
			if size <= 0 {
				t.Fatalf("%q: %d bytes", in, size)
			}
			n += size
		}
		if d := cmp.Diff(want, strings.ReplaceAll(string(out), "⁄", "")); d != "" || n != len(in) {
			t.Errorf("%q: %s", in, d)
		}
	}
}

// The quick look at the hashes sends most words away; it may send none away that a name begins at.
func TestTheQuickLookMissesNothing(t *testing.T) {
	src := mixedCode(t, 1<<20)
	r := rand.New(rand.NewPCG(5, 6))
	var csv strings.Builder
	for range 3000 { // stretches of the text itself, of one to three words
		at := r.IntN(len(src) - 100)
		start, end := nextWord(src, at)
		for range r.IntN(3) {
			if s, e := nextWord(src, end); s-end <= 2 {
				end = e
			}
		}
		if v := string(src[start:end]); end-start > 3 && !strings.ContainsAny(v, "\"`=;<>{}|\x00\n\\%") {
			fmt.Fprintf(&csv, "customer,%q,,any\n", strings.Trim(v, " "))
		}
	}
	d := readDictionary(t, csv.String())
	quick, slow := &worker{}, &worker{}
	d.find(quick, src)
	for i := 0; i < len(src); {
		if letterOf[src[i]] == 0 {
			i++
			continue
		}
		i = d.word(slow, src, i)
	}
	if diff := cmp.Diff(slow.hits, quick.hits, cmp.AllowUnexported(span{})); diff != "" || len(quick.hits) < 5000 {
		t.Errorf("%d hits: %.2000s", len(quick.hits), diff)
	}
}

// nextWord returns the next run of ASCII letters and digits at or after i.
func nextWord(b []byte, i int) (start, end int) {
	for start = i; start < len(b) && at(b, start)&isAlnum == 0; start++ {
	}
	return start, run(b, start, len(b), isAlnum)
}
