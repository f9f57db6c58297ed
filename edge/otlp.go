// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"net/http"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"google.golang.org/grpc"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/capture/otlp"
	"github.com/headrace/headrace/internal/capture/otlp/receive"
	"github.com/headrace/headrace/internal/capture/otlp/wire"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/sqlstore"
)

// What a payload of OpenTelemetry holds: an export request, protobuf, mostly in the bytes in which it came.
const (
	kindOTLPLogs    = "otlp-logs"
	kindOTLPTraces  = "otlp-traces"
	kindOTLPMetrics = "otlp-metrics"
)

// handleOTLP mounts OTLP/HTTP: POST /v1/logs, /v1/traces and /v1/metrics.
func (e *Edge) handleOTLP(mux *access.Mux, who func(*http.Request) Principal) {
	for s, path := range receive.Signals() {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) { receive.HTTP(w, r, s, e.keepOTLP(who(r))) })
	}
}

// RegisterGRPC mounts OTLP/gRPC: the services for logs, traces and metrics.
func (e *Edge) RegisterGRPC(s *grpc.Server, who func(ctx context.Context, authorization string) (Principal, error)) {
	receive.Register(s, func(ctx context.Context, authorization string) (receive.Keep, error) {
		p, err := who(ctx, authorization)
		if err != nil {
			return nil, err
		}
		return e.keepOTLP(p), nil
	})
}

// keepOTLP keeps the telemetry of one sender.
func (e *Edge) keepOTLP(p Principal) receive.Keep {
	return func(ctx context.Context, s wire.Signal, c wire.Checked) error {
		if c.Records == 0 {
			return nil
		}
		start := time.Now()
		if err := e.keep(ctx, "otlp-"+s.String(), p, c.Body); err != nil {
			e.log.Error("intake", "err", err)
			return err
		}
		e.stats.Intake.add(c.Records, start)
		return nil
	}
}

// checkedOTLP is the body of a payload as it may be decoded. It was checked when it came in, but for what an agent sealed:
// an agent is not trusted to have looked.
func (e *Edge) checkedOTLP(s wire.Signal, p payload) ([]byte, bool) {
	c, err := otlp.Check(s, p.body)
	if err != nil {
		e.setAside("a payload of telemetry is set aside", err)
		return nil, false
	}
	if c.Rejected > 0 {
		e.setAside("a part of a payload of telemetry is set aside", c.Reason)
	}
	return c.Body, true
}

// unpackLogs makes episodes of log events.
func (e *Edge) unpackLogs(p payload) []*episode.Episode {
	body, ok := e.checkedOTLP(wire.Logs, p)
	if !ok {
		return nil
	}
	logs, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(body)
	if err != nil {
		e.setAside("logs that were taken in do not decode any more and are set aside", err)
		return nil
	}
	list, _ := otlp.Episodes(logs)
	return list
}

// unpackTraces makes episodes of spans.
func (e *Edge) unpackTraces(p payload) []*episode.Episode {
	body, ok := e.checkedOTLP(wire.Traces, p)
	if !ok {
		return nil
	}
	traces, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(body)
	if err != nil {
		e.setAside("traces that were taken in do not decode any more and are set aside", err)
		return nil
	}
	list, _ := otlp.Traces(traces)
	return list
}

// unpackTotals makes totals of metrics, of the tools of which the policy lets anything be recorded.
func (e *Edge) unpackTotals(p payload) []sqlstore.Total {
	body, ok := e.checkedOTLP(wire.Metrics, p)
	if !ok {
		return nil
	}
	metrics, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(body)
	if err != nil {
		e.setAside("metrics that were taken in do not decode any more and are set aside", err)
		return nil
	}
	var totals []sqlstore.Total
	sender := ""
	if p.Authenticated && p.Principal != "" {
		sender = keyed(e.ring.Derive("join"), []byte(p.Principal))
	}
	for _, t := range otlp.Metrics(metrics) {
		records, err := e.policy().Records(consent.Facts{Tool: t.Tool, Developer: p.Principal})
		if err != nil {
			e.setAside("a total is set aside: the policy cannot say whether it may be recorded", err)
			continue
		}
		if records {
			totals = append(totals, sqlstore.Total{Day: day(t.Day), Tool: t.Tool, Measure: t.Measure, Language: printable(t.Language, 64), Model: printable(t.Model, 64), Series: t.Series, N: t.N, Sender: sender})
		}
	}
	return totals
}
