// SPDX-License-Identifier: Apache-2.0

package scrub

// strength says how much a word beside a value says about it.
type strength uint8

const (
	weak   strength = iota // the value must look random, too
	medium                 // words that code uses for much else: a value of letters only is not enough
	strong                 // any value
)

// word is a word of an assignment.
type word struct {
	kind     string
	strength strength
	whole    bool // not as the tail of a longer word: "pass", but not "compass"
	spaced   bool // the value may follow without a sign: identified by x
	with     bool // a method stands between: identified with x by y
}

// markRules are the keywords of marks.
func markRules() []rule {
	return []rule{
		{keyword: anchor, detect: (*worker).mark},
		{keyword: docNet, detect: (*worker).numberMark},
		{keyword: "-0", detect: (*worker).numberMark},
	}
}

// rules is the table of keywords: what the one pass looks for.
func rules() []rule {
	fs, err := forms()
	if err != nil {
		panic(err) // the table is part of the program
	}
	rs := append(markRules(), []rule{
		{keyword: "@", detect: (*worker).email},
		{keyword: "://", detect: (*worker).url},
		{keyword: "/home/", detect: (*worker).home},
		{keyword: "/Users/", detect: (*worker).home},
		{keyword: `\Users\`, detect: (*worker).home},
		{keyword: `\Documents and Settings\`, detect: (*worker).home},
		{keyword: "-----BEGIN", detect: (*worker).pem},
		{keyword: "eyJ", detect: (*worker).jwt},
		{keyword: "bearer ", detect: (*worker).bearer},
		{keyword: "basic ", detect: (*worker).basic},
	}...)
	rs = append(append(append(rs, personal()...), nearCues()...), namedCues()...)
	for i := range fs {
		rs = append(rs, rule{keyword: fs[i].keyword(), detect: (*worker).vendor, form: &fs[i]})
	}
	for _, k := range words() {
		rs = append(rs, rule{keyword: k.text, detect: (*worker).assigned, word: k.word})
	}
	rs = append(append(append(rs, files()...), statements()...), logins()...)
	rs = append(rs, devices()...)
	rs = append(append(append(append(rs, commands()...), listings()...), append(logged(), sayings()...)...), tellings()...)
	rs = append(rs, cues()...)
	return append(append(rs, escapes()...), packings()...)
}

type namedWord struct {
	text string
	word
}

// words are the names that values beside them give away.
func words() []namedWord {
	var ws []namedWord
	add := func(w word, texts ...string) {
		for _, t := range texts {
			ws = append(ws, namedWord{t, w})
		}
	}
	add(word{kind: "password", strength: strong}, "password", "passwd", "passphrase", "passcode", "passwort", "pswd", "kennwort",
		"wachtwoord", "mot_de_passe", "mot de passe", "motdepasse", "mdp", "contraseña", "contrasena", "clave_secreta", "senha", "parola", "hasło", "haslo",
		"heslo", "lösenord", "losenord", "adgangskode", "passord", "salasana", "jelszo", "jelszó", "şifre", "sifre", "пароль", "密码", "口令",
		"パスワード", "비밀번호", "userpwd", "dbpass", "userpass", "adminpass", "rootpass", "dbpw", "adminpw", "mysql_pwd", "securestring", "keypass", "storepass", "sshpass", "wpa_psk", "pre_shared_key", "presharedkey",
		"psksecret", "securityanswer", "security_answer", "security answer", "secretanswer", "secret_answer", "secret answer")
	add(word{kind: "password", strength: strong, whole: true}, "pass", "pwd", "psw", "pw", "pin_code", "psk")
	add(word{kind: "password", strength: strong, spaced: true}, "identified by")
	add(word{kind: "password", strength: strong, spaced: true, with: true}, "identified with")
	add(word{kind: "secret", strength: strong}, "secret", "connectionstring", "connection_string", "connection-string", "connstr", "conn_str")
	add(word{kind: "token", strength: medium}, "token")
	add(word{kind: "credential", strength: medium}, "credential", "authorization")
	add(word{kind: "credential", strength: medium, whole: true}, "cred", "creds", "dsn")
	add(word{kind: "secret", strength: weak, whole: true}, "auth", "signature", "sig", "salt", "nonce", "seed", "cookie",
		"session", "sessionid", "sid", "code", "otp", "webhook", "csrf", "xsrf", "nkey", "jwt", "verifier", "challenge", "assertion",
		"iv", "entropy", "mnemonic", "bearer", "apitoken", "hmac", "mac", "pepper", "passwordhash", "hash", "cert", "certificate",
		"clientid", "client_id", "appid", "app_id", "tenant")
	add(word{kind: "key", strength: weak, whole: true}, "key")
	for _, q := range []string{"api", "access", "private", "secret", "auth", "account", "encryption", "signing", "master",
		"shared", "storage", "subscription", "service", "consumer", "client", "license", "deploy", "hmac", "jwt", "webhook",
		"session", "aes", "application", "app", "admin", "cipher", "crypto", "user", "project", "oauth", "host", "ssh", "root", "rsa",
		"integration", "instrumentation", "functions", "management", "write", "read", "server", "sign", "verify", "publishable"} {
		for _, sep := range []string{"", "_", "-"} {
			add(word{kind: "key", strength: medium}, q+sep+"key")
		}
	}
	return ws
}

// innocent are the last parts of names whose values are about a secret, but none: token_type, passwordLabel.
func innocent(tail []byte) bool {
	var buf [maxWord]byte
	switch string(small(&buf, lastPart(tail))) {
	case "url", "uri", "type", "file", "filename", "path", "dir", "field", "label", "length", "len", "size", "count",
		"name", "names", "expiry", "expires", "expiration", "ttl", "limit", "timeout", "policy", "placeholder", "regex",
		"pattern", "title", "message", "msg", "error", "errors", "help", "hint", "description", "desc", "env", "enabled",
		"required", "index", "format", "version", "algorithm", "alg", "class", "style", "icon", "min", "max", "at", "ref",
		"endpoint", "usage", "budget", "scope", "scopes", "provider", "kind", "status", "mode", "manager", "store",
		"duration", "interval", "age", "prefix", "suffix", "header":
		return true
	}
	return false
}

// maxWord is the length of the longest word that small folds.
const maxWord = 16

// small returns v in lower case, in buf, to be compared with words; empty where it is longer than they are.
func small(buf *[maxWord]byte, v []byte) []byte {
	if len(v) > maxWord {
		return nil
	}
	for i, c := range v {
		if class[c]&isUpper != 0 {
			c += 'a' - 'A'
		}
		buf[i] = c
	}
	return buf[:len(v)]
}

// stopword reports values that are words of a language or of a configuration.
func stopword(v []byte) bool {
	if len(v) > 12 {
		return false
	}
	if machineType(v) {
		return true
	}
	var buf [maxWord]byte
	switch string(small(&buf, v)) {
	case "", "true", "false", "null", "nil", "none", "undefined", "string", "str", "int", "integer", "int64", "uint8",
		"number", "bool", "boolean", "any", "object", "bytes", "byte", "required", "optional", "yes", "no", "on", "off", "void",
		"unknown", "text", "char", "varchar", "self", "this", "new", "await", "func", "function", "return", "is", "if",
		"else", "for", "in", "not", "and", "or", "the", "a", "an", "const", "let", "var", "def", "class", "struct", "enum",
		"float", "double", "list", "map", "dict", "set", "array", "json", "yaml", "bearer", "basic", "hidden", "redacted",
		"password", "secret", "token", "nan", "inf":
		return true
	}
	return false
}

// machineType reports types that are named for their size: uint32, u64, int64_t.
func machineType(v []byte) bool {
	letters := run(v, 0, len(v), isAlpha)
	digits := run(v, letters, len(v), isDigit)
	if digits == letters || digits < len(v) && string(v[digits:]) != "_t" {
		return false
	}
	switch string(v[letters:digits]) {
	case "8", "16", "32", "64", "128", "256":
	default:
		return false
	}
	switch string(v[:letters]) {
	case "int", "uint", "float", "i", "u", "f", "bytes", "utf":
		return true
	}
	return false
}
