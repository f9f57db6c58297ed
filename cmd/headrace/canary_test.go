// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/sqlstore"
)

const canaryPolicy = `version: 1
recipients: [{name: acme-tools, kind: own}]
rules: [{name: all, when: "true", level: clean, purposes: [evaluate], recipients: [acme-tools], retention_days: 30, approval: auto}]
text: {repositories: ["**"], clean_batches: 1}
`

// crash is a process that falls over with a canary in its last words: TestMain runs it in place of a test.
func crash() {
	os.Args[0] = "headrace" // what is started with it is the program
	e := &env{err: os.Stderr}
	if _, _, err := e.keepOut(os.Args[1], nil); err != nil {
		fmt.Println(err)
		os.Exit(3)
	}
	b, _ := os.ReadFile(os.Args[1])
	go panic(errors.New("cannot read src/" + strings.TrimSpace(string(b)) + "/main.go"))
	select {}
}

func TestACrashShowsNoCanary(t *testing.T) {
	c := fmt.Sprintf("weir%012d", rand.Int64N(1e12))
	cmd := exec.Command("headrace-crash", file(t, "canaries", c+"\n"))
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err == nil || len(out) > 0 {
		t.Fatalf("it did not fall over: %v %s", err, out)
	}
	if !strings.Contains(said.String(), "panic: ") || !strings.Contains(said.String(), strings.Repeat("*", len(c))) || strings.Contains(said.String(), c) {
		t.Errorf("it said\n%s", said.String())
	}
}

func TestNoCanaryComesOutOfAnEdge(t *testing.T) {
	a := newApart(t)
	canaries := map[string]string{}
	for _, source := range []string{"text", "code", "path", "repository", "branch", "name", "rules", "tool", "reason", "request"} {
		canaries[source] = fmt.Sprintf("weir%s%012d", source, rand.Int64N(1e12))
	}
	var list strings.Builder
	for _, c := range canaries {
		fmt.Fprintln(&list, c)
	}
	write := func(dir, name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(a.hubDir, "hub.yaml", "name: acme-tools\n")
	write(a.edgeDir, "edge.yaml", "policy: policy.yaml\nsettle: 0s\naudited_batches: 1\ncanaries: canaries\n")
	write(a.edgeDir, "policy.yaml", canaryPolicy)
	write(a.edgeDir, "canaries", list.String())
	a.startHub()
	line, _, _ := strings.Cut(a.run(a.hubDir, "hub", "invite", "alder-bank"), "#")
	a.run(a.edgeDir, strings.Fields(strings.TrimPrefix(line, "headrace "))...)
	a.startEdge()

	// One record for each source, so that none hides behind another, and one without.
	plain := func(id string) *episode.Episode {
		at := time.Now().UTC().Add(-time.Hour).Truncate(time.Second)
		return &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: episode.NewID("demo", id), StartedAt: at, EndedAt: at.Add(time.Minute),
			Tool: episode.Tool{Name: "demo", Surface: episode.SurfaceChat}, Model: episode.Model{Provider: "demo", Name: "demo-1"},
			Developer: "ada", Session: "s-" + id, Repository: "git.alder.example/mill/" + id, Languages: []string{"go"}, Instruction: "turn the wheel, please",
			Artifacts:   []episode.Artifact{{Kind: "rules", Name: "AGENTS.md", MediaType: "text/markdown", Text: "Keep the gate closed."}},
			Suggestions: []episode.Suggestion{{ID: "s1", Step: -1, Kind: episode.KindEdit, Path: "wheel/turn.go", Language: "go", Before: "a", After: "b := 1"}},
			Decisions:   []episode.Decision{{Suggestion: "s1", Verdict: episode.Accepted, By: episode.ByPerson, At: at, Reason: "fine"}},
			Origin:      &episode.Origin{Provider: "demo", ContractClass: "open-license", License: "MIT"}}
	}
	plant := map[string]func(*episode.Episode, string){
		"text":       func(e *episode.Episode, c string) { e.Instruction += " near " + c },
		"code":       func(e *episode.Episode, c string) { e.Suggestions[0].After = c + " := 1" },
		"path":       func(e *episode.Episode, c string) { e.Suggestions[0].Path = c + "/turn.go" },
		"repository": func(e *episode.Episode, c string) { e.Repository += c },
		"branch":     func(e *episode.Episode, c string) { e.Links = &episode.Links{PullRequest: "refs/heads/" + c} },
		"name":       func(e *episode.Episode, c string) { e.Developer = c },
		"rules":      func(e *episode.Episode, c string) { e.Artifacts[0].Text += " " + c },
		"tool":       func(e *episode.Episode, c string) { e.Tool.Version = c },
		"reason":     func(e *episode.Episode, c string) { e.Decisions[0].Reason = c },
	}
	n := a.post(func(emit func(*episode.Episode) error) error {
		for source, f := range plant {
			ep := plain(source)
			f(ep, canaries[source])
			if err := emit(ep); err != nil {
				return err
			}
		}
		return emit(plain("none"))
	})
	edgeDB := a.store(sqlstore.RoleEdge)
	a.eventually("what may leave has left", func() bool {
		rows, err := edgeDB.Bundles(t.Context(), "received")
		return err == nil && len(rows) > 0
	})

	// Whatever answers: pages, what they link to, and errors that repeat what was asked.
	var said strings.Builder
	jar, _ := cookiejar.New(nil)
	client := &http.Client{Jar: jar}
	get := func(address string) string {
		resp, err := client.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&said, "%s %v\n%s\n", resp.Status, resp.Header, b)
		return string(b)
	}
	site := "http://" + strings.Replace(a.edgeAddr, "127.0.0.1", "localhost", 1)
	get(a.run(a.edgeDir, "edge", "link"))
	link := regexp.MustCompile(`href="(/[^"#]*)"`)
	seen := map[string]bool{"/static/": true, "/": true}
	for todo := []string{"/", "/metrics", "/nowhere/" + canaries["request"], "/episodes/" + canaries["request"]}; len(todo) > 0; todo = todo[1:] {
		for _, m := range link.FindAllStringSubmatch(get(site+todo[0]), -1) {
			path := strings.ReplaceAll(m[1], "&amp;", "&")
			if !seen[path] && !strings.HasPrefix(path, "/static/") && len(seen) < 80 {
				seen[path] = true
				todo = append(todo, path)
			}
		}
	}
	token, err := os.ReadFile(filepath.Join(a.edgeDir, "edge", "keys", "token"))
	if err != nil {
		t.Fatal(err)
	}
	for path, body := range map[string]string{"/v1/episodes": `{"id":"` + canaries["request"] + `","started_at":"` + canaries["request"] + `"}` + "\n{" + canaries["text"], "/v1/logs": canaries["request"], "/v1/junit": "<" + canaries["request"], "/v1/decide": `{"` + canaries["request"] + `":1}`} {
		req, err := http.NewRequest(http.MethodPost, site+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
		req.Header.Set("Content-Type", "application/json")
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&said, "%s %s\n%s\n", path, resp.Status, b)
	}
	a.stop(a.edgeProcess)
	said.WriteString(a.edgeProcess.Stderr.(*lockedBuffer).String())

	if len(seen) < 15 || !strings.Contains(said.String(), "***") {
		t.Errorf("only %d pages were seen, or none would have shown a canary", len(seen))
	}
	for source, c := range canaries {
		if i := strings.Index(said.String(), c); i >= 0 {
			t.Errorf("the canary in %s comes out: …%s", source, said.String()[max(0, i-300):i+len(c)])
		}
	}
	// What left, at the edge and at the hub.
	clean := 0
	for _, dir := range []string{filepath.Join(a.edgeDir, "edge", "bundles"), filepath.Join(a.hubDir, "hub")} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if z, zerr := zstd.NewReader(nil); zerr == nil {
				if raw, derr := z.DecodeAll(b, nil); derr == nil {
					b = append(b, raw...)
				}
				z.Close()
			}
			for source, c := range canaries {
				if bytes.Contains(b, []byte(c)) {
					t.Errorf("the canary in %s is in %s", source, path)
				}
			}
			if bytes.Contains(b, []byte("turn the wheel, please")) {
				clean++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if n != len(plant)+1 || clean == 0 {
		t.Errorf("%d records were taken; %d files hold text that may leave", n, clean)
	}
}
