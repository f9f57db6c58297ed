// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"

	"github.com/headrace/headrace/scrub/internal/names"
)

// What programs print about accounts has columns: where an account stands, any word is one, be it in a list of names or
// not. Accounts that every system has name nobody, and stay.

// listings are the keywords of what programs print, and of commands that take the name of an account.
func listings() []rule {
	var rs []rule
	add := func(detect func(*worker, *rule, int, int), keywords ...string) {
		for _, k := range keywords {
			rs = append(rs, rule{keyword: k, detect: detect})
		}
	}
	add((*worker).filed, "-rw", "-r-", "drwx", "drw-", "dr-x", "lrwx", "srwx", "srw-", "prw-", "crw-", "brw-")
	add((*worker).ids, "uid=0", "uid: (")
	add((*worker).entry, ":x:0", ":*:000:0", ":0000:0:", ":00000:0:")
	add((*worker).terminal, " pts/0", "\tpts/0", " tty0", " ttys0", " console ", "?      ")
	add((*worker).printedName, "whoami\n", "whoami\r\n", "id -un\n", "logname\n")
	add((*worker).accountOf, "chown ", "su ", "sudo -", "useradd ", "adduser ", "usermod ", "userdel ", "deluser ", "gpasswd ", "chage ", "ssh -l ",
		"crontab -u ", "pkill -u ", "runuser ", "gosu ", "su-exec ")
	return rs
}

// holder records the account name at i, where nothing else can stand. It returns its end, i where there is no name.
func (w *worker) holder(i int) int {
	b := w.buf
	if at(b, i)&isAlpha == 0 && ch(b, i) < 0x80 {
		return i
	}
	end := handleEnd(b, i)
	if v := b[i:end]; len(v) > 1 && len(v) <= 40 && !system(v) && !w.ownAt(b, i, end) && !placeholder(v) {
		w.add(i, end, "user")
	}
	return end
}

// system reports accounts and groups that systems and their services have.
func system(v []byte) bool {
	if generic(v) || hasAny(v, "systemd-", "_") {
		return true
	}
	switch string(lower(v)) {
	case "daemon", "bin", "sys", "sync", "games", "man", "lp", "mail", "news", "uucp", "proxy", "www-data", "backup", "list", "irc", "nobody", "nogroup", "messagebus", "sshd", "syslog", "dbus",
		"ssh", "docker", "sudo", "wheel", "adm", "staff", "operator", "tty", "disk", "dialout", "cdrom", "floppy", "audio", "video", "plugdev", "netdev", "lpadmin", "input", "kvm", "render",
		"sambashare", "dip", "src", "crontab", "utmp", "shadow", "lxd", "libvirt", "www", "ftp", "http", "nginx", "apache", "httpd", "tomcat", "jenkins", "kafka", "zookeeper", "elasticsearch",
		"hadoop", "hdfs", "mongodb", "rabbitmq", "memcached", "prometheus", "grafana", "vault", "consul", "gitlab-runner", "everyone", "administrators", "system", "wsgi", "nfsnobody", "rpc",
		"rpcuser", "ntp", "chrony", "polkitd", "avahi", "rtkit", "gdm", "postfix", "named", "bind", "squid", "developers", "access", "ansible", "deploy", "service", "test", "nonroot", "ldap", "reboot",
		"minio", "minio-user", "appuser", "app-user", "appgroup", "kibana", "logstash", "influxdb", "telegraf", "etcd", "solr", "cassandra", "keycloak", "haproxy", "traefik", "caddy", "envoy", "couchdb", "neo4j", "clickhouse", "airflow", "spark", "flink", "nifi", "nexus",
		"gitea", "forgejo", "mattermost", "wildfly", "jboss", "jetty", "artifactory", "opensearch", "filebeat", "loki", "tempo", "alertmanager", "node_exporter", "pgbouncer", "mariadb", "mosquitto", "unbound", "coredns", "dnsmasq", "varnish", "php-fpm", "celery", "gunicorn",
		"puma", "rails", "django", "nextjs", "bun", "deno", "www-run", "wwwrun", "steam", "minecraft", "influx", "dovecot", "opendkim", "clamav", "zabbix", "nagios", "slurm", "munge", "ceph", "gluster", "nats", "pulsar", "activemq", "temporal", "superset", "metabase":
		return true
	}
	return false
}

// filed looks at a line of ls -l or of tar -tv, at the mode that starts it: an owner and a group stand after it.
func (w *worker) filed(_ *rule, start, _ int) {
	b := w.buf
	for i := start + 1; i < start+10; i++ {
		if c := ch(b, i); c == 0 || bytes.IndexByte([]byte("rwxsStT-"), c) < 0 {
			return
		}
	}
	i := start + 10
	if c := ch(b, i); c == '+' || c == '.' || c == '@' {
		i++
	}
	if at(b, i)&isBlank == 0 || at(b, start-1)&isAlnum != 0 {
		return
	}
	i = run(b, i, i+20, isBlank)
	if d := run(b, i, i+8, isDigit); d > i && at(b, d)&isBlank != 0 { // links
		i = run(b, d, d+20, isBlank)
	}
	end := w.holder(i)
	if end == i {
		return
	}
	group := run(b, end, end+20, isBlank)
	if ch(b, end) == '/' {
		group = end + 1
	}
	if group > end && at(b, run(b, handleEndAt(b, group), len(b), isBlank))&isDigit != 0 {
		w.holder(group)
	}
}

// handleEndAt returns where an account name at i ends, i where there is none.
func handleEndAt(b []byte, i int) int {
	if at(b, i)&isAlpha == 0 {
		return i
	}
	return handleEnd(b, i)
}

// ids looks at what id and stat print: uid=1001(jdoe) gid=1001(jdoe) groups=1001(jdoe),27(sudo).
func (w *worker) ids(_ *rule, _, end int) {
	b := w.buf
	if end <= w.valueEnd {
		return // read from before here
	}
	i := end
	if b[end-1] == '(' {
		i = run(b, i, i+8, isBlank)
	}
	for range 64 {
		d := run(b, i, i+12, isDigit)
		if c := ch(b, d); c == '/' {
			d = run(b, d+1, d+20, isBlank)
		} else if c == '(' {
			d++
		} else {
			return
		}
		e := w.holder(d)
		if ch(b, e) == '+' { // of a domain
			e = w.holder(e + 1)
		}
		if e == d || ch(b, e) != ')' {
			return
		}
		w.valueEnd = max(w.valueEnd, e)
		i = e + 1
		for limit := i + 12; i < limit && (at(b, i)&(isBlank|isAlpha) != 0 || ch(b, i) == ',' || ch(b, i) == '='); {
			i++
		}
	}
}

// entry looks at a line of /etc/passwd, /etc/group or /etc/shadow: accounts stand before and in it.
func (w *worker) entry(r *rule, start, end int) {
	b := w.buf
	line, stop := lineAround(b, start, proseReach)
	if c := bytes.IndexByte(b[line:stop], ':'); b[start+1] != 'x' && b[start+1] != '*' { // shadow: the password stands between
		if c <= 0 || line+c >= start || bytes.IndexByte(b[line+c+1:start], ':') >= 0 {
			return
		}
	} else if line+c != start {
		return
	}
	first := line
	for at(b, first)&isBlank != 0 {
		first++
	}
	i := run(b, end, end+10, isDigit)
	if b[start+1] == 'x' {
		if i-start <= 5 && ch(b, start+3) != '5' || ch(b, i) != ':' { // fewer than three digits: of the system
			return
		}
	}
	if handleEndAt(b, first) != line+bytes.IndexByte(b[line:stop], ':') {
		return
	}
	w.holder(first)
	if w.gecos(start + len(":x:")); b[start+1] != 'x' || at(b, i+1)&isDigit != 0 {
		return
	}
	for i++; i < stop; i++ { // a group: its members
		e := w.holder(i)
		if e == i || ch(b, e) != ',' {
			return
		}
		i = e
	}
}

// gecos looks at the name of the person whom an account is of, behind its numbers at i.
func (w *worker) gecos(i int) {
	b := w.buf
	for range 2 {
		e := run(b, i, i+10, isDigit)
		if e == i || ch(b, e) != ':' {
			return
		}
		i = e + 1
	}
	e := i
	for e < len(b) && e < i+maxName && (lettering[b[e]] != noLetter || bytes.IndexByte([]byte(" .-'"), b[e]) >= 0) {
		e++
	}
	if v := b[i:e]; (ch(b, e) == ',' || ch(b, e) == ':') && len(v) > 2 && upperAt(b, i) && !system(v) && w.names.Of(v) != names.Word {
		w.add(i, e, "person")
	}
}

// terminal looks at a line of ps, who, w or last: it begins with an account, and a terminal stands after it, or after numbers.
func (w *worker) terminal(r *rule, start, _ int) {
	b := w.buf
	line, _ := lineAround(b, start, lineReach)
	e := handleEndAt(b, line)
	if ch(b, e) == '+' { // cut off
		e++
	}
	if e == line || e > start || line > 0 && b[line-1] != '\n' {
		return
	}
	next := run(b, e, start+1, isBlank)
	if next == e || next < start && (at(b, next)&isDigit == 0 || at(b, run(b, next, start, isDigit))&isBlank == 0) || r.keyword[0] == '?' && next >= start {
		return
	}
	w.holder(line)
}

// printedName looks at the line after a command that prints the name of an account.
func (w *worker) printedName(_ *rule, _, end int) {
	if e := handleEndAt(w.buf, end); e > end && (ch(w.buf, e) == '\n' || ch(w.buf, e) == '\r' || e == len(w.buf)) {
		w.holder(end)
	}
}

// accountOf looks at the account that a command is told: chown -R jdoe:staff, su jdoe, sudo -iu jdoe, usermod -aG docker jdoe.
func (w *worker) accountOf(r *rule, start, end int) {
	b := w.buf
	if !commandAt(b, start) {
		return
	}
	i, told := end, r.keyword != "sudo -"
	if !told {
		i--
	}
	for range 8 {
		e := run(b, i, i+64, notSpace)
		v := b[i:e]
		switch {
		case len(v) == 0 || len(v) == 64:
			return
		case v[0] == '-':
			told = told || v[len(v)-1] == 'u' || string(v) == "--user"
		case told && v[0] != '/' && class[v[0]]&isDigit == 0:
			stop := handleEndAt(b, i)
			if stop == i || stop < e && b[stop] != ':' {
				return
			}
			if name := b[i:stop]; !system(name) {
				w.toldName(i, stop, name)
				if stop < e {
					w.toldName(stop+1, handleEndAt(b, stop+1), name)
				}
				return
			} else if r.keyword == "chown " || r.keyword == "gosu " || r.keyword[0] == 's' {
				return
			}
		case !told:
			return
		}
		if i = run(b, e, e+8, isBlank); i == e {
			return
		}
	}
}

// toldName records an account that a command is told; a group only where it is called as the account is.
func (w *worker) toldName(i, end int, account []byte) {
	if v := w.buf[i:end]; string(v) == string(account) && w.names.Of(v) != names.Word && !placeholder(v) && !stopword(v) {
		w.holder(i)
	}
}

// commandAt reports whether a command may begin at i: a line does, or a sign or a word of a shell stands before it.
func commandAt(b []byte, i int) bool {
	for n := 0; n < 8 && at(b, i-1)&isBlank != 0; n++ {
		i--
	}
	switch c := ch(b, i-1); c {
	case 0, '\n', '\r', '$', '#', '>', '&', '|', ';', '(', '`', '"', '\'', '%', '/', '[':
		return true
	}
	switch v := wordBefore(b, i); string(v.b[:v.n]) {
	case "sudo", "run", "exec", "then", "do", "doas", "else", "time", "nohup":
		return true
	}
	return false
}
