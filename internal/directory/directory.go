// SPDX-License-Identifier: Apache-2.0

// Package directory reads what an enterprise already has about its people and machines, for the dictionary of private
// names that the filter uses: git histories, .mailmap and CODEOWNERS files, LDIF and SCIM exports, CSV with a heading,
// hosts files, known_hosts of SSH, and DNS zones.
//
// Start with [Directory.Read], which tells by a file's first lines what it is, never by its name, and with
// [Directory.Write], which writes the CSV that scrub.ReadDictionary reads: sorted, each value once. Lines that cannot be
// read are counted and set aside. It keeps everything in memory, and judges nothing: which names need more than their
// letters to be found is the filter's to say.
package directory

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxLine is how long a line may be; a longer one is set aside.
const maxLine = 1 << 20

// Directory gathers names.
type Directory struct {
	entries map[entry]string // to the id
	// Read counts what was taken in, by form.
	Forms map[string]int
	// SetAside counts lines, and entries, that could not be read; Why says of the first few what was wrong.
	SetAside int
	Why      []string
}

type entry struct{ kind, value string }

// New returns an empty directory.
func New() *Directory { return &Directory{entries: map[entry]string{}, Forms: map[string]int{}} }

// reader takes in one form.
type reader struct {
	name string
	is   func(head []byte) bool // by the first lines
	read func(d *Directory, r *bufio.Reader) error
}

func readers() []reader {
	return []reader{
		{"scim", isSCIM, (*Directory).scim},
		{"ldif", isLDIF, (*Directory).ldif},
		{"git log", isGitLog, (*Directory).gitLog},
		{"zone", isZone, (*Directory).zone},
		{"known_hosts", isKnownHosts, (*Directory).knownHosts},
		{"hosts", isHosts, (*Directory).hosts},
		{"mailmap", isMailmap, (*Directory).gitLog},
		{"codeowners", isCodeowners, (*Directory).codeowners},
		{"csv", isCSV, (*Directory).csv},
	}
}

// ErrForm says that a file is none of the forms that are known.
var ErrForm = errors.New("not a form that is known")

// Read takes in one file, whatever form it has, and returns the form's name.
func (d *Directory) Read(r io.Reader) (form string, err error) {
	in := bufio.NewReaderSize(r, maxLine)
	head, err := in.Peek(16 << 10)
	if err != nil && err != io.EOF {
		return "", fmt.Errorf("read: %w", err)
	}
	head = bytes.TrimPrefix(head, []byte("\ufeff"))
	for _, f := range readers() {
		if f.is(head) {
			d.Forms[f.name]++
			return f.name, f.read(d, in)
		}
	}
	return "", ErrForm
}

// Len is how many values there are.
func (d *Directory) Len() int { return len(d.entries) }

// Counts counts values by kind.
func (d *Directory) Counts() map[string]int {
	n := map[string]int{}
	for e := range d.entries {
		n[e.kind]++
	}
	return n
}

// Write writes kind,value,id lines below a heading, sorted.
func (d *Directory) Write(w io.Writer) error {
	c := csv.NewWriter(w)
	rows := slices.SortedFunc(maps.Keys(d.entries), func(a, b entry) int {
		if n := strings.Compare(a.kind, b.kind); n != 0 {
			return n
		}
		return strings.Compare(a.value, b.value)
	})
	if err := c.Write([]string{"kind", "value", "id"}); err != nil {
		return err
	}
	for _, e := range rows {
		if err := c.Write([]string{e.kind, e.value, d.entries[e]}); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

// setAside counts something that could not be read.
func (d *Directory) setAside(why string) {
	if d.SetAside++; len(d.Why) < 5 {
		d.Why = append(d.Why, why)
	}
}

// add adds a value, where it is one that can be looked for.
func (d *Directory) add(kind, value, id string) {
	value = strings.Join(strings.Fields(value), " ")
	letters := 0
	for _, r := range value {
		if unicode.IsLetter(r) || unicode.IsNumber(r) {
			letters++
		}
	}
	switch {
	case letters < 2:
		return
	case len(value) > 200 || !utf8.ValidString(value) || strings.ContainsAny(value, "\"`=;<>{}|\x00"):
		d.setAside(fmt.Sprintf("%s %.40q is no name that could be looked for", kind, value))
		return
	}
	e := entry{kind, value}
	if old, ok := d.entries[e]; !ok || old == "" {
		d.entries[e] = id
	}
}

// person adds all names of one person: the id is the first address, handle or number of theirs.
func (d *Directory) person(p person) {
	id := ""
	for _, s := range [][]string{p.emails, p.handles, p.numbers} {
		if id == "" && len(s) > 0 {
			id = strings.ToLower(strings.TrimSpace(s[0]))
		}
	}
	for _, name := range p.names {
		if !robot(name) {
			d.add("person", name, id)
		}
	}
	for _, h := range p.handles {
		d.add("user", h, id)
	}
	for _, e := range p.emails {
		if local, _, ok := strings.Cut(e, "@"); ok && !robot(local) {
			d.add("email", e, id)
		}
	}
	for _, n := range p.numbers {
		d.add("person", n, id)
	}
}

// person is what one entry says of somebody.
type person struct{ names, handles, emails, numbers []string }

// robot reports names that are no person's.
func robot(name string) bool {
	name = strings.ToLower(name)
	for _, s := range []string{"[bot]", "noreply", "no-reply", "dependabot", "renovate", "github-actions", "github", "gitlab", "jenkins", "root"} {
		if name == s || strings.HasSuffix(name, "[bot]") || strings.HasPrefix(name, s+"@") {
			return true
		}
	}
	return false
}

// host adds the name of a machine; public names and this machine's own are none.
func (d *Directory) host(name string) {
	name = strings.TrimSuffix(strings.ToLower(strings.TrimSpace(name)), ".")
	if _, err := netip.ParseAddr(name); err == nil || strings.Contains(name, "*") {
		return
	}
	for _, s := range []string{"localhost", "localhost.localdomain", "broadcasthost", "ip6-localhost", "ip6-loopback", "ip6-localnet", "ip6-mcastprefix",
		"ip6-allnodes", "ip6-allrouters", "ip6-allhosts", "github.com", "gitlab.com", "bitbucket.org", "ssh.dev.azure.com", "localhost4", "localhost6"} {
		if name == s {
			return
		}
	}
	d.add("host", name, "")
}

// lines calls each for every line without its end, and sets the ones aside that are too long.
func (d *Directory) lines(r *bufio.Reader, each func(n int, line string)) error {
	for n := 1; ; n++ {
		line, err := r.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			d.setAside(fmt.Sprintf("line %d is longer than %d bytes", n, maxLine))
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = r.ReadSlice('\n')
			}
			if err != nil && err != io.EOF {
				return fmt.Errorf("read line %d: %w", n, err)
			}
		case err != nil && err != io.EOF:
			return fmt.Errorf("read line %d: %w", n, err)
		case len(line) > 0:
			each(n, strings.TrimRight(string(line), "\r\n"))
		}
		if err == io.EOF {
			return nil
		}
	}
}

// headLines returns the first lines of a file that are not empty, without comments.
func headLines(head []byte, comments string) []string {
	var lines []string
	for line := range strings.Lines(string(head)) {
		if line = strings.TrimRight(line, "\r\n"); strings.TrimSpace(line) == "" || strings.IndexByte(comments, strings.TrimSpace(line)[0]) >= 0 {
			continue
		}
		if lines = append(lines, line); len(lines) == 20 {
			break
		}
	}
	return lines
}

// most reports whether at least nine in ten of the lines, and one, are as asked.
func most(lines []string, is func(string) bool) bool {
	n := 0
	for _, l := range lines {
		if is(l) {
			n++
		}
	}
	return n > 0 && 10*n >= 9*len(lines)
}
