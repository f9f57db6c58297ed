// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"maps"
	"slices"
)

// form says what a replacement keeps of what it replaces.
type form uint8

const (
	whole      form = iota // nothing: one mark
	addressed              // name@host stays an address
	labelled               // a host name keeps its labels
	linked                 // a URL keeps its scheme, labels, port and public folders
	foldered               // a path keeps its public folders and its extension
	numbered               // an IP address stays one, in 2001:db8::/32
	identified             // a UUID stays one, of version 8
	worded                 // a word stays one, of a name that may go on around it
)

// structural reports forms that keep parts: a finding of another form inside of one is replaced by itself.
func (f form) structural() bool {
	return f == addressed || f == labelled || f == linked || f == foldered
}

// kind says what stands in place of the findings of one kind.
type kind struct {
	family string // of the id: one entity has one id, whichever kind it was found as
	head   string // of the mark
	form   form
	same   func(dst, value []byte) []byte // appends the form that all writings of an entity share
	recall recallRule
	why    string // of the finding, for [Finding.Why]
}

// kinds is the table of kinds. What is not in it is a secret: a vendor's, or an administrator's own.
func kinds() map[string]kind {
	t := map[string]kind{
		"person":   {family: "person", head: "user_", same: appendPerson, recall: ofPerson, why: "it names a person"},
		"user":     {family: "person", head: "user_", same: appendPerson, recall: ofUser, why: "it is the handle of a person"},
		"email":    {family: "person", head: "user_", form: addressed, same: appendPerson, why: "an address names a person and where they work"},
		"host":     {family: "host", head: "host-", form: labelled, same: appendHostName, recall: ofHost, why: "it names a machine"},
		"url":      {family: "host", head: "host-", form: linked, same: appendHostName, why: "it leads to a machine that is not public"},
		"ip":       {family: "ip", head: "PRIVATE_ip_", form: numbered, same: appendCode, why: "it is the address of a machine"},
		"uuid":     {family: "uuid", head: "SECRET_uuid_", form: identified, same: appendCode, why: "an id like this belongs to one person, machine or request"},
		"project":  {family: "project", head: "project_", same: appendName, why: "it is the name of a project"},
		"customer": {family: "organisation", head: "customer_", same: appendName, why: "it is the name of a customer"},
		"ticket":   {family: "ticket", head: "ticket_", same: appendCode, why: "it is the number of a ticket"},
	}
	t[kindWord] = kind{family: kindWord, form: worded, same: appendCode, recall: never, why: "it is a word that public code does not have"}
	add := func(name, why string, form form, same func(dst, value []byte) []byte, recall recallRule) {
		t[name] = kind{family: name, head: private + name + "_", form: form, same: same, recall: recall, why: why}
	}
	add("organisation", "it is the name of an organisation", whole, appendName, never)
	add("location", "it says where somebody is", whole, appendName, never)
	add("address", "it is a postal address", whole, appendName, never)
	add("phone", "it is a telephone number", whole, appendPhone, never)
	add("card", "it is the number of a payment card: its check digit is right", whole, appendCode, never)
	add("iban", "it is the number of a bank account: its check digits are right", whole, appendCode, never)
	add("national_id", "it is the number of a person", whole, appendCode, ofWord)
	add("birth_date", "it is the day somebody was born", whole, appendCode, never)
	add("mac", "it is the address of a network card", whole, appendCode, never)
	add("account", "it is the number of an account", whole, appendCode, ofWord)
	add("bucket", "it is the name of a private store", whole, appendName, ofWord)
	add("path", "it names folders of somebody's own", foldered, appendName, never)
	add("branch", "it is the name of a branch", foldered, appendName, never)
	for _, s := range []struct{ name, why string }{
		{"password", "it stands where a password stands"},
		{"secret", "it stands where a secret stands"},
		{"token", "it stands where a token stands"},
		{"key", "it stands where a key stands"},
		{"credential", "it stands where a credential stands"},
		{"url_password", "it is the password in a URL"},
		{"basic_auth", "it is a name and a password in base64"},
		{"jwt", "it is a signed token, and who holds it may use it"},
		{"opaque", "it looks random, and what looks random may open something"},
		{"hash", "it looks like a digest, and a digest can be looked up"},
		{"mark", "it has the form of a mark, but this key did not make it"},
		{"unsafe", "it could not be proven clean, so all of it went"},
		{"canary", "it was planted and must never leave"},
	} {
		t[s.name] = secretKind(s.name, s.why)
	}
	for _, name := range []string{"token", "key", "credential"} {
		k := t[name]
		k.recall = ofNoise
		t[name] = k
	}
	k := secretKind("private_key", "it is a private key")
	k.same, k.recall = appendKeyBody, never
	t["private_key"] = k
	for _, name := range []string{"mark", "unsafe", "canary", "opaque", "hash"} {
		k := t[name]
		k.recall = never
		t[name] = k
	}
	return t
}

// Kinds lists every kind of finding, sorted, but those of an administrator's rules.
func Kinds() ([]string, error) {
	all := slices.Collect(maps.Keys(kinds()))
	vendors, err := forms()
	if err != nil {
		return nil, err
	}
	for _, f := range vendors {
		all = append(all, f.kind)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

const knownForm = "it has the form of a credential that is known"

func secretKind(name, why string) kind {
	return kind{family: "secret", head: secret + headOf(name) + "_", same: appendSecret, recall: ofSecret, why: why}
}

// headOf makes any name into what may stand in a head.
func headOf(name string) string {
	b := make([]byte, 0, maxKind)
	for _, c := range []byte(name) {
		if len(b) == maxKind {
			break
		}
		switch {
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		case c >= 'a' && c <= 'z':
		default:
			c = '_'
		}
		b = append(b, c)
	}
	return string(b)
}

// kindOf looks a kind up, and makes one of a name that the table does not have.
func (w *worker) kindOf(name string) kind {
	k, ok := w.kinds[name]
	if !ok {
		k = secretKind(name, knownForm)
		w.kinds[name] = k
	}
	return k
}
