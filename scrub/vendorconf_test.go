// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"encoding/base64"
	"math/rand/v2"
	"strings"
	"testing"
)

// weakWords are passwords that only the place where they stand gives away.
func weakWords() []string {
	return []string{"secret", "pass", "hunter", "letmein", "braksha", "tiger7"}
}

// Where a format says that a password stands, any word is one.
func TestAWordIsAPasswordWhereAFormatSaysSo(t *testing.T) {
	s := newScrubber(t, Config{})
	for _, place := range []string{
		"machine api.example.com login ziggy password %s",
		"machine api.example.com\n  login ziggy\n  password %s\n",
		"localhost:5432:orders:app:%s\n",
		"postgresql://app:%s@db.example.com:5433/orders",
		"mongodb+srv://app:%s@c0.example.net/test?w=majority",
		"jdbc:sqlserver://db;user=app;password=%s;encrypt=true",
		"Server=db;Port=5432;User Id=app;Password=%s;Database=orders;",
		"Provider=SQLOLEDB;Server=db;Uid=app;Pwd=%s;",
		"user=app\npassword=%s\nhost=db\n",
		"mysql -u app -p%s orders",
		"mysqldump --host db -u root -p'%s' orders > dump.sql",
		"sshpass -p %s ssh app@db",
		"sshpass -p '%s' scp a b:",
		"PsExec.exe \\\\db -u app -p %s cmd",
		"redis-cli -h db -a %s ping",
		"curl -u app:%s https://api.example.com",
		"curl -X POST \\\n  -H 'Accept: text/plain' \\\n  -u app:%s https://api.example.com",
		"curl --user app:'%s' https://api.example.com",
		"docker login -u app -p %s registry.example.com",
		"az login --service-principal -u app -p %s --tenant t",
		"plink -ssh -l app -pw %s db",
		"ldapsearch -x -D cn=app -w %s -b dc=example",
		"lftp -u app,%s ftp.example.com",
		"smbclient //db/share -U app%%%s",
		"openssl rsa -in k.pem -passin pass:%s",
		`new NetworkCredential("app", "%s")`,
		`DriverManager.getConnection(url, "app", "%s")`,
		`mysqli_connect("db", "app", "%s", "orders")`,
		`new PDO($dsn, 'app', '%s')`,
		`requests.get(url, auth=HTTPBasicAuth('app', '%s'))`,
		`requests.get(url, auth=('app', '%s'))`,
		`req.SetBasicAuth("app", "%s")`,
		`smtp.PlainAuth("", "app", "%s", "mail")`,
		`server.login("app", "%s")`,
		"apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\nstringData:\n  word: %s\n",
		"apiVersion: v1\nstringData:\n  word: \"%s\"\nkind: Secret\n",
	} {
		for _, v := range weakWords() {
			text := strings.ReplaceAll(strings.ReplaceAll(place, "%%", "\x00"), "%s", v)
			text = strings.ReplaceAll(text, "\x00", "%")
			at := strings.Index(strings.ReplaceAll(place, "%%", "%"), "%s")
			_, found, err := s.Text(nil, []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if whole, _ := covered(found, [2]int{at, at + len(v)}); !whole {
				t.Errorf("%q: found %v", text, found)
			}
		}
	}
}

func TestWordsOfCodeAtSuchPlacesStay(t *testing.T) {
	s := newScrubber(t, Config{})
	for _, text := range []string{
		"connect(host=host, user=user, password=password)", "mysql -u root -p orders", "mkdir -p build/out", "cp -a src dst", "ps -u root",
		"tar -p archive && ssh -p 2222 db", "the authorization: what it means and why", "machine learning models login page",
		"cookie: none", "mnemonic devices for students who read books every day in large rooms", "docker run -p 8080:80 nginx",
		"git clone https://github.com/owner/name", "ssh://git@github.com/owner/name", "see https://docs.atlassian.net/x",
		"curl -u $USER:$PASSWORD https://api.example.com", "private final int x; private String name;", "kind: SecretStore\ndata:\n  a: b\n",
		"f.login(name, word)", "authenticate(user, request)", "the access key is on the keyboard of the private office",
	} {
		if out := scrubbed(t, s, text); out != text {
			t.Errorf("%q became %q", text, out)
		}
	}
}

// Random values are found by the form around them where no word beside them is known.
func TestStructuredSecretsAreFoundWhole(t *testing.T) {
	s, r := newScrubber(t, Config{}), rand.New(rand.NewPCG(7, 8))
	some := func(alphabet string, n int) string { return draw(r, alphabet, n) }
	const word = "abcdefghijkmnopqrstuvwxyzABCDEFGHIJKLMNPQRSTUVWXYZ23456789"
	b64 := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.IntN(256))
		}
		return base64.StdEncoding.EncodeToString(b)
	}
	for place, v := range map[string]string{
		`{"kty":"EC","crv":"P-256","d":"%s"}`:                                        strings.TrimRight(b64(32), "="),
		`{\"kty\":\"oct\",\"k\": \"%s\"}`:                                            strings.TrimRight(b64(32), "="),
		"Authorization: SSWS %s":                                                     some(word, 40),
		`curl -H "Authorization: Api-Token %s"`:                                      some(word, 30),
		"Authorization: Bearer %s":                                                   some(word, 24),
		"Cookie: theme=dark; sid=%s; lang=en":                                        some(word, 26),
		"Set-Cookie: session=%s; Path=/; HttpOnly":                                   some(word, 26),
		"PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 1\n%s\nPrivate-MAC: 00":  b64(36),
		"DefaultEndpointsProtocol=https;AccountName=a;AccountKey=%s;EndpointSuffix=": b64(64),
		"https://a.blob.example.com/c?sv=2022&sig=%s&se=1":                           strings.NewReplacer("+", "%2B", "/", "%2F", "=", "%3D").Replace(b64(32)),
		"root:$6$" + some(word, 16) + "$%s:19000:0:99999:7:::":                       some(word, 86),
		"app:{SSHA}%s":                              b64(24),
		"[Interface]\nPrivateKey = %s\n":            b64(32),
		"otpauth://totp/app?secret=%s&issuer=x":     some("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 32),
		"//registry.example.com/:_authToken=%s":     some(word, 36),
		`{"auths":{"r.example.com":{"auth":"%s"}}}`: base64.StdEncoding.EncodeToString([]byte("app:" + some(word, 20))),
		"datadog %s":                           some(hexDigits, 32),
		"X-VENDOR-KEY-%s":                      some(word, 24) + "7a7",
		"vendor private access key\n%s":        "Q9" + some(word, 24) + "7a",
		"export HISTORY=1; vault login hvs.%s": some(word, 24),
		"https://hooks.slack.com/services/T00000000/B00000000/%s": some(word, 24),
		"https://discord.com/api/webhooks/123456789012345678/%s":  some(word, 68),
		"+  api_key: ghp_%s\n-  api_key: x":                       some(word, 36),
		"java.lang.Error: token=xoxb-%s at Main.java:3":           "1234-" + some(word, 24),
		"mnemonic: \"%s\"":                                                   "legal winner thank year wave sausage worth useful legal winner thank yellow",
		"ssh-ed25519 %s jane@laptop":                                         "AAAAC3NzaC1lZDI1NTE5AAAAI" + some(word, 43),
		"SNOWFLAKE=ver:1-hint:12345-%s":                                      some(word, 80),
		"CREATE USER app IDENTIFIED BY '%s'":                                 some(word, 12),
		"redis://:%s@cache.example.com:6379/0":                               some(word, 12),
		"amqp://app:%s@mq.example.com/v":                                     some(word, 12),
		"<server><id>r</id><username>app</username><password>%s</password>":  some(word, 12),
		"[pypi]\nusername = __token__\npassword = pypi-AgEIcHlwaS5vcmcC%s\n": some(word, 80),
	} {
		text := strings.Replace(place, "%s", v, 1)
		out := scrubbed(t, s, text)
		for i := 0; i+8 <= len(v); i += 4 {
			if strings.Contains(out, v[i:i+8]) {
				t.Errorf("%q is left of %q: %q", v[i:i+8], text, out)
				break
			}
		}
	}
}
