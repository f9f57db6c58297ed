// SPDX-License-Identifier: Apache-2.0

// Package config reads a role's configuration file: one YAML mapping into one struct, an unknown key being an error that
// names its line.
//
// Start from [Read]. The struct holds the defaults before it is read into, so that an absent file means all of them.
// Secrets do not stand in the file: [Database] takes an address with a password from a file of its own or from the
// environment. [Format] writes the struct back, for a person to see what is in force.
package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/headrace/headrace/episode"
)

// Read reads the file at path into the struct that into points to. With optional, an absent file changes nothing.
func Read(path string, optional bool, into any) error {
	b, err := os.ReadFile(path)
	if optional && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return &episode.Problem{Code: "config/read", Message: "read the configuration", Err: err, Hint: "give it with --config FILE, or go without: there is a default for everything"}
	}
	return Decode(b, path, into)
}

// Decode reads b, which came from the file called name, key by key, so that each error has a line.
func Decode(b []byte, name string, into any) error {
	f, err := parser.ParseBytes(b, 0)
	if err != nil {
		return invalid(name, 1, err)
	}
	if len(f.Docs) == 0 || len(f.Docs) == 1 && f.Docs[0].Body == nil {
		return nil // nothing but comments: all defaults
	}
	var keys []*ast.MappingValueNode
	switch n := f.Docs[0].Body.(type) {
	case *ast.CommentGroupNode:
	case *ast.MappingNode:
		keys = n.Values
	case *ast.MappingValueNode:
		keys = []*ast.MappingValueNode{n}
	default:
		return invalid(name, 1, errors.New("a configuration is a mapping of key: value"))
	}
	if len(f.Docs) > 1 {
		return invalid(name, 1, errors.New("a configuration is one YAML document"))
	}
	for _, kv := range keys {
		if bad := oddity(kv); bad != nil {
			return invalid(name, bad.GetToken().Position.Line, errors.New("tags, anchors and aliases are not taken here: write out what is meant"))
		}
		if err := yaml.NodeToValue(kv, into, yaml.Strict()); err != nil {
			return invalid(name, kv.Key.GetToken().Position.Line, err)
		}
	}
	return nil
}

// oddity finds what makes a file mean something else than it says at that place. The YAML package also panics at some tags.
func oddity(n ast.Node) ast.Node {
	o := new(odd)
	ast.Walk(o, n)
	return o.found
}

type odd struct{ found ast.Node }

// Visit is called for each node.
func (o *odd) Visit(n ast.Node) ast.Visitor {
	switch n.(type) {
	case *ast.TagNode, *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		o.found = n
	}
	if o.found != nil {
		return nil
	}
	return o
}

// invalid takes the line and the first sentence from the YAML package's error, where it has them.
func invalid(name string, line int, err error) error {
	message, _, _ := strings.Cut(err.Error(), "\n")
	if y, ok := errors.AsType[yaml.Error](err); ok {
		message = y.GetMessage()
		if t := y.GetToken(); t != nil && t.Position != nil {
			line = t.Position.Line
		}
	}
	return &episode.Problem{Code: "config/invalid", Message: fmt.Sprintf("%s line %d: %s", name, line, message),
		Hint: "the keys and their defaults are what headrace edge config and headrace hub config print"}
}

// Beside makes a path in a configuration file absolute: it is meant from where the file lies.
func Beside(file, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(file), path)
}

// Database returns the address of a database: from the environment variable env if that is set, else from the file
// secret if one is named, else value itself, which must then hold no password.
func Database(env, secret, value string) (string, error) {
	if v := os.Getenv(env); v != "" {
		return v, nil
	}
	if secret != "" {
		b, err := os.ReadFile(secret)
		if err != nil {
			return "", &episode.Problem{Code: "config/read", Message: "read database_file", Err: err, Hint: "it holds one line: postgres://user:password@host/name"}
		}
		return strings.TrimSpace(string(b)), nil
	}
	if u, err := url.Parse(value); err == nil && u.User != nil {
		if _, has := u.User.Password(); has {
			return "", &episode.Problem{Code: "config/secret", Message: "database holds a password, and a configuration file is no place for one",
				Hint: "put the whole address into a file named by database_file, or into $" + env}
		}
	}
	return value, nil
}

// Redact returns a database's address without its password.
func Redact(dsn string) string {
	if u, err := url.Parse(dsn); err == nil && u.User != nil {
		return u.Redacted()
	}
	return dsn
}

// Format writes v as it would stand in a file.
func Format(w io.Writer, v any) error {
	b, err := yaml.Marshal(v)
	if err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	_, err = w.Write(b)
	return err
}
