// SPDX-License-Identifier: Apache-2.0

package scrub

import "bytes"

// commands are the rules for credentials that are arguments: flags of programs (curl -u, mysql -p, redis-cli -a) and of
// calls that take a name and a password (SetBasicAuth, mysqli_connect).
func commands() []rule {
	var rs []rule
	for _, k := range []string{" -u", "\t-u", "\n-u", " -p", "\n-p", " -a ", " -w ", " -U ", " -pw ", " /p:", " -k ", " --user ", " --user=", " --proxy-user ", "-passin pass:",
		"-passout pass:", " -x "} {
		rs = append(rs, rule{keyword: k, detect: (*worker).flag})
	}
	for _, k := range []string{"networkcredential(", "directoryentry(", "passwordauthentication(", "getconnection(", "mysqli_connect(",
		"new mysqli(", "mysql_connect(", "pg_connect(", "new pdo(", "passwordcredentials(", "passwordcredential(", "basicauth(", "httpbasicauth(",
		"plainauth(", "ftp_login(", "authenticate(", ".login(", "auth=(", "auth = (", "digestauth(", "basic_auth(", "usernamepasswordtoken("} {
		rs = append(rs, rule{keyword: k, detect: (*worker).call})
	}
	return rs
}

// flagKind says what follows a flag of a program.
type flagKind byte

const (
	noFlag   flagKind = iota
	pairFlag          // name:password
	passFlag          // a password
	commaFlag
	percentFlag
)

// flagOf says what follows flag in a command line of which before stands before it.
func flagOf(before []byte, flag string) flagKind {
	var small [margin]byte
	for i, c := range before {
		small[i] = c
		if class[c]&isUpper != 0 {
			small[i] += 'a' - 'A'
		}
	}
	before = small[:len(before)]
	has := func(names ...string) bool {
		for _, n := range names {
			if i := bytes.LastIndex(before, []byte(n)); i >= 0 && (i == 0 || class[before[i-1]]&isIdent == 0) && at(before, i+len(n))&isAlpha == 0 {
				return true
			}
		}
		return false
	}
	switch flag {
	case "-u", "--user", "--user=", "-U", "--proxy-user":
		switch {
		case has("curl", "http", "https", "wget", "ab", "siege", "xh"):
			return pairFlag
		case flag == "-u" && has("lftp"):
			return commaFlag
		case flag == "-U" && has("smbclient", "rpcclient", "net", "smbmap"):
			return percentFlag
		}
	case "-p":
		if has("sshpass", "psexec", "psexec.exe", "docker login", "podman login", "buildah login", "skopeo login", "helm registry login", "az login",
			"az acr login", "oc login", "cf login", "nxc", "mongo", "mongosh", "mongodump", "mongorestore", "mongoexport", "mongoimport", "rabbitmqadmin",
			"xfreerdp", "rdesktop", "ibmcloud login", "nordvpn login", "net use", "sqsh", "crackmapexec", "evil-winrm", "winexe", "psexec64.exe") {
			return passFlag
		}
		if has("mysql", "mysqldump", "mysqladmin", "mysqlimport", "mysqlcheck", "mariadb", "mycli", "mariadb-dump", "mysqlpump", "mysqlsh") {
			return passFlag
		}
	case "-P":
		if has("sqlcmd", "osql", "bcp", "isql", "ipmitool") {
			return passFlag
		}
	case "-a":
		if has("redis-cli") {
			return passFlag
		}
		if has("http", "https", "xh") {
			return pairFlag
		}
	case "-w":
		if has("ldapsearch", "ldapadd", "ldapmodify", "ldapdelete", "ldappasswd", "ldapwhoami") {
			return passFlag
		}
	case "-pw":
		if has("plink", "pscp", "psftp", "putty", "plink.exe", "pscp.exe", "putty.exe", "kitty") {
			return passFlag
		}
	case "-k", "-x":
		if has("openssl enc", "snmpwalk", "snmpget", "snmpset", "ldapbind") && flag == "-k" {
			return passFlag
		}
	case "/p:":
		if has("xfreerdp", "wfreerdp", "mstsc") {
			return passFlag
		}
	case "-passin pass:", "-passout pass:":
		return passFlag
	}
	return noFlag
}

// flag looks at a flag, and reads what it gives away where the program before it on the line is known.
func (w *worker) flag(r *rule, start, i int) {
	b := w.buf
	name := string(bytes.TrimSpace(b[start:i]))
	last := name[len(name)-1]
	glued := false // -psecret
	switch c := ch(b, i); {
	case last == '=' || last == ':' || b[i-1] == ' ':
	case c == ' ' || c == '\t' || c == '=':
		i++
	case name == "-p" && class[c]&notSpace != 0 || c == '\'' || c == '"':
		glued = true
	default:
		return
	}
	kind := flagOf(commandLine(b, start), name)
	if kind == noFlag || glued && kind == passFlag && name != "-p" {
		return
	}
	if !glued && kind == passFlag && (name == "-p" || name == "-P") && bytes.Contains(commandLine(b, start), []byte("mysql")) {
		return // mysql -p asks, and what follows is a database
	}
	i = spaces(b, i, false)
	s, e, after := field(b, i)
	if kind == passFlag {
		for e > s && (b[e-1] == ')' || b[e-1] == ';') && at(b, s)&isAlnum != 0 && s == i {
			e--
		}
		if v := b[s:e]; len(v) >= 2 && v[0] != '-' && v[0] != '$' && v[0] != '<' && v[0] != '%' {
			w.literal(s, e, "password")
		}
		return
	}
	sign := byte(':')
	if kind == commaFlag {
		sign = ','
	} else if kind == percentFlag {
		sign = '%'
	}
	if n := bytes.IndexByte(b[s:e], sign); n >= 0 && s+n+1 < e {
		w.userPair(s, s+n, s+n+1, e)
	} else if n >= 0 || ch(b, after) == sign { // name:'password', or the name alone is a key
		end := e
		if n >= 0 {
			end = s + n
		}
		ps, pe := end, end
		if next := end + 1; n >= 0 && end+1 == e || ch(b, after) == sign {
			if ch(b, after) == sign {
				next = after + 1
			}
			ps, pe, _ = field(b, next)
		}
		w.userPair(s, end, ps, pe)
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

// commandLine returns what stands before i in a line of a shell, with the lines that \ continues.
func commandLine(b []byte, i int) []byte {
	line := b[max(0, i-margin):i]
	for end := len(line); ; {
		n := bytes.LastIndexByte(line[:end], '\n')
		if n < 0 {
			return line
		}
		if k := len(bytes.TrimRight(line[:n], " \r")); k == 0 || line[k-1] != '\\' && line[k-1] != '`' && line[k-1] != '^' {
			return line[n+1:]
		}
		end = n
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
	if u := b[user.start:user.end]; len(u) > 0 && len(u) < 40 && !generic(u) && bytes.IndexAny(u, " @:/") < 0 {
		w.literal(user.start, user.end, "user")
	}
}
