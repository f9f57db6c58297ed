// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"errors"
)

// Poll asks every server once.
func (e *Edge) Poll(ctx context.Context) error {
	var errs []error
	for _, p := range e.pollers {
		errs = append(errs, e.pollOne(ctx, p))
	}
	return errors.Join(errs...)
}
