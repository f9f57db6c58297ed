// SPDX-License-Identifier: Apache-2.0

// Package design holds the house's rules as tests and nothing else: who may import whom and why, what every package says
// of itself, whose licences we take, what no file may name, how large a file gets.
//
// Start from the failing test: each says which rule it keeps and where to write down a reason, should there be one.
package design
