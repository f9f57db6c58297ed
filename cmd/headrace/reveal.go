// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/seal"
	"github.com/headrace/headrace/scrub"
)

type revealCmd struct {
	Map       string   `arg:"" optional:"" help:"Map that headrace scrub --map wrote." type:"path" placeholder:"FILE"`
	Marks     []string `arg:"" optional:"" help:"Marks, or parts of them (default: all)." placeholder:"MARK"`
	For       string   `help:"The marks are those that left for this recipient." placeholder:"NAME"`
	Epoch     int      `help:"With --for: the year that the records are of (default: this one)." placeholder:"YEAR"`
	Identity  string   `help:"File with the 32-byte secret that the map is sealed to, raw, hex or base64 (default: derived from this machine's keys)." type:"path" placeholder:"FILE"`
	Recipient bool     `help:"Print whom to seal a map to so that this identity can open it."`
}

func (c *revealCmd) Help() string {
	return `Prints the mark and what it stands for, a line each, as Go writes strings. Each look is noted in reveal.log in the state folder.

Example: headrace scrub --text --map map.sealed < server.log > clean.log
What leaves has other marks for each recipient and year: --for makes those of the map anew, as headrace consent does.

Example: headrace reveal map.sealed SECRET_password_xq7…
Example: headrace reveal --for tool-maker --epoch 2026 map.sealed user_xq7…`
}

// mapped is a line of a map, once opened. What a mark stands for may be any bytes.
type mapped struct {
	Mark     string `json:"mark"`
	Original []byte `json:"original"`
}

// identity is the key that opens maps: this machine's, or the one in a file.
func identity(e *env, file string) (*seal.Key, error) {
	if file != "" {
		secret, err := readKey(file)
		if err != nil {
			return nil, err
		}
		return seal.Derive(secret)
	}
	ring, err := e.keys()
	if err != nil {
		return nil, err
	}
	return seal.Derive(ring.Derive("map"))
}

func (c *revealCmd) Run(e *env) error {
	key, err := identity(e, c.Identity)
	if err != nil {
		return err
	}
	if c.Recipient {
		_, err := fmt.Fprintln(e.out, key.Public())
		return err
	}
	if c.Map == "" {
		return usagef("which map? headrace reveal FILE [MARK…]")
	}
	marks, err := c.anew(e)
	if err != nil {
		return err
	}
	f, err := os.Open(c.Map)
	if err != nil {
		return fmt.Errorf("open map: %w", err)
	}
	defer f.Close()
	shown := 0
	if err := eachMapped(f, key, func(m mapped) (err error) {
		if m.Mark, err = marks(m.Mark); err != nil {
			return &episode.Problem{Code: "reveal/key", Message: c.Map + " holds marks of another machine's keys", Err: err,
				Hint: "use --for on the machine that ran headrace consent"}
		}
		if !c.wants(m.Mark) {
			return nil
		}
		shown++
		_, err = fmt.Fprintf(e.out, "%s\t%q\n", m.Mark, m.Original)
		return err
	}); err != nil {
		return err
	}
	return errors.Join(c.note(e, shown), c.found(shown))
}

// anew returns what makes a mark of the map into the one that was asked for.
func (c *revealCmd) anew(e *env) (func(string) (string, error), error) {
	if c.For == "" {
		if c.Epoch != 0 {
			return nil, usagef("--epoch says of which year a recipient's marks are: say with --for whose")
		}
		return func(mark string) (string, error) { return mark, nil }, nil
	}
	if c.Epoch == 0 {
		c.Epoch = time.Now().UTC().Year()
	}
	ring, err := e.keys()
	if err != nil {
		return nil, err
	}
	r, err := scrub.NewRekeyer(ring.Derive("pseudonym", "local"), ring.Derive("pseudonym", c.For, strconv.Itoa(c.Epoch)))
	if err != nil {
		return nil, err
	}
	return r.Text, nil
}

func (c *revealCmd) wants(mark string) bool {
	for _, m := range c.Marks {
		if m != "" && strings.Contains(mark, m) {
			return true
		}
	}
	return len(c.Marks) == 0
}

func (c *revealCmd) found(shown int) error {
	if shown == 0 && len(c.Marks) > 0 {
		return &episode.Problem{Code: "reveal/unknown", Message: "none of these marks is in " + c.Map, Hint: "a mark is found in the map of the run that made it"}
	}
	return nil
}

// note writes down that somebody has looked.
func (c *revealCmd) note(e *env, shown int) error {
	fmt.Fprintf(e.err, "showed what %d marks stand for; noted in %s\n", shown, filepath.Join(e.dir, "reveal.log"))
	if err := os.MkdirAll(e.dir, 0o700); err != nil {
		return fmt.Errorf("note the look: %w", err)
	}
	log, err := os.OpenFile(filepath.Join(e.dir, "reveal.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("note the look: %w", err)
	}
	_, err = fmt.Fprintf(log, "%s %s %q showed %d\n", time.Now().UTC().Format(time.RFC3339), os.Getenv("USER"), c.Map, shown)
	return errors.Join(err, log.Close())
}

// eachMapped opens a map part by part.
func eachMapped(r io.Reader, key *seal.Key, f func(mapped) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 4*mapPart)
	for n := 1; lines.Scan(); n++ {
		sealed, err := base64.StdEncoding.DecodeString(lines.Text())
		if err != nil {
			return notAMap(n, err)
		}
		plain, err := key.Open(sealed)
		if err != nil {
			return notAMap(n, err)
		}
		for d := jsontext.NewDecoder(bytes.NewReader(plain)); ; {
			var m mapped
			if err := json.UnmarshalDecode(d, &m); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return notAMap(n, err)
			}
			if err := f(m); err != nil {
				return err
			}
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read map: %w", err)
	}
	return nil
}

func notAMap(line int, err error) error {
	return &episode.Problem{Code: "reveal/map", Message: fmt.Sprintf("line %d of the map cannot be opened", line), Err: err,
		Hint: "give the identity it was sealed to: --identity FILE, or the machine that wrote it"}
}

const mapPart = 1 << 20 // bytes sealed at a time, about

// sealedMap writes what marks stand for, sealed to a recipient, each once.
type sealedMap struct {
	to   seal.Public
	file *os.File
	part bytes.Buffer
	seen map[string]bool
	err  error
}

func newSealedMap(e *env, path, to string) (*sealedMap, error) {
	m := &sealedMap{seen: map[string]bool{}}
	if to != "" {
		public, err := seal.Parse(to)
		if err != nil {
			return nil, &usageError{fmt.Errorf("--map-to: %w", err)}
		}
		m.to = public
	} else {
		key, err := identity(e, "")
		if err != nil {
			return nil, err
		}
		m.to = key.Public()
	}
	var err error
	if m.file, err = os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600); err != nil {
		return nil, fmt.Errorf("write map: %w", err)
	}
	return m, nil
}

func (m *sealedMap) keep(replacement, original []byte) {
	if m.err != nil || m.seen[string(replacement)] {
		return
	}
	m.seen[string(replacement)] = true
	if m.err = json.MarshalWrite(&m.part, mapped{string(replacement), original}); m.part.Len() > mapPart {
		m.seal()
	}
}

func (m *sealedMap) seal() {
	sealed, err := m.to.Seal(m.part.Bytes())
	if err == nil {
		_, err = m.file.WriteString(base64.StdEncoding.EncodeToString(sealed) + "\n")
	}
	m.part.Reset()
	m.err = errors.Join(m.err, err)
}

func (m *sealedMap) close() error {
	if m.part.Len() > 0 {
		m.seal()
	}
	if err := errors.Join(m.err, m.file.Close()); err != nil {
		return fmt.Errorf("write map: %w", err)
	}
	return nil
}
