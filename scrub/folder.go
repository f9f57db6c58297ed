// SPDX-License-Identifier: Apache-2.0

package scrub

import "bytes"

// appendPath replaces the parts of a path that are somebody's own. Folders and names that are the same everywhere,
// versions, the extension of a file and what stands for a value stay. What follows a home folder's root is a person.
func (w *worker) appendPath(out []byte, k kind, path []byte) []byte {
	home := false
	for {
		i := bytes.IndexAny(path, `/\`)
		part := path
		if i >= 0 {
			part = path[:i]
		}
		if home && len(part) > 0 && !generic(part) {
			out = w.appendNamed(out, "user", part)
		} else {
			out = w.appendPart(out, k, part)
		}
		if i < 0 {
			return out
		}
		if len(part) > 0 || i > 0 {
			home = homes(part)
		}
		out, path = append(out, path[i]), path[i+1:]
	}
}

func homes(part []byte) bool {
	return bytes.EqualFold(part, []byte("home")) || bytes.EqualFold(part, []byte("Users"))
}

// appendPart replaces one part of a path, but for its extension.
func (w *worker) appendPart(out []byte, k kind, part []byte) []byte {
	if publicPart(part) {
		return append(out, part...)
	}
	stem := part
	for {
		i := bytes.LastIndexByte(stem, '.')
		if i < 0 || !extension(stem[i+1:]) {
			break
		}
		stem = stem[:i]
	}
	if len(stem) > 0 && stem[0] == '.' {
		out, stem, part = append(out, '.'), stem[1:], part[1:]
	}
	if len(stem) > 0 && !publicPart(stem) {
		out = w.appendEntity(out, k, stem, "")
		part = part[len(stem):]
	}
	return append(out, part...)
}

// publicPart reports names that are the same everywhere: of folders, of files, of versions, of branches.
func publicPart(part []byte) bool {
	if len(part) == 0 || placeholder(part) || part[0] == '*' || len(part) == 2 && part[1] == ':' || version(part) {
		return true
	}
	if len(part) > 16 {
		return false
	}
	switch string(lower(part)) {
	case ".", "..", "~", "home", "users", "usr", "local", "bin", "sbin", "lib", "lib64", "etc", "var", "tmp", "opt", "dev", "proc",
		"sys", "run", "srv", "mnt", "media", "root", "log", "logs", "cache", "spool", "share", "include", "src", "source", "sources",
		"test", "tests", "spec", "specs", "testdata", "fixtures", "docs", "doc", "examples", "example", "build", "dist", "out",
		"target", "release", "debug", "obj", "pkg", "internal", "cmd", "main", "app", "apps", "api", "web", "www", "public",
		"static", "assets", "images", "img", "css", "js", "fonts", "templates", "views", "models", "controllers", "services",
		"components", "pages", "utils", "util", "helpers", "common", "core", "config", "conf", "scripts", "tools", "vendor",
		"node_modules", "site-packages", "dist-packages", "__pycache__", "venv", ".venv", "java", "kotlin", "resources", "com",
		"org", "net", "io", "packages", "modules", "migrations", "db", "data", "backup", "backups", "server", "client", "index",
		"readme", "license", "makefile", "dockerfile", "package", "setup", "__init__", "settings", "program files", "windows",
		"system32", "documents", "downloads", "desktop", "library", "appdata", "roaming", "applications", "volumes", ".git",
		".github", "workflows", ".config", ".cache", ".ssh", ".aws", ".kube", ".docker", ".vscode", ".idea", ".npm", ".m2",
		".gradle", ".cargo", ".local", ".env", "go", "python", "node", "npm", "trunk", "master", "develop", "feature",
		"features", "bugfix", "hotfix", "fix", "chore", "refs", "heads", "remotes", "origin", "upstream", "tags", "issues",
		"pull", "blob", "tree", "wiki", "raw", "v", "x86_64", "amd64", "arm64", "linux", "darwin":
		return true
	}
	return false
}

// version reports digits and dots, with or without a letter before, of at most four digits in a row: v2, 3.11, 1.0.0.
func version(part []byte) bool {
	if part[0]|0x20 == 'v' {
		part = part[1:]
	}
	row := 0
	for _, c := range part {
		switch {
		case c == '.':
			row = 0
		case class[c]&isDigit == 0 || row == 4:
			return false
		default:
			row++
		}
	}
	return len(part) > 0 && len(part) <= 12
}

// extension reports the ends of file names that say what is in a file.
func extension(e []byte) bool {
	if len(e) > 10 {
		return false
	}
	switch string(lower(e)) {
	case "go", "mod", "sum", "py", "pyi", "pyc", "ipynb", "js", "mjs", "cjs", "jsx", "ts", "tsx", "d", "min", "test", "spec", "map",
		"java", "kt", "kts", "scala", "groovy", "gradle", "class", "jar", "war", "c", "h", "cc", "cpp", "cxx", "hpp", "hh", "m",
		"mm", "swift", "cs", "fs", "vb", "csproj", "sln", "rs", "rb", "erb", "gemspec", "php", "pl", "pm", "lua", "r", "jl", "dart",
		"ex", "exs", "erl", "hs", "clj", "sql", "sh", "bash", "zsh", "fish", "ps1", "bat", "cmd", "html", "htm", "css", "scss",
		"sass", "less", "vue", "svelte", "xml", "xsd", "xsl", "json", "jsonl", "json5", "yaml", "yml", "toml", "ini", "cfg", "conf",
		"config", "properties", "env", "tf", "tfvars", "hcl", "tfstate", "proto", "graphql", "md", "markdown", "rst", "adoc", "txt",
		"log", "csv", "tsv", "parquet", "pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "png", "jpg", "jpeg", "gif", "svg",
		"ico", "webp", "mp3", "mp4", "zip", "tar", "gz", "tgz", "bz2", "xz", "zst", "7z", "deb", "rpm", "apk", "exe", "dll", "so",
		"dylib", "a", "o", "lib", "bin", "iso", "img", "db", "sqlite", "bak", "old", "orig", "tmp", "lock", "pid", "sock", "pem",
		"key", "crt", "cer", "der", "p12", "pfx", "jks", "pub", "asc", "gpg", "patch", "diff", "service", "dockerfile", "tmpl",
		"tpl", "j2", "mk", "cmake", "bzl", "snap", "local", "example", "sample", "dist", "development", "production", "git":
		return true
	}
	return false
}
