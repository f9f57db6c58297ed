// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"mime"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/otlp/wire"
)

// MaxBody is the most that the body of one export request may hold, unpacked, in bytes.
const MaxBody = 32 << 20

// maxBrackets is how deep the brackets of an OTLP/JSON request may be: the decoder goes as deep as they do.
const maxBrackets = 16 + 3*wire.MaxDepth

// Decode checks the body of an OTLP/HTTP export request: protobuf or JSON, plain or gzip. Every error is a Problem.
func Decode(s wire.Signal, contentType, contentEncoding string, body []byte) (wire.Checked, error) {
	switch contentEncoding {
	case "", "identity":
	case "gzip":
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return wire.Checked{}, malformed(s, err)
		}
		var out bytes.Buffer
		out.Grow(min(4*len(body)+bytes.MinRead, MaxBody))
		if _, err = out.ReadFrom(io.LimitReader(z, MaxBody+1)); err != nil {
			return wire.Checked{}, malformed(s, err)
		}
		body = out.Bytes()
	default:
		return wire.Checked{}, &episode.Problem{Code: "otlp/encoding", Message: fmt.Sprintf("content encoding %q is not read", contentEncoding),
			Hint: "send gzip or no compression: OTEL_EXPORTER_OTLP_COMPRESSION=gzip"}
	}
	media, _, _ := mime.ParseMediaType(contentType)
	switch media {
	case "application/x-protobuf":
	case "application/json":
		if len(body) > MaxBody {
			return Check(s, body)
		}
		var err error
		if body, err = fromJSON(s, body); err != nil {
			return wire.Checked{}, malformed(s, err)
		}
	default:
		return wire.Checked{}, &episode.Problem{Code: "otlp/content-type", Message: fmt.Sprintf("content type %q is not OTLP", contentType),
			Hint: "send application/x-protobuf or application/json: OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"}
	}
	return Check(s, body)
}

// Check checks an export request in protobuf. Every error is a Problem.
func Check(s wire.Signal, body []byte) (wire.Checked, error) {
	if len(body) > MaxBody {
		return wire.Checked{}, tooLarge(fmt.Errorf("more than %d bytes", MaxBody))
	}
	c, err := wire.Check(s, body)
	switch {
	case errors.Is(err, wire.ErrMany):
		return c, tooLarge(err)
	case err != nil:
		return c, malformed(s, err)
	}
	return c, nil
}

// errJSON stands for what the decoder says: its words repeat a piece of the payload, which may be raw text.
var errJSON = errors.New("its JSON cannot be decoded")

// fromJSON turns OTLP/JSON into protobuf.
func fromJSON(s wire.Signal, body []byte) ([]byte, error) {
	if err := shallow(body); err != nil {
		return nil, err
	}
	switch s {
	case wire.Traces:
		req := ptraceotlp.NewExportRequest()
		if err := req.UnmarshalJSON(body); err != nil {
			return nil, errJSON
		}
		return req.MarshalProto()
	case wire.Metrics:
		req := pmetricotlp.NewExportRequest()
		if err := req.UnmarshalJSON(body); err != nil {
			return nil, errJSON
		}
		return req.MarshalProto()
	}
	req := plogotlp.NewExportRequest()
	if err := req.UnmarshalJSON(body); err != nil {
		return nil, errJSON
	}
	return req.MarshalProto()
}

// shallow refuses JSON that is deeper, or holds more things, than any telemetry.
func shallow(body []byte) error {
	depth, things, quoted := 0, 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > maxBrackets {
				return fmt.Errorf("brackets are deeper than %d", maxBrackets)
			}
			if things++; things > wire.MaxMessages {
				return wire.ErrMany
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}

func malformed(s wire.Signal, err error) error {
	if errors.Is(err, wire.ErrMany) {
		return tooLarge(err)
	}
	return &episode.Problem{Code: "otlp/malformed", Message: "the request is not an OTLP export of " + s.String(), Err: err,
		Hint: "send it to the endpoint of its signal, in the form that the content type says"}
}

func tooLarge(err error) error {
	return &episode.Problem{Code: "otlp/too-large", Message: "the request holds too much", Err: err,
		Hint: "send smaller batches: OTEL_BLRP_MAX_EXPORT_BATCH_SIZE, OTEL_BSP_MAX_EXPORT_BATCH_SIZE"}
}
