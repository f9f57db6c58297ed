// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/headrace/headrace/episode"
)

// dictionaryKinds are the kinds that a dictionary may list.
func dictionaryKinds() []string {
	return []string{"person", "user", "email", "host", "ip", "mac", "url", "project", "customer", "ticket", "organisation", "location",
		"address", "phone", "card", "iban", "national_id", "birth_date", "account", "bucket", "branch", "path"}
}

// The kinds that are found in ways of their own, by their place in dictionaryKinds.
const (
	personKind = iota
	userKind
	emailKind
	hostKind
)

func dictionaryKind(k uint8) string { return dictionaryKinds()[k] }

// maxNames bounds a dictionary: its table counts in 32 bits and its text is at most 1 GiB.
const maxNames = 1 << 25

// ReadDictionary reads CSV of kind,value[,id[,match]]. The kind is person (a name, handle, e-mail or staff number), host,
// project, customer, ticket (a number, or the key that a system's numbers begin with), or another of the kinds that
// findings have. Values with the same id are one entity and get one mark. The match says in which form the value counts
// where the rule for its length and its words is wrong: any, exact (as written, between word borders) or cue (beside a
// word that says what it is). A first line that begins with "kind" is a heading. Several files make one dictionary.
func ReadDictionary(files ...io.Reader) (*Dictionary, error) {
	b := builder{d: &Dictionary{slots: make([]uint32, 1<<8)}, common: commonWords()}
	for _, r := range files {
		if err := b.read(r); err != nil {
			return nil, err
		}
	}
	return b.finish(), nil
}

// read adds a file.
func (b *builder) read(r io.Reader) error {
	c := csv.NewReader(r)
	c.FieldsPerRecord, c.ReuseRecord, c.TrimLeadingSpace = -1, true, true
	kinds := map[string]uint8{"employee": personKind}
	for i, k := range dictionaryKinds() {
		kinds[k] = uint8(i)
	}
	for {
		row, err := c.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return dictionaryError(err.Error())
		}
		line, _ := c.FieldPos(0)
		if line == 1 {
			row[0] = strings.TrimPrefix(row[0], "\ufeff")
		}
		word := strings.ToLower(strings.TrimSpace(row[0]))
		if line == 1 && word == "kind" {
			continue
		}
		kind, ok := kinds[word]
		switch {
		case !ok:
			err = fmt.Errorf("kind %q is not one of %s", row[0], strings.Join(dictionaryKinds(), ", "))
		case len(row) < 2 || len(row) > 4:
			err = fmt.Errorf("%d columns where there may be two to four", len(row))
		default:
			row = append(row[:len(row):len(row)], "", "")
			err = b.add(kind, strings.TrimSpace(row[1]), strings.TrimSpace(row[2]), strings.ToLower(strings.TrimSpace(row[3])))
		}
		if err != nil {
			return dictionaryError(fmt.Sprintf("line %d: %v", line, err))
		}
	}
}

func dictionaryError(what string) error {
	return &episode.Problem{Code: "scrub/dictionary", Message: "read dictionary: " + what,
		Hint: `write CSV lines such as person,"Jane Doe" or host,db1.corp; headrace dictionary makes them from what you have`}
}

// builder is a dictionary being read.
type builder struct {
	d      *Dictionary
	goesOn []uint64 // hashes of what names begin with
	common map[string]bool
	key    []byte
	parts  []subword
}

// add adds a value.
func (b *builder) add(kind uint8, value, id, match string) error {
	b.key = appendKey(b.key[:0], []byte(value))
	switch n := len(b.key); {
	case n < 2:
		return fmt.Errorf("value %q has fewer than two letters", value)
	case n > maxListed || len(value) > 255:
		return fmt.Errorf("value %.40q… is longer than %d letters", value, maxListed)
	case len(b.d.names) >= maxNames:
		return fmt.Errorf("more than %d names", maxNames)
	}
	words, err := b.begin([]byte(value))
	if err != nil {
		return err
	}
	how := anyhow
	switch match {
	case "":
		how = b.manner(kind, value, words)
	case "any":
	case "exact":
		how = exact
	case "cue":
		how = cued
	default:
		return fmt.Errorf("match %q is not one of any, exact, cue", match)
	}
	if (kind == personKind || kind == userKind) && strings.Contains(value, "@") {
		kind = emailKind
	}
	same := ^uint32(0)
	if id != "" {
		if key := appendKey(nil, []byte(id)); len(key) > 0 && len(key) <= maxListed {
			same = b.put(key, kind, idOnly, ^uint32(0), "")
		}
	}
	same = b.put(b.key, kind, how, same, value)
	b.d.names[same].grouped = b.d.names[same].grouped || id != ""
	if kind == personKind && len(words) > 1 && !strings.ContainsAny(value, "0123456789_/") {
		r, _ := utf8.DecodeRuneInString(words[0])
		if rest := strings.Join(words[1:], " "); r != utf8.RuneError && utf8.RuneCountInString(rest) > 2 {
			initial := string(r) + " " + rest
			if _, err := b.begin([]byte(initial)); err == nil {
				b.put(appendKey(nil, []byte(initial)), kind, initials, b.d.names[same].same, initial)
			}
			last := appendKey(nil, []byte(words[len(words)-1])) // Doe, Jane
			b.goesOn = append(b.goesOn, hashOf(last))
		}
	}
	if digits := strings.Trim(string(b.key), "0123456789."); how == anyhow && kind >= hostKind && len(digits) <= 4 && len(b.key) >= 10 && strings.Contains(string(b.key), ".") {
		switch dictionaryKind(kind) {
		case "phone", "iban", "card", "national_id", "account":
			b.put([]byte(strings.ReplaceAll(string(b.key), ".", "")), kind, how, b.d.names[same].same, "")
		}
	}
	if strings.ContainsAny(value, "äöüÄÖÜ") { // Müller, Mueller
		other := strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "Ä", "Ae", "Ö", "Oe", "Ü", "Ue").Replace(value)
		if _, err := b.begin([]byte(other)); err == nil {
			b.put(appendKey(nil, []byte(other)), kind, how, b.d.names[same].same, other)
		}
	}
	return nil
}

// begin notes what a value begins with, at each border of it, and returns its words.
func (b *builder) begin(value []byte) (words []string, err error) {
	next := 0
	for next < len(value) {
		if _, _, word := foldLetter(nil, value[next:]); word {
			break
		}
		_, size := utf8.DecodeRune(value[next:])
		next += size
	}
	var h uint64
	digits := false
	for {
		n := len(b.parts)
		b.parts = appendParts(b.parts, value, next)
		found := b.parts[n:]
		if len(found) == 0 {
			break
		}
		for i, q := range found {
			if i == 0 && len(words) > 0 && digits && q.digits {
				h = h*hashBase + '.'
			}
			h, digits = h*q.pow+q.hash, q.digits
			b.goesOn = append(b.goesOn, h)
		}
		end := found[len(found)-1].end
		words = append(words, string(value[next:end]))
		b.parts = b.parts[:0]
		if end == len(value) || strings.IndexFunc(string(value[end:]), wordRune) < 0 {
			break
		}
		if next = afterJoint(value, end); next == 0 {
			return nil, fmt.Errorf("value %q: what stands after %q joins no words of one name", value, words[len(words)-1])
		}
	}
	if len(b.goesOn) > 0 {
		b.goesOn = b.goesOn[:len(b.goesOn)-1] // the whole does not go on
	}
	return words, nil
}

func wordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

// manner returns in which form a value counts, so that it does not shred ordinary text.
func (b *builder) manner(kind uint8, value string, words []string) manner {
	key := string(b.key)
	digits := strings.Trim(key, "0123456789.") == ""
	name := false
	switch dictionaryKind(kind) {
	case "person", "user", "project", "customer", "organisation", "location", "ticket", "branch":
		name = true
	}
	switch {
	case dictionaryKind(kind) == "ticket" && !strings.ContainsAny(key, "0123456789"):
		return ticketKey
	case digits && len(words) == 1 && len(key) < 6:
		return cued
	case len(key) <= 3 && strings.ToLower(value) != value:
		return exact
	case len(key) <= 3, len(words) == 1 && b.common[key]:
		return cued
	case len(words) == 1 || !name:
		return anyhow
	case len(key) < 6:
		return capital
	}
	if len(words) > 2 {
		return anyhow
	}
	for _, w := range words {
		if w = string(appendKey(nil, []byte(w))); len(w) > 2 && !b.common[w] {
			return anyhow
		}
	}
	return capital
}

// put adds a name of the entity same (the highest number: of its own), or joins it with the one that has these letters,
// and returns its number. A name of two entities is of neither.
func (b *builder) put(key []byte, kind uint8, how manner, same uint32, value string) uint32 {
	d := b.d
	mask := uint32(len(d.slots) - 1)
	s := uint32(mixed(hashOf(key))) & mask
	for ; d.slots[s] != 0; s = (s + 1) & mask {
		i := d.slots[s] - 1
		n := &d.names[i]
		if int(n.size) != len(key) || string(d.text[n.at:n.at+uint32(n.size)]) != string(key) {
			continue
		}
		switch {
		case how == idOnly || how == initials && n.how != idOnly && n.how != initials:
			return i
		case n.how == idOnly || n.how == initials && how != initials:
			own := n.how == idOnly
			if how == exact {
				n.at = d.append(key, value)
			}
			if n.kind, n.how = kind, how; same != ^uint32(0) && !(own && n.same == i && same == i) {
				n.same = same
			} else if !own {
				n.same = i
			}
		case same != ^uint32(0) && same != n.same:
			if n.same == i && how != initials {
				n.same = same // it had no id so far
			} else {
				n.same = i
			}
		}
		return i
	}
	i := uint32(len(d.names))
	if same == ^uint32(0) {
		same = i
	}
	n := listedName{at: uint32(len(d.text)), same: same, size: uint8(len(key)), kind: kind, how: how}
	if d.text = append(d.text, key...); how == exact {
		d.text = append(append(d.text, uint8(len(value))), value...)
	}
	d.names = append(d.names, n)
	if d.slots[s] = i + 1; len(d.names)*3 > len(d.slots)*2 {
		d.slots = make([]uint32, 2*len(d.slots))
		d.fill()
	}
	return i
}

// append adds a name that is to be found as written.
func (d *Dictionary) append(key []byte, value string) uint32 {
	at := uint32(len(d.text))
	d.text = append(append(append(d.text, key...), uint8(len(value))), value...)
	return at
}

// fill puts all names into empty slots.
func (d *Dictionary) fill() {
	mask := uint32(len(d.slots) - 1)
	for i := range d.names {
		n := &d.names[i]
		s := uint32(mixed(hashOf(d.text[n.at:n.at+uint32(n.size)]))) & mask
		for d.slots[s] != 0 {
			s = (s + 1) & mask
		}
		d.slots[s] = uint32(i) + 1
	}
}

// finish makes the bit set, with one or two names a cell.
func (b *builder) finish() *Dictionary {
	d := b.d
	d.names, d.text = slices.Clip(d.names), slices.Clip(d.text)
	slices.Sort(b.goesOn)
	b.goesOn = slices.Compact(b.goesOn)
	size := 1 << bits.Len(uint(max(len(d.names), len(b.goesOn), 64)/2))
	d.cells = make([]uint64, min(size, 1<<20))
	d.shift = 64 - uint(bits.TrailingZeros(uint(len(d.cells))))
	d.pows[0] = 1
	for i := range d.pows[1:] {
		d.pows[i+1] = d.pows[i] * hashBase
	}
	for i := range d.names {
		if n := &d.names[i]; n.how != idOnly {
			d.mark(hashOf(d.text[n.at:n.at+uint32(n.size)]), 0)
		}
	}
	for _, h := range b.goesOn {
		d.mark(h, 32)
	}
	return d
}

// mark sets the three bits of a hash in one half of its cell.
func (d *Dictionary) mark(h uint64, half uint) {
	h = mixed(h)
	d.cells[h>>d.shift] |= (1<<(h&31) | 1<<(h>>5&31) | 1<<(h>>10&31)) << half
}
