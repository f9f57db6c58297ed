// SPDX-License-Identifier: Apache-2.0

package gitlog

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/headrace/headrace/episode"
)

// Repository is a clone or a mirror on this machine.
type Repository struct{ dir string }

// Open opens the repository that dir is in; an error of kind [episode.Problem] says that it is in none.
func Open(ctx context.Context, dir string) (*Repository, error) {
	r := &Repository{dir: dir}
	out, err := r.git(ctx, nil, "rev-parse", "--path-format=absolute", "--show-toplevel")
	if err != nil {
		if out, err = r.git(ctx, nil, "rev-parse", "--path-format=absolute", "--absolute-git-dir"); err != nil {
			return nil, &episode.Problem{Code: "git/no-repository", Message: dir + " is in no git repository that can be read", Hint: "name a clone or a bare mirror", Err: err}
		}
	}
	r.dir = strings.TrimRight(string(out), "\r\n")
	return r, nil
}

// Dir is the folder of the work tree, or of the repository itself where it is bare.
func (r *Repository) Dir() string { return r.dir }

// Remote is the address that the repository came from, empty where it came from nowhere.
func (r *Repository) Remote(ctx context.Context) string {
	out, err := r.git(ctx, nil, "config", "--get", "remote.origin.url")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// Main is the newest commit of the default branch: of the remote's, where there is one.
func (r *Repository) Main(ctx context.Context) (string, error) {
	first := "refs/remotes/origin/HEAD"
	if out, err := r.git(ctx, nil, "rev-parse", "--is-bare-repository"); err == nil && strings.TrimSpace(string(out)) == "true" {
		first = "HEAD" // a mirror has the branches themselves
	}
	for _, ref := range [...]string{first, "refs/remotes/origin/HEAD", "refs/remotes/origin/main", "refs/remotes/origin/master", "refs/heads/main", "refs/heads/master", "HEAD"} {
		if out, err := r.git(ctx, nil, "rev-parse", "--verify", "--quiet", ref+"^{commit}"); err == nil {
			return strings.TrimSpace(string(out)), nil
		}
	}
	return "", &episode.Problem{Code: "git/no-branch", Message: r.dir + " has no commit on a default branch", Hint: "fetch it, or commit once"}
}

// Head is the commit that is checked out.
func (r *Repository) Head(ctx context.Context) (string, error) {
	out, err := r.git(ctx, nil, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
	if err != nil {
		return "", &episode.Problem{Code: "git/no-branch", Message: r.dir + " has no commit that is checked out", Hint: "commit once, or name the commit", Err: err}
	}
	return strings.TrimSpace(string(out)), nil
}

// State is a digest of all branches: while it stays the same there is no new commit.
func (r *Repository) State(ctx context.Context) (string, error) {
	out, err := r.git(ctx, nil, "for-each-ref", "--format=%(objectname) %(refname)")
	if err != nil {
		return "", err
	}
	head, _ := r.git(ctx, nil, "rev-parse", "--verify", "--quiet", "HEAD")
	return episode.Digest(append(out, head...)), nil
}

// Scan gives the commits since a time that are not had already, of all branches, the oldest first.
func (r *Repository) Scan(ctx context.Context, since time.Time, had func(id string) bool, emit func(*Commit) error) error {
	tips := []string{"--all"}
	if _, err := r.git(ctx, nil, "rev-parse", "--verify", "--quiet", "HEAD"); err == nil {
		tips = append(tips, "HEAD") // it may be on no branch
	}
	out, err := r.git(ctx, nil, append([]string{"rev-list", "--reverse", "--topo-order", fmt.Sprintf("--max-age=%d", max(0, since.Unix())),
		"--exclude=refs/notes/*", "--exclude=refs/stash", "--exclude=refs/heads/entire/*", "--exclude=refs/remotes/*/entire/*"}, tips...)...)
	if err != nil {
		return err
	}
	var ids bytes.Buffer
	for id := range bytes.Lines(out) {
		if !had(string(bytes.TrimSpace(id))) {
			ids.Write(id)
		}
	}
	if ids.Len() == 0 {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := r.command(ctx, "log", "--no-walk=unsorted", "--stdin", "--diff-merges=first-parent", "--root", "--patch", "--unified=0", "--find-renames=50%", "--no-color",
		"--no-ext-diff", "--no-textconv", "--no-show-signature", "--ignore-submodules=all", "--src-prefix=a/", "--dst-prefix=b/", "--notes=ai", "--date=raw", "--format="+format)
	cmd.Stdin = &ids
	var said bytes.Buffer
	cmd.Stderr = &limited{&said, 4096}
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("run git: %w", err)
	}
	err = Parse(pipe, func(c *Commit, note string) error {
		r.sessions(ctx, c, note)
		return emit(c)
	})
	if err != nil {
		cancel()
		_ = cmd.Wait()
		return err
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("git log in %s: %w: %s", r.dir, err, bytes.TrimSpace(said.Bytes()))
	}
	return nil
}

func (r *Repository) git(ctx context.Context, stdin io.Reader, args ...string) ([]byte, error) {
	cmd := r.command(ctx, args...)
	var said bytes.Buffer
	cmd.Stdin, cmd.Stderr = stdin, &limited{&said, 4096}
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("git %s in %s: %w: %s", args[0], r.dir, err, bytes.TrimSpace(said.Bytes()))
	}
	return out, nil
}

// command is git, so set that nothing a repository's settings name is run, nothing is asked, fetched, locked or written.
func (r *Repository) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "git", append([]string{"--no-pager", "--no-replace-objects", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=" + os.DevNull, "-c", "core.quotePath=true",
		"-c", "log.showSignature=false", "-c", "diff.noprefix=false", "-c", "diff.renameLimit=4000", "-c", "protocol.allow=never"}, args...)...)
	cmd.Dir = r.dir
	for _, v := range os.Environ() { // what git would take for another repository than this one
		if name, _, _ := strings.Cut(v, "="); !strings.HasPrefix(name, "GIT_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0", "GIT_NO_LAZY_FETCH=1", "LC_ALL=C")
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// limited keeps the first n bytes.
type limited struct {
	b *bytes.Buffer
	n int
}

func (l *limited) Write(p []byte) (int, error) {
	l.b.Write(p[:min(len(p), max(0, l.n-l.b.Len()))])
	return len(p), nil
}

// format is how git is asked for a commit: a line that begins with a byte no diff's line begins with, and fields that end
// with a byte no message has.
const format = "%x01%H%x00%P%x00%at%x00%ct%x00%B%x00%N%x00"

const (
	maxMessage = 64 << 10
	maxNote    = 4 << 20
	maxText    = 4 << 10  // of a line
	maxAdded   = 20 << 10 // lines to a file: more is data or somebody else's code
)

// Parse reads what git log prints in format, and gives each commit with its note.
func Parse(r io.Reader, emit func(c *Commit, note string) error) error {
	p := parser{in: bufio.NewReaderSize(r, 256<<10)}
	var c *Commit
	var note string
	for {
		first, err := p.in.Peek(1)
		if err == nil && first[0] != 1 && c != nil {
			err = p.diffLine(c)
			if err == nil {
				continue
			}
		}
		if err == nil && first[0] != 1 {
			if _, err = p.line(maxText); err == nil {
				continue // before the first commit
			}
		}
		if c != nil {
			p.endFile(c)
			if err := emit(c, note); err != nil {
				return err
			}
			c = nil
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if c, note, err = p.commit(); err != nil {
			return err
		}
	}
}
