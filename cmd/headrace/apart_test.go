// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/hub"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/sim"
	"github.com/headrace/headrace/internal/spool"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/value"
)

// apart is a hub and an edge as two processes with two state folders.
type apart struct {
	t                       *testing.T
	hubDir, edgeDir         string
	hubAddr, edgeAddr       string
	hubDSN, edgeDSN         string // empty: SQLite in the folder
	devices                 string // where developers' machines deliver
	hubProcess, edgeProcess *exec.Cmd
}

func newApart(t *testing.T) *apart {
	return &apart{t: t, hubDir: t.TempDir(), edgeDir: t.TempDir(), hubAddr: freeAddr(t), edgeAddr: freeAddr(t), devices: "none"}
}

func freeAddr(t *testing.T) string {
	addr, err := unusedAddr()
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

// unusedAddr is an address that nobody listens on: below the ports that the system hands out by itself, so that no test beside
// this one gets it before it is used, nor while a process that had it is down.
func unusedAddr() (addr string, err error) {
	for range 100 {
		var l net.Listener
		if l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(20_000))); err == nil {
			return l.Addr().String(), l.Close()
		}
	}
	return "", err
}

// command is the program as a process of its own: TestMain put it into the path.
func (a *apart) command(dir string, args ...string) *exec.Cmd {
	cmd := exec.Command("headrace", append([]string{"--dir", dir}, args...)...)
	cmd.Env = append(os.Environ(), edge.DatabaseEnv+"="+a.edgeDSN, hub.DatabaseEnv+"="+a.hubDSN,
		"GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE")) // the race detector else lets each process wait for a second at its end
	return cmd
}

// run runs a command to its end and returns its standard output.
func (a *apart) run(dir string, args ...string) string {
	a.t.Helper()
	var out, errs bytes.Buffer
	cmd := a.command(dir, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		a.t.Fatalf("headrace %v: %v\n%s", args, err, errs.String())
	}
	return strings.TrimSpace(out.String())
}

// start starts a role and waits until it answers.
func (a *apart) start(dir, addr string, args ...string) *exec.Cmd {
	a.t.Helper()
	cmd := a.command(dir, append(args, "--listen", addr)...)
	log := &lockedBuffer{}
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if a.t.Failed() {
			a.t.Logf("%v said:\n%s", args, log)
		}
	})
	a.eventually("headrace "+args[0]+" answers", func() bool { return strings.Contains(log.String(), "/enter?code=") })
	return cmd
}

func (a *apart) startHub() { a.hubProcess = a.start(a.hubDir, a.hubAddr, "hub") }
func (a *apart) startEdge() {
	a.edgeProcess = a.start(a.edgeDir, a.edgeAddr, "edge", "--otlp", "none", "--devices", a.devices)
}

// kill is kill -9.
func (a *apart) kill(cmd *exec.Cmd) {
	cmd.Process.Kill()
	cmd.Wait()
}

// stop is Ctrl-C, which must end cleanly.
func (a *apart) stop(cmd *exec.Cmd) {
	a.t.Helper()
	cmd.Process.Signal(os.Interrupt)
	if err := cmd.Wait(); err != nil {
		a.t.Errorf("%v: stopped with %v", cmd.Args, err)
	}
}

func (a *apart) eventually(what string, ok func() bool) {
	a.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if ok() {
			return
		}
	}
	a.t.Fatalf("waited in vain until %s", what)
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// store opens a role's tables beside the running process.
func (a *apart) store(role sqlstore.Role) *sqlstore.DB {
	a.t.Helper()
	dsn := map[sqlstore.Role]string{sqlstore.RoleEdge: a.edgeDSN, sqlstore.RoleHub: a.hubDSN}[role]
	if dsn == "" {
		dsn = filepath.Join(map[sqlstore.Role]string{sqlstore.RoleEdge: a.edgeDir, sqlstore.RoleHub: a.hubDir}[role], string(role), string(role)+".db")
	}
	db, err := sqlstore.Open(a.t.Context(), dsn, role)
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() { db.Close() })
	return db
}

// post sends episodes to the edge as a tool does, and returns how many it acknowledged.
func (a *apart) post(each func(emit func(*episode.Episode) error) error) (n int) {
	a.t.Helper()
	token, err := os.ReadFile(filepath.Join(a.edgeDir, "edge", "keys", "token"))
	if err != nil {
		a.t.Fatal(err)
	}
	var lines []byte
	err = each(func(ep *episode.Episode) (err error) {
		lines, err = episode.Append(lines, ep)
		lines = append(lines, '\n')
		return err
	})
	if err != nil {
		a.t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, "http://"+a.edgeAddr+"/v1/episodes", bytes.NewReader(lines))
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	var ans edge.Answer
	if err := json.UnmarshalRead(resp.Body, &ans); err != nil || resp.StatusCode != http.StatusOK || len(ans.SetAside) > 0 {
		a.t.Fatalf("POST /v1/episodes: %s, %+v, %v", resp.Status, ans, err)
	}
	return ans.Accepted
}

const apartPolicy = `version: 1
recipients:
  - {name: acme-tools, kind: maker}
rules:
  - {name: all, when: "true", level: signal, purposes: [evaluate, reward], recipients: [acme-tools], retention_days: 30, approval: auto}
releases:
  - {kind: filter, hub: acme-tools, channel: canary, approver: auto}
`

func TestTwoProcessesWithTwoFoldersAndAnInviteTakeTheTurn(t *testing.T) {
	newApart(t).turn(3000, gate.Refused) // the way back is a statement: for a release there is too little to judge by
}

func TestTwoProcessesBringAReleaseBack(t *testing.T) {
	if os.Getenv("HEADRACE_LONG") == "" {
		t.Skip("takes a large world: make test-long")
	}
	newApart(t).turn(40_000, gate.Released)
}

func TestTwoProcessesTakeTheTurnOnPostgreSQL(t *testing.T) {
	base := os.Getenv("HEADRACE_TEST_POSTGRES")
	if base == "" {
		t.Skip("HEADRACE_TEST_POSTGRES is not set")
	}
	a := newApart(t)
	a.edgeDSN, a.hubDSN = newDatabase(t, base, "edge"), newDatabase(t, base, "hub")
	a.turn(3000, gate.Refused)
}

// newDatabase makes an empty PostgreSQL database for one test.
func newDatabase(t *testing.T, base, suffix string) string {
	t.Helper()
	admin, err := sql.Open("pgx", base)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { admin.Close() })
	name := fmt.Sprintf("headrace_apart_%d_%s", time.Now().UnixNano(), suffix)
	if _, err := admin.ExecContext(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { admin.ExecContext(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)") })
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

// turn is the whole way between two processes, both killed with kill -9 while work was under way, on a world that is large
// enough for a release or is not.
func (a *apart) turn(decisions int, want gate.Verdict) {
	t := a.t
	world, err := sim.New(sim.Config{Seed: 5, Gain: 0.5, Decisions: decisions, Developers: 1400, Draws: 1 << 14})
	if err != nil {
		t.Fatal(err)
	}
	const us = "alder-bank"
	os.WriteFile(filepath.Join(a.hubDir, "hub.yaml"), []byte("name: acme-tools\n"), 0o600)
	os.WriteFile(filepath.Join(a.edgeDir, "edge.yaml"), []byte("policy: policy.yaml\nsettle: 0s\n"), 0o600)
	os.WriteFile(filepath.Join(a.edgeDir, "policy.yaml"), []byte(apartPolicy), 0o600)

	// Invited while the hub runs, joined with the very line that the invite printed.
	a.startHub()
	invite := a.run(a.hubDir, "hub", "invite", us)
	line, _, _ := strings.Cut(invite, "#")
	a.run(a.edgeDir, strings.Fields(strings.TrimPrefix(line, "headrace "))...)
	a.startEdge()

	// The edge dies after it has acknowledged, the hub while a bundle may be on its way, the edge again while it tries once more.
	var session string
	n := a.post(func(emit func(*episode.Episode) error) error {
		return world.Episodes(us, func(ep *episode.Episode) error {
			session = ep.Session
			return emit(ep)
		})
	})
	a.kill(a.edgeProcess)
	a.startEdge()
	a.kill(a.hubProcess)
	a.startHub()
	a.kill(a.edgeProcess)
	a.startEdge()
	edgeDB, hubDB := a.store(sqlstore.RoleEdge), a.store(sqlstore.RoleHub)
	a.eventually("every bundle has its receipt", func() bool {
		done, _ := edgeDB.SpoolDone(t.Context(), "inbox")
		inbox, _ := spool.Count(filepath.Join(a.edgeDir, "edge", "inbox"), done)
		packed, _ := edgeDB.Bundles(t.Context(), "packed")
		received, err := edgeDB.Bundles(t.Context(), "received")
		return err == nil && inbox == 0 && len(packed) == 0 && len(received) > 0
	})
	late := a.post(func(emit func(*episode.Episode) error) error { return world.Late(us, emit) })
	if n == 0 || late == 0 {
		t.Fatalf("the world sent %d episodes and %d later facts", n, late)
	}

	// What the hub makes of it comes back: a statement in any case, here a release too.
	statement := func() (s value.Statement, id string, ok bool) {
		docs, err := hubDB.Documents(t.Context(), sqlstore.DocStatement)
		if err != nil || len(docs) == 0 {
			return s, "", false
		}
		open(t, docs[0].Envelope, bundle.TypeStatement, a.hubKey(), &s)
		return s, docs[0].ID, true
	}
	var sent int
	a.eventually("the hub's statement covers all that was sent", func() bool {
		sent = 0
		received, _ := edgeDB.Bundles(t.Context(), "received")
		for _, b := range received {
			sent += b.Records
		}
		s, _, ok := statement()
		return ok && len(received) > 1 && s.Records.In == sent
	})
	s, id, _ := statement()
	if distinct(world, us) != s.Records.Used-late || s.Contributor != us {
		t.Errorf("of %d distinct episodes and %d later facts the hub used %d", distinct(world, us), late, s.Records.Used)
	}
	a.kill(a.edgeProcess)
	a.startEdge() // asks at once
	a.eventually("the edge has the statement", func() bool {
		docs, err := edgeDB.Statements(t.Context())
		return err == nil && len(docs) > 0 && docs[0].ID == id
	})
	if s.Verdict != string(want) {
		t.Errorf("the gate said %s, not %s: %+v", s.Verdict, want, a.gate(hubDB).Reasons)
	}
	out := filepath.Join(t.TempDir(), "release")
	pulled, err := edgeDB.PulledReleases(t.Context(), "")
	if want == gate.Released {
		var rel release.Release
		if err := json.Unmarshal([]byte(a.run(a.edgeDir, "pull", "--out", out)), &rel); err != nil {
			t.Fatal(err)
		}
		model, readErr := os.ReadFile(filepath.Join(out, "model"))
		if readErr != nil || episode.Digest(model) != rel.Payload || err != nil || len(pulled) == 0 || pulled[0].ID != rel.ID {
			t.Errorf("pulled %+v (%v); the edge has %d releases (%v)", rel, readErr, len(pulled), err)
		}
	} else if err := a.command(a.edgeDir, "pull", "--out", out).Run(); err == nil || len(pulled) > 0 {
		t.Error("what the gate refused was pulled")
	}

	// The log holds what the receipts say, for who trusts only the hub's key; and a session comes back with a certificate.
	received, err := edgeDB.Bundles(t.Context(), "received")
	if err != nil {
		t.Fatal(err)
	}
	verify := []string{"log", "verify"}
	for _, b := range received {
		verify = append(verify, "--receipt", filepath.Join(a.edgeDir, "edge", "receipts", strings.TrimPrefix(b.ID, "sha256:")+".json"))
	}
	if out := a.run(a.edgeDir, verify...); strings.Count(out, "sha256:") != len(received) {
		t.Errorf("log verify: %s", out)
	}
	a.run(a.edgeDir, "withdraw", "--session", session)
	a.eventually("the hub has certified the withdrawal", func() bool {
		docs, err := hubDB.Documents(t.Context(), sqlstore.DocCertificate)
		return err == nil && len(docs) == 1
	})
	a.stop(a.edgeProcess)
	a.startEdge()
	a.eventually("the edge has the certificate", func() bool {
		list, err := edgeDB.Withdrawals(t.Context())
		return err == nil && len(list) == 1 && list[0].State == "certified"
	})
	if out := a.run(a.edgeDir, "log", "verify"); !strings.Contains(out, `"grown_from":`) {
		t.Errorf("log verify forgot the checkpoint it saw: %s", out)
	}
	a.stop(a.edgeProcess)
	a.stop(a.hubProcess)
}

// gate is the hub's newest gate report.
func (a *apart) gate(hubDB *sqlstore.DB) (report gate.Report) {
	a.t.Helper()
	gates, err := hubDB.Documents(a.t.Context(), sqlstore.DocGate)
	if err != nil || len(gates) == 0 {
		a.t.Fatalf("no gate report: %v", err)
	}
	open(a.t, gates[0].Envelope, bundle.TypeGateReport, a.hubKey(), &report)
	return report
}

func (a *apart) hubKey() bundle.Trust {
	m, err := link.MembershipOf(filepath.Join(a.edgeDir, "edge"), "")
	if err != nil {
		a.t.Fatal(err)
	}
	return bundle.NewTrust(bundle.TrustedKey{Key: m.PublicKey})
}

func open(t *testing.T, envelope []byte, payloadType string, trust bundle.Trust, v any) {
	t.Helper()
	payload, _, err := bundle.OpenDocument(envelope, payloadType, trust)
	if err == nil {
		err = bundle.DecodeDocument(payload, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// distinct counts the episodes of a contributor, each once.
func distinct(world *sim.World, contributor string) int {
	ids := map[string]bool{}
	world.Episodes(contributor, func(ep *episode.Episode) error { ids[ep.ID] = true; return nil })
	return len(ids)
}

func TestAPackedBundleIsPushedAndItsReceiptIsInTheLog(t *testing.T) {
	a := newApart(t)
	a.startHub()
	line, _, _ := strings.Cut(a.run(a.hubDir, "hub", "invite", "alder-bank"), "#")
	a.run(a.edgeDir, strings.Fields(strings.TrimPrefix(line, "headrace "))...)

	policy := file(t, "policy.yaml", strings.ReplaceAll(apartPolicy, "acme-tools", hub.DefaultName))
	keys, out := filepath.Join(a.edgeDir, "edge"), filepath.Join(t.TempDir(), "bundle")
	lines := rawExample(t)
	for _, stage := range [][]string{{"scrub"}, {"consent", "--policy", policy}, {"pack", "--contributor", "alder-bank", "--out", out}} {
		cmd := a.command(keys, stage...)
		cmd.Stdin = strings.NewReader(lines)
		b, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %v", stage, err)
		}
		lines = string(b)
	}
	receipt := a.run(a.edgeDir, "push", out)
	if again := a.run(a.edgeDir, "push", out); again != receipt {
		t.Error("the second push of a bundle got another receipt")
	}
	if out := a.run(a.edgeDir, "log", "verify", "--receipt", file(t, "receipt.json", receipt)); strings.Contains(out, `"size":0,`) || !strings.Contains(out, `"bundles_held":["sha256:`) {
		t.Errorf("log verify: %s", out)
	}

	// Offline, with nothing but the key: the log's folder, and a receipt that another hub signed.
	m, err := link.MembershipOf(keys, "")
	if err != nil {
		t.Fatal(err)
	}
	a.stop(a.hubProcess)
	key := base64.StdEncoding.EncodeToString(m.PublicKey)
	a.run(t.TempDir(), "log", "verify", "--key", key, filepath.Join(a.hubDir, "hub", "log"))
	stranger := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{9}, 32))
	if err := a.command(t.TempDir(), "log", "verify", "--key", stranger, filepath.Join(a.hubDir, "hub", "log")).Run(); err == nil {
		t.Error("a log verified under another key")
	}
}

func TestAnInviteWorksOnceAndOnlyForTheHubThatMadeIt(t *testing.T) {
	a := newApart(t)
	line, _, _ := strings.Cut(a.run(a.hubDir, "hub", "invite", "alder-bank"), "#") // made while the hub does not run
	code := strings.Fields(line)[4]
	a.startHub()
	join := func(dir, code string) string {
		var errs bytes.Buffer
		cmd := a.command(dir, "edge", "join", "http://"+a.hubAddr, code)
		cmd.Stderr = &errs
		if cmd.Run() == nil {
			return ""
		}
		return errs.String()
	}
	other, _, _ := strings.Cut(a.run(a.hubDir, "hub", "invite", "birch-telecom"), "#")
	forged := strings.Fields(other)[4]
	forged = forged[:len(forged)-32] + strings.Repeat("0", 32)
	if got := join(t.TempDir(), forged); !strings.Contains(got, "is not the hub that made the invite") {
		t.Errorf("another key than the invite's: %q", got)
	}
	if got := join(a.edgeDir, code); got != "" {
		t.Errorf("a good invite: %s", got)
	}
	if got := join(t.TempDir(), code); !strings.Contains(got, "the invite was used on") {
		t.Errorf("a used invite: %q", got)
	}
	if err := a.command(t.TempDir(), "edge").Run(); err == nil {
		t.Error("an edge that has joined no hub started")
	}
}
