// SPDX-License-Identifier: Apache-2.0

package cursor

import (
	"fmt"
	"testing"

	"github.com/headrace/headrace/internal/capture/capturetest"
)

// FuzzEditor reads an editor's database in whose values any text is.
func FuzzEditor(f *testing.F) {
	f.Add([]byte(`{"composerId":"c","createdAt":1766691308486,"modelConfig":{"modelName":"gpt-5"},"fullConversationHeadersOnly":[{"bubbleId":"b","type":2}],"codeBlockData":{"file:///x.go":[{"bubbleId":"b","status":"accepted"}]}}`),
		[]byte(`{"type":2,"bubbleId":"b","createdAt":"2026-01-10T08:00:00Z","toolFormerData":{"name":"edit_file_v2","toolCallId":"t","params":"{\"relativeWorkspacePath\":\"gate.go\"}","status":"completed"}}`),
		[]byte(`{"newModelDiffWrtV0":[{"original":{"startLineNumber":1,"endLineNumberExclusive":2},"modified":["open = 2"]}]}`))
	f.Add([]byte(`{"conversation":[{"type":1,"bubbleId":"u"},{"type":2,"bubbleId":"b","codeBlocks":[{"content":1}]}]}`), []byte(`[]`), []byte(`{"newModelDiffWrtV0":[{"original":{"startLineNumber":-1}}]}`))
	f.Fuzz(func(t *testing.T, composer, bubble, diff []byte) {
		capturetest.Read(t, Source{}, capturetest.Database(t, fmt.Sprintf(`CREATE TABLE ItemTable (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB);
			CREATE TABLE cursorDiskKV (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB);
			INSERT INTO cursorDiskKV VALUES ('composerData:c', x'%x'), ('bubbleId:c:b', x'%x'), ('codeBlockDiff:c:b', x'%x');`, composer, bubble, diff)))
	})
}

// FuzzStore reads a chat of the command line whose meta, root and message are any bytes.
func FuzzStore(f *testing.F) {
	root := append(append([]byte{0x0a, 0x20}, make([]byte, 32)...), 0x0a, 0x20)
	f.Add([]byte(`{"agentId":"a","name":"x","createdAt":1775232590321,"lastUsedModel":"m","latestRootBlobId":"ff"}`), root,
		[]byte(`{"role":"assistant","id":"1","content":[{"type":"tool-call","toolCallId":"t","toolName":"Shell","args":{"command":"make"}}]}`))
	f.Fuzz(func(t *testing.T, meta, root, message []byte) {
		capturetest.Read(t, Source{}, capturetest.Database(t, fmt.Sprintf(`CREATE TABLE blobs (id TEXT PRIMARY KEY, data BLOB);
			CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT);
			INSERT INTO meta VALUES ('0', hex(x'%x'));
			INSERT INTO blobs VALUES ('ff', x'%x'), ('%064d', x'%x');`, meta, root, 0, message)))
	})
}
