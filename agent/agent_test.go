// SPDX-License-Identifier: Apache-2.0

package agent_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/agent"
	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/internal/seal"
	"github.com/headrace/headrace/internal/web"
)

// machine is a developer's machine with a home, and an edge to which it may be enrolled, over real TLS.
type machine struct {
	t    *testing.T
	home string
	dir  string
	edge *edge.Edge
	url  string
	stop func() // takes the edge's port away
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	return newMachineAt(t, edge.Config{})
}

// newMachineAt is a machine with an edge of its own kind.
func newMachineAt(t *testing.T, conf edge.Config) *machine {
	t.Helper()
	m := &machine{t: t, home: t.TempDir(), dir: filepath.Join(t.TempDir(), "agent")}
	var err error
	conf.Dir, conf.Hubs, conf.Settle = filepath.Join(t.TempDir(), "edge"), []edge.Hub{{Name: "maker", Contributor: "mill"}}, 1000*time.Hour
	m.edge, err = edge.New(t.Context(), conf)
	m.ok(err)
	t.Cleanup(func() { m.edge.Close() })
	m.serve("127.0.0.1:0")
	return m
}

func (m *machine) ok(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) serve(addr string) {
	m.t.Helper()
	c, err := m.edge.DeviceTLS(nil)
	m.ok(err)
	l, err := tls.Listen("tcp", addr, c)
	m.ok(err)
	srv := &http.Server{Handler: m.edge.DeviceHandler(), ErrorLog: log.New(io.Discard, "", 0)}
	go srv.Serve(l)
	m.url, m.stop = "https://"+l.Addr().String(), func() { srv.Close() }
	m.t.Cleanup(m.stop)
}

func (m *machine) enrol() *agent.Edge {
	m.t.Helper()
	code, err := m.edge.InviteDevice(m.t.Context(), "ada")
	m.ok(err)
	e, err := agent.Enrol(m.t.Context(), m.dir, m.url, code, slog.New(slog.DiscardHandler))
	m.ok(err)
	return e
}

// run runs the agent until the test ends or stop is called.
func (m *machine) run(e *agent.Edge, listen net.Listener) (stop func()) {
	m.t.Helper()
	pub, err := e.Public()
	m.ok(err)
	out, err := agent.OpenOutbox(m.dir, e, slog.New(slog.DiscardHandler))
	m.ok(err)
	ctx, cancel := context.WithCancel(m.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		go out.Run(ctx)
		agent.Run(ctx, agent.Config{Dir: m.dir, Home: m.home, Getenv: func(string) string { return "" }, SealTo: pub, Send: out.Send, Listen: listen, Token: "tok"})
	}()
	stop = func() { cancel(); <-done; out.Close() }
	m.t.Cleanup(stop)
	return stop
}

// prompts appends prompts from..to to a transcript in the home.
func (m *machine) prompts(name string, from, to int) {
	m.t.Helper()
	path := filepath.Join(m.home, ".claude", "projects", "mill", name+".jsonl")
	m.ok(os.MkdirAll(filepath.Dir(path), 0o700))
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	m.ok(err)
	for i := from; i < to; i++ {
		_, err := fmt.Fprintf(f, `{"type":"user","uuid":"%s-%d","parentUuid":null,"sessionId":%q,"cwd":"/src/mill","message":{"content":"turn the wheel %d times"}}`+"\n", name, i, name, i)
		m.ok(err)
	}
	m.ok(f.Close())
}

// arrived waits until the edge has so many episodes, and fails when it has not after a while.
func (m *machine) arrived(n int) {
	m.t.Helper()
	var page web.EpisodePage
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		m.ok(m.edge.Turn(m.t.Context()))
		var err error
		page, err = edge.View{Edge: m.edge}.Episodes(m.t.Context(), web.EpisodeFilter{})
		m.ok(err)
		if page.Total == n {
			return
		}
	}
	m.t.Fatalf("%d episodes arrived, want %d", page.Total, n)
}

func TestWhatAToolWritesArrivesSealedUnderTheDevelopersName(t *testing.T) {
	m := newMachine(t)
	m.prompts("before", 0, 3)
	e := m.enrol()
	if e.Developer != "ada" {
		t.Errorf("enrolled as %q", e.Developer)
	}
	m.run(e, nil)
	m.arrived(3)
	m.prompts("before", 3, 5) // it grows
	m.prompts("new", 0, 1)
	m.arrived(5)
	clear := 0
	m.ok(filepath.WalkDir(m.dir, func(path string, d os.DirEntry, err error) error {
		if b, _ := os.ReadFile(path); strings.Contains(string(b), "wheel") {
			clear++
		}
		return err
	}))
	if clear > 0 {
		t.Errorf("%d files of the agent hold what the person said in clear", clear)
	}
}

func TestWhatIsCapturedWhileTheEdgeIsAwayArrivesOnceItIsBack(t *testing.T) {
	m := newMachine(t)
	e := m.enrol()
	addr := strings.TrimPrefix(m.url, "https://")
	m.stop()
	m.prompts("s", 0, 4)
	stop := m.run(e, nil)
	waiting := func() int {
		files, _ := filepath.Glob(filepath.Join(m.dir, "spool", "*.spool"))
		n := 0
		for _, f := range files {
			if info, err := os.Stat(f); err == nil {
				n += int(info.Size())
			}
		}
		return n
	}
	for end := time.Now().Add(20 * time.Second); waiting() == 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nothing is kept while the edge is away")
		}
	}
	stop() // and the machine is switched off in between
	m.serve(addr)
	e, err := agent.OpenEdge(m.dir, slog.New(slog.DiscardHandler))
	m.ok(err)
	m.run(e, nil)
	m.arrived(4)
}

func TestTelemetryIsTakenFromWhoHasTheTokenOnly(t *testing.T) {
	m := newMachine(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	m.ok(err)
	m.run(m.enrol(), l)
	body := `{"resourceLogs":[{"scopeLogs":[{"scope":{"name":"com.anthropic.claude_code.events"},"logRecords":[{"body":{"stringValue":"claude_code.user_prompt"},"attributes":[
{"key":"event.name","value":{"stringValue":"user_prompt"}},{"key":"session.id","value":{"stringValue":"s"}},{"key":"prompt.id","value":{"stringValue":"p"}},{"key":"prompt","value":{"stringValue":"turn"}}]}]}]}]}`
	post := func(path, token, body string) int {
		t.Helper()
		req, err := http.NewRequest("POST", "http://"+l.Addr().String()+path, strings.NewReader(body))
		m.ok(err)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+token)
		var res *http.Response
		for range 50 {
			if res, err = http.DefaultClient.Do(req); err == nil {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		m.ok(err)
		defer res.Body.Close()
		return res.StatusCode
	}
	said := `{"name":"editOutcome","schema":"0.2.0","data":{"timestamp":"2026-03-02T09:00:00Z","accepted":true,"prompt":"turn","completion":"turning","previousCode":"still","newCode":"turning","filepath":"wheel.go"}}`
	for _, c := range []struct {
		path, token, body string
		want              int
	}{{"/v1/logs", "wrong", body, 401}, {"/v1/logs", "", body, 401}, {"/t/wrong/v1/logs", "tok", body, 401}, {"/v1/continue", "wrong", said, 401}, {"/v1/continue", "tok", "{}", 400},
		{"/v1/logs", "tok", body, 200}, {"/t/tok/v1/logs", "", body, 200}, {"/v1/continue", "tok", said, 200}} {
		if got := post(c.path, c.token, c.body); got != c.want {
			t.Errorf("%s with the token %q: %d, want %d", c.path, c.token, got, c.want)
		}
	}
	m.arrived(2)
}

func TestWhatHooksToldIsPickedUpAndADamagedOneHarmsNoOther(t *testing.T) {
	m := newMachine(t)
	e := m.enrol()
	pub, err := e.Public()
	m.ok(err)
	m.ok(os.MkdirAll(filepath.Join(m.dir, "hooks"), 0o700))
	good, err := pub.Seal([]byte(`{"kind":"episodes"}` + "\n" + `{"schema_version":"1.0","id":"ep_1","tool":{"name":"mill"},"session":"s"}` + "\n"))
	m.ok(err)
	stranger, err := seal.Derive(make([]byte, 32))
	m.ok(err)
	other, err := stranger.Public().Seal([]byte("{}\n"))
	m.ok(err)
	for name, b := range map[string][]byte{"1-a": []byte("not sealed"), "2-b": other, "3-c": good, "4-d.new": good} {
		m.ok(os.WriteFile(filepath.Join(m.dir, "hooks", name), b, 0o600))
	}
	m.run(e, nil)
	m.arrived(1)
	left, err := os.ReadDir(filepath.Join(m.dir, "hooks"))
	m.ok(err)
	if len(left) != 1 || left[0].Name() != "4-d.new" {
		t.Errorf("left in the queue: %v", left)
	}
}

func TestACodeIsGoodOnceAndARevokedMachineDeliversNothing(t *testing.T) {
	m := newMachine(t)
	code, err := m.edge.InviteDevice(t.Context(), "ada")
	m.ok(err)
	quiet := slog.New(slog.DiscardHandler)
	for _, bad := range []string{"", "x", code[:10], "AAAA" + code[4:], code[:len(code)-4] + "AAAA"} {
		if _, err := agent.Enrol(t.Context(), m.dir, m.url, bad, quiet); err == nil {
			t.Errorf("the code %q enrols", bad)
		}
	}
	e, err := agent.Enrol(t.Context(), m.dir, m.url, code, quiet)
	m.ok(err)
	if _, err := agent.Enrol(t.Context(), t.TempDir(), m.url, code, quiet); err == nil || !strings.Contains(err.Error(), "used") {
		t.Errorf("a second time: %v", err)
	}
	if n, err := m.edge.RevokeDevices(t.Context(), "ada"); err != nil || n != 1 {
		t.Errorf("%d revoked, %v", n, err)
	}
	m.prompts("s", 0, 1)
	m.run(e, nil)
	time.Sleep(4 * time.Second)
	m.arrived(0)
}
