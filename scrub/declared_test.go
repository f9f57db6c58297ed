// SPDX-License-Identifier: Apache-2.0

package scrub

import "testing"

func TestADeclarationHoldsItsPasswordWhateverItsType(t *testing.T) {
	stands(t, newScrubber(t, Config{}), []string{
		"char pw[] = \"%s\";\n", "static const char password[32] = \"%s\";\n", "std::string password{\"%s\"};\n", "auto pw = std::string_view{\"%s\"};\n", "wchar_t pw[] = L\"%s\";\n", "TCHAR szPassword[] = _T(\"%s\");\n",
		"Dim password As String = \"%s\"\n", "Private Const DbPassword As String = \"%s\"\n", "my $password = '%s';\n", "my ($user, $password) = ('anna', '%s');\n", "user, password = \"anna\", \"%s\"\n", "user, pass := \"anna\", \"%s\"\n",
		"password, user = '%s', 'anna'\n", "let password: &str = \"%s\";\n", "const PASSWORD: &'static str = \"%s\";\n", "static PASSWORD: &str = r#\"%s\"#;\n", "#define DB_PASS \"%s\"\n", "#define DB_PASS L\"%s\"\n", "val password: String = \"%s\"\n",
		"let password: String? = \"%s\"\n", "var password: Optional<String> = \"%s\"\n", "password: Final[str] = \"%s\"\n", "password: String := \"%s\";\n", "Password : constant String := \"%s\";\n", "password := \"%s\"\n", "password ==> \"%s\"\n",
		"DECLARE @password nvarchar(50) = N'%s'\n", "v_password VARCHAR2(30) := '%s';\n", "01 WS-PASSWORD PIC X(8) VALUE '%s'.\n", "PASSWORD EQU '%s'\n", "password: db '%s', 0\n", "password DB \"%s\", 0\n", "password = %q(%s)\n",
		"-define(PASSWORD, \"%s\").\n", "{password,\"%s\"}\n", "{password, <<\"%s\">>}.\n", "[{username, \"guest\"}, {password, \"%s\"}].\n", "{:password, \"%s\"}\n", "password = <<\"%s\">>\n", ":password => \"%s\"\n", "{:password \"%s\"}\n",
		"a:1:{s:8:\"password\";s:7:\"%s\";}\n", "\"a:1:{s:8:\\\"password\\\";s:7:\\\"%s\\\";}\"\n", "passport.authenticate('anna','%s')\n", "passport.login(\"u\", \"%s\");\n", "define('DB_PASSWORD', '%s');\n",
	}, []string{"dahlien", "letmein", "tiger7"})
	stands(t, newScrubber(t, Config{}), []string{"MY_APP_PIN=%s\n", "export FJORD_PIN=%s\n", "FJORD_PIN: \"%s\"\n", "#define ALARM_PIN %s\n", "fjord.pin = %s\n"}, []string{"4711", "471108"})
}

func TestAFileOfAProgramHoldsItsPasswordWhateverItsForm(t *testing.T) {
	stands(t, newScrubber(t, Config{}), []string{
		"<Password xmlns=\"x\">%s</Password>\n", "<ns:password encrypted=\"false\">%s</ns:password>\n", "<param name=\"password\"><value>%s</value></param>\n", "<password><![CDATA[%s]]></password>\n", "<add key=\"Password\" value=\"%s\"/>\n",
		"<property name=\"password\" value=\"%s\"/>\n", "<entry key=\"password\">%s</entry>\n", "<connection user='anna' password='%s'/>\n", "password: !vault %s\n", "password: !!str %s\n", "password: &pw %s\n", "password: >-\n    %s\n",
		"//registry.example.org/:_password=%s\n", "machine h login anna password %s\n", "localhost:5432:*:anna:%s\n", "[client]\nuser=anna\npassword=%s\n", "$db['default']['password'] = '%s';\n",
	}, []string{"dahlien", "letmein", "tiger7"})
}

func TestADeclarationWithoutALiteralStays(t *testing.T) {
	unchanged(t,
		"tokens[1] == \"SELECT\"\n", "password: string = props.password,\n", "def f(password: str, name: str = \"anna\"):\n", "func f(password string, kind Kind) { x := \"a\" }\n", "fn f(password: &str, kind: &str) -> String {\n", "{user, password, \"x\"}\n",
		"<input type=\"password\" name=\"user\" value=\"\">\n", "<password/>\n<label for=\"password\">Password</label>\n", "user, password = get(\"x\")\n", "user, password = args[0], args[1]\n", "for user, password in pairs: print(\"a\")\n", "pass, fail = \"a\", 0\n",
		"name, token := \"a\", next()\n", "<Password xmlns=\"x\"/>\n", "<password type=\"text\">{{ value }}</password>\n", "const GPIO_PIN = 1300\n", "LED_PIN=1300\n", "password TEXT NOT NULL DEFAULT '',\n", "password VARCHAR(255) NOT NULL COMMENT 'the hash of it'\n",
		"`password` varchar(255) DEFAULT NULL,\n", "secret: !Ref Secret\n", "Password: !Sub \"${Stack}-pw\"\n", "Password: !GetAtt Secret.Arn\n", "password: *default\n", "<string name=\"password\">Password</string>\n", "password?: string = \"\"\n",
		"password: { type: String, required: true }\n", "Password as described in \"Setup\"\n", "passport.authenticate('google', 'profile')\n", "passport.authenticate('jwt', 'session')\n", "passport.authenticate('local', { session: false })\n",
	)
}
