// SPDX-License-Identifier: Apache-2.0

package ocb

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"
)

// planted returns a secret that no file holds.
func planted() string {
	b := []byte("ghp_")
	for range 36 {
		b = append(b, "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"[rand.IntN(56)])
	}
	b[20], b[30] = '7', 'Q'
	return string(b)
}

func config(t *testing.T, allowed ...string) *Config {
	t.Helper()
	key := filepath.Join(t.TempDir(), "scrub.key")
	if err := os.WriteFile(key, []byte(hex.EncodeToString(make([]byte, 32))+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return &Config{KeyFile: key, AllowedKeys: allowed}
}

func asJSON[T any](t *testing.T, v T, marshal func(T) ([]byte, error)) string {
	t.Helper()
	b, err := marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestNoTextOfALogRecordKeepsASecret(t *testing.T) {
	secret, password := planted(), "correct"+fmt.Sprint(rand.IntN(900)+100)+"horse"
	d := plog.NewLogs()
	r := d.ResourceLogs().AppendEmpty()
	r.Resource().Attributes().PutStr("deployment.note", secret)
	s := r.ScopeLogs().AppendEmpty()
	s.Scope().SetName("scope " + secret)
	s.Scope().Attributes().PutStr("a", secret)
	l := s.LogRecords().AppendEmpty()
	l.SetEventName("event " + secret)
	l.Attributes().PutStr("password", password)
	l.Attributes().PutStr("kept", "an ordinary sentence")
	l.Attributes().PutInt("count", 3)
	l.Attributes().PutEmptyBytes("bytes").FromRaw([]byte(secret))
	l.Attributes().PutEmptySlice("list").AppendEmpty().SetStr(secret)
	l.Attributes().PutEmptyMap("map").PutStr("inner", secret)
	l.Attributes().PutStr("key "+secret, "x")
	l.Body().SetStr("logged in with " + password + " and " + secret)
	sink := new(consumertest.LogsSink)
	p, err := NewFactory().CreateLogs(context.Background(), processortest.NewNopSettings(component.MustNewType("headrace_scrub")), config(t), sink)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.ConsumeLogs(context.Background(), d); err != nil {
		t.Fatal(err)
	}
	out := asJSON(t, sink.AllLogs()[0], (&plog.JSONMarshaler{}).MarshalLogs)
	for _, gone := range []string{secret, secret[4:], password} {
		if strings.Contains(out, gone) {
			t.Errorf("%s is left in %s", gone, out)
		}
	}
	for _, kept := range []string{"an ordinary sentence", "logged in with ", `"intValue":"3"`, "SECRET_"} {
		if !strings.Contains(out, kept) {
			t.Errorf("%s is gone from %s", kept, out)
		}
	}
}

func TestNoTextOfASpanOrMetricKeepsASecret(t *testing.T) {
	secret := planted()
	d := ptrace.NewTraces()
	span := d.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	span.SetName("GET " + secret)
	span.Status().SetMessage(secret)
	span.TraceState().FromRaw("v=" + secret)
	span.Attributes().PutStr("gen_ai.prompt", "use "+secret)
	e := span.Events().AppendEmpty()
	e.SetName(secret)
	e.Attributes().PutStr("x", secret)
	span.Links().AppendEmpty().Attributes().PutStr("y", secret)
	sink := new(consumertest.TracesSink)
	p, err := NewFactory().CreateTraces(context.Background(), processortest.NewNopSettings(component.MustNewType("headrace_scrub")), config(t), sink)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.ConsumeTraces(context.Background(), d); err != nil {
		t.Fatal(err)
	}
	if out := asJSON(t, sink.AllTraces()[0], (&ptrace.JSONMarshaler{}).MarshalTraces); strings.Contains(out, secret[4:]) {
		t.Error(out)
	}

	m := pmetric.NewMetrics()
	metrics := m.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics()
	for i := range 5 {
		one := metrics.AppendEmpty()
		one.SetName("n" + secret)
		one.SetDescription(secret)
		switch i {
		case 0:
			one.SetEmptyGauge().DataPoints().AppendEmpty().Attributes().PutStr("x", secret)
		case 1:
			one.SetEmptySum().DataPoints().AppendEmpty().Exemplars().AppendEmpty().FilteredAttributes().PutStr("x", secret)
		case 2:
			one.SetEmptyHistogram().DataPoints().AppendEmpty().Attributes().PutStr("x", secret)
		case 3:
			one.SetEmptyExponentialHistogram().DataPoints().AppendEmpty().Attributes().PutStr("x", secret)
		case 4:
			one.SetEmptySummary().DataPoints().AppendEmpty().Attributes().PutStr("x", secret)
		}
	}
	ms := new(consumertest.MetricsSink)
	pm, err := NewFactory().CreateMetrics(context.Background(), processortest.NewNopSettings(component.MustNewType("headrace_scrub")), config(t), ms)
	if err != nil {
		t.Fatal(err)
	}
	if err := pm.ConsumeMetrics(context.Background(), m); err != nil {
		t.Fatal(err)
	}
	if out := asJSON(t, ms.AllMetrics()[0], (&pmetric.JSONMarshaler{}).MarshalMetrics); strings.Contains(out, secret[4:]) {
		t.Error(out)
	}
}

func TestOnlyAllowedAttributesPass(t *testing.T) {
	d := plog.NewLogs()
	l := d.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	l.Attributes().PutStr("http.method", "GET")
	l.Attributes().PutStr("note", "ordinary")
	sink := new(consumertest.LogsSink)
	p, err := NewFactory().CreateLogs(context.Background(), processortest.NewNopSettings(component.MustNewType("headrace_scrub")), config(t, "http.*"), sink)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.ConsumeLogs(context.Background(), d); err != nil {
		t.Fatal(err)
	}
	got := sink.AllLogs()[0].ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes().AsRaw()
	if len(got) != 1 || got["http.method"] != "GET" {
		t.Errorf("%v", got)
	}
}

func TestWithoutAKeyNothingStarts(t *testing.T) {
	if err := (&Config{}).Validate(); err == nil || !strings.Contains(err.Error(), "key_file") {
		t.Error(err)
	}
	short := filepath.Join(t.TempDir(), "short")
	if err := os.WriteFile(short, []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := NewFactory().CreateLogs(context.Background(), processortest.NewNopSettings(component.MustNewType("headrace_scrub")), &Config{KeyFile: short}, new(consumertest.LogsSink))
	if err == nil || !strings.Contains(err.Error(), "openssl rand") {
		t.Error(err)
	}
	if err := (&Config{KeyFile: short, AllowedKeys: []string{"["}}).Validate(); err == nil {
		t.Error("a broken pattern was taken")
	}
}
