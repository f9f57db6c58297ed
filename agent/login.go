// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/device"
	"github.com/headrace/headrace/internal/login"
)

// errLoginAgain is how an edge says that a certificate cannot be renewed by itself.
var errLoginAgain = &episode.Problem{Code: "device/login-again"}

// EnrolByLogin enrols this machine as the developer who logs in with the enterprise's identity provider: show is told where.
// The edge that pin names says which provider that is. What proves the login goes to the edge and is kept nowhere.
func EnrolByLogin(ctx context.Context, dir, address, pin string, show func(login.Ask), log *slog.Logger) (*Edge, error) {
	if len(pin) != pinLetters {
		return nil, &episode.Problem{Code: "enrol/pin", Message: "what follows --login is not whole", Hint: "copy the line as headrace edge invite --oidc printed it: 32 letters and digits"}
	}
	e, err := newEdge(dir, address, pin, log)
	if err != nil {
		return nil, err
	}
	var at login.Issuer
	if err := e.ask(ctx, http.MethodGet, "/v1/device/login", "", nil, &at); err != nil {
		return nil, err
	}
	key, request, err := device.Request()
	if err != nil {
		return nil, err
	}
	nonce, err := device.KeyName(request)
	if err != nil {
		return nil, err
	}
	token, err := login.Device(ctx, at, nonce, show)
	if err != nil {
		return nil, err
	}
	if err := e.certify(ctx, "/v1/device/enrol", key, deviceRequest{Login: token, Request: string(request)}); err != nil {
		return nil, err
	}
	return e, nil
}
