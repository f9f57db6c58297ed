// SPDX-License-Identifier: Apache-2.0

package scrub

import "bytes"

// arn looks at the name of a resource at Amazon's cloud, arn:partition:service:region:account:resource (AWS General Reference,
// "Amazon Resource Names"): what the owner called it is private, the form and the service are not. The account's digits find
// themselves.
func (w *worker) arn(_ *rule, start, end int) {
	b := w.buf
	if at(b, start-1)&isAlnum != 0 {
		return
	}
	stop := end
	for stop < len(b) && stop-start < 1024 && inResource(b[stop]) {
		stop++
	}
	if c := ch(b, stop); c == '$' || c == '{' { // a template: arn:aws:s3:::${name}
		return
	}
	for stop > end && bytes.IndexByte([]byte(".:/"), b[stop-1]) >= 0 {
		stop--
	}
	i := end
	var service, account []byte
	for field := range 4 { // the partition's rest, service, region, account
		n := bytes.IndexByte(b[i:stop], ':')
		if n < 0 {
			return
		}
		switch field {
		case 1:
			service = b[i : i+n]
		case 3:
			account = b[i : i+n]
		}
		i += n + 1
	}
	if string(account) == "aws" { // managed by Amazon, the same for all
		return
	}
	kind, typed := "project", true // function:name, role/path/name
	switch string(service) {
	case "s3":
		kind, typed = "bucket", false
	case "sns", "sqs":
		typed = false
	case "iam", "sts":
		kind = "user"
	}
	for ; i < stop; i++ {
		e := i
		for e < stop && b[e] != '/' && b[e] != ':' {
			e++
		}
		switch v := b[i:e]; {
		case typed && e < stop, len(v) < 2, bytes.IndexByte(v, '*') >= 0, w.ownAt(b, i, e):
		default:
			w.add(i, e, kind)
		}
		typed = false
		if kind == "bucket" {
			kind = "path"
		}
		i = e
	}
}

// inResource reports the bytes of an ARN; braces and dollars are a template's.
func inResource(c byte) bool {
	return class[c]&isAlnum != 0 || bytes.IndexByte([]byte("_-./:+=@*"), c) >= 0
}
