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
	glued string // flags that a password is a part of: 7z -psecret
	place int    // of the argument that is a password, among those that are no flags; below zero, the last of so many
	needs byte   // the letter of a flag without which there is none by its place; a backslash, the name of a share
	slash bool   // name/password
	words bool   // password secret
	pairs bool   // --from-literal=name=secret
}

// commanding is where a scan is in a line of a shell: the last program on it, and where its name ends.
type commanding struct {
	program    *program
	programEnd int
}

func programs() []program {
	return []program{
		{names: "curl,wget", pair: "-u -U --user --user= --proxy-user --proxy-user=", sign: ':'},
		{names: "httpie,http POST,http GET,http PUT", pair: "-a", sign: ':'},
		{names: "lftp", pair: "-u", sign: ','},
		{names: "smbclient,rpcclient,smbmap", pair: "-U", sign: '%'},
		{names: "mysql,mysqldump,mysqladmin,mariadb,mycli,mysqlsh", glued: "-p"},
		{names: "sshpass,docker login,podman login,buildah login,skopeo login,registry login,ncftpput,ncftpget,twine upload", pass: "-p", glued: "-p"},
		{names: "psexec,az login,acr login,oc login," +
			"cf login,ibmcloud login,mongo,mongosh,mongodump,mongorestore,mongoexport,mongoimport,rabbitmqadmin,rdesktop,sqsh," +
			"crackmapexec,evil-winrm,winexe,nxc smb", pass: "-p"},
		{names: "useradd,usermod", pass: "-p"},
		{names: "sqlcmd,osql,ipmitool,unzip,zip,bcp,mosquitto_pub,mosquitto_sub,isql", pass: "-P"},
		{names: "7z,7za,7zr,unrar,rar a,rar x,rar e", glued: "-p -hp"},
		{names: "ssh-keygen", pass: "-N -P"},
		{names: "snmpwalk,snmpget,snmpset,snmpbulkwalk,snmpgetnext,snmptrap,snmpbulkget", pass: "-c -A -X"},
		{names: "influx,keytool,jarsigner,gpg,gpg2,wget,qpdf,svn,helm,flyway,liquibase,argocd,rclone", pass: "-password"},
		{names: "nmcli", words: true},
		{names: "gh secret set", pass: "--body -b"},
		{names: "htpasswd", place: -2, needs: 'b'},
		{names: "net use", place: 1, needs: '\\'},
		{names: "net user", place: 2},
		{names: "openssl passwd", place: 1},
		{names: "wpa_passphrase", place: 2},
		{names: "convertto-securestring", place: 1},
		{names: "sqlplus,sqlcl,impdp,expdp,sqlldr,rman target", slash: true},
		{names: "kubectl create secret,oc create secret,k create secret", pairs: true},
		{names: "redis-cli", pass: "-a"},
		{names: "ldapsearch,ldapadd,ldapmodify,ldapdelete,ldapwhoami", pass: "-w"},
		{names: "plink,pscp,psftp,putty", pass: "-pw"},
		{names: "openssl", pass: "-k -passin -passout"},
		{names: "xfreerdp,freerdp,wfreerdp,runas", pass: "/p:"},
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
		" --proxy-user ", " --proxy-user=", " -hp", " -c ", " -n ", " -x ", " -b ", " -password ", " --body ", "-passin pass:", "-passout pass:"} {
		rs = append(rs, rule{keyword: k, detect: (*worker).flag})
	}
	for _, k := range []string{"sudo -", "chpasswd", "passwd --stdin", "password-stdin", "passphrase-fd", "cryptsetup", "vncpasswd", "lpass login"} {
		rs = append(rs, rule{keyword: k, detect: (*worker).piped})
	}
	for _, k := range []string{"jdbc:oracle:thin:", "jdbc:oracle:oci:", "jdbc:oracle:oci8:", "userid=", "oracle.connect('", "oracle.connect(\""} {
		rs = append(rs, rule{keyword: k, detect: (*worker).oracle})
	}
	rs = append(rs, rule{keyword: "--from-literal", detect: (*worker).fromLiteral})
	rs = append(rs, calls()...)
	return rs
}

// command notes the name of a program: flags after it on the line are its.
func (w *worker) command(r *rule, start, end int) {
	b := w.buf
	if c := ch(b, start-1); class[c]&isIdent != 0 || c == '.' || at(b, end)&isIdent != 0 || r.keyword[0] == '7' && b[start] != '7' {
		return
	}
	w.program, w.programEnd = r.program, end
	switch p := r.program; {
	case at(b, end)&isBlank == 0:
	case p.place != 0:
		w.placed(p, end)
	case p.slash:
		w.slashed(end)
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
	case listed(p.pass, flag) && !glued, listed(p.glued, flag) && glued: // mysql -p secret asks, and secret is a database
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
