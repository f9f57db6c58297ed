// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"bytes"
	"compress/gzip"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/link"
)

// forge is a forge that an edge shares secrets with, which hosts the repository of a clone.
type forge struct {
	*clone
	e              *edge.Edge
	github, gitlab string
	base           string // of its branch
}

const hosted = "https://code.example.com/mill-works/mill.git"

func newForge(t *testing.T) *forge {
	l := newLoop(t)
	f := &forge{github: rand.Text(), gitlab: rand.Text()}
	l.conf = func(c *edge.Config) {
		c.Webhooks = edge.Webhooks{GitHub: []string{rand.Text(), f.github}, GitLab: []string{f.gitlab}}
	}
	f.e, f.clone = l.edge("weir"), l.clone()
	f.git("remote", "add", "origin", hosted)
	f.commit("begin", "wheel.go", wheel)
	f.base = f.rev("HEAD")
	f.git("checkout", "-q", "-b", "brake")
	return f
}

func (f *forge) rev(name string) string {
	f.l.t.Helper()
	cmd := exec.Command("git", "rev-parse", name)
	cmd.Dir = f.dir
	out, err := cmd.Output()
	f.l.ok(err)
	return strings.TrimSpace(string(out))
}

// delivered sends to a handler, and returns the status and the code of the Problem, if there is one.
func delivered(h http.Handler, path string, header map[string]string, body []byte) (int, string) {
	r := httptest.NewRequest("POST", path, bytes.NewReader(body))
	for k, v := range header {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var p episode.Problem
	json.Unmarshal(w.Body.Bytes(), &p)
	return w.Code, p.Code
}

func signed(secret string, body []byte) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write(body)
	return "sha256=" + hex.EncodeToString(m.Sum(nil))
}

// says delivers an event of the repository's as GitHub does.
func (f *forge) says(event, body string) {
	f.l.t.Helper()
	f.l.pass(time.Minute)
	now := f.l.clock().Format(time.RFC3339)
	b := []byte(strings.NewReplacer("NOW", now, "BASE", f.base).Replace(`{"repository":{"clone_url":"` + hosted + `","default_branch":"main"},` + body + `}`))
	code, problem := delivered(f.e.WebhookHandler(), "/v1/webhooks/github", map[string]string{"X-GitHub-Event": event, "X-Hub-Signature-256": signed(f.github, b), "Content-Type": "application/json"}, b)
	if code != http.StatusOK {
		f.l.t.Fatalf("%s: %d %s", event, code, problem)
	}
}

func pullRequest(head, more string) string {
	return `"pull_request":{"number":7,"user":{"login":"ada","type":"User"},"head":{"sha":"` + head + `","ref":"brake"},"base":{"sha":"BASE","ref":"main"},"updated_at":"NOW"` + more + `}`
}

func (f *forge) tests(path string, header map[string]string, body []byte) (int, string) {
	return delivered(f.e.Handler(func(*http.Request) edge.Principal { return edge.Principal{Authenticated: true} }), path, header, body)
}

// A suggestion is reviewed and checked on a branch that the edge knows, and merged where it does not look.
func TestWhatForgesAndTestsSayBecomesOfTheSuggestion(t *testing.T) {
	f := newForge(t)
	l := f.l
	l.pass(time.Minute)
	l.suggested(f.clone, f.e, "ep_1")
	l.pass(time.Hour)
	f.commit("brake", "wheel.go", wheel+brake)
	head := f.rev("HEAD")
	f.says("pull_request", `"action":"opened",`+pullRequest(head, "")) // before any commit is known
	f.tell(f.e)
	f.says("pull_request_review", `"action":"submitted","review":{"user":{"login":"bo","type":"User"},"state":"approved","commit_id":"`+head+`","submitted_at":"NOW"},`+pullRequest(head, ""))
	check := `"action":"completed","check_run":{"name":"build","head_sha":"` + head + `","status":"completed","conclusion":"failure","completed_at":"NOW","check_suite":{"id":5}}`
	f.says("check_run", check)
	f.says("check_run", check)
	code, problem := f.tests("/v1/junit?repository="+url.QueryEscape(hosted)+"&commit="+head, nil, []byte(`<testsuite name="wheel"><testcase name="turns"/><testcase name="stops"><failure/></testcase></testsuite>`))
	if code != http.StatusOK {
		t.Fatal(code, problem)
	}
	l.turn(f.e)
	if got, want := outcomes(l.stored(f.e, "ep_1")), "committed=1.00 reviewed=1.00 build=0.00 tests=0.50"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	l.turnHub()
	l.pass(24 * time.Hour)
	f.says("pull_request_review", `"action":"submitted","review":{"user":{"login":"cy","type":"User"},"state":"changes_requested","commit_id":"`+head+`","submitted_at":"NOW"},`+pullRequest(head, ""))
	l.turn(f.e)
	l.pass(3 * time.Minute)
	l.turn(f.e)
	l.pass(24 * time.Hour)
	f.says("pull_request", `"action":"closed",`+pullRequest(head, `,"merged":true,"merge_commit_sha":"`+strings.Repeat("c", 40)+`","merged_at":"NOW"`))
	l.pass(time.Hour)
	l.turn(f.e)
	// Later the default branch is known here too, as a squash: that it was merged is told already.
	f.git("checkout", "-q", "main")
	f.commit("brake (#7)", "wheel.go", wheel+brake)
	f.tell(f.e)
	l.turn(f.e)
	l.turnHub()
	var got []string
	for _, r := range l.atHub("weir") {
		got = append(got, outcomes(r))
	}
	want := "committed=1.00 reviewed=1.00 build=0.00 tests=0.50|reviewed=0.00|merged=1.00"
	if s := strings.Join(got, "|"); s != want {
		t.Errorf("at the hub: %q, want %q", s, want)
	}
}

func TestAGitLabOfOnesOwnIsFollowedToo(t *testing.T) {
	f := newForge(t)
	l := f.l
	l.pass(time.Minute)
	l.suggested(f.clone, f.e, "ep_1")
	l.pass(time.Hour)
	f.commit("brake", "wheel.go", wheel+brake)
	head := f.rev("HEAD")
	f.tell(f.e)
	project := `"project":{"git_http_url":"` + hosted + `","git_ssh_url":"ssh://git@code.example.com:2222/mill-works/mill.git","default_branch":"main"}`
	for _, body := range []string{
		`{"object_kind":"merge_request","user":{"id":2,"username":"bo"},` + project + `,"object_attributes":{"iid":7,"author_id":1,"target_branch":"main","action":"approved","last_commit":{"id":"` + head + `"}}}`,
		`{"object_kind":"build",` + project + `,"sha":"` + head + `","build_name":"compile","build_stage":"build","build_status":"success","pipeline_id":3}`,
		`{"object_kind":"emoji",` + project + `}`,
	} {
		if code, problem := delivered(f.e.WebhookHandler(), "/v1/webhooks/gitlab", map[string]string{"X-Gitlab-Token": f.gitlab, "X-Gitlab-Event": "Some Hook"}, []byte(body)); code != http.StatusOK {
			t.Fatal(code, problem)
		}
	}
	l.turn(f.e)
	if got, want := outcomes(l.stored(f.e, "ep_1")), "committed=1.00 reviewed=1.00 build=1.00"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestADeliveryThatProvesNothingIsRefused(t *testing.T) {
	f := newForge(t)
	body := []byte(`{"ref":"refs/heads/main","after":"` + f.base + `","repository":{"clone_url":"` + hosted + `","default_branch":"main"}}`)
	push := map[string]string{"X-GitHub-Event": "push"}
	with := func(h map[string]string, k, v string) map[string]string {
		out := map[string]string{k: v}
		for k, v := range h {
			out[k] = v
		}
		return out
	}
	form := []byte("payload=" + url.QueryEscape(string(body)))
	const sig = "X-Hub-Signature-256"
	for name, c := range map[string]struct {
		path   string
		header map[string]string
		body   []byte
		status int
		code   string
	}{
		"signed":                  {"github", with(push, sig, signed(f.github, body)), body, 200, ""},
		"as a form":               {"github", with(with(push, sig, signed(f.github, form)), "Content-Type", "application/x-www-form-urlencoded"), form, 200, ""},
		"not signed":              {"github", push, body, 401, "webhook/proof"},
		"another secret":          {"github", with(push, sig, signed(rand.Text(), body)), body, 401, "webhook/proof"},
		"the other forge's":       {"github", with(push, sig, signed(f.gitlab, body)), body, 401, "webhook/proof"},
		"no secret":               {"github", with(push, sig, signed("", body)), body, 401, "webhook/proof"},
		"another body":            {"github", with(push, sig, signed(f.github, body)), append(body, ' '), 401, "webhook/proof"},
		"half a signature":        {"github", with(push, sig, signed(f.github, body)[:40]), body, 401, "webhook/proof"},
		"SHA-1":                   {"github", with(push, "X-Hub-Signature", "sha1=00"), body, 401, "webhook/proof"},
		"no event":                {"github", map[string]string{sig: signed(f.github, body)}, body, 400, "webhook/event"},
		"no JSON":                 {"github", with(push, sig, signed(f.github, []byte("hello"))), []byte("hello"), 400, "webhook/body"},
		"an event of no interest": {"github", map[string]string{"X-GitHub-Event": "star", sig: signed(f.github, body)}, body, 200, ""},
		"too large":               {"github", push, make([]byte, edge.MaxWebhook+1), 413, "intake/too-large"},
		"token":                   {"gitlab", map[string]string{"X-Gitlab-Token": f.gitlab}, []byte(`{}`), 200, ""},
		"no token":                {"gitlab", nil, []byte(`{}`), 401, "webhook/proof"},
		"another token":           {"gitlab", map[string]string{"X-Gitlab-Token": f.gitlab + "x"}, []byte(`{}`), 401, "webhook/proof"},
		"token and no JSON":       {"gitlab", map[string]string{"X-Gitlab-Token": f.gitlab}, []byte(`[`), 400, "webhook/body"},
	} {
		if status, code := delivered(f.e.WebhookHandler(), "/v1/webhooks/"+c.path, c.header, c.body); status != c.status || code != c.code {
			t.Errorf("%s: %d %q, want %d %q", name, status, code, c.status, c.code)
		}
	}
	f.l.conf = nil
	without := f.l.edge("without")
	for _, path := range []string{"github", "gitlab"} {
		if status, code := delivered(without.WebhookHandler(), "/v1/webhooks/"+path, with(push, sig, signed("", body)), body); status != 404 || code != "webhook/no-secret" {
			t.Errorf("%s without a secret: %d %q", path, status, code)
		}
	}
}

// What was answered is there after the process was ended, once; and of the delivery's text nothing ever was.
func TestADeliveryIsDurableOnceAndWithoutItsText(t *testing.T) {
	f := newForge(t)
	l := f.l
	words := "the reviewer's words " + rand.Text()
	for range 3 {
		at := l.now.Load()
		f.says("pull_request_review", `"action":"submitted","review":{"user":{"login":"bo","type":"User"},"body":"`+words+`","state":"approved","commit_id":"`+f.base+`","submitted_at":"NOW"},`+pullRequest(f.base, `,"title":"`+words+`"`))
		l.now.Store(at) // it is delivered again
	}
	l.close(f.e)
	f.e = l.edge("weir")
	l.turn(f.e)
	l.turn(f.e)
	l.close(f.e)
	db := l.edgeDB("weir")
	list, err := db.Reports(t.Context(), edge.GitName(l.path("weir"), "code.example.com/mill-works/mill"))
	if err != nil || len(list) != 1 {
		t.Errorf("%d reports of one review, %v", len(list), err)
	}
	if found := traces(t, l.path("weir"), []string{words, "mill-works"}); len(found) > 0 {
		t.Errorf("text rests:%s", show(found))
	}
}

func TestOfARepositoryThatIsOffNoReportIsKept(t *testing.T) {
	f := newForge(t)
	l := f.l
	const off = "https://code.example.com/mill-works/skunkworks.git"
	body := []byte(`{"sha":"` + f.base + `","state":"success","context":"build","repository":{"clone_url":"` + off + `"}}`)
	if code, problem := delivered(f.e.WebhookHandler(), "/v1/webhooks/github", map[string]string{"X-GitHub-Event": "status", "X-Hub-Signature-256": signed(f.github, body)}, body); code != 200 {
		t.Fatal(code, problem)
	}
	l.turn(f.e)
	l.close(f.e)
	if list, err := l.edgeDB("weir").Reports(t.Context(), edge.GitName(l.path("weir"), "code.example.com/mill-works/skunkworks")); err != nil || len(list) > 0 {
		t.Errorf("%d reports, %v", len(list), err)
	}
}

func TestTestResultsAreTakenPackedAndNotAtAnySize(t *testing.T) {
	f := newForge(t)
	pack := func(b []byte) []byte {
		var out bytes.Buffer
		z := gzip.NewWriter(&out)
		z.Write(b)
		z.Close()
		return out.Bytes()
	}
	const suite = `<testsuite name="wheel"><testcase name="turns"/></testsuite>`
	good := "/v1/junit?commit=" + f.base + "&repository=" + url.QueryEscape(hosted)
	gz := map[string]string{"Content-Encoding": "gzip"}
	bomb := append([]byte("<testsuite><system-out>"), bytes.Repeat([]byte("a"), edge.MaxRequest)...)
	for name, c := range map[string]struct {
		path   string
		header map[string]string
		body   []byte
		status int
		code   string
	}{
		"plain":         {good, nil, []byte(suite), 200, ""},
		"packed":        {good, gz, pack([]byte(suite)), 200, ""},
		"bomb":          {good, gz, pack(bomb), 413, "intake/too-large"},
		"large":         {good, nil, bomb, 413, "intake/too-large"},
		"not packed":    {good, gz, []byte(suite), 400, "junit/gzip"},
		"half":          {good, gz, pack([]byte(suite))[:30], 400, "junit/unreadable"},
		"brotli":        {good, map[string]string{"Content-Encoding": "br"}, []byte(suite), 400, "junit/encoding"},
		"no XML":        {good, nil, []byte("{}"), 400, "junit/unreadable"},
		"no repository": {"/v1/junit?commit=" + f.base, nil, []byte(suite), 400, "junit/repository"},
		"half a commit": {"/v1/junit?commit=" + f.base[:12] + "&repository=" + url.QueryEscape(hosted), nil, []byte(suite), 400, "junit/commit"},
		"no commit":     {"/v1/junit?repository=" + url.QueryEscape(hosted), nil, []byte(suite), 400, "junit/commit"},
	} {
		if status, code := f.tests(c.path, c.header, c.body); status != c.status || code != c.code {
			t.Errorf("%s: %d %q, want %d %q", name, status, code, c.status, c.code)
		}
	}
}

func TestSecretsOfForgesComeFromFilesOrTheEnvironment(t *testing.T) {
	dir := t.TempDir()
	one, two, three := rand.Text(), rand.Text(), rand.Text()
	for name, text := range map[string]string{"hook": one + "\n\n" + two + "\n", "empty": "\n",
		"edge.yaml": "webhooks:\n  github_secret_file: hook\n", "half.yaml": "webhooks: {gitlab_token_file: empty}\n", "absent.yaml": "webhooks: {gitlab_token_file: absent}\n", "wrong.yaml": "webhooks: {gitlab_secret: x}\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string) (edge.Config, error) {
		f, err := edge.ReadFile(filepath.Join(dir, name), dir)
		if err != nil {
			return edge.Config{}, err
		}
		return f.Config(&link.Membership{Hub: maker, Contributor: "mill", URL: "http://hub.example", Channel: "early"})
	}
	c, err := read("edge.yaml")
	if err != nil || fmt.Sprint(c.Webhooks) != fmt.Sprint(edge.Webhooks{GitHub: []string{one, two}}) {
		t.Errorf("%d secrets, %v", len(c.Webhooks.GitHub), err)
	}
	t.Setenv(edge.GitHubSecretEnv, three)
	if c, err = read("edge.yaml"); err != nil || len(c.Webhooks.GitHub) != 1 || c.Webhooks.GitHub[0] != three {
		t.Errorf("%d secrets, %v", len(c.Webhooks.GitHub), err)
	}
	for name, code := range map[string]string{"half.yaml": "config/secret", "absent.yaml": "config/read", "wrong.yaml": "config/invalid"} {
		if _, err := read(name); !errors.Is(err, &episode.Problem{Code: code}) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
