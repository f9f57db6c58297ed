// SPDX-License-Identifier: Apache-2.0

package receive

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/otlp/wire"
)

// The edge's tests send over real HTTP and gRPC; these are of what a sender reads.

func ask(s wire.Signal, contentType, body string, keep Keep) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", Signals()[s], strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	HTTP(w, r, s, keep)
	return w
}

func kept(context.Context, wire.Signal, wire.Checked) error { return nil }

func TestAPartThatIsNotTakenIsNamedInJSONToo(t *testing.T) {
	deep := `{"stringValue":"x"}`
	for range wire.MaxDepth {
		deep = `{"arrayValue":{"values":[` + deep + `]}}`
	}
	for s, c := range map[wire.Signal][2]string{
		wire.Logs: {`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"eventName":"x"},{"body":` + deep + `}]}]}]}`,
			`{"partialSuccess":{"errorMessage":"values are nested deeper than 64","rejectedLogRecords":"1"}}`},
		wire.Traces: {`{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"x"},{"attributes":[{"key":"k","value":` + deep + `}]}]}]}]}`,
			`{"partialSuccess":{"errorMessage":"values are nested deeper than 64","rejectedSpans":"1"}}`},
		wire.Metrics: {`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"x","sum":{"dataPoints":[{"asInt":"1"},{"attributes":[{"key":"k","value":` + deep + `}]}]}}]}]}]}`,
			`{"partialSuccess":{"errorMessage":"values are nested deeper than 64","rejectedDataPoints":"1"}}`},
	} {
		w := ask(s, "application/json", c[0], func(_ context.Context, _ wire.Signal, got wire.Checked) error {
			if got.Records != 1 || got.Rejected != 1 {
				t.Errorf("%s: %d taken and %d not", s, got.Records, got.Rejected)
			}
			return nil
		})
		if w.Code != http.StatusOK || w.Body.String() != c[1] {
			t.Errorf("%s: %d %s", s, w.Code, w.Body)
		}
	}
}

func TestASenderIsToldWhyNothingWasKeptButNotWhere(t *testing.T) {
	full := &episode.Problem{Code: "spool/disk-full", Message: "cannot use the spool /srv/mill/inbox", Hint: "free some space"}
	for want, err := range map[string]error{"nothing was kept (spool/disk-full); send it again later": full, "nothing was kept; send it again later": errors.New("open /srv/mill: no")} {
		w := ask(wire.Logs, "application/json", `{"resourceLogs":[]}`, func(context.Context, wire.Signal, wire.Checked) error { return err })
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "5" || w.Body.String() != `{"code":14,"message":"`+want+`"}` {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
}

func TestAnErrorSaysWhatToDo(t *testing.T) {
	w := ask(wire.Traces, "application/json", "[", kept)
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "traces") || !strings.Contains(w.Body.String(), "endpoint") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestARequestThatBreaksOffIsNotTaken(t *testing.T) {
	r := httptest.NewRequest("POST", "/v1/logs", &broken{})
	r.Header.Set("Content-Type", "application/x-protobuf")
	w := httptest.NewRecorder()
	HTTP(w, r, wire.Logs, kept)
	if w.Code != http.StatusBadRequest {
		t.Errorf("%d", w.Code)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("connection reset") }
