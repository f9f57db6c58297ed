// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"encoding/json"
)

// Mine asks the edge about the records of the developer whose machine this is, which its certificate proves: request and
// answer are JSON, see edge.OwnRequest.
func (e *Edge) Mine(ctx context.Context, request []byte) (answer json.RawMessage, err error) {
	err = e.post(ctx, "/v1/mine", "application/json", request, &answer)
	return answer, err
}
