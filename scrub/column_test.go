// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestATableIsReadToItsEnd: what its columns hold is said once, windows before.
func TestATableIsReadToItsEnd(t *testing.T) {
	s := newScrubber(t, Config{})
	for _, form := range []struct{ head, row string }{
		{"id,user,password,city\n", "%d,ann,tulpe%05d,Koeln\n"},
		{"| id | user | password |\n|---|---|---|\n", "| %d | ann | tulpe%05d |\n"},
		{"INSERT INTO users (id, name, password) VALUES\n", "(%d, 'ann', 'tulpe%05d'),\n"},
		{"INSERT INTO users (id, name, password) VALUES ", "(%d,'ann','tulpe%05d'),"},
		{"COPY users (id, name, password) FROM stdin;\n", "%d\tann\ttulpe%05d\n"},
		{"ID         PASSWORD\n---------- --------------\n", "%010d tulpe%05d\n"},
	} {
		var text bytes.Buffer
		text.WriteString(form.head)
		for i := 0; text.Len() < 2*window+window/2; i++ {
			fmt.Fprintf(&text, form.row, i, i)
		}
		out, _, err := s.Text(nil, text.Bytes())
		if n := strings.Count(string(out), "tulpe"); n > 0 || err != nil {
			t.Errorf("%q: %d passwords are left of %d: %v", form.head, n, bytes.Count(text.Bytes(), []byte("tulpe")), err)
		}
	}
}

func TestADumpOfADatabaseTellsNoSecretsAndNobody(t *testing.T) {
	s := newScrubber(t, Config{})
	for _, form := range []string{
		"COPY public.users (id, name, password, pin) FROM stdin;\n1\tXqzmor Brenko\ttulpenfeld\t471108\n2\tBrenda Kork\t\\N\t\\N\n\\.\n",
		"COPY users (\n    id,\n    \"full_name\",\n    \"password\",\n    door_code\n) FROM stdin;\n1\tXqzmor Brenko\ttulpenfeld\t471108\n\\.\n",
		"\\copy users (id, first_name, password, pin) FROM STDIN WITH (FORMAT csv)\n1,Xqzmor Brenko,tulpenfeld,471108\n",
		"INSERT INTO users (id, full_name, password, pin) VALUES (1, 'Xqzmor Brenko', 'tulpenfeld', 471108);\n",
		"INSERT users (id, full_name, password, pin) VALUES (1, N'Xqzmor Brenko', N'tulpenfeld', '471108');\n",
	} {
		if out := scrubbed(t, s, form); strings.Contains(out, "Xqzmor") || strings.Contains(out, "tulpenfeld") || strings.Contains(out, "471108") {
			t.Errorf("%q became %q", form, out)
		}
	}
	for text, want := range map[string]string{
		"COPY a (id, login) FROM stdin;\n1\txqzmor\n\\.\n":                               "user xqzmor",
		"COPY a (id, phone) FROM stdin;\n1\t030 11 22 33\n\\.\n":                         "phone 030 11 22 33",
		"COPY a (id, street) FROM stdin;\n1\tAm Kanal 4\n\\.\n":                          "address Am Kanal 4",
		"COPY a (id, date_of_birth) FROM stdin;\n1\t03.04.1987\n\\.\n":                   "birth_date 03.04.1987",
		"INSERT INTO a (id, last_name) VALUES (1, 'Brenko');\n":                          "person Brenko",
		"id,first_name,last_name,city\n1,Xqzmor,Brenko,Oslo\n":                           "person Brenko",
		"Vorname;Nachname;Straße;Telefon\nXqzmor;Brenko;Am Kanal 4;030 112233\n":         "address Am Kanal 4",
		"| first name | phone |\n|---|---|\n| Xqzmor | 030 112233 |\n":                   "person Xqzmor",
		"name,email\nXqzmor,xqzmor@fjord.io\n\nname,passport\nXqzmor,C01X00T47\n":        "national_id C01X00T47",
		"FIRST NAME   LAST NAME   PHONE\nXqzmor       Brenko      030 112233\n":          "person Brenko",
		"first_name last_name\n---------- ----------\nXqzmor     Brenko\nAda        B\n": "person Xqzmor",
	} {
		if got := kindsAt(t, s, text); !slices.Contains(got, want) {
			t.Errorf("%q: found %q, not %q", text, got, want)
		}
	}
}

func TestAColumnOfSecretsIsReadInEveryFormOfTable(t *testing.T) {
	stands(t, newScrubber(t, Config{}), []string{
		"service,passwd\nmail,%s\n", "name,secret,plan\nfjord,%s,free\n", "user\tpassphrase\nanna\t%s\n", "\"user\",\"password\"\n\"anna\",\"%s\"\n", ",user,password\n0,anna,%s\n", "#user,password\nanna,%s\n",
		"\ufeffuser,password\nanna,%s\n", "name, password, role\nanna, %s, admin\n", "user|password\nanna|%s\n", "user\t\tpassword\nanna\t\t%s\n", "Benutzer;Kennwort (neu);Straße\nanna;%s;Weg 1\n",
		"USER      PASSWORD     CITY\nanna      %s      Oslo\n", "User Name   Password   Host\nanna        %s    db1\n", "id          name                 password\n----------- -------------------- --------------------\n          1 anna                 %s\n",
		"| service | Passwort |\n|:--|--:|\n| mail | %s |\n", "Müller Ä   Password   User\nGrößer     %s   anna\n",
	}, []string{"dahlie", "letmein", "tiger7"})
	stands(t, newScrubber(t, Config{}), []string{
		"id;user;pin\n1;anna;%s\n", "| user | PIN |\n|---|---|\n| anna | %s |\n", "NAME     PIN\nanna     %s\n", "user,door_code\nanna,%s\n", "user\totp\nanna\t%s\n",
	}, []string{"4711", "471108"})
	r := rand.New(rand.NewPCG(15, 16))
	token := func() string {
		return some(r, "abcdefghijklmnop", 3) + some(r, "0123456789", 3) + some(r, "qrstuvw", 3)
	}
	stands(t, newScrubber(t, Config{}), []string{
		"user,token\nanna,%s\n", "name,api_key,plan\nfjord,%s,free\n", "| service | access key |\n|---|---|\n| mail | `%s` |\n", "NAME     TOKEN        AGE\nanna     %s    3d\n", "user\tauth_token\nanna\t%s\n",
	}, []string{token(), token()})
}

func TestATableGoesOnAfterWhatIsNoRow(t *testing.T) {
	stands(t, newScrubber(t, Config{}), []string{
		"id,user,password\n1,anna,first\n\n2,bert,%s\n", "id,user,password\n1,anna,first\n2,bert\n3,carl,%s\n", "id,user,password,city\n1,anna,first,Oslo\n2,bert,%s,Oslo,more\n", "id,user,password\n1,anna,first\n# two\n2,bert,%s\n",
		"id,user,password,city\n1,anna,first,\"Oslo\nNorway\"\n3,carl,%s,Oslo\n", "| name | secret |\n|---|---|\n| a | first |\n\n| c | %s |\n", "| name | secret |\n|---|---|\n| a | first |\n| b |\n| c | %s |\n",
		"id,user,password\n\n1,anna,%s\n", "user,password\r\nanna,first\r\n\r\nbert,%s\r\n",
	}, []string{"dahlie", "letmein", "tiger7"})
	wide := "id,user" + strings.Repeat(",a_column_of_no_great_interest", 90) + ",password\n"
	stands(t, newScrubber(t, Config{}), []string{wide + "1,anna" + strings.Repeat(",none", 90) + ",%s\n"}, []string{"dahlie"})
}

func TestWhatOnlyLooksLikeATableStays(t *testing.T) {
	unchanged(t,
		"| token | meaning |\n|---|---|\n| IDENT | a name |\n| NUMBER | digits |\n", "id,token,lemma\n1,House,house\n2,2019,2019\n", "user,password,host = line.split(',')\na,b,c = d,e,f\n",
		"\tUserPassword  string\n\tEmail         string\n", "  password   user password\n  host       server host\n", "type Config struct {\n\tUserName  string\n\tPassword  string\n\tHost      string\n}\n",
		"| Pin | Name |\n|---|---|\n| 13 | LED |\n| 1 | GND |\n", "COPY package.json package-lock.json ./\nRUN npm ci\n", "id,name,price\n1,Chair,30\n2,Table,50\n", "INSERT INTO products (id, name) VALUES (1, 'chair');\n",
		"SELECT name, password\nFROM users, tokens\n", "SELECT\n  user,password\nFROM users,tokens\n", "parser.add_argument(user,password,\n    host,port)\n", "| Parameter | Password |\n|---|---|\n| length | 8 |\n",
		"| field | first_name | last_name |\n|---|---|---|\n| type | string | string |\n| required | yes | no |\n", "user   password\nthe    words\n", "  -u, --user       user name\n  -p, --password   its password\n  -h, --host       host name\n",
		"NAME        READY   TOKEN\nredis-0     1/1     none\n", "enum Column {\n\tid,\n\tfirst_name,\n\tlast_name,\n\tphone\n}\n", "for name, password in pairs:\n    a, b = c\n", "id,owner,status\n1,team,open\n",
		"csv = \"\"\"\nuser,password\nadmin,secret\n\"\"\"\n\nfor a,b in x:\n    foo(a,b)\n",
	)
}

// TestNamesInARowTakeNoLongerThanTheyAreLong: a list of names that goes on and on is looked at once.
func TestNamesInARowTakeNoLongerThanTheyAreLong(t *testing.T) {
	s := newScrubber(t, Config{})
	for _, unit := range []string{"password,", "password\t", "user  ", "first_name|", "(password,", "password)values"} {
		if out := scrubbed(t, s, strings.Repeat(unit, 1<<18/len(unit))); !strings.Contains(out, strings.TrimRight(unit, ",|\t ")) {
			t.Errorf("%q went", unit)
		}
	}
}
