// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/consent"
)

type consentCmd struct {
	Policy    string `help:"Policy file; spec/examples/policy.yaml is one to start from." required:"" type:"path" placeholder:"FILE"`
	Recipient string `help:"Who the episodes are for (default: the policy's recipient, where it has one only)." placeholder:"NAME"`
	Key       string `help:"The key that headrace scrub was given, where it was given one." type:"path" placeholder:"FILE"`
	Strict    bool   `help:"Exit 1 where anything was set aside."`
	beside
}

// beside is what a policy is told beside an episode.
type beside struct {
	Audited     int      `help:"How many batches people have read and found clean; text waits for as many as the policy says." placeholder:"N"`
	Preferences []string `help:"What a developer says of their own records; may be given again for others." type:"path" placeholder:"FILE"`
}

// asker returns what makes a request of an episode for the recipient, at one time for all.
func (b *beside) asker(recipient string) (func(*episode.Episode) consent.Request, error) {
	known := map[string]*consent.Preferences{}
	for _, path := range b.Preferences {
		p, err := consent.ReadPreferences(path)
		if err != nil {
			return nil, err
		}
		if known[p.Developer] != nil {
			return nil, usagef("%s: there are preferences of %s already", path, p.Developer)
		}
		known[p.Developer] = p
	}
	now := time.Now()
	return func(e *episode.Episode) consent.Request {
		return consent.Request{Recipient: recipient, Now: now, Audited: b.Audited, Preferences: known[consent.DeveloperOf(e)]}
	}, nil
}

func (c *consentCmd) Help() string {
	return `Decides by the policy what of each scrubbed episode may leave for the recipient, and writes that: lowered to its level,
ids, names and the marks in texts keyed for the recipient and the year, with its terms, without its local block. What the
policy keeps back is counted. Text leaves only from the repositories that the policy lists, and once as many batches were read
and found clean as it says: while --audited says less, the record leaves at level signal. headrace policy test tells what a
policy would do.

Example: headrace read ~/.claude | headrace scrub | headrace consent --policy policy.yaml > leaves.jsonl`
}

// consentCounts is what became of the records.
type consentCounts struct {
	in, left, setAside int
	kept               map[string]int // not leaving, by reason
	notices            map[string]int
}

func (c *consentCmd) Run(e *env) error {
	p, err := consent.ReadPolicy(c.Policy)
	if err != nil {
		return err
	}
	if c.Recipient, err = recipientOf(p, c.Recipient); err != nil {
		return err
	}
	derive, err := e.deriveWith(c.Key)
	if err != nil {
		return err
	}
	l, err := consent.NewLowerer(c.Recipient, derive)
	if err != nil {
		return err
	}
	ask, err := c.asker(c.Recipient)
	if err != nil {
		return err
	}
	n := consentCounts{kept: map[string]int{}, notices: map[string]int{}}
	out := bufio.NewWriterSize(e.out, 256<<10)
	err = errors.Join(c.pipe(e, p, ask, l, out, &n), out.Flush())
	n.tell(e.err)
	if err == nil && n.setAside > 0 && (c.Strict || n.setAside == n.in) {
		return &episode.Problem{Code: "consent/set-aside", Message: fmt.Sprintf("%d of %d records were set aside", n.setAside, n.in), Hint: "the lines above say which and why"}
	}
	return err
}

// deriveWith returns the keyring's Derive, with the key in the file, if there is one, for what scrub made with it.
func (e *env) deriveWith(file string) (func(purpose ...string) []byte, error) {
	ring, err := e.keys()
	if err != nil || file == "" {
		return ring.Derive, err
	}
	key, err := readKey(file)
	return func(purpose ...string) []byte {
		if slices.Equal(purpose, []string{"pseudonym", "local"}) {
			return key
		}
		return ring.Derive(purpose...)
	}, err
}

// recipientOf returns the recipient that was named, or the policy's only one.
func recipientOf(p *consent.Policy, named string) (string, error) {
	if all := p.Recipients(); named == "" && len(all) > 1 {
		return "", usagef("the policy has several recipients; choose one with --recipient: %s", strings.Join(all, ", "))
	} else if named == "" {
		return all[0], nil
	}
	return named, nil
}

func (c *consentCmd) pipe(e *env, p *consent.Policy, ask func(*episode.Episode) consent.Request, l *consent.Lowerer, out io.Writer, n *consentCounts) error {
	in := episode.NewReader(e.in)
	var line []byte
	for e.ctx.Err() == nil {
		ep, err := in.Next()
		var bad *episode.LineError
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil && !errors.As(err, &bad) {
			return fmt.Errorf("read episodes: %w", err)
		}
		n.in++
		var d consent.Decision
		if err == nil {
			d, err = p.Decide(ep, ask(ep))
		}
		for _, notice := range d.Notices {
			n.notices[notice]++
		}
		if err == nil && !d.Leaves() {
			n.kept[d.Why()]++
			continue
		}
		if err == nil {
			ep, err = l.Lower(ep, d)
		}
		if err == nil {
			line, err = episode.Append(line[:0], ep)
		}
		if err != nil {
			n.setAside++
			fmt.Fprintf(e.err, "record %d set aside: %v\n", n.in, err)
			continue
		}
		n.left++
		if _, err := out.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return e.ctx.Err()
}

func (n *consentCounts) tell(w io.Writer) {
	fmt.Fprintf(w, "consent: %d in, %d leave, %d set aside\n", n.in, n.left, n.setAside)
	for _, why := range slices.Sorted(maps.Keys(n.kept)) {
		fmt.Fprintf(w, "  %d stay: %s\n", n.kept[why], why)
	}
	for _, notice := range slices.Sorted(maps.Keys(n.notices)) {
		fmt.Fprintf(w, "  %d × %s\n", n.notices[notice], notice)
	}
}
