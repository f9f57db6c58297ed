// SPDX-License-Identifier: Apache-2.0

// Package spec holds the files of the open standard, embedded: what leaves at each level ([Levels], with [Enums] and
// [Features]), which output may serve which purpose ([Rights]), the starter policy ([StarterPolicy]) and the JSON Schema
// of the record ([EpisodeSchema], generated from the Go types by [Schema]).
//
// The folder examples has one file for each shape of the contract, each read back by a test with the type that reads it
// in earnest; the folder vectors has inputs and results for other implementations to check themselves against.
//
// The files speak for themselves; nothing here interprets them. Package consent does.
package spec

import _ "embed"

// Levels says what leaves at each level, a row for each field of the record.
//
//go:embed levels.tsv
var Levels string

// Enums lists the values that may leave as they are.
//
//go:embed enums.tsv
var Enums string

// Features lists the features that may leave.
//
//go:embed features.tsv
var Features string

// Rights is the shipped rights table.
//
//go:embed rights.tsv
var Rights string

// StarterPolicy is the policy to start from; it works as it stands.
//
//go:embed examples/policy.yaml
var StarterPolicy string

// EpisodeSchema is the JSON Schema (2020-12) of the record.
//
//go:embed episode.schema.json
var EpisodeSchema string
