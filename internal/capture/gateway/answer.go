// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"bytes"
	"cmp"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/lax"
)

// answer is what a model said.
type answer struct {
	message
	id, model string
	usage     episode.Usage
	tokens    []int32   // of all that was said
	probs     []float64 // of the text
	probed    string    // the text that they are of
}

// chunk is an answer, or a piece of a streamed one, in all dialects.
type chunk struct {
	ID      lax.String            `json:"id"`
	Type    lax.String            `json:"type"`
	Model   lax.String            `json:"model"`
	Choices lax.List[choice]      `json:"choices"`
	Usage   lax.Object[wireUsage] `json:"usage"`

	Content jsontext.Value `json:"content"` // Anthropic's
	Message *chunk         `json:"message"`
	Index   lax.Number     `json:"index"`
	Block   *part          `json:"content_block"`
	Delta   jsontext.Value `json:"delta"`

	Output   jsontext.Value `json:"output"` // of responses
	Item     *part          `json:"item"`
	Response *chunk         `json:"response"`
}

type choice struct {
	Index    lax.Number              `json:"index"`
	Message  lax.Object[wireMessage] `json:"message"`
	Delta    lax.Object[wireMessage] `json:"delta"`
	Text     lax.String              `json:"text"`
	TokenIDs numbers                 `json:"token_ids"`
	Logprobs lax.Object[logprobs]    `json:"logprobs"`
}

type logprobs struct {
	Content lax.List[prob] `json:"content"`
	Tokens  lax.Strings    `json:"tokens"` // of plain completions
	Probs   numbers        `json:"token_logprobs"`
}

// prob is a token. Where it is part of a character, its bytes tell what its text cannot.
type prob struct {
	Token   lax.String `json:"token"`
	Logprob lax.Number `json:"logprob"`
	Bytes   numbers    `json:"bytes"`
}

func (p *prob) text() string {
	if len(p.Bytes) == 0 {
		return string(p.Token)
	}
	b := make([]byte, len(p.Bytes))
	for i, c := range p.Bytes {
		b[i] = byte(c)
	}
	return string(b)
}

// numbers are those of an array.
type numbers []float64

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (n *numbers) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	return lax.Each(d, func() error {
		var v lax.Number
		err := v.UnmarshalJSONFrom(d)
		*n = append(*n, float64(v))
		return err
	})
}

type wireUsage struct {
	Prompt     lax.Number          `json:"prompt_tokens"`
	Completion lax.Number          `json:"completion_tokens"`
	Input      lax.Number          `json:"input_tokens"`
	Output     lax.Number          `json:"output_tokens"`
	CacheRead  lax.Number          `json:"cache_read_input_tokens"`
	CacheWrite lax.Number          `json:"cache_creation_input_tokens"`
	Details    lax.Object[details] `json:"prompt_tokens_details"`
	InDetails  lax.Object[details] `json:"input_tokens_details"`
}

type details struct {
	Cached lax.Number `json:"cached_tokens"`
}

// take adds what is told of the cost; in a stream the last word counts.
func (a *answer) take(u *wireUsage) {
	in, cached := cmp.Or(u.Prompt, u.Input).Int(), cmp.Or(u.Details.V.Cached, u.InDetails.V.Cached).Int()
	n := episode.Usage{InputTokens: max(0, in-cached), OutputTokens: cmp.Or(u.Completion, u.Output).Int(), CacheReadTokens: cached + u.CacheRead.Int(), CacheWriteTokens: u.CacheWrite.Int()}
	a.usage.InputTokens, a.usage.OutputTokens = max(a.usage.InputTokens, n.InputTokens), max(a.usage.OutputTokens, n.OutputTokens)
	a.usage.CacheReadTokens, a.usage.CacheWriteTokens = max(a.usage.CacheReadTokens, n.CacheReadTokens), max(a.usage.CacheWriteTokens, n.CacheWriteTokens)
}

// reading puts an answer together.
type reading struct {
	answer
	blocks map[int64]*part // Anthropic's, while they come
	open   map[int64]*call // calls of chat, while they come
	order  []int64         // of either
}

// readAnswer reads an answer: one JSON object, or a stream of server-sent events.
func readAnswer(body []byte, media string) (*answer, bool) {
	r := &reading{blocks: map[int64]*part{}, open: map[int64]*call{}}
	some := false
	if strings.HasPrefix(strings.ToLower(media), "text/event-stream") {
		for data := range events(body) {
			var c chunk
			if lax.Decode(data, &c) {
				some = true
				r.chunk(&c)
			}
		}
	} else {
		var c chunk
		if some = lax.Decode(body, &c); some {
			r.chunk(&c)
		}
	}
	for _, i := range r.order {
		if b := r.blocks[i]; b != nil {
			r.message.take(b)
		}
		if c := r.open[i]; c != nil {
			r.calls = append(r.calls, *c)
		}
	}
	return &r.answer, some
}

// events are the data of the server-sent events in a stream. One that was cut off is passed over.
func events(stream []byte) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		var data []byte
		for line := range bytes.Lines(stream) {
			if line[len(line)-1] != '\n' {
				return
			}
			line = bytes.TrimRight(line, "\r\n")
			if value, ok := bytes.CutPrefix(line, []byte("data:")); ok {
				data = append(data, bytes.TrimPrefix(value, []byte(" "))...)
				data = append(data, '\n')
				continue
			}
			if len(line) == 0 && len(data) > 0 {
				if !yield(data) {
					return
				}
				data = nil
			}
		}
		if len(data) > 0 {
			yield(data)
		}
	}
}

// maxDepth is how deep an answer may be within another: a response in its event.
const maxDepth = 2

func (r *reading) chunk(c *chunk) { r.within(c, 0) }

func (r *reading) within(c *chunk, depth int) {
	if depth > maxDepth {
		return
	}
	r.id, r.model = cmp.Or(r.id, string(c.ID)), cmp.Or(string(c.Model), r.model)
	r.take(&c.Usage.V)
	for i := range c.Choices.V {
		if c.Choices.V[i].Index == 0 { // of several answers, the first is what tools show
			r.choice(&c.Choices.V[i])
		}
	}
	for _, p := range parts(c.Content) {
		r.message.take(&p)
	}
	for _, m := range [...]*chunk{c.Message, c.Response} {
		if m == nil {
			continue
		}
		if len(parts(m.Output)) > 0 { // the whole, at its end: what came before is in it
			r.text, r.reasoning, r.calls, r.probs, r.probed = "", "", nil, nil, ""
		}
		r.within(m, depth+1)
	}
	if c.Type == "response.output_item.done" && c.Item != nil {
		r.item(c.Item)
	}
	for _, p := range parts(c.Output) {
		r.item(&p)
	}
	r.block(c)
}

// block adds to one of Anthropic's.
func (r *reading) block(c *chunk) {
	i := c.Index.Int()
	if c.Block != nil && r.blocks[i] == nil {
		b := *c.Block
		if b.Type == "tool_use" {
			b.Input = nil // it comes in pieces
		}
		r.blocks[i], r.order = &b, append(r.order, i)
	}
	b := r.blocks[i]
	if c.Type != "content_block_delta" || b == nil {
		return
	}
	var d struct {
		Text     lax.String `json:"text"`
		Thinking lax.String `json:"thinking"`
		JSON     lax.String `json:"partial_json"`
	}
	lax.Decode(c.Delta, &d)
	b.Text, b.Thinking, b.Input = b.Text+d.Text, b.Thinking+d.Thinking, append(b.Input, d.JSON...)
}

// item adds one of the responses' output.
func (r *reading) item(p *part) {
	m := p.message()
	r.text, r.reasoning, r.calls = r.text+m.text, r.reasoning+m.reasoning, append(r.calls, m.calls...)
	if p.Type == "message" {
		for _, c := range parts(p.Content) {
			r.probabilities(c.Logprobs.V)
		}
	}
}

// choice adds to an answer of chat, or of a plain completion.
func (r *reading) choice(c *choice) {
	m := &c.Message
	if !m.OK {
		m = &c.Delta
	}
	r.text += texts(m.V.Content) + string(c.Text)
	r.reasoning += string(cmp.Or(m.V.Reasoning, m.V.ReasoningContent))
	for n, w := range m.V.ToolCalls.V {
		i := w.Index.Int()
		if c.Message.OK {
			i = int64(n)
		}
		if r.open[i] == nil {
			r.open[i], r.order = &call{}, append(r.order, i)
		}
		o := r.open[i]
		o.id, o.name, o.args = cmp.Or(o.id, string(w.ID)), o.name+string(w.Function.V.Name), o.args+string(w.Function.V.Arguments)
	}
	for _, id := range c.TokenIDs {
		r.tokens = append(r.tokens, int32(id))
	}
	l := &c.Logprobs.V
	r.probabilities(l.Content.V)
	for i, t := range l.Tokens {
		if i < len(l.Probs) {
			r.probabilities([]prob{{Token: lax.String(t), Logprob: lax.Number(l.Probs[i])}})
		}
	}
}

// probabilities adds tokens of the text. A server may name a token by its id, in place of its text.
func (r *reading) probabilities(list []prob) {
	for i := range list {
		p := &list[i]
		r.probs = append(r.probs, float64(p.Logprob))
		number, named := strings.CutPrefix(string(p.Token), "token_id:")
		id, err := strconv.ParseInt(number, 10, 32)
		if named && err == nil {
			r.tokens = append(r.tokens, int32(id))
			continue
		}
		r.probed += p.text()
	}
}
