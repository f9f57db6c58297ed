// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"strings"
)

// program is a command, and its flags that give away a credential: what stands after one, by its form.
type program struct {
	names string // separated by commas
	pass  string // flags before a password
	pair  string // before name:password, with another sign where sign is set
	sign  byte
}

// commanding is where a scan is in a line of a shell: the last program on it, and where its name ends.
type commanding struct {
	program    *program
	programEnd int
}

func programs() []program {
	return []program{
		{names: "curl,wget", pair: "-u -U --user --user= --proxy-user", sign: ':'},
		{names: "httpie,http POST,http GET,http PUT", pair: "-a", sign: ':'},
		{names: "lftp", pair: "-u", sign: ','},
		{names: "smbclient,rpcclient,smbmap", pair: "-U", sign: '%'},
		{names: "mysql,mysqldump,mysqladmin,mariadb,mycli,mysqlsh", pass: "-p'"},
		{names: "sshpass,psexec,docker login,podman login,buildah login,skopeo login,registry login,az login,acr login,oc login," +
			"cf login,ibmcloud login,mongo,mongosh,mongodump,mongorestore,mongoexport,mongoimport,rabbitmqadmin,rdesktop,sqsh," +
			"crackmapexec,evil-winrm,winexe,nxc smb", pass: "-p"},
		{names: "sqlcmd,osql,ipmitool", pass: "-P"},
		{names: "redis-cli", pass: "-a"},
		{names: "ldapsearch,ldapadd,ldapmodify,ldapdelete,ldapwhoami", pass: "-w"},
		{names: "plink,pscp,psftp,putty", pass: "-pw"},
		{names: "openssl", pass: "-k -passin -passout"},
		{names: "freerdp", pass: "/p:"},
	}
}

// commands are the rules for credentials that are arguments: flags of programs (curl -u, mysql -p, redis-cli -a) and of
// calls that take a name and a password (SetBasicAuth, mysqli_connect).
func commands() []rule {
	var rs []rule
	ps := programs()
	for i := range ps {
		for _, name := range strings.Split(ps[i].names, ",") {
			rs = append(rs, rule{keyword: name, detect: (*worker).command, program: &ps[i]})
		}
	}
	for _, k := range []string{" -u", "\t-u", "\n-u", " -p", "\n-p", " -a ", " -w ", " -pw ", " /p:", " -k ", " --user ", " --user=",
		" --proxy-user ", "-passin pass:", "-passout pass:"} {
		rs = append(rs, rule{keyword: k, detect: (*worker).flag})
	}
	for _, k := range []string{"networkcredential(", "directoryentry(", "passwordauthentication(", "getconnection(", "mysqli_connect(",
		"new mysqli(", "mysql_connect(", "pg_connect(", "new pdo(", "passwordcredentials(", "passwordcredential(", "basicauth(",
		"plainauth(", "ftp_login(", "authenticate(", ".login(", "auth=(", "auth = (", "digestauth(", "basic_auth(", "usernamepasswordtoken("} {
		rs = append(rs, rule{keyword: k, detect: (*worker).call})
	}
	return rs
}

// command notes the name of a program: flags after it on the line are its.
func (w *worker) command(r *rule, start, end int) {
	if at(w.buf, start-1)&isIdent == 0 && at(w.buf, end)&isAlpha == 0 {
		w.program, w.programEnd = r.program, end
	}
}

// flag looks at a flag, and reads what it gives away where the program before it on the line is known.
func (w *worker) flag(_ *rule, start, i int) {
	b, p := w.buf, w.program
	if p == nil || start-w.programEnd > margin || !sameLine(b[min(w.programEnd, start):start]) {
		return
	}
	flag, glued := bytes.TrimSpace(b[start:i]), false
	if n := bytes.IndexByte(flag, ' '); n > 0 {
		flag = flag[:n] // -passin pass:
	}
	switch c := ch(b, i); {
	case b[i-1] == ' ' || b[i-1] == '=' || b[i-1] == ':':
	case c == ' ' || c == '\t' || c == '=':
		i++
	default:
		glued = true // -psecret
	}
	switch {
	case listed(p.pass, flag) && !glued, string(flag) == "-p" && p.pass == "-p'" && glued: // mysql -p secret asks, and secret is a database
		s, e, _ := field(b, spaces(b, i, false))
		for e > s && (b[e-1] == ')' || b[e-1] == ';') {
			e--
		}
		if v := b[s:e]; len(v) >= 2 && v[0] != '-' && v[0] != '$' && v[0] != '<' && v[0] != '%' {
			w.literal(s, e, "password")
		}
	case listed(p.pair, flag):
		w.namePassword(spaces(b, i, false), p.sign)
	}
}

// listed reports whether flag is in a list, in its own case.
func listed(list string, flag []byte) bool {
	for f := range strings.FieldsSeq(list) {
		if f == string(flag) {
			return true
		}
	}
	return false
}

// sameLine reports whether a shell goes on reading: no line ends but after a sign that continues it.
func sameLine(b []byte) bool {
	for {
		n := bytes.IndexByte(b, '\n')
		if n < 0 {
			return true
		}
		if line := bytes.TrimRight(b[:n], " \r"); len(line) == 0 || bytes.IndexByte([]byte("\\`^"), line[len(line)-1]) < 0 {
			return false
		}
		b = b[n+1:]
	}
}

// namePassword reads name:password at i, quoted as a whole or each by itself, or a key and no password.
func (w *worker) namePassword(i int, sign byte) {
	b := w.buf
	s, e, after := field(b, i)
	n := bytes.IndexByte(b[s:e], sign)
	switch {
	case n >= 0 && s+n+1 < e:
		w.userPair(s, s+n, s+n+1, e)
	case n >= 0: // name:'password', or "key:"
		ps, pe := e, e
		if after == e {
			ps, pe, _ = field(b, e)
		}
		w.userPair(s, s+n, ps, pe)
	case ch(b, after) == sign: // "name":"password"
		ps, pe, _ := field(b, after+1)
		w.userPair(s, e, ps, pe)
	}
}

// userPair records a name and its password.
func (w *worker) userPair(us, ue, ps, pe int) {
	b := w.buf
	if ps < pe {
		w.literal(ps, pe, "password")
	}
	if u := b[us:ue]; len(u) > 0 && u[0] != '$' && !placeholder(u) && !generic(u) && bytes.IndexByte(u, '@') < 0 {
		kind := "user"
		if ps >= pe || shapeOf(u).opaque(12) {
			kind = "key"
		}
		w.literal(us, ue, kind)
	}
}

// call looks at the arguments of a call that takes a name and a password: the last in quotes is the password.
func (w *worker) call(_ *rule, _, i int) {
	b := w.buf
	var last, user span
	n := 0
	for range 6 {
		i = blanks(b, i)
		q, inside := quoteAt(b, i)
		if q == 0 {
			e := i
			for e < len(b) && e < i+80 && class[b[e]]&isURL != 0 && b[e] != ',' || ch(b, e) == '[' || ch(b, e) == ']' {
				e++
			}
			i = e
		} else {
			s, e, after := field(b, i)
			if s != inside || e < s {
				return
			}
			user, last, n, i = last, span{start: s, end: e}, n+1, after
		}
		i = blanks(b, i)
		if ch(b, i) != ',' {
			break
		}
		i++
	}
	if c := ch(b, i); n < 2 || c != ')' && c != ',' {
		return
	}
	if v := b[last.start:last.end]; len(v) < 3 || bytes.IndexByte(v, ' ') >= 0 || hasAny(v, "http", "/", "jdbc:") {
		return
	}
	w.literal(last.start, last.end, "password")
	if u := b[user.start:user.end]; len(u) > 0 && len(u) < 40 && !generic(u) && !bytes.ContainsAny(u, " @:/") {
		w.literal(user.start, user.end, "user")
	}
}
