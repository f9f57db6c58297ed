// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/device"
	"github.com/headrace/headrace/internal/login"
	"github.com/headrace/headrace/internal/seal"
	"github.com/headrace/headrace/internal/sqlstore"
)

// deviceInviteFor is how long a one-time code for a developer's machine is good for.
const deviceInviteFor = 24 * time.Hour

// DeviceRequest is what a machine sends to get its certificate, with a code or a login, or the next one.
type DeviceRequest struct {
	Code    string `json:"code,omitempty"`
	Login   string `json:"login,omitempty"` // an ID token
	Machine string `json:"machine"`         // how its owner calls it
	Request string `json:"request"`         // PEM
}

// DeviceAnswer is what a machine needs to deliver from then on.
type DeviceAnswer struct {
	Developer   string `json:"developer"`
	Certificate string `json:"certificate"` // PEM
	// SealTo is the key to which the machine seals all that it keeps.
	SealTo string `json:"seal_to"`
	// LoginUntil is when no more certificates come of the login with which the machine was enrolled; zero: with a code.
	LoginUntil time.Time `json:"login_until,omitzero"`
}

// devices is what the edge has for developers' machines.
type devices struct {
	authority *device.Authority
	key       *seal.Key
	logins    *login.Verifier // nil for none
}

func (e *Edge) openDevices() (err error) {
	if e.devices.authority, err = device.NewAuthority(e.ring.Derive("device"), "Headrace edge", e.cfg.Now); err != nil {
		return err
	}
	if e.devices.key, err = seal.Derive(e.ring.Derive("seal")); err != nil {
		return err
	}
	e.devices.logins, err = e.cfg.OIDC.verifier(e.cfg.Now)
	return err
}

// SealTo is the key to which agents seal what they keep for this edge.
func (e *Edge) SealTo() seal.Public { return e.devices.key.Public() }

// DeviceTLS is how the edge speaks to developers' machines, under the names hosts.
func (e *Edge) DeviceTLS(hosts []string) (*tls.Config, error) {
	return e.devices.authority.Server(hosts)
}

// InviteDevice makes a one-time code with which a machine of the developer's is enrolled: the code, a dot, and the name of
// this edge's authority, so that nobody between the two can answer in its place.
func (e *Edge) InviteDevice(ctx context.Context, developer string) (string, error) {
	if developer = strings.TrimSpace(developer); developer == "" || printable(developer, maxName) != developer {
		return "", &episode.Problem{Code: "device/developer", Message: fmt.Sprintf("%q is not a developer's name", developer), Hint: "use the name by which your records know them, such as ada or ada@example.com"}
	}
	code := rand.Text()
	if err := e.db.Noting(e.entry(ctx, "", "invite machine", developer)).AddDeviceInvite(ctx, codeDigest(code), developer, e.cfg.Now().Add(deviceInviteFor)); err != nil {
		return "", err
	}
	return code + "." + e.devices.authority.Pin(), nil
}

func codeDigest(code string) string {
	sum := sha256.Sum256([]byte(code))
	return hex.EncodeToString(sum[:])
}

// RevokeDevices ends the certificates of a developer's machines.
func (e *Edge) RevokeDevices(ctx context.Context, developer string) (int64, error) {
	return e.db.Noting(e.entry(ctx, "", "revoke machines", developer)).RevokeDevices(ctx, developer)
}

// Devices are the certificates that are good now.
func (e *Edge) Devices(ctx context.Context) ([]sqlstore.Device, error) {
	return e.db.Devices(ctx, e.cfg.Now())
}

var (
	errNoInvite = &episode.Problem{Code: "device/no-invite", Message: "the code is unknown, used or expired", Hint: "ask whoever runs the edge for a new one: headrace edge invite DEVELOPER"}
	errNoDevice = &episode.Problem{Code: "device/not-enrolled", Message: "this machine's certificate is missing, expired or revoked", Hint: "enrol it again: headrace agent enrol"}
)

// deviceOf is whose machine sent a request, by its certificate; a Problem where it has none that is good.
func (e *Edge) deviceOf(r *http.Request) (sqlstore.Device, error) {
	developer, serial := device.Developer(r.TLS)
	if developer == "" {
		return sqlstore.Device{}, errNoDevice
	}
	d, err := e.db.DeviceBySerial(r.Context(), serial)
	if errors.Is(err, sqlstore.ErrNotFound) || err == nil && (d.Revoked || d.Developer != developer) {
		return d, errNoDevice
	}
	return d, err
}

// badRequest says that a machine asks for no certificate.
func badRequest(err error) error {
	return &episode.Problem{Code: "device/bad-request", Message: "the machine's request is not one", Err: err, Hint: "run headrace agent enrol again"}
}

// issue answers a request by a machine of whom it is proven whose it is: by a code, a login, or the certificate that it has.
func (e *Edge) issue(ctx context.Context, who sqlstore.Device, req DeviceRequest) (DeviceAnswer, error) {
	now := e.cfg.Now()
	until, err := e.certificateUntil(who, now)
	if err != nil {
		return DeviceAnswer{}, err
	}
	cert, serial, err := e.devices.authority.Issue([]byte(req.Request), who.Developer, until)
	if err != nil {
		return DeviceAnswer{}, badRequest(err)
	}
	db := e.db
	if who.Serial == "" { // it is new, and not renewed
		db = db.Noting(e.entry(ctx, who.Developer, "enrol machine", printable(req.Machine, 100)))
	}
	err = db.AddDevice(ctx, sqlstore.Device{Serial: serial, Developer: who.Developer, Machine: printable(req.Machine, 100), IssuedAt: now, ExpiresAt: until, LoginAt: who.LoginAt})
	return DeviceAnswer{Developer: who.Developer, Certificate: string(cert), SealTo: e.SealTo().String(), LoginUntil: e.loginUntil(who)}, err
}

// DeviceHandler serves developers' machines over TLS: GET /v1/device/login says where to log in, POST /v1/device/enrol takes
// a one-time code or a login; and with a certificate, POST /v1/device/renew, POST /v1/sealed, POST /v1/mine for what is theirs, and GET
// /v1/device/instructions for what their models are told.
func (e *Edge) DeviceHandler() http.Handler {
	mux := access.NewMux(access.Forbidden())
	mux.HandleFunc("GET /v1/device/login", e.serveLogin)
	mux.Handle("POST /v1/device/enrol", e.cfg.Limits.Codes(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.serveIssue(w, r, func(req DeviceRequest) (sqlstore.Device, error) {
			if req.Login != "" {
				return e.useLogin(r.Context(), req)
			}
			developer, err := e.db.UseDeviceInvite(r.Context(), codeDigest(req.Code), e.cfg.Now())
			if errors.Is(err, sqlstore.ErrNotFound) {
				err = errNoInvite
			}
			return sqlstore.Device{Developer: developer}, err
		})
	})))
	mux.HandleFunc("POST /v1/device/renew", func(w http.ResponseWriter, r *http.Request) {
		e.serveIssue(w, r, func(DeviceRequest) (sqlstore.Device, error) { return e.deviceOf(r) })
	})
	mux.HandleFunc("POST /v1/mine", e.serveMine)
	mux.HandleFunc("GET /v1/device/instructions", e.serveWords)
	mux.HandleFunc("POST /v1/sealed", func(w http.ResponseWriter, r *http.Request) {
		d, err := e.deviceOf(r)
		if err != nil {
			e.refuseDevice(w, err)
			return
		}
		body, err := readBody(w, r)
		if err != nil {
			refuse(w, http.StatusRequestEntityTooLarge, &episode.Problem{Code: "intake/too-large", Message: "the request is too large", Err: err})
			return
		}
		ans, err := e.ReceiveSealed(r.Context(), Principal{Name: d.Developer, Authenticated: true}, body)
		if err != nil {
			e.unavailable(w, err)
			return
		}
		answer(w, http.StatusOK, ans)
	})
	return mux
}

// maxDeviceRequest is the largest request for a certificate, in bytes. Anybody may send one.
const maxDeviceRequest = 256 << 10

func (e *Edge) serveIssue(w http.ResponseWriter, r *http.Request, prove func(DeviceRequest) (sqlstore.Device, error)) {
	var req DeviceRequest
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxDeviceRequest))
	if err == nil {
		err = json.Unmarshal(body, &req)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, &episode.Problem{Code: "device/bad-request", Message: "not a request for a certificate", Err: err, Hint: "run headrace agent enrol"})
		return
	}
	who, err := prove(req)
	if err != nil {
		e.refuseDevice(w, err)
		return
	}
	ans, err := e.issue(r.Context(), who, req)
	if err != nil {
		e.refuseDevice(w, err)
		return
	}
	answer(w, http.StatusOK, ans)
}

// refuseDevice answers with what is wrong with a machine's identity, or says that we could not look.
func (e *Edge) refuseDevice(w http.ResponseWriter, err error) {
	p, ok := errors.AsType[*episode.Problem](err)
	if ok && (strings.HasPrefix(p.Code, "device/") || strings.HasPrefix(p.Code, "login/")) && !errors.Is(err, login.ErrAway) && !errors.Is(err, login.ErrProvider) {
		refuse(w, http.StatusForbidden, p)
		return
	}
	e.unavailable(w, err)
}

// Frame appends one sealed payload to a request for /v1/sealed: its length in four bytes, most significant first, and it.
func Frame(dst, sealed []byte) []byte {
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(sealed))), sealed...)
}

// ReceiveSealed takes in the payloads that an agent kept, one frame each, and returns after they are durable. What does
// not open is set aside: it was sealed to another edge, or damaged, and sending it again would not help.
func (e *Edge) ReceiveSealed(ctx context.Context, p Principal, frames []byte) (Answer, error) {
	start := time.Now()
	var ans Answer
	bad := func(n int, err error) {
		ans.SetAside = append(ans.SetAside, BadLine{n, err.Error()})
		e.setAside("a sealed payload of "+p.Name+" is set aside", err)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(16) // they share their fsync
	for n := 1; len(frames) > 0; n++ {
		if len(frames) < 4 || uint64(binary.BigEndian.Uint32(frames)) > uint64(len(frames)-4) {
			bad(n, errors.New("the request ends within a payload"))
			break
		}
		size := 4 + int(binary.BigEndian.Uint32(frames))
		var sealed []byte
		sealed, frames = frames[4:size], frames[size:]
		head, body, err := openSealed(e.devices.key, sealed)
		if err != nil {
			bad(n, err)
			continue
		}
		ans.Accepted++
		g.Go(func() error { return e.keepPayload(ctx, head, p, body) })
	}
	err := g.Wait()
	e.stats.Intake.add(ans.Accepted, start)
	return ans, err
}

// openSealed opens what an agent or the hook program sealed: a line of JSON that says what it is, and the thing itself.
func openSealed(key *seal.Key, sealed []byte) (head payload, body []byte, err error) {
	plain, err := key.Open(sealed)
	if err != nil {
		return head, nil, err
	}
	first, body, _ := bytes.Cut(plain, []byte{'\n'})
	if err := json.Unmarshal(first, &head); err != nil {
		return head, nil, fmt.Errorf("its first line does not say what it is: %w", err)
	}
	switch head.Kind {
	case kindEpisodes, kindProxied, kindHook, kindOTLPLogs, kindOTLPTraces, kindOTLPMetrics, kindCommits:
		return head, body, nil
	}
	return head, nil, fmt.Errorf("%q is no kind of payload", head.Kind)
}
