// SPDX-License-Identifier: Apache-2.0

// Command headrace-hook is what coding tools run as their hook: headrace-hook TOOL [EVENT], with the event on standard
// input. It keeps the event, sealed, for the agent, and never blocks or breaks the tool: see package hookprog.
//
// "headrace connect" writes it out and enters it in the tools' settings.
package main

import (
	"os"

	"github.com/headrace/headrace/internal/hookprog"
)

func main() { hookprog.Main(os.Args[1:]) }
