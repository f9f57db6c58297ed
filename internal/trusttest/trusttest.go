// SPDX-License-Identifier: Apache-2.0

// Package trusttest shows that what edges and hubs promise each other holds against kills, cut lines, forgers and people who
// search through files: with real headrace processes, on real state folders, over a real network.
//
// [Intake] sends bundles from many contributors while hub, senders and connections are killed and cut, and counts what was
// lost or came twice, record by record, against its [Ledger] of what was sent; [Moments] kills the hub just before each write of an
// admission. [Forge] changes honest bundles in every way that a forger has, sends them, lets them lie in folders, and counts by
// which reason each was refused; [RolloutForger] does the same with what a hub shows edges. [Search] plants raw text at every way in, lets it go the whole way round, and looks for it in
// every file, log and page.
//
// It is for tests and measurements: nothing that Headrace does needs it.
package trusttest

import "time"

// patience is how long a trial waits for what the roles do by themselves: a busy machine is no failure.
const patience = 20 * time.Minute
