// SPDX-License-Identifier: Apache-2.0

package gitlog

import (
	"net/url"
	"path"
	"strings"
)

// Name is the name of a repository wherever it was cloned from, host/owner/name in lower case: of an https, ssh or git
// address, with or without a name, a password, a port or ".git". It is empty for what is no address, such as a path.
func Name(remote string) string {
	remote = strings.TrimSpace(remote)
	host, file := "", ""
	if scheme, _, ok := strings.Cut(remote, "://"); ok {
		u, err := url.Parse(remote)
		if err != nil || strings.EqualFold(scheme, "file") {
			return ""
		}
		host, file = u.Hostname(), u.Path
	} else if h, p, ok := strings.Cut(remote, ":"); ok && !strings.ContainsAny(h, `/\`) && len(h) > 1 { // git@host:owner/name
		host, file = h[strings.LastIndexByte(h, '@')+1:], p
	}
	file = strings.TrimSuffix(strings.Trim(path.Clean("/"+file), "/"), ".git")
	if host == "" || file == "" {
		return ""
	}
	return strings.ToLower(host + "/" + file)
}
