// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"mime"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"github.com/headrace/headrace/episode"
)

// MaxBody is the most that the body of one export request may hold, unpacked, in bytes.
const MaxBody = 32 << 20

// Decode reads the body of an OTLP/HTTP log export request: protobuf or JSON, plain or gzip. Every error is a Problem.
func Decode(contentType, contentEncoding string, body []byte) (plog.Logs, error) {
	none := plog.Logs{}
	switch contentEncoding {
	case "", "identity":
	case "gzip":
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return none, malformed(err)
		}
		if body, err = io.ReadAll(io.LimitReader(z, MaxBody+1)); err != nil {
			return none, malformed(err)
		}
	default:
		return none, &episode.Problem{Code: "otlp/encoding", Message: fmt.Sprintf("content encoding %q is not read", contentEncoding),
			Hint: "send gzip or no compression: OTEL_EXPORTER_OTLP_COMPRESSION=gzip"}
	}
	if len(body) > MaxBody {
		return none, &episode.Problem{Code: "otlp/too-large", Message: fmt.Sprintf("the request holds more than %d bytes", MaxBody),
			Hint: "send smaller batches: OTEL_BLRP_MAX_EXPORT_BATCH_SIZE"}
	}
	req := plogotlp.NewExportRequest()
	media, _, _ := mime.ParseMediaType(contentType)
	var err error
	switch media {
	case "application/x-protobuf":
		err = req.UnmarshalProto(body)
	case "application/json":
		err = req.UnmarshalJSON(body)
	default:
		return none, &episode.Problem{Code: "otlp/content-type", Message: fmt.Sprintf("content type %q is not OTLP", contentType),
			Hint: "send application/x-protobuf or application/json: OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"}
	}
	if err != nil {
		return none, malformed(err)
	}
	return req.Logs(), nil
}

func malformed(err error) error {
	return &episode.Problem{Code: "otlp/malformed", Message: "the request is not an OTLP log export", Err: err,
		Hint: "send it to the logs endpoint (/v1/logs) as the content type says"}
}
