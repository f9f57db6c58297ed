// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"strings"
)

const maxCall = 6 // arguments of a call that are looked at

// calls are the rules for calls that take a credential: which of their arguments it is.
func calls() []rule {
	var rs []rule
	for _, c := range []struct {
		place int // of the first argument that may be one; 0 for the last of two literals, -1 for the last, -2 for the last of two or more
		names string
	}{
		{0, "networkcredential(,directoryentry(,passwordauthentication(,getconnection(,pg_connect(,new pdo(,passwordcredentials(," +
			"passwordcredential(,authenticate(,usernamepasswordtoken(,createuser(,create_user(,createsuperuser(,create_superuser(,basic.encode(,credentials.basic(,login("},
		{-2, "basicauth(,plainauth(,ftp_login(,.login(,auth=(,auth = (,digestauth(,basic_auth("},
		{-1, "redis.auth(,redis->auth(,client.auth(,r.auth(,db.auth(,request.auth(,conn.auth("},
		{1, "bcrypt.hash(,bcrypt.hashsync(,bcrypt.compare(,bcrypt.comparesync(,hashpw(,checkpw(,cookieparser(,newcookiestore(,pbekeyspec(,hmac.new("},
		{2, "simple_bind_s(,simple_bind(,jwt.sign(,jwt.verify(,jwt.encode(,jwt.decode(,createhmac(,createcipher(,createdecipher(,wifi.begin(," +
			"jsch.addidentity(,cx_oracle.connect(,oracledb.connect("},
		{3, "mysqli_connect(,new mysqli(,mysql_connect(,mysql_pconnect(,pymysql.connect(,mysqldb.connect(,new sequelize("},
		{4, "ssh.connect(,client.connect("},
	} {
		p := &program{place: c.place}
		for name := range strings.SplitSeq(c.names, ",") {
			rs = append(rs, rule{keyword: name, detect: (*worker).call, program: p})
		}
	}
	for _, k := range []string{"send_keys(", "sendkeys(", ".type(", ".typetext(", ".fill(", ".setvalue("} {
		rs = append(rs, rule{keyword: k, detect: (*worker).typed})
	}
	for _, k := range []string{"btoa(", "b64encode(", "buffer.from(", "encodetostring("} {
		rs = append(rs, rule{keyword: k, detect: (*worker).encoded})
	}
	return append(rs, rule{keyword: `".tochararray(`, detect: (*worker).characters}, rule{keyword: `send "`, detect: (*worker).sent},
		rule{keyword: `send -- "`, detect: (*worker).sent})
}

// argumentsOf reads the arguments of the call that opens before i: of each that begins with a literal, its inside.
func argumentsOf(b []byte, i int) (args [maxCall]span, n int) {
	for n < maxCall {
		i = blanks(b, i)
		for limit := i + len("[]byte("); i < limit && (class[ch(b, i)]&isIdent != 0 || ch(b, i) == '[' || ch(b, i) == ']' || ch(b, i) == '('); i++ {
			if q, _ := quoteAt(b, i+1); q != 0 {
				i++
				break
			}
		}
		if q, inside := quoteAt(b, i); q != 0 {
			s, e, after := field(b, i)
			if s != inside || e < s || after == e {
				return args, 0
			}
			args[n], i = span{start: s, end: e}, after
		}
		depth := 0
		for limit := i + maxGap; ; i++ {
			switch c := ch(b, i); c {
			case '(', '[', '{':
				depth++
				continue
			case ')', ']', '}':
				if depth--; depth < 0 {
					return args, n + 1
				}
				continue
			case '"', '\'', '`':
				if _, _, after := field(b, i); after > i {
					i = after - 1
				}
				continue
			case 0, ';', '\n':
				if c != '\n' || depth <= 0 && ch(b, i-1) != ',' {
					return args, 0
				}
			case ',':
			default:
				if i < limit {
					continue
				}
				return args, 0
			}
			if ch(b, i) == ',' && depth <= 0 {
				break
			}
			if i >= limit {
				return args, 0
			}
		}
		n, i = n+1, i+1
	}
	return args, n
}

// call looks at the arguments of a call that takes a credential.
func (w *worker) call(r *rule, start, i int) {
	b := w.buf
	if r.keyword == "login(" && (at(b, start-1)&isIdent != 0 || ch(b, start-1) == '.') {
		return
	}
	args, n := argumentsOf(b, i)
	p, at := r.program.place, n-1
	if p > 0 && n >= p {
		for at = p - 1; at < n-1 && args[at].end == 0; at++ {
		}
	}
	if n == 0 || n == 1 && p != 1 && p != -1 || p == 0 && (n < 2 || args[n-2].end == 0) || args[at].end == 0 {
		return
	}
	last := args[at]
	if v := b[last.start:last.end]; ofCode(v) || n == 1 && strings.HasSuffix(r.keyword, "t.auth(") && run(v, 0, len(v), isLower) == len(v) || len(v) < 3 || bytes.IndexByte(v, ' ') >= 0 || mailbox(v) || hasAny(v, "http", "/", "jdbc:") {
		return
	}
	w.literal(last.start, last.end, "password")
	if at == 0 || args[at-1].end == 0 {
		return
	}
	user := args[at-1]
	if u := b[user.start:user.end]; len(u) > 0 && len(u) < 40 && p <= 0 && !generic(u) && !ofCode(u) && !bytes.ContainsAny(u, " @:/") {
		w.literal(user.start, user.end, "user")
	}
}

// typed looks at what a test types into a field of a page: the field, named before or as the first argument, is one of a
// password.
func (w *worker) typed(_ *rule, start, i int) {
	b := w.buf
	args, n := argumentsOf(b, i)
	if n < 1 || n > 3 || args[n-1].end == 0 && (n < 2 || args[1].end == 0) {
		return
	}
	typed := args[min(n, 2)-1]
	if typed.end < typed.start+3 || !bytes.Contains(lower(b[max(0, start-maxGap):typed.start]), []byte("passw")) {
		return
	}
	if v := b[typed.start:typed.end]; !bytes.Contains(lower(v), []byte("passw")) || n == 1 {
		w.literal(typed.start, typed.end, "password")
	}
}

// encoded looks at name:password in a call that makes a header of it.
func (w *worker) encoded(_ *rule, _, i int) {
	b := w.buf
	args, n := argumentsOf(b, i)
	if n == 0 || args[0].end == 0 {
		return
	}
	v := b[args[0].start:args[0].end]
	colon := bytes.IndexByte(v, ':')
	if colon < 1 || ofCode(v[colon+1:]) || colon+3 > len(v) || bytes.ContainsAny(v, " /{}<>,=%") {
		return
	}
	w.userPair(args[0].start, args[0].start+colon, args[0].start+colon+1, args[0].end)
}

// characters looks at a literal of Java that is made into an array of characters, for a store of keys or a password.
func (w *worker) characters(_ *rule, end, _ int) {
	b := w.buf
	start := end
	for limit := end - maxGap; start > 0 && start > limit && b[start-1] != '"' && b[start-1] != '\n'; start-- {
	}
	if ch(b, start-1) != '"' || end-start < 3 {
		return
	}
	for _, call := range [...]string{"load(", "KeySpec(", "Protection(", "getKey(", "store(", "init(", "Entry(", "assword", "asswd"} {
		if bytes.Contains(b[max(0, start-maxGap):start], []byte(call)) {
			w.literal(start, end, "password")
			return
		}
	}
}

// sent looks at what a script of expect sends after it was asked for a password.
func (w *worker) sent(_ *rule, start, i int) {
	b := w.buf
	before := b[max(0, start-maxGap):start]
	if n := bytes.LastIndex(before, []byte("send")); n >= 0 {
		before = before[n:] // what was asked before it is answered
	}
	if !bytes.Contains(lower(before), []byte("assw")) && !bytes.Contains(before, []byte("assphrase")) {
		return
	}
	s, e, _ := field(b, i-1)
	if n := bytes.IndexByte(b[s:e], '\\'); n > 0 {
		e = s + n
	}
	w.literal(s, e, "password")
}

// mailbox reports an address, which is no password: create(name, address).
func mailbox(v []byte) bool {
	i := bytes.IndexByte(v, '@')
	return i > 0 && bytes.IndexByte(v[i:], '.') > 1
}

// ofCode reports words that calls take beside credentials: verbs of HTTP, the names of schemes, pages, parts and roles.
func ofCode(v []byte) bool {
	var buf [maxWord]byte
	switch string(small(&buf, v)) {
	case "get", "post", "put", "delete", "patch", "head", "options", "basic", "bearer", "digest", "token", "oauth", "oauth2", "jwt", "local", "none", "session", "cookie", "profile", "email", "openid", "next", "redirect", "home", "index", "dashboard",
		"page", "callback", "success", "failure", "error", "viewer", "editor", "role", "roles", "owner", "member", "replica", "primary", "secondary", "master", "slave", "default", "main", "read", "write", "name", "user", "username", "password", "value",
		"text", "json", "xml", "html", "data", "type", "id", "key", "string", "number", "utf8", "utf-8", "base64", "hex", "ascii", "latin1", "binary", "google", "github", "facebook", "twitter", "saml", "ldap", "admin", "guest", "anonymous", "public", "private",
		"production", "development", "staging", "test", "plain", "image", "application", "code", "list", "new", "edit", "create", "update", "settings", "account", "login", "logout", "signup", "register":
		return true
	}
	return false
}
