// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/directory"
)

// dictionaryCmd makes a dictionary of private names.
type dictionaryCmd struct {
	From []string `arg:"" help:"Files, clones of git repositories, or - for standard input." placeholder:"FILE"`
}

func (dictionaryCmd) Help() string {
	return `Reads git clones (authors, committers, trailers, .mailmap, CODEOWNERS), LDIF and SCIM exports of a directory, CSV with a heading
(name, handle, email, staff number, host, customer, project, ticket), hosts files, known_hosts of SSH, DNS zones and plain
lists of hosts, and writes one CSV of kind,value,id: sorted, each value once, what belongs to one person under one id.
What a file is, its first lines tell; what cannot be read is set aside and counted.

Example: headrace dictionary ~/src/* staff.csv users.ldif /etc/hosts > names.csv
         headrace scrub --text --dictionary names.csv < server.log`
}

// Run reads and writes.
func (c *dictionaryCmd) Run(e *env) error {
	d := directory.New()
	for _, from := range c.From {
		n, aside := d.Len(), d.SetAside
		form, err := readDirectory(e, d, from)
		switch {
		case errors.Is(err, directory.ErrForm):
			fmt.Fprintf(e.err, "%s: left out: %v\n", from, err)
		case err != nil:
			return fmt.Errorf("%s: %w", from, err)
		default:
			fmt.Fprintf(e.err, "%s: %s, %d new names", from, form, d.Len()-n)
			if more := d.SetAside - aside; more > 0 {
				fmt.Fprintf(e.err, ", %d entries set aside", more)
			}
			fmt.Fprintln(e.err)
		}
	}
	for _, why := range d.Why {
		fmt.Fprintln(e.err, "set aside:", why)
	}
	if d.Len() == 0 {
		return &episode.Problem{Code: "dictionary/empty", Message: "no names were found",
			Hint: "give git clones, LDIF, SCIM or CSV exports, hosts files or zones: headrace dictionary --help"}
	}
	counts := d.Counts()
	for _, k := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(e.err, "%8d %s\n", counts[k], k)
	}
	return d.Write(e.out)
}

// readDirectory takes in one argument.
func readDirectory(e *env, d *directory.Directory, from string) (string, error) {
	if from == "-" {
		return d.Read(e.in)
	}
	fi, err := os.Stat(from)
	if err != nil {
		return "", err
	}
	if fi.IsDir() {
		return "git clone", readClone(e, d, from)
	}
	f, err := os.Open(from)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return d.Read(f)
}

// readClone takes in who wrote what is in a clone, and who owns it.
func readClone(e *env, d *directory.Directory, dir string) error {
	const format = "Author: %aN <%aE> %an <%ae>%nCommitter: %cN <%cE> %cn <%ce>%n%(trailers:only,unfold)"
	git := exec.CommandContext(e.ctx, "git", "-C", dir, "log", "--all", "--format="+format)
	git.Env = append(os.Environ(), "GIT_OPTIONAL_LOCKS=0", "LC_ALL=C")
	var said strings.Builder
	git.Stderr = &said
	out, err := git.StdoutPipe()
	if err != nil {
		return err
	}
	if err := git.Start(); err != nil {
		return &episode.Problem{Code: "dictionary/git", Message: "run git", Err: err, Hint: "install git, or give the output of git log as a file"}
	}
	_, readErr := d.Read(out)
	_, _ = io.Copy(io.Discard, out) // so that git ends
	if err := git.Wait(); err != nil {
		return &episode.Problem{Code: "dictionary/git", Message: "git log: " + strings.TrimSpace(said.String()), Hint: "give the folder of a clone"}
	}
	if readErr != nil && !errors.Is(readErr, directory.ErrForm) {
		return readErr
	}
	for _, name := range []string{"CODEOWNERS", ".github/CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS", ".mailmap"} {
		f, err := os.Open(filepath.Join(dir, filepath.FromSlash(name)))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		_, err = d.Read(f)
		if err = errors.Join(err, f.Close()); err != nil && !errors.Is(err, directory.ErrForm) {
			return err
		}
	}
	return nil
}
