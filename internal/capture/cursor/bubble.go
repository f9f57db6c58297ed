// SPDX-License-Identifier: Apache-2.0

package cursor

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// bubble is one message in the editor.
type bubble struct {
	ID        lax.String              `json:"bubbleId"`
	Type      lax.Number              `json:"type"` // 1 the person's, 2 the agent's
	Text      lax.String              `json:"text"`
	Created   lax.Time                `json:"createdAt"`
	RequestID lax.String              `json:"requestId"`
	Thinking  lax.Object[thought]     `json:"thinking"`
	Model     lax.Object[modelConfig] `json:"modelInfo"`
	Tokens    lax.Object[tokens]      `json:"tokenCount"`
	Rules     lax.List[ruleRef]       `json:"cursorRules"`
	Codes     lax.List[code]          `json:"codeBlocks"`
	Tool      lax.Object[toolData]    `json:"toolFormerData"`
}

type thought struct {
	Text lax.String `json:"text"`
}

type tokens struct {
	Input  lax.Number `json:"inputTokens"`
	Output lax.Number `json:"outputTokens"`
}

type code struct {
	Content lax.String `json:"content"`
}

// toolData is a tool call. Arguments and result are JSON in strings.
type toolData struct {
	Name       lax.String         `json:"name"`
	CallID     lax.String         `json:"toolCallId"`
	RawArgs    jsontext.Value     `json:"rawArgs"`
	Params     jsontext.Value     `json:"params"`
	Result     jsontext.Value     `json:"result"`
	Status     lax.String         `json:"status"`
	Decision   lax.String         `json:"userDecision"`
	Additional lax.Object[extras] `json:"additionalData"`
}

type extras struct {
	BlockReason lax.String `json:"blockReason"`
}

// block is a code block's state: what became of one proposed change to one file.
type block struct {
	BubbleID lax.String `json:"bubbleId"`
	Status   lax.String `json:"status"`
	DiffID   lax.String `json:"diffId"`
	Content  lax.String `json:"content"`
	Index    lax.Number `json:"codeBlockIdx"`
	path     string
}

// blockDiff is the change that a code block makes, where it is not kept with the block.
type blockDiff struct {
	New lax.List[struct {
		Modified lines `json:"modified"`
	}] `json:"newModelDiffWrtV0"`
}

// lines is a list of lines as one text.
type lines string

func (l *lines) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() != '[' {
		return d.SkipValue()
	}
	var text strings.Builder
	var list []lax.String
	if err := json.UnmarshalDecode(d, &list); err != nil {
		return err
	}
	for _, s := range list {
		text.WriteString(string(s) + "\n")
	}
	*l = lines(text.String())
	return nil
}

// blocksOf returns the code blocks of a conversation by the message that made them; per file they are a list or a map.
func blocksOf(co *composer) map[string][]block {
	all := map[string][]block{}
	uris := make([]string, 0, len(co.Blocks.V))
	for uri := range co.Blocks.V {
		uris = append(uris, uri)
	}
	slices.Sort(uris)
	for _, uri := range uris {
		var list lax.List[block]
		var named map[string]lax.Object[block]
		raw := co.Blocks.V[uri]
		if len(raw) > 0 && raw[0] == '[' {
			var in struct{ L lax.List[block] }
			lax.Decode(slices.Concat([]byte(`{"L":`), raw, []byte("}")), &in)
			list = in.L
		} else if lax.Decode(raw, &named) {
			keys := make([]string, 0, len(named))
			for k := range named {
				keys = append(keys, k)
			}
			slices.Sort(keys)
			for _, k := range keys {
				if o := named[k]; o.OK {
					list.V = append(list.V, o.V)
				}
			}
		}
		for _, b := range list.V {
			b.path = strings.TrimPrefix(uri, "file://")
			all[string(b.BubbleID)] = append(all[string(b.BubbleID)], b)
		}
	}
	return all
}

// bubble files one message, with the code blocks that it made.
func (d *editorDB) bubble(ctx context.Context, h *chat, b *bubble, blocks []block, mode string) error {
	d.c.Kind("bubble/" + strconv.FormatInt(b.Type.Int(), 10))
	at := b.Created.Time
	if b.Type == 1 {
		h.named(b.Rules.V)
		// Cursor's hooks call the request a generation: an id that both have.
		native := first(b.RequestID, b.ID)
		if err := h.prompt(native, string(b.Text), at); err != nil {
			return err
		}
		if mode == "chat" || mode == "edit" {
			h.e.Tool.Surface = episode.SurfaceChat
		}
		return nil
	}
	if b.Model.V.Name != "" {
		h.model = string(b.Model.V.Name)
	}
	step, err := h.turn(string(b.Text), string(b.Thinking.V.Text), at)
	if err != nil {
		return err
	}
	h.use(b)
	var k *call
	if t := &b.Tool.V; t.Name != "" {
		k = h.call(step, string(t.CallID), string(t.Name), t.arguments(), at)
	}
	for i := range blocks {
		if err := d.block(ctx, h, k, b, &blocks[i], step, i); err != nil {
			return err
		}
	}
	if k != nil {
		h.former(k, &b.Tool.V, at)
	}
	return nil
}

func (h *chat) use(b *bubble) {
	t := &b.Tokens.V
	if t.Input.Int()+t.Output.Int() == 0 {
		return
	}
	if h.e.Usage == nil {
		h.e.Usage = &episode.Usage{}
	}
	h.e.Usage.InputTokens += t.Input.Int()
	h.e.Usage.OutputTokens += t.Output.Int()
}

// arguments is what the model asked for; params is what the tool made of it, fuller in newer versions.
func (t *toolData) arguments() jsontext.Value {
	for _, raw := range [...]jsontext.Value{t.RawArgs, t.Params} {
		if s := plain(raw); s != "" && s != "{}" && s != "null" {
			if jsontext.Value(s).IsValid() {
				return jsontext.Value(s)
			}
			return raw
		}
	}
	return nil
}

// block files what became of a code block: of the tool call's suggestion, or else of one of its own.
func (d *editorDB) block(ctx context.Context, h *chat, k *call, b *bubble, bl *block, step, n int) error {
	if k == nil || k.suggestion < 0 || n > 0 {
		id := string(bl.DiffID)
		if id == "" {
			id = "block-" + string(b.ID) + "-" + strconv.Itoa(n)
		}
		k = &call{id: id, step: step, suggestion: -1}
		h.add(k, episode.Suggestion{ID: id, Step: step, Kind: episode.KindEdit, ShownAt: b.Created.Time})
		if k.suggestion < 0 {
			return nil
		}
	}
	sg := &h.e.Suggestions[k.suggestion]
	if sg.Path == "" {
		sg.Path = bl.path
	}
	if sg.After == "" {
		sg.After = string(bl.Content)
	}
	if i := bl.Index.Int(); sg.After == "" && i < int64(len(b.Codes.V)) {
		sg.After = string(b.Codes.V[i].Content)
	}
	if sg.After == "" && bl.DiffID != "" {
		var diff blockDiff
		if _, err := d.get(ctx, "cursorDiskKV", "codeBlockDiff:"+h.session+":"+string(bl.DiffID), &diff); err != nil {
			return err
		}
		var after strings.Builder
		for i := range diff.New.V {
			after.WriteString(string(diff.New.V[i].Modified))
		}
		sg.After = after.String()
	}
	sg.Truncated = capture.Clip(&sg.After) || sg.Truncated
	switch bl.Status {
	case "accepted": // by a key or by the setting that keeps all: the state is the same
		h.decide(k, episode.Accepted, episode.ByUnknown, "", b.Created.Time)
	case "rejected": // nothing but a person at the editor rejects a change
		h.decide(k, episode.Rejected, episode.ByPerson, "", b.Created.Time)
	case "cancelled", "aborted":
		h.decide(k, episode.Cancelled, episode.ByUnknown, "", b.Created.Time)
	}
	return nil
}

// former files how a tool call ended. "accepted" is written for what runs by itself too, so it names no person.
func (h *chat) former(k *call, t *toolData, at time.Time) {
	var r struct {
		Rejected lax.Bool `json:"rejected"`
	}
	result := plain(t.Result)
	lax.Decode([]byte(result), &r)
	if result != "" && result != "null" || t.Status == "completed" || t.Status == "error" {
		h.result(k, result, t.Status == "error", t.Decision == "rejected" || bool(r.Rejected))
	}
	switch {
	case t.Decision == "rejected" && t.Additional.V.BlockReason != "":
		h.decide(k, episode.Rejected, episode.ByRule, string(t.Additional.V.BlockReason), at)
	case t.Decision == "rejected":
		h.decide(k, episode.Rejected, episode.ByPerson, "", at)
	case bool(r.Rejected):
		h.decide(k, episode.Rejected, episode.ByUnknown, "", at)
	case t.Status == "cancelled", t.Status == "aborted":
		h.decide(k, episode.Cancelled, episode.ByUnknown, "", at)
	case t.Decision == "accepted", t.Status == "completed":
		h.decide(k, episode.Accepted, episode.ByUnknown, "", at)
	}
}
