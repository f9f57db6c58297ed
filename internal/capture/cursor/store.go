// SPDX-License-Identifier: Apache-2.0

package cursor

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

const (
	maxBlob  = episode.MaxLine // a longer value is passed over, counted as unparsable
	maxBlobs = 200_000
	hashLen  = 32
)

// store is a chat of the command line tool: one database each.
type store struct {
	db *sql.DB
	c  *capture.Counts
}

// storeMeta is the one row of the table meta, JSON in hexadecimal.
type storeMeta struct {
	AgentID lax.String `json:"agentId"`
	Created lax.Time   `json:"createdAt"`
	Model   lax.String `json:"lastUsedModel"`
	Root    lax.String `json:"latestRootBlobId"`
}

// blob is a message.
type blob struct {
	Role    lax.String              `json:"role"`
	Content content                 `json:"content"`
	Options lax.Object[blobOptions] `json:"providerOptions"`
}

type blobOptions struct {
	Cursor lax.Object[blobCursor] `json:"cursor"`
}

type blobCursor struct {
	RequestID lax.String             `json:"requestId"`
	IsSummary lax.Bool               `json:"isSummary"`
	Result    lax.Object[blobResult] `json:"highLevelToolCallResult"`
}

type blobResult struct {
	Output  lax.Object[map[string]jsontext.Value] `json:"output"`
	IsError lax.Bool                              `json:"isError"`
}

func (s *store) read(ctx context.Context, folder string, emit func(*episode.Episode) error) error {
	var meta storeMeta
	var value []byte
	err := s.db.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = '0' AND length(value) <= ?", 1<<20).Scan(&value)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if b, bad := hex.DecodeString(string(value)); bad == nil {
		value = b
	}
	s.c.Lines++
	if !lax.Decode(value, &meta) {
		s.c.Unparsable++
	}
	session := string(meta.AgentID)
	if session == "" {
		session = folder
	}
	h := newChat(s.c, session, emit)
	h.model = string(meta.Model)
	ids, repo, err := s.messages(ctx, string(meta.Root))
	if err != nil {
		return err
	}
	h.repo = repo
	at := meta.Created.Time // of the chat, and so of its first prompt; messages have no times of their own
	for _, id := range ids {
		var data []byte
		err := s.db.QueryRowContext(ctx, "SELECT data FROM blobs WHERE id = ? AND length(data) <= ?", id, maxBlob).Scan(&data)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return err
		}
		s.c.Lines++
		var m blob
		if !lax.Decode(data, &m) {
			s.c.Unparsable++
			continue
		}
		s.c.Kind("store/" + string(m.Role))
		if err := h.message(&m, at); err != nil {
			return err
		}
		if h.begun > 0 {
			at = time.Time{}
		}
	}
	return h.flush()
}

// messages returns the ids of the chat's messages in order, and its folder. Blobs that the root no longer names were
// summarised away or rewound; nothing tells which, so they are left out.
func (s *store) messages(ctx context.Context, root string) (ids []string, repo string, err error) {
	var data []byte
	err = s.db.QueryRowContext(ctx, "SELECT data FROM blobs WHERE id = ? AND length(data) <= ?", root, maxBlob).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return s.unrooted(ctx)
	}
	if err != nil {
		return nil, "", err
	}
	// The root is protobuf: in field 1 the hash of each message, in field 9 the folder as a URI.
	for len(data) > 0 && len(ids) < maxBlobs {
		field, value, rest, ok := protobuf(data)
		if !ok {
			break
		}
		switch data = rest; {
		case field == 1 && len(value) == hashLen:
			ids = append(ids, hex.EncodeToString(value))
		case field == 9:
			repo = strings.ToValidUTF8(strings.TrimPrefix(string(value), "file://"), "\uFFFD")
		}
	}
	return ids, repo, nil
}

// unrooted returns all messages in the order in which they were written, where the root is missing.
func (s *store) unrooted(ctx context.Context) (ids []string, repo string, err error) {
	rows, err := s.db.QueryContext(ctx, "SELECT id FROM blobs WHERE substr(data, 1, 1) IN ('{', x'7B') ORDER BY rowid LIMIT ?", maxBlobs)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	for rows.Next() {
		var id sql.NullString
		if err := rows.Scan(&id); err != nil {
			return nil, "", err
		}
		if len(id.String) <= 2*hashLen {
			ids = append(ids, id.String)
		}
	}
	return ids, "", rows.Err()
}

// protobuf takes one field off a message; value is empty but for the length-delimited ones.
func protobuf(b []byte) (field uint64, value, rest []byte, ok bool) {
	tag, b, ok := varint(b)
	if !ok {
		return 0, nil, nil, false
	}
	var n uint64
	switch field = tag >> 3; tag & 7 {
	case 0:
		_, b, ok = varint(b)
		return field, nil, b, ok
	case 1:
		n = 8
	case 5:
		n = 4
	case 2:
		if n, b, ok = varint(b); !ok {
			return 0, nil, nil, false
		}
		if n <= uint64(len(b)) {
			value = b[:n]
		}
	default:
		return 0, nil, nil, false
	}
	if n > uint64(len(b)) {
		return 0, nil, nil, false
	}
	return field, value, b[n:], true
}

func varint(b []byte) (v uint64, rest []byte, ok bool) {
	for i := 0; i < len(b) && i < 10; i++ {
		if v |= uint64(b[i]&0x7F) << (7 * i); b[i] < 0x80 {
			return v, b[i+1:], true
		}
	}
	return 0, nil, false
}

func (h *chat) message(m *blob, at time.Time) error {
	opt := &m.Options.V.Cursor.V
	switch m.Role {
	case "user":
		text := m.Content.text()
		h.rulesIn(text)
		if bool(opt.IsSummary) || text == "" || isContext(text) {
			return nil
		}
		return h.prompt(string(opt.RequestID), asked(text), at)
	case "assistant":
		return h.agent(&m.Content, time.Time{})
	case "tool":
		for i := range m.Content.Parts.V {
			if p := &m.Content.Parts.V[i]; p.isResult() {
				h.outcome(p, &opt.Result.V)
			}
		}
	}
	return nil
}

// outcome files a result and what it shows of a decision. Without a terminal ("-p") the tool refuses by itself what it
// would have asked for, in the same words as a person's refusal: rejected by unknown.
func (h *chat) outcome(p *part, r *blobResult) {
	k := h.calls[string(p.ToolCallID)]
	has := func(key string) bool { return len(r.Output.V[key]) > 0 }
	rejected, denied := has("rejected"), has("permissionDenied") || has("permission_denied")
	failed := bool(r.IsError) || bool(p.IsError)
	h.result(k, p.result(), failed, rejected || denied)
	switch {
	case rejected:
		var why struct {
			Reason lax.String `json:"reason"`
		}
		lax.Decode(r.Output.V["rejected"], &why)
		h.decide(k, episode.Rejected, episode.ByUnknown, string(why.Reason), time.Time{})
	case denied: // by the permissions in the tool's settings
		h.decide(k, episode.Rejected, episode.ByRule, "", time.Time{})
	case !failed, has("failure"), has("timeout"): // a command that ran was let through, however it ended
		if k != nil && (!failed || kindOf(k.name) == episode.KindCommand) {
			h.decide(k, episode.Accepted, episode.ByUnknown, "", time.Time{})
		}
	}
}
