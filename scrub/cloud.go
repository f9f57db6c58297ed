// SPDX-License-Identifier: Apache-2.0

package scrub

import "bytes"

// arn looks at the name of a resource at Amazon's cloud, arn:partition:service:region:account:resource (AWS General Reference,
// "Amazon Resource Names"): what the owner called it is private, the form and the service are not. The account's digits find
// themselves.
func (w *worker) arn(_ *rule, start, end int) {
	b := w.buf
	if at(b, start-1)&isAlnum != 0 || start < w.resourceEnd {
		return
	}
	stop := end
	for stop < len(b) && stop-start < 1024 && inResource(b[stop]) {
		stop++
	}
	w.resourceEnd = stop
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
		w.resourceEnd = i
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

// azure looks at a resource id of Azure's: /subscriptions/ID/resourceGroups/NAME/providers/Namespace/type/NAME/… (Azure Resource
// Manager, "Resource IDs"). Types and names take turns.
func (w *worker) azure(_ *rule, start, end int) {
	if start < w.resourceEnd {
		return
	}
	i := w.part(end, "project")
	name := false // the next part is a name
	for n := 0; n < 16 && ch(w.buf, i) == '/' && i > end; n++ {
		i++
		e := run(w.buf, i, i+maxPart, isDotted)
		w.resourceEnd = e
		switch {
		case e == i:
			return
		case bytes.EqualFold(w.buf[i:e], []byte("providers")): // the namespace follows, then a type
			if e = run(w.buf, e+1, e+1+maxPart, isDotted); ch(w.buf, e) != '/' {
				return
			}
			name = false
			i = e
			continue
		case name:
			w.part(i, "project")
		}
		name = !name
		i = e
	}
}

// google looks at a resource name of Google Cloud's: projects/ID/collection/… (Google AIP-122), and at images at its registry.
func (w *worker) google(r *rule, start, end int) {
	b := w.buf
	if r.keyword == "projects/" {
		e := run(b, end, end+maxPart, isDotted)
		c := e + 1
		stop := run(b, c, c+maxPart, isDotted)
		if ch(b, e) != '/' || at(b, start-1)&isAlnum != 0 || !googleCollection(b[min(c, len(b)):stop]) {
			return
		}
		w.part(end, "account")
		return
	}
	region := bytes.HasSuffix(b[:start], []byte(".")) && !bytes.HasSuffix(b[:start], []byte("k8s.")) // eu.gcr.io
	if e := run(b, end, end+maxPart, isDotted); (region || at(b, start-1)&isDotted == 0) && !publicImages(b[end:e]) || r.keyword[0] == '-' {
		w.part(end, "account")
	}
}

// publicImages reports the projects whose images anybody uses.
func publicImages(v []byte) bool {
	for _, p := range []string{"google", "distroless", "k8s-", "kubernetes", "kaniko-project", "istio-", "cloud-builders", "cloudsql-docker", "knative-", "tekton-", "kubebuilder", "cloud-marketplace", "ml-pipeline", "gke-release"} {
		if bytes.HasPrefix(v, []byte(p)) {
			return true
		}
	}
	return false
}

// googleCollection reports the collections that stand below a project.
func googleCollection(v []byte) bool {
	switch string(v) {
	case "locations", "global", "zones", "regions", "secrets", "topics", "subscriptions", "serviceAccounts", "databases", "datasets", "instances", "buckets", "networks",
		"logs", "roles", "services", "snapshots", "images", "metricDescriptors", "keys", "schemas", "managedZones", "repos", "traces", "notificationChannels":
		return true
	}
	return false
}

const maxPart = 128

// part records the name at i, and returns its end.
func (w *worker) part(i int, kind string) int {
	e := run(w.buf, i, i+maxPart, isDotted)
	for e > i && w.buf[e-1] == '.' {
		e--
	}
	if e-i > 1 && !w.ownAt(w.buf, i, e) {
		w.add(i, e, kind)
	}
	return e
}
