// SPDX-License-Identifier: Apache-2.0

// Package gateway makes an episode of a request to a model and its answer, as they went over the wire in the dialects of OpenAI (chat, responses,
// completions) and Anthropic.
//
// Start from [Exchange.Episode]. A request of an agent holds the whole conversation: what counts of it is what followed the last words
// that a person typed, so that each request of a turn tells more of the same episode, and [Merge] makes one of what several told. Who is
// asked about the same is known by the tool's own session, where the request names it, and by the words before.
//
// A wire shows what was suggested and what it cost, with token ids and log-probabilities where the server sent them. It does not show what
// a person decided: other sources of the same episode do.
package gateway

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/headrace/headrace/episode"
)

// Name is the tool's name of a program whose name is not known.
const Name = "gateway"

// maxOpened bounds what a compressed body may come to, in bytes.
const maxOpened = 16 << 20

// Exchange is one request and its answer.
type Exchange struct {
	// Path is the endpoint, such as /v1/messages.
	Path string
	// Developer is whom the request is said to be of. It only tells conversations apart.
	Developer string
	// Agent is the User-Agent header, and Session what the tool calls its session in a header; they may be empty.
	Agent, Session string
	// Request and Answer are the bodies as they went, compressed as the encodings say: those of the Content-Encoding headers.
	Request, Answer                 []byte
	RequestEncoding, AnswerEncoding string
	// Type is the answer's Content-Type.
	Type string
	// Status is the answer's.
	Status int
	// Sent is when the request went up, First when the first byte of the answer came, Ended when the last did.
	Sent, First, Ended time.Time
	// Decision is the id of the one by which the model was chosen; empty where none was.
	Decision string
	// Gone says that the tool went away before the answer had ended.
	Gone bool
	// Folders are those that requests of the same sessions told before; nil for none.
	Folders *Folders
}

var errEncoding = errors.New("an encoding that is not read")

// Open undoes an encoding, as far as the body comes, and to no more than 16 MiB. Other encodings than gzip and zstd are an error.
func Open(body []byte, encoding string) ([]byte, error) {
	var r io.Reader
	switch strings.ToLower(encoding) {
	case "", "identity":
		return body, nil
	case "gzip":
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		r = z
	case "zstd":
		z, err := zstd.NewReader(bytes.NewReader(body), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxOpened))
		if err != nil {
			return nil, err
		}
		defer z.Close()
		r = z
	default:
		return nil, errEncoding
	}
	b, err := io.ReadAll(io.LimitReader(r, maxOpened))
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil // a stream that broke off: what came is told
	}
	return b, err
}

// ToolOf is the tool that a User-Agent header names.
func ToolOf(agent string) (t episode.Tool) {
	t.Name = Name
	for _, a := range [...][2]string{{"claude-cli/", "claude-code"}, {"codex", "codex"}, {"continue", "continue"}, {"opencode", "opencode"}, {"cline", "cline"}, {"roocode", "roo-code"},
		{"kilo", "kilo-code"}, {"aider", "aider"}, {"zed/", "zed"}, {"pi/", "pi"}, {"droid", "droid"}, {"openhands", "openhands"}} {
		if strings.HasPrefix(strings.ToLower(agent), a[0]) {
			t.Name = a[1]
			_, version, _ := strings.Cut(agent, "/")
			t.Version, _, _ = strings.Cut(version, " ")
			return t
		}
	}
	return t
}
