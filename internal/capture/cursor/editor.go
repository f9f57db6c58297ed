// SPDX-License-Identifier: Apache-2.0

package cursor

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// editorDB is the editor's state.vscdb: keys "composerData:<id>" for a conversation, "bubbleId:<id>:<bubble>" for each
// of its messages, "codeBlockDiff:<id>:<diff>" for a change.
type editorDB struct {
	db *sql.DB
	c  *capture.Counts
}

const (
	composerKey = "composerData:"
	// legacyChats is where versions before 0.43 kept their chats, in ItemTable, without decisions.
	legacyChats = "workbench.panel.aichat.view.aichat.chatdata"
)

// composer is a conversation.
type composer struct {
	Created      lax.Time                              `json:"createdAt"`
	Mode         lax.String                            `json:"unifiedMode"`
	Model        lax.Object[modelConfig]               `json:"modelConfig"`
	Headers      lax.List[bubble]                      `json:"fullConversationHeadersOnly"`
	Conversation lax.List[bubble]                      `json:"conversation"` // versions that keep the messages inside
	Blocks       lax.Object[map[string]jsontext.Value] `json:"codeBlockData"`
	Context      lax.Object[bubbleContext]             `json:"context"`
	Subagent     lax.Object[struct{}]                  `json:"subagentInfo"`
}

type modelConfig struct {
	Name lax.String `json:"modelName"`
}

type bubbleContext struct {
	Rules lax.List[ruleRef] `json:"cursorRules"`
}

// ruleRef names a rule that was in force; the text is rarely kept.
type ruleRef struct {
	Name     lax.String `json:"name"`
	Filename lax.String `json:"filename"`
	FullPath lax.String `json:"fullPath"`
	Content  lax.String `json:"content"`
}

// read gives the episodes of each conversation, in the order of their keys. One row is held at a time.
func (d *editorDB) read(ctx context.Context, emit func(*episode.Episode) error) error {
	for last := composerKey; ; {
		key, value, err := d.next(ctx, last, strings.TrimSuffix(composerKey, ":")+";") // ';' follows ':'
		if err != nil {
			return err
		}
		if key == "" {
			break
		}
		last = key
		d.c.Lines++
		var co composer
		if !lax.Decode(value, &co) {
			d.c.Unparsable++
			continue
		}
		d.c.Kind("composer")
		if err := d.composer(ctx, strings.TrimPrefix(key, composerKey), &co, emit); err != nil {
			return err
		}
	}
	return d.legacy(ctx, emit)
}

// next returns the row with the first key after last and before end; an empty key where there is none.
func (d *editorDB) next(ctx context.Context, last, end string) (key string, value []byte, err error) {
	row := d.db.QueryRowContext(ctx, `SELECT key, CASE WHEN length(value) <= ? THEN value END FROM cursorDiskKV
		WHERE key > ? AND key < ? ORDER BY key LIMIT 1`, maxBlob, last, end)
	if err := row.Scan(&key, &value); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", nil, err
	}
	return key, value, nil
}

// get decodes one value, and reports whether it is there and can be read; it counts it as a line.
func (d *editorDB) get(ctx context.Context, table, key string, v any) (bool, error) {
	var value []byte
	err := d.db.QueryRowContext(ctx, "SELECT CASE WHEN length(value) <= ? THEN value END FROM "+table+" WHERE key = ?", maxBlob, key).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	d.c.Lines++
	ok := lax.Decode(value, v)
	if !ok {
		d.c.Unparsable++
	}
	return ok, nil
}

func (d *editorDB) composer(ctx context.Context, id string, co *composer, emit func(*episode.Episode) error) error {
	h := newChat(d.c, id, emit)
	h.model = string(co.Model.V.Name)
	h.helper = co.Subagent.OK || strings.HasPrefix(id, "task-")
	h.named(co.Context.V.Rules.V)
	blocks := blocksOf(co)
	for i := range co.Headers.V[:min(len(co.Headers.V), maxBlobs)] {
		var b bubble
		ok, err := d.get(ctx, "cursorDiskKV", "bubbleId:"+id+":"+string(co.Headers.V[i].ID), &b)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		b.ID = co.Headers.V[i].ID
		if err := d.bubble(ctx, h, &b, blocks[string(b.ID)], string(co.Mode)); err != nil {
			return err
		}
	}
	for i := range co.Conversation.V {
		b := &co.Conversation.V[i]
		if err := d.bubble(ctx, h, b, blocks[string(b.ID)], string(co.Mode)); err != nil {
			return err
		}
	}
	return h.flush()
}

// named notes the rules that a conversation or a prompt names.
func (h *chat) named(rules []ruleRef) {
	for i := range rules {
		r := &rules[i]
		a := episode.Artifact{Kind: episode.ArtifactRules, Name: first(r.Filename, r.Name, r.FullPath)}
		if r.Content != "" {
			a = capture.Artifact(episode.ArtifactRules, a.Name, string(r.Content))
		}
		if a.Name != "" || a.Text != "" {
			h.inForce(a)
		}
	}
}

// legacyTabs is the value of legacyChats.
type legacyTabs struct {
	Tabs lax.List[struct {
		ID      lax.String `json:"tabId"`
		Bubbles lax.List[struct {
			Type  lax.String `json:"type"`
			ID    lax.String `json:"id"`
			Text  lax.String `json:"text"`
			Raw   lax.String `json:"rawText"`
			Model lax.String `json:"modelType"`
		}] `json:"bubbles"`
	}] `json:"tabs"`
}

func (d *editorDB) legacy(ctx context.Context, emit func(*episode.Episode) error) error {
	var has int
	err := d.db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'ItemTable'").Scan(&has)
	if err != nil || has == 0 {
		return err
	}
	var all legacyTabs
	if ok, err := d.get(ctx, "ItemTable", legacyChats, &all); err != nil || !ok {
		return err
	}
	for i := range all.Tabs.V {
		tab := &all.Tabs.V[i]
		h := newChat(d.c, string(tab.ID), emit)
		if h.session == "" {
			h.session = "tab-" + strconv.Itoa(i)
		}
		for j := range tab.Bubbles.V {
			b := &tab.Bubbles.V[j]
			d.c.Kind("tab/" + string(b.Type))
			var err error
			switch b.Type {
			case "user":
				err = h.prompt(string(b.ID), first(b.Text, b.Raw), time.Time{})
			case "ai":
				h.model = string(b.Model)
				_, err = h.turn(first(b.Text, b.Raw), "", time.Time{})
			}
			if h.e != nil {
				h.e.Tool.Surface = episode.SurfaceChat
			}
			if err != nil {
				return err
			}
		}
		if err := h.flush(); err != nil {
			return err
		}
	}
	return nil
}
