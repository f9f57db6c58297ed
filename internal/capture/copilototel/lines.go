// SPDX-License-Identifier: Apache-2.0

package copilototel

import (
	"bytes"
	"context"
	"io"
	"slices"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
	"github.com/headrace/headrace/internal/capture/otlp"
	"github.com/headrace/headrace/internal/capture/otlp/wire"
)

const maxHead = 64 // lines that Detect looks at

// form is what a line of the file is.
type form int

const (
	none        form = iota
	empty            // older versions of VS Code wrote this for a span that they could not write
	span             // as JavaScript has it in memory
	log              // likewise
	metric           // of either form: totals, never episodes
	otlpSpans        // OTLP in JSON, as a collector writes it
	otlpLogs         // likewise
	unknownForm      // an object of another shape
)

func (f form) String() string {
	return [...]string{"", "empty", "span", "log", "metric", "resourceSpans", "resourceLogs", "other"}[f]
}

// formOf tells the form of a line by the names in it.
func formOf(keys map[string]string) form {
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(n string) bool { _, ok := keys[n]; return ok })
	}
	switch {
	case keys == nil:
		return none
	case len(keys) == 0:
		return empty
	case has("resourceSpans"):
		return otlpSpans
	case has("resourceLogs"):
		return otlpLogs
	case has("resourceMetrics", "scopeMetrics") || keys["type"] == "metric":
		return metric
	case has("hrTime", "hrTimeObserved") || keys["type"] == "log":
		return log
	case has("attributes") && has("name") && has("startTime", "endTime", "spanId", "_spanContext"):
		return span
	case has("attributes") && has("body", "_body"):
		return log
	}
	return unknownForm
}

// lines maps a file of JSON Lines. A trace's spans are written as they end, those of several traces mixed: the stream
// holds what belongs together.
func lines(ctx context.Context, r io.Reader, c *capture.Counts, s *otlp.Stream) error {
	err := capture.Lines(ctx, r, c, func(line []byte) (bool, error) {
		f := formOf(lax.Keys(line))
		switch f {
		case none:
			return false, nil
		case otlpSpans, otlpLogs:
			ok, err := export(f, line, s)
			if ok {
				c.Kind(f.String())
			}
			return ok, err
		}
		var rec record
		if !lax.Decode(line, &rec) {
			return false, nil
		}
		c.Kind(f.String())
		switch f {
		case span:
			return true, s.Traces(rec.span())
		case log:
			return true, s.Logs(rec.log())
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	return s.Flush()
}

// export maps a line that is an OTLP export request, checked as if it had been sent.
func export(f form, line []byte, s *otlp.Stream) (ok bool, err error) {
	signal := wire.Logs
	if f == otlpSpans {
		signal = wire.Traces
	}
	c, err := otlp.Decode(signal, "application/json", "", line)
	if err != nil {
		return false, nil // it is none, or holds too much
	}
	if f == otlpSpans {
		tr, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(c.Body)
		if err != nil {
			return false, nil
		}
		return true, s.Traces(tr)
	}
	l, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(c.Body)
	if err != nil {
		return false, nil
	}
	return true, s.Logs(l)
}

// ours reports whether a line is Copilot's telemetry: by who sent it, or by names that nobody else gives. Of a line that
// breaks off, and of OTLP, the names are looked for in the text.
func ours(line []byte) bool {
	f := formOf(lax.Keys(line))
	if f != span && f != log && f != otlpSpans && f != otlpLogs {
		return false
	}
	var rec record
	if f == otlpSpans || f == otlpLogs || !lax.Decode(line, &rec) {
		for _, name := range [...]string{`"copilot_chat.`, `"github.copilot.`, `"copilot-chat"`, `"github-copilot"`} {
			if bytes.Contains(line, []byte(name)) {
				return true
			}
		}
		return false
	}
	is := func(pair [2]string) bool {
		return isCopilots(pair[0]) || pair[0] == "service.name" && (pair[1] == service || pair[1] == "github-copilot") || pair[0] == "event.name" && isCopilots(pair[1])
	}
	res := &rec.Resource.V
	return isCopilots(string(rec.Body)) || isCopilots(string(rec.BodyP)) ||
		slices.ContainsFunc(slices.Concat(rec.Attributes, res.Raw, res.AttributesP, res.Attributes), is)
}
