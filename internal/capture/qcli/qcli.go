// SPDX-License-Identifier: Apache-2.0

// Package qcli holds what the readers of Amazon Q Developer and of Kiro share: the one is the other's successor, and both
// tell much in the same words.
//
// [Database] reads the conversations that the command lines of both keep in data.sqlite3, and [Document] one that /save
// wrote; [Owner] says whose a database is. [Session] makes the episodes of a conversation, whatever its form; [Suggest] is
// what a call of the agent's tools proposes; [Words] parts a person's words from the context that a program put around them.
//
// Who let a tool run is not kept: a call with a result is accepted by unknown. A refusal is kept, in fixed words of the
// program's own or in the person's. The database holds credentials too; only its tables of conversations are read.
package qcli

import (
	"path/filepath"
	"slices"
	"strings"
)

// The tools' names in episodes.
const (
	AmazonQ = "amazon-q"
	Kiro    = "kiro"
)

// Owner says whose a database with these definitions of tables is, by its tables; empty for neither's. Both tools may have
// both tables: where the path names one of them, it decides.
func Owner(definitions, path string) string {
	one, many := tables(definitions)
	switch path = filepath.ToSlash(path); {
	case !one && !many:
		return ""
	case strings.Contains(path, "kiro-cli/"):
		return Kiro
	case strings.Contains(path, "amazon-q/") || !many:
		return AmazonQ
	}
	return Kiro
}

// tables says whether there is the table that keeps one conversation a folder, and the later one that keeps many. The
// former's columns are so common that the table of settings beside it has to be there too.
func tables(definitions string) (one, many bool) {
	var state bool
	for line := range strings.Lines(strings.ToLower(definitions)) {
		words := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \n\t,();\"`[]'", r) })
		if len(words) < 3 || words[0] != "create" || words[1] != "table" {
			continue
		}
		has := func(columns ...string) bool {
			return !slices.ContainsFunc(columns, func(c string) bool { return !slices.Contains(words[3:], c) })
		}
		switch words[2] {
		case "conversations":
			one = has("key", "value")
		case "conversations_v2":
			many = has("key", "conversation_id", "value", "updated_at")
		case "state", "auth_kv":
			state = state || has("key", "value")
		}
	}
	return one && state, many
}
