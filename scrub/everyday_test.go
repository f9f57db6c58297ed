// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"strings"
	"testing"
)

// stands puts each value at the %s of a place, and reports those that are not wholly replaced.
func stands(t *testing.T, s *Scrubber, places, values []string) {
	t.Helper()
	for _, place := range places {
		var left []string
		for _, v := range values {
			before, after, ok := strings.Cut(place, "%s")
			if !ok {
				t.Fatalf("%q has no place for a value", place)
			}
			text := before + v + after
			_, found, err := s.Text(nil, []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if whole, _ := covered(found, [2]int{len(before), len(before) + len(v)}); !whole {
				left = append(left, v)
			}
		}
		if left != nil {
			t.Errorf("%q keeps %q", place, left)
		}
	}
}

func TestAPassphraseOfWordsGoesToTheEndOfItsLine(t *testing.T) {
	stands(t, newScrubber(t, Config{}), []string{
		"DB_PASSPHRASE=%s\n", "export A=1\nDB_PASSWORD=%s\nB=2\n", "passphrase: %s\n", "ssh:\n  passphrase: %s\n  port: 22\n",
		"DB_PASSWORD: %s\n", "spring.datasource.password=%s\n", "spring.datasource.password = %s\n", "db.password: %s\n",
		"password = \"%s\"\n", "password: '%s'\n", `{"password": "%s"}`, "PASSPHRASE = '%s'\n", "password=%s\n", "[mail]\npassword = %s\nhost = a\n",
		"password: |\n  %s\nport: 1\n", "password: >\n  %s\n", "password: >-\n  %s\n", "- name: DB_PASSWORD\n  value: %s\n", "- name: DB_PASSWORD\n  value: \"%s\"\n",
		"<password>%s</password>", "Password: %s\n", "wifi_password=%s", "setPassword(\"%s\")", "password = \"\"\"%s\"\"\"\n",
		"# password: %s\n", "//  password = %s\n", "ENV DB_PASSWORD=\"%s\"\n", "ENV DB_PASSWORD %s\n", "set DB_PASSWORD=%s\r\n", "$env:DB_PASSWORD = '%s'\n",
	}, []string{"correct horse battery staple", "my dog is nice", "tr33 house on 4th hill"})
}

func TestAPassphraseWithACapitalGoesWhereNoTextForPeopleStands(t *testing.T) {
	stands(t, newScrubber(t, Config{}), []string{
		"DB_PASSPHRASE=%s\n", "export A=1\nDB_PASSWORD='%s'\nB=2\n", "spring.datasource.password=%s\n", "ENV DB_PASSWORD=\"%s\"\n", "set DB_PASSWORD=%s\r\n",
		"$env:DB_PASSWORD = '%s'\n", "password = \"%s\"\n",
	}, []string{"Blue otters swim fast"})
}

func TestAValueGoesWhereALaterLineHoldsIt(t *testing.T) {
	stands(t, newScrubber(t, Config{}), []string{
		"variable \"db_password\" { default = \"%s\" }\n", "variable \"db_password\" {\n  type = string\n  default = \"%s\"\n}\n",
		"variable \"db_password\" {\n  description = \"of the store\"\n  type        = string\n  sensitive   = true\n  default     = \"%s\"\n}\n",
		"parameter \"password\" {\n  value = \"%s\"\n}\n", "set {\n  name  = \"db.password\"\n  value = \"%s\"\n}\n", "set_sensitive {\n  name = \"auth.password\"\n  value = \"%s\"\n}\n",
		"- name: DB_PASSWORD\n  value: %s\n", "- name: DB_PASSWORD\n  value: '%s'\n", "- { name: DB_PASSWORD, value: %s }\n", "- {name: DB_PASSWORD, value: \"%s\"}\n", "environment:\n  - DB_PASSWORD=%s\n",
		"environment:\n  DB_PASSWORD: %s\n", "environment:\n  - \"DB_PASSWORD=%s\"\n", "env:\n  DB_PASSWORD: %s\n", "vars:\n  db_password: %s\n", "vars:\n  ansible_become_pass: %s\n", "host1 ansible_ssh_pass=%s\n", "ansible_sudo_pass='%s'\n",
		"password = \"first\n%s\"\n", "password = \"\"\"\n%s\n\"\"\"\n", "PASSWORD=$(cat <<EOF\n%s\nEOF\n)\n", "password = <<EOF\n%s\nEOF\n", "password = <<-EOT\n    %s\n  EOT\n",
		"{\"Key\": \"password\", \"Value\": \"%s\"}", "{\"key\":\"db_password\",\"value\":\"%s\"}", "<property name=\"password\">%s</property>", "<property name=\"password\" value=\"%s\"/>",
		"<property>\n  <name>db.password</name>\n  <value>%s</value>\n</property>", "<entry key=\"password\">%s</entry>", "<key>password</key>\n<string>%s</string>", "<string name=\"db_password\">%s</string>",
		"<Parameter Name=\"Password\" Type=\"x\" Value=\"%s\"/>", "<input type=\"password\" value=\"%s\">", "<input type=\"password\" name=\"p\" value=\"%s\">", "- key: DB_PASSWORD\n  value: %s\n",
		"password:\n  %s\n", "password:\n  \"%s\"\n", "\"ParameterKey\": \"DBPassword\",\n\"ParameterValue\": \"%s\"", "ParameterKey=DBPassword,ParameterValue=%s",
		"DBPassword:\n  Type: String\n  Default: %s\n", "DBPassword:\n  NoEcho: true\n  Description: of it\n  Type: String\n  Default: %s\n", "\"DBPassword\": {\n  \"Type\": \"String\",\n  \"Default\": \"%s\"\n}",
		"\"adminPassword\": {\n  \"value\": \"%s\"\n}", "param adminPassword string = '%s'\n", "password:\n    default: %s\n", "password:\n    value: \"%s\"\n",
	}, []string{"hunter", "letmein", "tiger7"})
}

func TestAColumnNamedPasswordHoldsPasswords(t *testing.T) {
	stands(t, newScrubber(t, Config{}), []string{
		"user,password,city\njane,%s,Oslo\n", "user,password\njane,first\nbob,%s\n", "user;password\njane;%s\n", "user\tpassword\njane\t%s\n", "\"user\",\"password\"\n\"jane\",\"%s\"\n", "id,password,note\n1,%s,a\n2,other,b\n",
		"id,name,pwd\n1,\"Doe, Jane\",%s\n",
		"INSERT INTO users (name, password) VALUES ('jane','%s');", "INSERT INTO users (name, password) VALUES ('jane','first'),('bob','%s');", "insert into `users` (`id`, `name`, `password`) values (1, 'jane', '%s')",
		"INSERT INTO users (name, password, age)\nVALUES\n  ('jane', 'first', 3),\n  ('bob', '%s', 4);", "INSERT INTO users(password,name) VALUES('%s','bob')",
		"UPDATE users SET password='%s' WHERE id=1", "UPDATE users SET password = '%s' WHERE id=1", "UPDATE users SET age = 3, password = MD5('%s')",
		"CREATE USER 'a'@'h' IDENTIFIED BY '%s'", "CREATE USER a WITH PASSWORD '%s'", "CREATE USER a PASSWORD '%s'", "ALTER USER a WITH ENCRYPTED PASSWORD '%s'", "CREATE LOGIN a WITH PASSWORD = '%s'", "SET PASSWORD FOR 'a' = PASSWORD('%s')", "ALTER ROLE a PASSWORD '%s'", "GRANT ALL ON a.* TO 'b' IDENTIFIED BY '%s'", "CREATE USER a IDENTIFIED BY %s;", "CREATE USER a IDENTIFIED WITH mysql_native_password BY '%s'",
		"| user | password |\n|---|---|\n| jane | %s |\n", "| user | password | x |\n|:--|:--:|---|\n| jane | first | a |\n| bob | `%s` | b |\n", "| Password | %s |\n", "|password|%s|\n", "| **Password** | `%s` |\n",
		"<tr><td>Password</td><td>%s</td></tr>", "<tr>\n  <td>Password</td>\n  <td>%s</td>\n</tr>", "<th>Password:</th><td>%s</td>", "<dt>Password</dt><dd>%s</dd>",
		"<b>Password:</b> %s<br>", "<label>Password</label> <code>%s</code>", "* Password: %s\n", "- **Password:** `%s`\n", "Username: jane, Password: %s\n", "login/password: jane/%s\n",
		"+------+----------+\n| user | password |\n+------+----------+\n| jane | %s   |\n+------+----------+\n",
		" user | password \n------+----------\n jane | %s\n(1 row)\n",
	}, []string{"hunter", "letmein", "tiger7"})
}

func TestWordsThatOnlySoundOfSecretsStay(t *testing.T) {
	s := newScrubber(t, Config{})
	for _, text := range []string{
		"First pass: collect the names\n", "second pass: link them\n", "pass = NaN\n", "Pass: 12 Fail: 3\n", "pass: 12, fail: 3\n", "pass rate: 97%\n", "passed: 12\n", "Passed: true\n", "pass 1: count\n", "first pass = walk(x)\n", "The pass is slow.\n", "password: str\n", "password (string): the user's password\n", "token -> Token\n", "password: the user's password\n", "password - the password of the user\n", ":param password: The password of the account to open.\n", "@param password the password of the account\n", "password: Optional[str] = None\n", "def login(self, username: str, password: str) -> bool:\n", "password string\n", "Password string `json:\"password\"`\n", "  password: string;\n", "password: z.string()\n", "password = forms.CharField(widget=forms.PasswordInput)\n", "password = request.form['password']\n", "token = tokens[i]\n", "pass, fail := 0, 0\n", "x = NaN if pass else 1\n", "PASS: TestA\n", "--- PASS: TestA (0.00s)\n", "PASS\nok\n", "test_a PASS\n", "pass: bool = False\n", "key: value\n", "Token: string\n", "secret: bytes\n", "the token is expired\n", "the password is wrong\n", "The secret is out\n", "Enter password: ", "Password must be at least eight characters\n", "password: required|min:8\n", "password: Joi.string().min(8)\n", "| password | string | The password of the user |\n", "| token | string | yes | of the session |\n", "type: password\n", "SELECT name, password FROM users\n", "community: open to all\n", "pin: 4\n", "const { user, password } = req.body;\n", "pin = GPIO.OUT\n", "LED_PIN = 13\n", "pinMode(13)\n", "#define LED_PIN 13\n", "user,password,city\n", "CREATE TABLE users (name text, password text);\n", "INSERT INTO users (name, password) VALUES (?, ?)\n", "INSERT INTO users (name, password) VALUES ($1, $2)\n", "INSERT INTO users (name, password) VALUES (:name, :password)\n", "echo done | sudo tee f\n", "unzip -p a.zip\n", "7z x -pattern a\n", "zip -r a.zip b\n", "net use Z: \\\\srv\\s\n", "<td>Password</td><td><input></td>\n", "<td>Name</td><td>value</td>\n", "variable \"db_password\" {\n  type = string\n  description = \"The password of the store\"\n}\n",
	} {
		if out := scrubbed(t, s, text); out != text {
			t.Errorf("%q became %q", text, out)
		}
	}
}
