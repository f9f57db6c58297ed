// SPDX-License-Identifier: Apache-2.0

package opencode

import (
	"fmt"
	"testing"

	"github.com/headrace/headrace/internal/capture/capturetest"
)

// FuzzDatabase reads a database in whose rows any text is.
func FuzzDatabase(f *testing.F) {
	f.Add([]byte(`{"messageID":"m"}`), []byte(`{"role":"assistant","time":{"created":1768032004000},"modelID":"gpt-5","error":{"name":"MessageAbortedError"}}`),
		[]byte(`{"type":"tool","tool":"bash","callID":"c","state":{"status":"completed","input":{"command":"make"},"output":"ok"}}`))
	f.Add([]byte(`[]`), []byte(`{"role":"user"}`), []byte(`{"type":"text","text":7}`))
	f.Fuzz(func(t *testing.T, revert, message, part []byte) {
		script := fmt.Sprintf(`CREATE TABLE session (id text PRIMARY KEY, project_id text, parent_id text, directory text, title text, version text, revert text);
			CREATE TABLE message (id text PRIMARY KEY, session_id text, time_created integer, time_updated integer, data text);
			CREATE TABLE part (id text PRIMARY KEY, message_id text, session_id text, time_created integer, time_updated integer, data text);
			INSERT INTO session VALUES ('s', 'p', NULL, '/src/mill', 'x', '1', CAST(x'%x' AS text));
			INSERT INTO message VALUES ('m', 's', 1, 1, CAST(x'%x' AS text));
			INSERT INTO part VALUES ('a', 'm', 's', 1, 1, CAST(x'%x' AS text)), ('b', 'm', 's', 1, 1, x'%x');`, revert, message, part, part)
		capturetest.Read(t, Source{}, capturetest.Database(t, script))
	})
}
