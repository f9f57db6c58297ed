// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"net/http"

	"github.com/headrace/headrace/internal/gateway"
)

// Gateway serves tools that ask models; nil where none is configured.
func (e *Edge) Gateway() http.Handler {
	if e.gateway == nil {
		return nil
	}
	return e.gateway
}

func (e *Edge) openGateway() error {
	if !e.cfg.Gateway.On() {
		return nil
	}
	token, err := e.Token()
	if err != nil {
		return err
	}
	e.gateway, err = gateway.New(e.cfg.Gateway, token, e.cfg.Gateway.Local())
	return err
}
