// SPDX-License-Identifier: Apache-2.0

package scrub

import "bytes"

func isHostByte(c byte) bool {
	return class[c]&isAlnum != 0 || c == '-' || c == '.' || c == '_' || c >= 0x80
}

// hostAround returns the host name around the bytes from start to end.
func hostAround(b []byte, start, end int) (int, int) {
	for limit := max(0, start-200); start > limit && isHostByte(b[start-1]); {
		start--
	}
	for limit := min(len(b), end+200); end < limit && isHostByte(b[end]); {
		end++
	}
	for start < end && (b[start] == '.' || b[start] == '-' || b[start] == '_') {
		start++
	}
	for end > start && (b[end-1] == '.' || b[end-1] == '-') {
		end--
	}
	return start, end
}

// suffix looks at the end of an internal host name, such as ".corp": what stands before it is the machine. Package
// names and the fields of objects look much the same; there no port, no at sign, no dash or digit stands about.
func (w *worker) suffix(_ *rule, start, end int) {
	b := w.buf
	first, last := hostAround(b, start, end)
	if end < last && b[end] != '.' || first == start || end <= w.valueEnd {
		return
	}
	w.valueEnd = max(w.valueEnd, w.internal(first, last, false))
}

// internal records the host name from first to last where it is an internal one; sure says that it is a host.
func (w *worker) internal(first, last int, sure bool) int {
	b := w.buf
	host := b[first:last]
	if last-first < 4 || w.ownHost(first, last) {
		return 0
	}
	if !sure {
		p, n := ch(b, first-1), ch(b, last)
		if p == '/' && ch(b, first-2) != '/' || p == '\\' || p == '$' || p == '{' || p == '.' || p == '~' || n == '(' || n == '[' || n == '=' || n == '{' || n == '\\' || n == '*' ||
			n == ' ' && (ch(b, last+1) == '=' || ch(b, last+1) == '{') || n == '.' && at(b, last+1)&isAlnum == 0 && ch(b, last+1) == '*' {
			return 0
		}
		digit, dash := false, false
		for i, c := range host {
			digit = digit || class[c]&isDigit != 0
			dash = dash || c == '-'
			if c == '_' || class[c]&isUpper != 0 && i > 0 && class[host[i-1]]&isLower != 0 {
				return 0
			}
		}
		label := bytes.IndexByte(host, '.')
		if !digit && !dash && (p != '@' && p != '"' && p != '\'' && p != '/' && n != ':' && bytes.Count(host, []byte{'.'}) < 2 || packageName(host[:label]) || declares(b, first)) {
			return 0
		}
	}
	w.add(first, last, "host")
	return last
}

// packageName reports first labels that stand before the names of packages, and of fields.
func packageName(label []byte) bool {
	switch string(label) {
	case "com", "org", "net", "io", "de", "fr", "uk", "jp", "java", "javax", "sun", "android", "androidx", "kotlin", "dev", "go", "github", "this", "self", "process",
		"config", "settings", "env", "state", "window", "app", "ctx", "options", "opts", "props", "module", "system", "microsoft", "internal", "local", "build", "test":
		return true
	}
	return false
}

// declares reports whether the word before a name imports or names a package.
func declares(b []byte, i int) bool {
	line, _ := lineAround(b, i, 64)
	words := bytes.Fields(b[line:i])
	if len(words) == 0 {
		return false
	}
	switch string(bytes.TrimRight(words[len(words)-1], "(\"'")) {
	case "package", "import", "from", "using", "namespace", "module", "static", "require", "at", "extends", "implements", "new", "use":
		return true
	}
	return false
}

// ownHost reports whether a host name is one that we made: it holds a mark with our tag.
func (w *worker) ownHost(start, end int) bool {
	b := w.buf
	for i := start; i < end; {
		n := bytes.Index(b[i:end], []byte(anchor))
		if n < 0 {
			return false
		}
		if _, e, head, ok := markAt(b, i+n); ok && w.isOwn(b, e, head) {
			return true
		}
		i += n + 1
	}
	return false
}

// address looks at the host of a URL, and at its path where the host is internal: the whole of it goes.
func (w *worker) address(_ *rule, start, end int) {
	b := w.buf
	scheme := start
	for scheme > 0 && start-scheme < 12 && (class[b[scheme-1]]&isAlnum != 0 || b[scheme-1] == '+' || b[scheme-1] == ':') {
		scheme--
	}
	if scheme == start || end <= w.valueEnd {
		return
	}
	first := end
	stop := end
	for limit := min(len(b), end+1024); stop < limit && !endsURL[b[stop]]; stop++ {
	}
	for stop > end && bytes.IndexByte([]byte(".:!?*"), b[stop-1]) >= 0 {
		stop--
	}
	authority := end
	for authority < stop && b[authority] != '/' && b[authority] != '?' && b[authority] != '#' && b[authority] != '\\' {
		authority++
	}
	if i := bytes.LastIndexByte(b[end:authority], '@'); i >= 0 {
		first = end + i + 1
	}
	last := first
	for last < authority && isHostByte(b[last]) {
		last++
	}
	if last == first || ch(b, last) == '$' || ch(b, last) == '%' {
		return
	}
	var buf [maxWord]byte
	switch string(small(&buf, b[scheme:start])) {
	case "http", "https": // most often
	case "s3", "s3a", "s3n", "gs", "gcs", "abfs", "abfss", "wasb", "wasbs", "adl", "oss", "cos", "r2", "b2", "hdfs":
		if n := authority; string(b[first:last]) != "bucket" && string(b[first:last]) != "my-bucket" && n > end {
			w.add(scheme, stop, "bucket")
		}
		return
	case "file", "jar", "about", "data", "javascript", "mailto", "urn", "chrome", "vscode", "package", "node":
		return
	}
	if w.ownHost(first, last) {
		return
	}
	host := lower(b[first:last])
	whose := hostSort(host)
	if whose == publicHost && w.strict && dataScheme(string(lower(b[schemeWord(b, scheme, start):start]))) && bytes.IndexByte(host, '.') > 0 && !exampleName(host) && class[host[len(host)-1]]&isAlpha != 0 {
		whose = internalHost
	}
	switch whose {
	case internalHost:
		if first == end {
			w.add(scheme, stop, "url")
		} else {
			w.add(first, stop, "url")
		}
	case toolHost:
		if w.strict {
			w.add(scheme, stop, "url")
		}
	case bucketHost:
		w.add(first, first+len(host), "bucket")
	}
}

// schemeWord returns where the last word of a scheme begins: postgresql in jdbc:postgresql.
func schemeWord(b []byte, scheme, end int) int {
	return max(scheme, bytes.LastIndexByte(b[:end], ':')+1)
}

// dataScheme reports schemes of stores and queues: a machine that is asked by one is somebody's own.
func dataScheme(s string) bool {
	switch s {
	case "postgresql", "postgres", "mysql", "mariadb", "mongodb", "mongodb+srv", "redis", "rediss", "amqp", "amqps", "ldap", "ldaps", "smb", "cifs", "nfs", "sqlserver", "oracle", "db2", "clickhouse",
		"cassandra", "neo4j", "bolt", "kafka", "nats", "mqtt", "mqtts", "memcached", "couchbase", "sftp", "hdfs", "hive2", "presto", "trino", "vertica", "mssql", "influxdb", "elasticsearch":
		return true
	}
	return false
}

// endsURL are the bytes that a URL in a text ends before.
var endsURL = func() (t [256]bool) {
	for i := range t {
		t[i] = class[i]&notSpace == 0 || bytes.IndexByte([]byte("<>|^`{}()[],;"), byte(i)) >= 0
	}
	return t
}()

// sortOfHost says whose a host is.
type sortOfHost uint8

const (
	publicHost sortOfHost = iota
	internalHost
	toolHost   // the tool of an enterprise, under a public name: jira.example.org
	bucketHost // storage under a name that its owner chose
)

func hostSort(host []byte) sortOfHost {
	host = bytes.Trim(host, ".")
	if i := bytes.IndexByte(host, '_'); i >= 0 || len(host) < 3 {
		return publicHost
	}
	last := host[bytes.LastIndexByte(host, '.')+1:]
	if len(last) == len(host) { // a single label
		if bytes.ContainsAny(host, "0123456789-") && class[host[0]]&isAlpha != 0 && !exampleName(host) {
			return internalHost
		}
		return publicHost
	}
	if class[last[len(last)-1]]&isDigit != 0 { // an address: the walk looks at it
		return publicHost
	}
	if storageHost(host) {
		return bucketHost
	}
	first := host[:bytes.IndexByte(host, '.')]
	if wellKnown(host) {
		return publicHost
	}
	if privateLabel(string(last)) {
		return internalHost
	}
	for rest := host; ; {
		i := bytes.IndexByte(rest, '.')
		if i < 0 {
			break
		}
		switch string(rest[:i]) {
		case "corp", "intra", "intranet", "internal", "int", "lan", "prod", "staging", "stage", "stg", "uat", "qa", "ad", "vpn", "svc", "priv", "private", "preprod", "sandbox", "intern", "interno", "interne", "prd", "tst", "nonprod", "mgmt":
			if i < len(rest)-1 && len(rest) != len(host) {
				return internalHost
			}
		}
		rest = rest[i+1:]
	}
	switch string(bytes.TrimRight(first, "0123456789-")) {
	case "jira", "confluence", "git", "gitlab", "bitbucket", "grafana", "kibana", "jenkins", "nexus", "artifactory", "sonar", "sonarqube", "vault", "wiki", "sso", "ldap", "vpn",
		"harbor", "argocd", "prometheus", "splunk", "sentry", "teamcity", "gitea", "gerrit", "phabricator", "backstage", "keycloak", "okta", "adfs", "sharepoint", "intranet", "rancher", "consul", "nomad":
		return toolHost
	}
	return publicHost
}

// privateLabel reports last labels that the public name system has not (RFC 6762, RFC 8375, ICANN), and those of
// examples: what stands under them was chosen in somebody's house.
func privateLabel(s string) bool {
	switch s {
	case "local", "localdomain", "lan", "corp", "internal", "intranet", "intra", "private", "priv", "home", "arpa", "example", "invalid", "prod", "stg", "staging", "lab", "office", "ad", "dmz", "mgmt", "cluster", "consul":
		return true
	}
	return false
}

// exampleName reports hosts that manuals are written with.
func exampleName(host []byte) bool {
	for _, word := range []string{"example", "localhost", "your-", "my-", "some-", "api-endpoint", "<"} {
		if bytes.Contains(host, []byte(word)) {
			return true
		}
	}
	return false
}

// wellKnown reports hosts of public services, whose first label may be that of a tool.
func wellKnown(host []byte) bool {
	for n, dots := len(host)-1, 0; n >= 0; n-- {
		if n > 0 && host[n-1] != '.' {
			continue
		}
		if dots++; dots < 2 {
			continue
		}
		switch string(host[n:]) {
		case "example.com", "example.org", "example.net", "apache.org", "kernel.org", "eclipse.org", "debian.org", "gnome.org", "gnu.org", "mozilla.org", "python.org", "atlassian.com",
			"atlassian.net", "gitlab.com", "github.com", "bitbucket.org", "jenkins.io", "sonatype.org", "sonarsource.com", "hashicorp.com", "grafana.com", "sentry.io", "freedesktop.org", "kde.org",
			"archlinux.org", "ubuntu.com", "postgresql.org", "qt.io", "jboss.org", "spring.io", "mediawiki.org", "openstack.org", "gentoo.org", "videolan.org", "alpinelinux.org", "golang.org",
			"googlesource.com", "chromium.org", "linuxfoundation.org", "opensuse.org", "mongodb.org", "w3.org", "fedoraproject.org", "wikipedia.org", "microsoft.com", "google.com", "elastic.co", "jetbrains.com", "okta.com", "llvm.org":
			return true
		}
	}
	return false
}

// storageSuffixes are what the hosts of storage end in.
func storageSuffixes() [7]string {
	return [...]string{".amazonaws.com", ".storage.googleapis.com", ".r2.cloudflarestorage.com", ".digitaloceanspaces.com",
		".blob.core.windows.net", ".dfs.core.windows.net", ".file.core.windows.net"}
}

// storageHost reports a host whose first labels are a name that the owner of the storage chose, in lower case: its
// region may stand between.
func storageHost(host []byte) bool {
	for _, s := range storageSuffixes() {
		name, ok := bytes.CutSuffix(host, []byte(s))
		if !ok {
			continue
		}
		if s == ".amazonaws.com" { // name.s3, name.s3.region, name.s3-region, name.s3-website-region
			i := max(bytes.LastIndex(name, []byte(".s3.")), bytes.LastIndex(name, []byte(".s3-")))
			if n, ok := bytes.CutSuffix(name, []byte(".s3")); ok {
				i = len(n)
			}
			name = name[:max(i, 0)]
		}
		return len(name) > 0 && string(name) != "bucket" && string(name) != "my-bucket"
	}
	return false
}

// stored looks at the end of a host of storage.
func (w *worker) stored(_ *rule, start, end int) {
	first, last := hostAround(w.buf, start, end)
	if end == last && end > w.valueEnd && !w.ownHost(first, last) && storageHost(lower(w.buf[first:last])) {
		w.add(first, last, "bucket")
	}
}

// hostSuffixes are what internal host names end in; a keyword each.
func hostSuffixes() []string {
	return []string{".local", ".localdomain", ".corp", ".internal", ".intranet", ".intra", ".lan", ".home.arpa", ".svc.cluster", ".private", ".dmz", ".prod.", ".staging.", ".ad.", ".corp.", ".internal.", ".intra.", ".lan."}
}
