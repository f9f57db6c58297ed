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

// token is a known prefix of credentials: what follows it and how much.
type token struct {
	kind string
	min  int // letters of class after the prefix
	of   uint16
}

// rules is the table of keywords: what the one pass looks for.
func rules() []rule {
	rs := []rule{
		{keyword: anchor, detect: (*worker).mark},
		{keyword: docNet, detect: (*worker).numberMark},
		{keyword: "-0", detect: (*worker).numberMark},
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
		{keyword: " -u ", detect: (*worker).userFlag},
		{keyword: " --user ", detect: (*worker).userFlag},
		{keyword: "0000", detect: (*worker).card},
	}
	for _, p := range prefixes() {
		rs = append(rs, rule{keyword: p.prefix, detect: (*worker).prefixed, token: p.token})
	}
	for _, k := range words() {
		rs = append(rs, rule{keyword: k.text, detect: (*worker).assigned, word: k.word})
	}
	return rs
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
		"wachtwoord", "mot_de_passe", "motdepasse", "mdp", "contraseña", "contrasena", "clave_secreta", "senha", "parola", "hasło", "haslo",
		"heslo", "lösenord", "losenord", "adgangskode", "passord", "salasana", "jelszo", "jelszó", "şifre", "sifre", "пароль", "密码", "口令",
		"パスワード", "비밀번호", "userpwd", "mysql_pwd", "securestring", "keypass", "storepass")
	add(word{kind: "password", strength: strong, whole: true}, "pass", "pwd", "psw", "pw", "pin_code")
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
func innocent(part string) bool {
	switch part {
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

// stopword reports values that are words of a language or of a configuration.
func stopword(v []byte) bool {
	if len(v) > 12 {
		return false
	}
	switch string(lower(v)) {
	case "", "true", "false", "null", "nil", "none", "undefined", "string", "str", "int", "integer", "int64", "uint8",
		"number", "bool", "boolean", "any", "object", "bytes", "byte", "required", "optional", "yes", "no", "on", "off", "void",
		"unknown", "text", "char", "varchar", "self", "this", "new", "await", "func", "function", "return", "is", "if",
		"else", "for", "in", "not", "and", "or", "the", "a", "an", "const", "let", "var", "def", "class", "struct", "enum",
		"float", "double", "list", "map", "dict", "set", "array", "json", "yaml", "bearer", "basic", "hidden", "redacted",
		"password", "secret", "token":
		return true
	}
	return false
}

type namedToken struct {
	prefix string
	token
}

// prefixes are the public prefixes of well-known credentials.
func prefixes() []namedToken {
	const upper = isUpper | isDigit
	const dashed = isBase64 // letters, digits, _ - and base64's signs
	return []namedToken{
		{"ghp_", token{"github_token", 30, isAlnum}}, {"gho_", token{"github_token", 30, isAlnum}},
		{"ghu_", token{"github_token", 30, isAlnum}}, {"ghs_", token{"github_token", 30, isAlnum}},
		{"ghr_", token{"github_token", 30, isAlnum}}, {"github_pat_", token{"github_token", 36, isIdent}},
		{"glpat-", token{"gitlab_token", 16, dashed}}, {"gldt-", token{"gitlab_token", 16, dashed}},
		{"glrt-", token{"gitlab_token", 16, dashed}}, {"glptt-", token{"gitlab_token", 16, dashed}},
		{"AKIA", token{"aws_key_id", 16, upper}}, {"ASIA", token{"aws_key_id", 16, upper}},
		{"ABIA", token{"aws_key_id", 16, upper}}, {"ACCA", token{"aws_key_id", 16, upper}},
		{"AIza", token{"google_key", 30, dashed}}, {"ya29.", token{"google_token", 20, dashed}},
		{"GOCSPX-", token{"google_secret", 20, dashed}}, {"1//0", token{"google_token", 30, dashed}},
		{"xoxb-", token{"slack_token", 12, dashed}}, {"xoxp-", token{"slack_token", 12, dashed}},
		{"xoxa-", token{"slack_token", 12, dashed}}, {"xoxr-", token{"slack_token", 12, dashed}},
		{"xoxs-", token{"slack_token", 12, dashed}}, {"xoxe-", token{"slack_token", 12, dashed}},
		{"xapp-", token{"slack_token", 12, dashed}},
		{"hooks.slack.com/services/", token{"slack_webhook", 16, dashed}},
		{"hooks.slack.com/workflows/", token{"slack_webhook", 16, dashed}},
		{"/api/webhooks/", token{"discord_webhook", 40, dashed}},
		{"sk-ant-", token{"anthropic_key", 20, dashed}}, {"sk-proj-", token{"openai_key", 20, dashed}},
		{"sk-", token{"openai_key", 20, dashed}}, {"gsk_", token{"groq_key", 20, isAlnum}},
		{"hf_", token{"huggingface_token", 20, isAlnum}}, {"r8_", token{"replicate_token", 20, isAlnum}},
		{"pplx-", token{"perplexity_key", 20, isAlnum}}, {"tvly-", token{"tavily_key", 16, dashed}},
		{"sk_live_", token{"stripe_key", 10, isAlnum}}, {"sk_test_", token{"stripe_key", 10, isAlnum}},
		{"rk_live_", token{"stripe_key", 10, isAlnum}}, {"rk_test_", token{"stripe_key", 10, isAlnum}},
		{"whsec_", token{"stripe_secret", 16, dashed}},
		{"SG.", token{"sendgrid_key", 30, dashed}}, {"xkeysib-", token{"brevo_key", 30, dashed}},
		{"key-", token{"mailgun_key", 32, isAlnum}}, {"sq0atp-", token{"square_token", 16, dashed}},
		{"sq0csp-", token{"square_secret", 16, dashed}},
		{"npm_", token{"npm_token", 30, isAlnum}}, {"pypi-AgE", token{"pypi_token", 30, dashed}},
		{"rubygems_", token{"rubygems_key", 30, isAlnum}}, {"dckr_pat_", token{"docker_token", 16, dashed}},
		{"dckr_oat_", token{"docker_token", 16, dashed}}, {"oy2", token{"nuget_key", 43, isAlnum}},
		{"shpat_", token{"shopify_token", 24, isAlnum}}, {"shpss_", token{"shopify_secret", 24, isAlnum}},
		{"shpca_", token{"shopify_token", 24, isAlnum}}, {"shppa_", token{"shopify_token", 24, isAlnum}},
		{"dop_v1_", token{"digitalocean_token", 32, isAlnum}}, {"doo_v1_", token{"digitalocean_token", 32, isAlnum}},
		{"dor_v1_", token{"digitalocean_token", 32, isAlnum}},
		{"hvs.", token{"vault_token", 16, dashed}}, {"hvb.", token{"vault_token", 16, dashed}},
		{".atlasv1.", token{"terraform_token", 40, dashed}}, {"pul-", token{"pulumi_token", 40, isAlnum}},
		{"glsa_", token{"grafana_token", 24, isIdent}}, {"glc_", token{"grafana_token", 24, dashed}},
		{"ATATT3", token{"atlassian_token", 40, dashed}}, {"ATCTT3", token{"atlassian_token", 40, dashed}},
		{"ATBB", token{"atlassian_token", 28, isAlnum}},
		{"lin_api_", token{"linear_key", 30, isAlnum}}, {"ntn_", token{"notion_token", 30, isAlnum}},
		{"secret_", token{"notion_token", 40, isAlnum}}, {"figd_", token{"figma_token", 30, dashed}},
		{"PMAK-", token{"postman_key", 30, dashed}}, {"NRAK-", token{"newrelic_key", 20, upper}},
		{"dapi", token{"databricks_token", 32, isAlnum}}, {"sntrys_", token{"sentry_token", 30, dashed}},
		{"sntryu_", token{"sentry_token", 30, dashed}}, {"phx_", token{"posthog_key", 30, isAlnum}},
		{"dp.pt.", token{"doppler_token", 30, isAlnum}}, {"dp.st.", token{"doppler_token", 30, dashed}},
		{"ops_eyJ", token{"onepassword_token", 40, dashed}}, {"AGE-SECRET-KEY-1", token{"age_key", 50, upper}},
		{"tfstate_", token{"terraform_token", 30, isAlnum}}, {"EAAA", token{"square_token", 50, dashed}},
		{"AccountKey=", token{"azure_key", 40, dashed}}, {"fio-u-", token{"frameio_token", 40, dashed}},
		{"rdme_", token{"readme_key", 40, isAlnum}}, {"ico-", token{"intra42_secret", 30, isAlnum}},
		{"pscale_tkn_", token{"planetscale_token", 30, dashed}}, {"pscale_pw_", token{"planetscale_password", 30, dashed}},
		{"sgp_", token{"sourcegraph_token", 32, isIdent}}, {"nfp_", token{"netlify_token", 30, isAlnum}},
		{"FLWSECK", token{"flutterwave_key", 16, dashed}}, {"EZAK", token{"easypost_key", 40, isAlnum}},
		{"duffel_", token{"duffel_token", 30, dashed}}, {"cio", token{"crates_token", 32, isAlnum}},
		{"tskey-", token{"tailscale_key", 16, dashed}},
	}
}
