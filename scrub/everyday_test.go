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

func TestACommandIsGivenItsPassword(t *testing.T) {
	stands(t, newScrubber(t, Config{}), []string{
		"echo %s | sudo -S apt update", "echo '%s' | sudo -S ls", "echo \"%s\" | sudo -kS ls", "echo %s | docker login -u a --password-stdin", "echo %s | passwd --stdin bob", "echo 'bob:%s' | chpasswd", "echo \"bob:%s\" | sudo chpasswd", "printf '%s' | sudo -S ls", "sudo -S <<< %s ls", "sudo -S <<< \"%s\" ls",
		"unzip -P %s a.zip", "7z x -p%s a.7z", "7z a -p'%s' a.7z b", "7za x a.7z -p%s", "zip -P %s a.zip b", "zip -r -P %s a.zip b", "unrar x -p%s a.rar", "rar a -hp%s a.rar b",
		"net use \\\\h\\s %s /user:u", "net use Z: \\\\h\\s %s /user:d\\u", "net use Z: \\\\h\\s /user:u %s", "net user bob %s /add", "cmdkey /add:h /user:u /pass:%s", "runas /user:a /p:%s cmd",
		"mysql -u root -p%s", "mysql -uroot -p%s db", "mysqldump -p'%s' db", "mysql --password=%s", "sshpass -p %s ssh h", "sshpass -p%s ssh h", "sshpass -p '%s' ssh h", "SSHPASS=%s sshpass -e ssh h",
		"curl -u u:%s http://h", "curl -u 'u:%s' http://h", "curl -uu:%s http://h", "curl --proxy-user u:%s http://h", "curl --proxy-user=u:%s http://h", "psql \"host=h user=u password=%s\"", "PGPASSWORD=%s psql -h h",
		"htpasswd -b f u %s", "htpasswd -cb f u %s", "htpasswd -nb u %s", "htpasswd -bnBC 10 u %s", "openssl enc -aes-256-cbc -k %s -in a", "openssl rsa -passin pass:%s -in k", "openssl req -passout pass:%s -new", "openssl pkcs12 -export -password pass:%s -in a", "openssl enc -d -pass pass:%s -in a", "openssl passwd -6 %s",
		"keytool -list -storepass %s -keystore k", "keytool -genkey -keypass %s -alias a", "jarsigner -storepass %s a.jar b", "docker login -u u -p %s r", "docker login -u u -p%s r", "docker login --username u --password %s r", "helm registry login -u u -p %s r", "podman login -u u -p %s r", "az login -u u -p %s", "az login --service-principal -u u -p %s --tenant t",
		"kubectl create secret generic n --from-literal=password=%s", "kubectl create secret generic n --from-literal=k=%s", "kubectl create secret generic n --from-literal k='%s'", "kubectl create secret docker-registry r --docker-password=%s", "kubectl create secret generic n \\\n  --from-literal=a=first \\\n  --from-literal=b=%s",
		"redis-cli -a %s ping", "redis-cli -h h -a '%s'", "mongo -u u -p %s db", "mongosh -u u -p '%s'", "mongo --password %s db", "ldapsearch -x -w %s -b b", "ldapsearch -D cn=a -w '%s'", "smbclient //h/s -U u%%%s", "smbclient -U 'u%%%s' //h/s", "wget --password=%s u", "wget --http-password=%s u", "wget --ftp-password %s u", "wget --user=u --password='%s' u",
		"git clone https://u:%s@h/r", "git clone https://%s@github.com/o/r", "npm config set //h/:_password \"%s\"", "ConvertTo-SecureString \"%s\" -AsPlainText -Force", "ConvertTo-SecureString -String '%s' -AsPlainText", "ConvertTo-SecureString %s -AsPlainText -Force",
		"sqlcmd -S h -U sa -P %s", "sqlcmd -S h -U sa -P '%s' -Q q", "bcp t out f -U sa -P %s", "impdp scott/%s@db", "sqlplus scott/%s@db", "sqlplus scott/%s", "expdp system/%s dumpfile=a", "sqlplus -s scott/%s@//h:1521/x", "rman target sys/%s@db", "sqlldr scott/%s control=a",
		"gpg --batch --passphrase %s -d a", "gpg --passphrase '%s' -c a", "ssh-keygen -t rsa -N %s -f k", "ssh-keygen -p -P %s -N other -f k", "ssh-keygen -N '%s' -f k", "xfreerdp /u:u /p:%s /v:h", "rdesktop -u u -p %s h", "vncpasswd <<< %s", "ipmitool -H h -U u -P %s power", "snmpwalk -v2c -c %s h", "snmpget -v 1 -c %s h oid", "snmpwalk -v3 -A %s -X other h",
		"useradd -p %s bob", "usermod -p '%s' bob", "mosquitto_pub -u u -P %s -t a", "mosquitto_sub -h h -u u -P '%s'", "influx -username u -password %s", "vault kv put secret/a password=%s", "aws configure set aws_secret_access_key %s", "gh secret set NAME --body %s", "heroku config:set DB_PASS=%s", "tar c a | openssl enc -k %s", "qpdf --password=%s a b", "lpass login u <<< %s", "nmcli dev wifi connect net password %s", "nmcli device wifi connect net password '%s'", "wpa_passphrase net %s", "cadaver; lftp -u u,%s h", "ncftpput -u u -p %s h", "svn co --username u --password %s url", "twine upload -u u -p %s d", "mvn -Dpassword=%s", "java -Djavax.net.ssl.keyStorePassword=%s a", "gradle -Psigning.password=%s", "expect \"password:\"\nsend \"%s\\r\"", "expect \"*assword*\"; send \"%s\\n\"",
		"mount -t cifs //h/s /m -o username=u,password=%s", "mount -t cifs -o user=u,pass=%s //h/s /m", "freerdp /u:u /p:%s", "cryptsetup luksOpen d n <<< %s", "echo -n %s | cryptsetup luksFormat d -",
	}, []string{"hunter", "letmein", "tiger7"})
}

func TestACallIsGivenItsPassword(t *testing.T) {
	stands(t, newScrubber(t, Config{}), []string{
		"jdbc:oracle:thin:scott/%s@h:1521:x", "jdbc:oracle:thin:scott/%s@//h:1521/x", "jdbc:mysql://h/d?user=u&password=%s", "jdbc:db2://h:1/d:user=u;password=%s;", "mysqli_connect('h','root','%s')", "mysqli_connect('h', 'root', '%s', 'd')", "new mysqli('h','root','%s','d')", "psycopg2.connect(host='h', user='u', password='%s')", "psycopg2.connect(\"host=h user=u password=%s\")", "pymysql.connect(host=\"h\", passwd=\"%s\")", "pymysql.connect('h', 'root', '%s', 'd')", "MySQLdb.connect(\"h\",\"root\",\"%s\",\"d\")", "DriverManager.getConnection(url, \"u\", \"%s\")", "MongoClient('h', username='u', password='%s')", "MongoClient('mongodb://u:%s@h')",
		"ftp.login('u','%s')", "ftp.login('u', passwd='%s')", "smtp.login(u, '%s')", "smtp.login(\"a@b.com\", \"%s\")", "server.login(EMAIL, \"%s\")", "requests.get(u, auth=('u','%s'))", "requests.get(u, auth=(user, '%s'))", "auth=HTTPBasicAuth('u', '%s')", "set_password('%s')", "user.set_password(\"%s\")", "createUser('u','%s')", "User.objects.create_user('u', 'e@x.com', '%s')", "create_superuser('u','e@x.com','%s')", "db.createUser({user: 'u', pwd: '%s', roles: []})", "db.auth('u', '%s')", "driver.find_element(By.ID, 'password').send_keys('%s')", "driver.findElement(By.id(\"password\")).sendKeys(\"%s\");", "page.fill('#password', '%s')", "cy.get('#password').type('%s')", "cy.get('input[name=password]').type('%s')", "page.type('input[type=\"password\"]', '%s')", "fill_in 'Password', with: '%s'", "password_field.send_keys('%s')",
		"basicAuth(\"u\",\"%s\")", "http.SetBasicAuth(\"u\",\"%s\")", "req.SetBasicAuth(user, \"%s\")", "credentials.basic(\"u\", \"%s\")", "new UsernamePasswordCredentials(\"u\", \"%s\")", "new UsernamePasswordAuthenticationToken(\"u\", \"%s\")", "new NetworkCredential(\"u\", \"%s\")", "client.connect('h', username='u', password='%s')", "ssh.connect('h', 22, 'u', '%s')", "session.setPassword(\"%s\")", "jsch.addIdentity(\"k\", \"%s\")", "ldap.simple_bind_s('cn=a', '%s')", "redis.Redis(host='h', password='%s')", "r.auth('%s')", "$redis->auth('%s')", "new PDO('mysql:host=h', 'u', '%s')", "mail.Password = \"%s\"", "bcrypt.hash('%s', 10)", "bcrypt.hashSync(\"%s\", 10)", "bcrypt.compare('%s', h)", "bcrypt.GenerateFromPassword([]byte(\"%s\"), 10)", "password_hash('%s', PASSWORD_DEFAULT)", "password_verify('%s', $h)", "generate_password_hash('%s')", "check_password_hash(h, '%s')", "make_password('%s')", "jwt.sign({a: 1}, '%s')", "jwt.sign(payload, \"%s\", {expiresIn: 1})", "jwt.verify(t, '%s')", "jwt.encode({'a': 1}, '%s', algorithm='HS256')", "crypto.createHmac('sha256', '%s')", "hmac.new(b'%s', m)", "hmac.New(sha256.New, []byte(\"%s\"))", "createCipher('aes192', '%s')", "new SecretKeySpec(\"%s\".getBytes(), \"AES\")", "PBEKeySpec(\"%s\".toCharArray())", "ks.load(in, \"%s\".toCharArray())", "keystore.load(stream, \"%s\".toCharArray());", "char[] password = \"%s\".toCharArray();", "app.secret_key = '%s'", "app.config['SECRET_KEY'] = '%s'", "session({ secret: '%s' })", "cookieParser('%s')", "sessions.NewCookieStore([]byte(\"%s\"))", "imap.login(\"u\", \"%s\")", "cx_Oracle.connect('scott/%s@h/x')", "cx_Oracle.connect('scott', '%s', 'h/x')", "oracledb.connect(user='u', password='%s')", "sqlalchemy.create_engine('mysql://u:%s@h/d')", "pyodbc.connect('DRIVER={x};SERVER=h;UID=u;PWD=%s')", "new Sequelize('d', 'u', '%s', {})", "authenticate(username='u', password='%s')", "login('u', '%s')", "client.login(username='u', password='%s')", "post('/login', {username: 'u', password: '%s'})", "axios.post(u, {}, {auth: {username: 'u', password: '%s'}})", "request.auth('u', '%s')", "Basic.encode('u', '%s')", "base64.b64encode(b'u:%s')", "btoa('u:%s')", "Buffer.from('u:%s').toString('base64')", "ZipFile(a).extractall(pwd=b'%s')", "zf.setpassword(b'%s')", "wifi.begin(ssid, \"%s\")", "WiFi.begin(\"net\", \"%s\")", "#define WIFI_PASS \"%s\"", "#define PASSWORD \"%s\"", "const char* password = \"%s\";", "nodemailer.createTransport({auth: {user: 'u', pass: '%s'}})",
	}, []string{"hunter", "letmein", "tiger7"})
}

func TestDevicesAndFilesOfAccountsHoldPasswords(t *testing.T) {
	stands(t, newScrubber(t, Config{}), []string{
		"psk=\"%s\"", "psk=%s\n", "wpa-psk %s\n", "wpa-psk \"%s\"\n", "  wpa-psk: %s\n", "wpa_passphrase=%s\n", "passcode: %s", "security answer: %s\n", "security_answer = '%s'\n", "secret answer: %s\n", "\"securityAnswer\": \"%s\"",
		"snmp-server community %s RO\n", "set snmp community %s authorization read-only\n", "rocommunity %s\n", "rwcommunity %s default\n", "enable secret 5 %s\n", "enable password %s\n", "enable secret %s\n", "enable password 7 %s\n", "username u password 7 %s\n", "username u password %s\n", "username u privilege 15 secret 9 %s\n", "username u secret %s\n", "encrypted-password \"%s\";", "plain-text-password-value \"%s\";", "key-string %s\n", "tacacs-server key %s\n", "radius-server key %s\n", "neighbor 1 password %s\n", "ip ospf authentication-key %s\n", "pre-shared-key %s\n", "crypto isakmp key %s address 0.0.0.0\n", "pre-shared-key ascii-text \"%s\";", "set password %s\n", "set passwd %s\n", "set psksecret %s\n", "wpa-psk ascii 0 %s\n", "ppp chap password %s\n", "requirepass %s\n", "masterauth %s\n", "bindpw %s\n", "rootpw %s\n", "olcRootPW: %s\n", "bindpw = %s\n",
		"machine h login u password %s\n", "machine h\nlogin u\npassword %s\n", "default login u password %s\n", "h:5432:db:u:%s\n", "*:*:*:u:%s\n", "h:*:db:u:%s\n", "u:{PLAIN}%s\n", "[pypi]\nusername = u\npassword = %s\n", "//h/:_password=%s\n", "<server><id>a</id><username>u</username><password>%s</password></server>", "smb: username=u\npassword=%s\ndomain=d\n", "u : PSK \"%s\"\n", ": PSK \"%s\"\n", "u : EAP \"%s\"\n", "  identity=\"u\"\n  password=\"%s\"\n", "AuthUserPass %s\n", "proxy_password = %s\n", "smtp_sasl_password_maps = static:u:%s\n", "AUTH LOGIN\nPASS %s\n", "USER u\r\nPASS %s\r\n", "/msg NickServ IDENTIFY %s\n", "PASS oauth:%s\n",
	}, []string{"hunter", "letmein", "tiger7"})
	stands(t, newScrubber(t, Config{}), []string{"PIN: %s\n", "pin=%s\n", "PIN code: %s\n", "PUK: %s\n", "TAN: %s\n", "passcode %s\n", "passcode: %s\n", "door code: %s\n", "the pin is %s\n", "\"pin\": \"%s\"", "OTP: %s", "voicemail PIN %s\n", "alarm code: %s\n", "gate code is %s\n", "access code: %s\n", "meeting ID: 123, passcode: %s\n"}, []string{"471108", "4711"})
}

func TestANameAfterAValueIsNoPartOfIt(t *testing.T) {
	s := newScrubber(t, Config{})
	for _, text := range []string{"\"Password\"=\"tulpe77\"\n\"DefaultPassword\"=\"rosen88\"\n", "\"password\": \"tulpe77\"\n\"admin_password\": \"rosen88\"\n"} {
		if out := scrubbed(t, s, text); strings.Contains(out, "tulpe77") || strings.Contains(out, "rosen88") || strings.Count(strings.ToLower(out), "password\"") != 2 {
			t.Errorf("%q became %q", text, out)
		}
	}
	settles(t, s, "password = \"tulpe77\"\n\"is never closed\n")
}

func TestWordsThatOnlySoundOfSecretsStay(t *testing.T) {
	s := newScrubber(t, Config{})
	for _, text := range []string{
		"First pass: collect the names\n", "second pass: link them\n", "pass = NaN\n", "Pass: 12 Fail: 3\n", "pass: 12, fail: 3\n", "pass rate: 97%\n", "passed: 12\n", "Passed: true\n", "pass 1: count\n", "first pass = walk(x)\n", "The pass is slow.\n", "password: str\n", "password (string): the user's password\n", "token -> Token\n", "password: the user's password\n", "password - the password of the user\n", ":param password: The password of the account to open.\n", "@param password the password of the account\n", "password: Optional[str] = None\n", "def login(self, username: str, password: str) -> bool:\n", "password string\n", "Password string `json:\"password\"`\n", "  password: string;\n", "password: z.string()\n", "password = forms.CharField(widget=forms.PasswordInput)\n", "password = request.form['password']\n", "token = tokens[i]\n", "pass, fail := 0, 0\n", "x = NaN if pass else 1\n", "PASS: TestA\n", "--- PASS: TestA (0.00s)\n", "PASS\nok\n", "test_a PASS\n", "pass: bool = False\n", "key: value\n", "Token: string\n", "secret: bytes\n", "the token is expired\n", "the password is wrong\n", "The secret is out\n", "Enter password: ", "Password must be at least eight characters\n", "password: required|min:8\n", "password: Joi.string().min(8)\n", "| password | string | The password of the user |\n", "| token | string | yes | of the session |\n", "type: password\n", "SELECT name, password FROM users\n", "community: open to all\n", "pin: 4\n", "const { user, password } = req.body;\n", "pin = GPIO.OUT\n", "LED_PIN = 13\n", "pinMode(13)\n", "#define LED_PIN 13\n", "user,password,city\n", "CREATE TABLE users (name text, password text);\n", "INSERT INTO users (name, password) VALUES (?, ?)\n", "INSERT INTO users (name, password) VALUES ($1, $2)\n", "INSERT INTO users (name, password) VALUES (:name, :password)\n", "echo done | sudo tee f\n", "unzip -p a.zip\n", "zip -r a.zip b\n", "net use Z: \\\\srv\\s\n", "<td>Password</td><td><input></td>\n", "<tr><td>Password</td><td><code>--password</code></td></tr>\n", "<td>Name</td><td>value</td>\n", "variable \"db_password\" {\n  type = string\n  description = \"The password of the store\"\n}\n",
	} {
		if out := scrubbed(t, s, text); out != text {
			t.Errorf("%q became %q", text, out)
		}
	}
}
