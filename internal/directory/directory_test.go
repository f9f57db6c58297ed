// SPDX-License-Identifier: Apache-2.0

package directory

import (
	"bufio"
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func written(t *testing.T, d *Directory) string {
	t.Helper()
	var b bytes.Buffer
	if err := d.Write(&b); err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(b.String(), "kind,value,id\n")
}

func TestEveryFormIsKnownByItsShape(t *testing.T) {
	for _, test := range []struct{ form, in, want string }{
		{"git log", "commit 3f2a\nAuthor: Ada Byron <ada@alder.example>\nDate: x\n\n    Fix: it\n\n    Co-authored-by: Bo Li <bo@alder.example>\n",
			"email,ada@alder.example,ada@alder.example\nemail,bo@alder.example,bo@alder.example\nperson,Ada Byron,ada@alder.example\nperson,Bo Li,bo@alder.example\n"},
		{"git log", "Author: Ada Byron <ada@alder.example> A. Byron <ada@home.example>\nCommitter: GitHub <noreply@github.com>\n",
			"email,ada@alder.example,ada@alder.example\nemail,ada@home.example,ada@alder.example\nperson,A. Byron,ada@alder.example\nperson,Ada Byron,ada@alder.example\n"},
		{"mailmap", "# people\nAda Byron <ada@alder.example> <ab@old.example>\n", "email,ab@old.example,ada@alder.example\nemail,ada@alder.example,ada@alder.example\nperson,Ada Byron,ada@alder.example\n"},
		{"codeowners", "* @ada\n/db/ @alder/storage bo@alder.example # both\n", "email,bo@alder.example,bo@alder.example\nproject,storage,\nuser,ada,ada\n"},
		{"ldif", "version: 1\n\ndn: uid=ab,dc=alder\nobjectClass: person\ncn: Ada Byron\ngivenName: Ada\nsn: By\n ron\nuid: ab\nmail: ada@alder.example\nemployeeNumber: 81\ncn;lang-de:: QWRhIELDvHJvbg==\n\n" +
			"dn: cn=db1,dc=alder\nobjectClass: computer\ncn: DB1$\ndNSHostName: db1.alder.example\n\ndn: ou=x\nou: x\nbad\n",
			"email,ada@alder.example,ada@alder.example\nhost,db1,\nhost,db1.alder.example,\nperson,81,ada@alder.example\nperson,Ada Byron,ada@alder.example\nperson,Ada Büron,ada@alder.example\nuser,ab,ada@alder.example\n"},
		{"scim", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"Resources":[{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ab","displayName":"Ada Byron","name":{"givenName":"Ada","familyName":"Byron"},"emails":[{"value":"ada@alder.example","type":"work"}],"groups":[{"value":"1","display":"Storage"}],"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"8815"}},{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Nightjar team"}]}`,
			"email,ada@alder.example,ada@alder.example\nperson,8815,ada@alder.example\nperson,Ada Byron,ada@alder.example\nproject,Nightjar team,\nuser,ab,ada@alder.example\n"},
		{"csv", "\ufeffFirst Name;Last Name;E-Mail;Staff Number;Login;Note\nAda;Byron;ada@alder.example;8815;ab;x\n", "email,ada@alder.example,ada@alder.example\nperson,8815,ada@alder.example\nperson,Ada Byron,ada@alder.example\nuser,ab,ada@alder.example\n"},
		{"csv", "kind,value,id\nhost,db1.alder.example,\nperson,Ada Byron,ab\n", "host,db1.alder.example,\nperson,Ada Byron,ab\n"},
		{"csv", "customer,codename\nHeron Shipping,Nightjar\n", "customer,Heron Shipping,\nproject,Nightjar,\n"},
		{"hosts", "127.0.0.1 localhost\n10.0.0.7 db1.alder.example db1 # main\n::1 ip6-localhost\n", "host,db1,\nhost,db1.alder.example,\n"},
		{"hosts", "db1.alder.example\nweb2\n", "host,db1.alder.example,\nhost,web2,\n"},
		{"known_hosts", "db1.alder.example,10.0.0.7 ssh-ed25519 AAAA\n[git.alder.example]:2222 ecdsa-sha2-nistp256 AAAA\n|1|x=|y= ssh-rsa AAAA\n", "host,db1.alder.example,\nhost,git.alder.example,\n"},
		{"zone", "$ORIGIN alder.example.\n$TTL 1h\n@ IN SOA ns.alder.example. root.alder.example. (1 2 3 4 5)\ndb1 IN A 10.0.0.7\n    IN AAAA fd00::7\nwww 300 IN CNAME web2\n", "host,db1.alder.example,\nhost,web2.alder.example,\nhost,www.alder.example,\n"},
	} {
		d := New()
		form, err := d.Read(strings.NewReader(test.in))
		if err != nil || form != test.form {
			t.Errorf("%.40q: %q, %v; not %q", test.in, form, err, test.form)
			continue
		}
		if diff := cmp.Diff(test.want, written(t, d)); diff != "" {
			t.Errorf("%.40q: %s", test.in, diff)
		}
	}
	for _, in := range []string{"", "hello world\n", "package main\n", "\x00\x01", "{}"} {
		if form, err := New().Read(strings.NewReader(in)); err != ErrForm {
			t.Errorf("%q is %q, %v", in, form, err)
		}
	}
}

func TestWhatCannotBeReadIsSetAsideAndTheRestStays(t *testing.T) {
	d := New()
	for _, in := range []string{
		"dn: x\nsn: Byron\ncn:: %%%\ncn: Ada Byron\nuid: ab\n",
		`{"schemas":["x"],"Resources":[{"userName":"cd"},{"userName":`,
		"name,handle\n\"Bo Li,bl\n",
		"10.0.0.1 " + strings.Repeat("a", 2<<20) + "\n10.0.0.2 db2\n10.0.0.3 db3\nhost\n",
		"kind,value\nproject,a=b\nproject,Nightjar\n",
	} {
		if _, err := d.Read(strings.NewReader(in)); err != nil && err != ErrForm {
			t.Errorf("%.30q: %v", in, err)
		}
	}
	got := written(t, d)
	for _, want := range []string{"Ada Byron", "cd", "Nightjar"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is missing in %s", want, got)
		}
	}
	if d.SetAside < 4 || len(d.Why) == 0 {
		t.Errorf("%d set aside: %q", d.SetAside, d.Why)
	}
}

// fuzz runs one reader on anything; what it gathers must be readable again.
func fuzz(f *testing.F, form string, seeds ...string) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		d := New()
		for _, r := range readers() {
			if r.name == form {
				_ = r.read(d, bufio.NewReaderSize(bytes.NewReader(in), maxLine))
			}
		}
		if d.Len() == 0 {
			return
		}
		again := New()
		var b bytes.Buffer
		if err := d.Write(&b); err != nil {
			t.Fatal(err)
		}
		out := b.String()
		if form, err := again.Read(&b); err != nil || form != "csv" {
			t.Fatalf("%q: %q %v", out, form, err)
		}
		if diff := cmp.Diff(d.Counts(), again.Counts()); diff != "" {
			t.Fatalf("%q: %s", out, diff)
		}
	})
}

func FuzzGitLog(f *testing.F) {
	fuzz(f, "git log", "Author: Ada Byron <ada@alder.example> A <b@c.d>\n\n x <y@z>")
}
func FuzzCodeowners(f *testing.F) { fuzz(f, "codeowners", "* @ada @a/b c@d.e # f\n[X] @b\n") }
func FuzzLDIF(f *testing.F) {
	fuzz(f, "ldif", "dn: a\nsn: B\ncn:: QWRh\nuid: a\n b\n\n-\nobjectclass: computer\ncn: c$\n")
}
func FuzzSCIM(f *testing.F) {
	fuzz(f, "scim", `{"schemas":["a:Group"],"Resources":[{"userName":"ab","emails":[{"value":"a@b.c"}],"name":{"formatted":"A B"}}]}`)
}
func FuzzCSV(f *testing.F)   { fuzz(f, "csv", "name;handle\nA B;ab\n", "kind,value,id\nhost,db1.x,\n\"") }
func FuzzHosts(f *testing.F) { fuzz(f, "hosts", "10.0.0.1 a1 b.c # d\n::1 x\n") }
func FuzzKnownHosts(f *testing.F) {
	fuzz(f, "known_hosts", "[a.b]:22,c1 ssh-rsa AAAA\n|1|a|b ssh-rsa A\n")
}
func FuzzZone(f *testing.F) {
	fuzz(f, "zone", "$ORIGIN a.b.\n@ IN SOA x\nc1 IN A 1.2.3.4\n IN AAAA ::1\nd CNAME c1 ; e\n")
}
