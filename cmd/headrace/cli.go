// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/headrace/headrace/internal/keyring"
)

const about = `The open feedback loop between the teams who write software with AI coding tools and the makers of those tools.

Start with "headrace up": it finds this machine's tool histories and shows them; nothing leaves.
Every stage is also a command that reads standard input and writes standard output:

  headrace read ~/.claude | headrace scrub | headrace consent --policy policy.yaml | headrace pack --out bundle`

// cli is every command; each has its own file, named after it.
type cli struct {
	Dir string `help:"State folder (default $$HEADRACE_DIR, else $$XDG_STATE_HOME/headrace, else ~/.local/state/headrace)." type:"path" placeholder:"DIR"`

	Up          upCmd          `cmd:"" help:"Agent, edge and hub in one process, with pages: start here."`
	Agent       agentCmd       `cmd:"" help:"The role on a developer's machine: follow its tools, deliver to the edge."`
	Connect     connectCmd     `cmd:"" help:"Set a coding tool up to report to the agent; --undo takes it back."`
	Hook        hookCmd        `cmd:"" hidden:"" help:"Take one event of a coding tool, as headrace-hook does."`
	ACP         acpCmd         `cmd:"" name:"acp" help:"Stand between an editor and an agent that speaks ACP: headrace acp -- gemini --experimental-acp."`
	Doctor      doctorCmd      `cmd:"" help:"Say per tool what is found on this machine, what is delivered, and what is missing."`
	Edge        edgeCmd        `cmd:"" help:"The role on the enterprise's servers: join a hub, hold what tools say, send what is approved."`
	Hub         hubCmd         `cmd:"" help:"The role at the maker: invite enterprises, take bundles in, learn, gate, release, settle."`
	Read        readCmd        `cmd:"" help:"Tool histories → episodes (JSON Lines on standard output)."`
	Outcomes    outcomesCmd    `cmd:"" help:"Episodes and git repositories → episodes with what became of each suggestion."`
	Scrub       scrubCmd       `cmd:"" help:"Episodes or text → without secrets and personal data, keyed marks in their place."`
	Reveal      revealCmd      `cmd:"" help:"Say what marks stand for, from a map that scrub --map wrote."`
	Dictionary  dictionaryCmd  `cmd:"" help:"What you have about people, hosts and customers → the private names that scrub and the edge look for."`
	Consent     consentCmd     `cmd:"" help:"Scrubbed episodes → those that may leave, lowered to their level, with terms."`
	Policy      policyCmd      `cmd:"" help:"Try a policy on recorded episodes, explain what it does to one, compare two."`
	AuditSample auditSampleCmd `cmd:"" help:"Draw scrubbed records for people to read; say how many secrets the filter missed, at most."`
	Aggregate   aggregateCmd   `cmd:"" help:"Scrubbed episodes → counts with noise, for what may leave as numbers only."`
	Pack        packCmd        `cmd:"" help:"Episodes that may leave → a signed bundle."`
	Verify      verifyCmd      `cmd:"" help:"Check every byte of a bundle and who signed it."`
	Push        pushCmd        `cmd:"" help:"Send a bundle to the joined hub; prints its signed receipt."`
	Pull        pullCmd        `cmd:"" help:"Fetch the release in force, verified."`
	Release     releaseCmd     `cmd:"" help:"The releases that this edge has, and what decides now; approve one."`
	Pin         pinCmd         `cmd:"" help:"Let one release decide for everybody, whatever the hub says; --none ends it."`
	Stop        stopCmd        `cmd:"" help:"Take the releases that decide now back, at once; --all takes none from now on."`
	Curate      curateCmd      `cmd:"" help:"Bundles → the episodes to learn from and judge by, verified, folded, without copies."`
	Instruct    instructCmd    `cmd:"" name:"instructions" help:"What releases of instructions change for coding tools: look, try, keep, stop."`
	Learn       learnCmd       `cmd:"" help:"Decisions → a filter that knows which suggestions are worth showing."`
	Gate        gateCmd        `cmd:"" help:"A filter and held-out decisions → the gate report: released or refused, and why."`
	Value       valueCmd       `cmd:"" help:"Recompute a signed statement from the hub's folder."`
	Export      exportCmd      `cmd:"" help:"Decisions → a trainer's format (trl-kto, openai-dpo), where terms allow it."`
	Withdraw    withdrawCmd    `cmd:"" help:"Take back what has left: by record, session, developer, repository, days, or everything."`
	Audit       auditCmd       `cmd:"" help:"Print or verify the audit trail of the edge or the hub: who did what, when."`
	Mine        mineCmd        `cmd:"" help:"My own records: what was captured, what leaves, where it went; veto, flag, delete, preferences."`
	Log         logCmd         `cmd:"" help:"Check a hub's transparency log; compare what two contributors saw."`
	Witness     witnessCmd     `cmd:"" help:"Vouch for other people's logs: cosign checkpoints of logs that only grow."`
	Redact      redactCmd      `cmd:"" hidden:"" help:"Standard input → standard output, asterisks in the place of canaries."`
	Simulate    simulateCmd    `cmd:"" help:"Episodes of synthetic enterprises whose truth is known (JSON Lines on standard output)."`
	Bench       benchCmd       `cmd:"" help:"Measure this build beside its peers (run from a checkout)."`
}

// env is what a command may touch: standard output carries only the result, everything else goes to err.
type env struct {
	ctx context.Context
	dir string
	in  io.Reader
	out io.Writer
	err io.Writer
}

// usageError marks wrong use (exit status 2).
type usageError struct{ error }

func (u *usageError) Unwrap() error { return u.error }

func usagef(format string, a ...any) error { return &usageError{fmt.Errorf(format, a...)} }

// stateDir is the state folder, as a path that says the same whatever it is looked at from.
func stateDir(flag string) string {
	dir := stateDirOf(flag)
	if abs, err := filepath.Abs(dir); err == nil {
		return abs
	}
	return dir
}

func stateDirOf(flag string) string {
	if flag != "" {
		return flag
	}
	if d := os.Getenv("HEADRACE_DIR"); d != "" {
		return d
	}
	if d := os.Getenv("XDG_STATE_HOME"); d != "" {
		return filepath.Join(d, "headrace")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		home = "."
	}
	return filepath.Join(home, ".local", "state", "headrace")
}

// keys opens this machine's keys, telling the person where they are when it had to make them.
func (e *env) keys() (*keyring.Ring, error) { return e.keysWith(keyring.Signing{}) }

// keysWith is keys where the signing key is elsewhere.
func (e *env) keysWith(s keyring.Signing) (*keyring.Ring, error) {
	r, err := keyring.OpenWith(filepath.Join(e.dir, "keys"), s)
	if err == nil && r.Created {
		fmt.Fprintf(e.err, "made new keys in %s: back this folder up, it signs and pseudonymises what leaves\n", r.Dir)
	}
	return r, err
}
