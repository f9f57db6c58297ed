// SPDX-License-Identifier: Apache-2.0

package directory

import (
	"bufio"
	"encoding/base64"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// mailbox is "Name <local@host>".
var mailbox = regexp.MustCompile(`([^<>:,]*)<([^<>@\s]+@[^<>@\s]+)>`)

// isGitLog looks for the lines that git log writes by default.
func isGitLog(head []byte) bool {
	for _, l := range headLines(head, "") {
		if strings.HasPrefix(l, "commit ") || strings.HasPrefix(l, "Author: ") {
			return true
		}
	}
	return false
}

// isMailmap takes lists of "Name <address>", as .mailmap, git shortlog -se and AUTHORS have them.
func isMailmap(head []byte) bool { return most(headLines(head, "#"), mailbox.MatchString) }

// gitLog takes in every "Name <address>" of the lines Author, Committer and the trailers. Two on one line are one person.
func (d *Directory) gitLog(r *bufio.Reader) error {
	return d.lines(r, func(_ int, line string) {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			return
		}
		var p person
		for _, m := range mailbox.FindAllStringSubmatch(line, -1) {
			if name := strings.TrimSpace(strings.TrimLeft(m[1], "0123456789\t ")); name != "" {
				p.names = append(p.names, name)
			}
			p.emails = append(p.emails, m[2])
		}
		d.person(p)
	})
}

// ownersLine is a pattern followed by owners.
var ownersLine = regexp.MustCompile(`^\S+(\s+(@[\w.-]+(/[\w.-]+)*|[^\s@,;\"<>]+@[^\s@,;\"<>]+))+(\s+#.*)?$`)

func isCodeowners(head []byte) bool {
	return most(headLines(head, "#["), func(l string) bool { return ownersLine.MatchString(strings.TrimSpace(l)) })
}

func (d *Directory) codeowners(r *bufio.Reader) error {
	return d.lines(r, func(_ int, line string) {
		line, _, _ = strings.Cut(line, "#")
		for i, f := range strings.Fields(line) {
			switch {
			case i == 0 || strings.HasPrefix(f, "["):
			case strings.HasPrefix(f, "@") && !strings.Contains(f, "/"):
				d.person(person{handles: []string{f[1:]}})
			case strings.HasPrefix(f, "@"):
				d.add("project", f[strings.LastIndexByte(f, '/')+1:], "") // a team
			case strings.Contains(f, "@"):
				d.person(person{emails: []string{f}})
			}
		}
	})
}

func isLDIF(head []byte) bool {
	lines := headLines(head, "#")
	return len(lines) > 0 && (strings.HasPrefix(lines[0], "dn:") || strings.HasPrefix(lines[0], "version:") && len(lines) > 1 && strings.HasPrefix(lines[1], "dn:"))
}

// ldif takes in the entries of RFC 2849: people, and the names of computers.
func (d *Directory) ldif(r *bufio.Reader) error {
	attrs := map[string][]string{}
	var last string
	flush := func() {
		d.ldapEntry(attrs)
		clear(attrs)
		last = ""
	}
	put := func() {
		name, value, ok := strings.Cut(last, ":")
		if !ok {
			if last != "" && last != "-" {
				d.setAside(fmt.Sprintf("LDIF line %.30q has no value", last))
			}
			return
		}
		if b64, is := strings.CutPrefix(value, ":"); is {
			b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(b64))
			if err != nil {
				d.setAside("LDIF value of " + name + " is no base64")
				return
			}
			value = string(b)
		}
		name, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(name)), ";") // cn;lang-de
		attrs[name] = append(attrs[name], strings.TrimSpace(value))
	}
	err := d.lines(r, func(_ int, line string) {
		switch {
		case strings.HasPrefix(line, " ") && last != "" && len(last)+len(line) < maxLine:
			last += line[1:]
			return
		case strings.HasPrefix(line, "#"):
			return
		}
		put()
		if last = line; line == "" {
			flush()
		}
	})
	put()
	flush()
	return err
}

func (d *Directory) ldapEntry(a map[string][]string) {
	all := func(names ...string) (v []string) {
		for _, n := range names {
			v = append(v, a[n]...)
		}
		return v
	}
	if slices.ContainsFunc(a["objectclass"], func(c string) bool {
		return strings.EqualFold(c, "computer") || strings.EqualFold(c, "device") || strings.EqualFold(c, "ipHost")
	}) {
		for _, h := range all("dnshostname", "cn") {
			d.host(strings.TrimSuffix(h, "$"))
		}
		return
	}
	p := person{emails: all("mail", "userprincipalname", "mailalternateaddress"), handles: all("uid", "samaccountname", "githubusername"),
		numbers: all("employeenumber", "employeeid")}
	if len(p.emails)+len(p.handles) == 0 && len(a["sn"]) == 0 {
		return // a group, a folder
	}
	p.names = all("displayname", "cn")
	for _, given := range a["givenname"] {
		for _, sn := range a["sn"] {
			p.names = append(p.names, given+" "+sn)
		}
	}
	d.person(p)
}

func isSCIM(head []byte) bool {
	return len(head) > 0 && (head[0] == '{' || head[0] == '[') && strings.Contains(string(head), `"schemas"`)
}

// scim takes in list responses of RFC 7644, and single users and groups, of any depth: each object with a userName or a
// displayName is one.
func (d *Directory) scim(r *bufio.Reader) error {
	dec := jsontext.NewDecoder(r, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	for {
		err := d.scimValue(dec, "", nil)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			d.setAside("SCIM: " + err.Error())
			return nil // what was read before stays
		}
	}
}

// scimValue reads one value that stands under key in an object of what in gathers.
func (d *Directory) scimValue(dec *jsontext.Decoder, key string, in *scimResource) error {
	tok, err := dec.ReadToken()
	if err != nil {
		return err
	}
	switch tok.Kind() {
	case '"':
		if in != nil {
			in.take(key, tok.String())
		}
	case '[':
		for dec.PeekKind() != ']' && dec.PeekKind() != 0 {
			if err := d.scimValue(dec, key, in); err != nil {
				return err
			}
		}
		_, err = dec.ReadToken()
	case '{':
		if dec.StackDepth() > 64 {
			return errors.New("nested too deep")
		}
		own := in
		if in == nil || key == "resources" {
			own = &scimResource{}
		}
		for dec.PeekKind() == '"' {
			name, err := dec.ReadToken()
			if err != nil {
				return err
			}
			k := strings.ToLower(name.String())
			if k == "value" || k == "formatted" {
				k = key + "." + k
			}
			if err := d.scimValue(dec, k, own); err != nil {
				return err
			}
		}
		if _, err = dec.ReadToken(); err == nil && own != in {
			own.done(d)
		}
	}
	return err
}

// scimResource is a user or a group as it is read.
type scimResource struct {
	person
	group         bool
	display       []string
	given, family string
}

func (s *scimResource) take(key, value string) {
	switch key {
	case "username", "externalid", "nickname":
		if strings.Contains(value, "@") {
			s.emails = append(s.emails, value)
		} else if key == "username" {
			s.handles = append(s.handles, value)
		}
	case "displayname":
		s.display = append(s.display, value)
	case "name.formatted":
		s.names = append(s.names, value)
	case "givenname":
		s.given = value
	case "familyname":
		s.family = value
	case "emails.value":
		s.emails = append(s.emails, value)
	case "employeenumber":
		s.numbers = append(s.numbers, value)
	case "schemas":
		s.group = s.group || strings.HasSuffix(value, ":Group")
	}
}

func (s *scimResource) done(d *Directory) {
	if s.group {
		for _, g := range s.display {
			d.add("project", g, "")
		}
		return
	}
	s.names = append(s.names, s.display...)
	if s.given != "" && s.family != "" {
		s.names = append(s.names, s.given+" "+s.family)
	}
	d.person(s.person)
}

// columns are the headings of CSV that are known, without case, blanks and signs.
func columns() map[string]string {
	m := map[string]string{}
	for kind, names := range map[string]string{
		"name":     "name fullname displayname cn employeename person",
		"given":    "firstname givenname given forename vorname prenom",
		"family":   "lastname surname familyname family sn nachname nom",
		"handle":   "handle username user login uid samaccountname account accountname userid github gitlab nickname",
		"email":    "email mail emailaddress workemail primaryemail userprincipalname upn",
		"number":   "staffnumber employeenumber employeeid staffid personnelnumber pernr badge employee",
		"host":     "host hostname fqdn server dnsname machine computername",
		"project":  "project projectname codename repository repo",
		"customer": "customer customername client clientname account_name company companyname",
		"ticket":   "ticket ticketkey projectkey issuekey",
		"kind":     "kind", "value": "value", "id": "id",
	} {
		for n := range strings.FieldsSeq(names) {
			m[strings.ReplaceAll(n, "_", "")] = kind
		}
	}
	return m
}

func headings(row []string) (kinds []string, known int) {
	all := columns()
	for _, h := range row {
		h = strings.ToLower(strings.Map(func(r rune) rune {
			if strings.ContainsRune(" _-.\ufeff", r) {
				return -1
			}
			return r
		}, h))
		if all[h] != "" {
			known++
		}
		kinds = append(kinds, all[h])
	}
	return kinds, known
}

func comma(head string) rune {
	line, _, _ := strings.Cut(head, "\n")
	best := ','
	for _, c := range ";\t" {
		if strings.Count(line, string(c)) > strings.Count(line, string(best)) {
			best = c
		}
	}
	return best
}

func isCSV(head []byte) bool {
	line, _, _ := strings.Cut(string(head), "\n")
	c := csv.NewReader(strings.NewReader(line))
	c.Comma = comma(line)
	row, err := c.Read()
	if err != nil {
		return false
	}
	_, known := headings(row)
	return known > 0
}

// csv takes in a table whose first line names its columns. A row's names are one person's; kind,value,id is what Write
// writes.
func (d *Directory) csv(r *bufio.Reader) error {
	head, _ := r.Peek(4 << 10)
	c := csv.NewReader(io.LimitReader(r, 4<<30))
	c.Comma, c.FieldsPerRecord, c.ReuseRecord, c.LazyQuotes, c.TrimLeadingSpace = comma(string(head)), -1, true, true, true
	row, err := c.Read()
	if err != nil {
		return fmt.Errorf("read CSV: %w", err)
	}
	kinds, _ := headings(row)
	for {
		row, err := c.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if e, ok := errors.AsType[*csv.ParseError](err); ok {
			d.setAside(e.Error())
			continue
		}
		if err != nil {
			return fmt.Errorf("read CSV: %w", err)
		}
		var p person
		cell := map[string]string{}
		for i, v := range row {
			if v = strings.TrimSpace(v); i >= len(kinds) || v == "" {
				continue
			}
			switch cell[kinds[i]] = v; kinds[i] {
			case "name":
				p.names = append(p.names, v)
			case "handle":
				p.handles = append(p.handles, v)
			case "email":
				p.emails = append(p.emails, v)
			case "number":
				p.numbers = append(p.numbers, v)
			case "host":
				d.host(v)
			case "project", "customer", "ticket":
				d.add(kinds[i], v, "")
			}
		}
		if cell["given"] != "" && cell["family"] != "" {
			p.names = append(p.names, cell["given"]+" "+cell["family"])
		}
		if cell["kind"] != "" && cell["value"] != "" {
			d.add(strings.ToLower(cell["kind"]), cell["value"], cell["id"])
		}
		d.person(p)
	}
}
