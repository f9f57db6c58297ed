// SPDX-License-Identifier: Apache-2.0

package ocb

import (
	"maps"
	"path"
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processorhelper"
	"go.uber.org/zap"
)

// visit is given each text with the name it stands under, and returns what is to stand there.
type visit func(key, text string) (string, error)

// drops reports whether what each walks over must be dropped, because it cannot be proven clean.
func (f *filter) drops(what string, each func(visit) error) bool {
	if _, err := f.scrubber.Texts(func(v func(string, string) (string, error)) error { return each(v) }); err != nil {
		f.log.Warn("dropped: not proven clean", zap.String("what", what), zap.Error(err)) // the error names a kind, never a value
		return true
	}
	return false
}

// logs scrubs all of d in place. Where nothing is left of it, the Collector is told to send nothing.
func (f *filter) logs(d plog.Logs) error {
	d.ResourceLogs().RemoveIf(func(r plog.ResourceLogs) bool {
		if f.drops("resource", func(v visit) error { return f.attributes(v, r.Resource().Attributes()) }) {
			return true
		}
		r.ScopeLogs().RemoveIf(func(s plog.ScopeLogs) bool {
			if f.drops("scope", func(v visit) error { return f.scope(v, s.Scope()) }) {
				return true
			}
			s.LogRecords().RemoveIf(func(l plog.LogRecord) bool {
				return f.drops("log record", func(v visit) error {
					return first(f.attributes(v, l.Attributes()), f.value(v, "", l.Body()),
						set(v, "", l.EventName(), l.SetEventName), set(v, "", l.SeverityText(), l.SetSeverityText))
				})
			})
			return s.LogRecords().Len() == 0
		})
		return r.ScopeLogs().Len() == 0
	})
	return nothing(d.ResourceLogs().Len())
}

// traces scrubs all of d in place.
func (f *filter) traces(d ptrace.Traces) error {
	d.ResourceSpans().RemoveIf(func(r ptrace.ResourceSpans) bool {
		if f.drops("resource", func(v visit) error { return f.attributes(v, r.Resource().Attributes()) }) {
			return true
		}
		r.ScopeSpans().RemoveIf(func(s ptrace.ScopeSpans) bool {
			if f.drops("scope", func(v visit) error { return f.scope(v, s.Scope()) }) {
				return true
			}
			s.Spans().RemoveIf(func(p ptrace.Span) bool {
				return f.drops("span", func(v visit) error { return f.span(v, p) })
			})
			return s.Spans().Len() == 0
		})
		return r.ScopeSpans().Len() == 0
	})
	return nothing(d.ResourceSpans().Len())
}

func (f *filter) span(v visit, p ptrace.Span) error {
	err := first(f.attributes(v, p.Attributes()), set(v, "", p.Name(), p.SetName),
		set(v, "", p.Status().Message(), p.Status().SetMessage), set(v, "", p.TraceState().AsRaw(), p.TraceState().FromRaw))
	for _, e := range p.Events().All() {
		err = first(err, set(v, "", e.Name(), e.SetName), f.attributes(v, e.Attributes()))
	}
	for _, l := range p.Links().All() {
		err = first(err, f.attributes(v, l.Attributes()), set(v, "", l.TraceState().AsRaw(), l.TraceState().FromRaw))
	}
	return err
}

// metrics scrubs all of d in place.
func (f *filter) metrics(d pmetric.Metrics) error {
	d.ResourceMetrics().RemoveIf(func(r pmetric.ResourceMetrics) bool {
		if f.drops("resource", func(v visit) error { return f.attributes(v, r.Resource().Attributes()) }) {
			return true
		}
		r.ScopeMetrics().RemoveIf(func(s pmetric.ScopeMetrics) bool {
			if f.drops("scope", func(v visit) error { return f.scope(v, s.Scope()) }) {
				return true
			}
			s.Metrics().RemoveIf(func(m pmetric.Metric) bool {
				return f.drops("metric", func(v visit) error { return f.metric(v, m) })
			})
			return s.Metrics().Len() == 0
		})
		return r.ScopeMetrics().Len() == 0
	})
	return nothing(d.ResourceMetrics().Len())
}

func (f *filter) metric(v visit, m pmetric.Metric) error {
	err := first(set(v, "", m.Name(), m.SetName), set(v, "", m.Description(), m.SetDescription),
		set(v, "", m.Unit(), m.SetUnit), f.attributes(v, m.Metadata()))
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		for _, p := range m.Gauge().DataPoints().All() {
			err = first(err, f.attributes(v, p.Attributes()), f.exemplars(v, p.Exemplars()))
		}
	case pmetric.MetricTypeSum:
		for _, p := range m.Sum().DataPoints().All() {
			err = first(err, f.attributes(v, p.Attributes()), f.exemplars(v, p.Exemplars()))
		}
	case pmetric.MetricTypeHistogram:
		for _, p := range m.Histogram().DataPoints().All() {
			err = first(err, f.attributes(v, p.Attributes()), f.exemplars(v, p.Exemplars()))
		}
	case pmetric.MetricTypeExponentialHistogram:
		for _, p := range m.ExponentialHistogram().DataPoints().All() {
			err = first(err, f.attributes(v, p.Attributes()), f.exemplars(v, p.Exemplars()))
		}
	case pmetric.MetricTypeSummary:
		for _, p := range m.Summary().DataPoints().All() {
			err = first(err, f.attributes(v, p.Attributes()))
		}
	}
	return err
}

func (f *filter) exemplars(v visit, es pmetric.ExemplarSlice) (err error) {
	for _, e := range es.All() {
		err = first(err, f.attributes(v, e.FilteredAttributes()))
	}
	return err
}

func (f *filter) scope(v visit, s pcommon.InstrumentationScope) error {
	return first(set(v, "", s.Name(), s.SetName), set(v, "", s.Version(), s.SetVersion), f.attributes(v, s.Attributes()))
}

// attributes removes what is not allowed and scrubs the rest: values with their key, and keys.
func (f *filter) attributes(v visit, m pcommon.Map) error {
	m.RemoveIf(func(k string, _ pcommon.Value) bool {
		return len(f.allowed) > 0 && !slices.ContainsFunc(f.allowed, func(pattern string) bool {
			ok, err := path.Match(pattern, k)
			return ok && err == nil
		})
	})
	return f.values(v, m)
}

func (f *filter) values(v visit, m pcommon.Map) (err error) {
	renamed := map[string]string{}
	for k, x := range m.All() {
		err = first(err, f.value(v, k, x))
		clean, bad := v("", k)
		if err = first(err, bad); err == nil && clean != k {
			renamed[k] = clean
		}
	}
	for _, k := range slices.Sorted(maps.Keys(renamed)) {
		if x, ok := m.Get(k); ok {
			to := pcommon.NewValueEmpty()
			x.CopyTo(to)
			m.Remove(k)
			to.CopyTo(m.PutEmpty(renamed[k]))
		}
	}
	return err
}

// value scrubs a value in place. Bytes are text to the filter; where they change, they are text from then on.
func (f *filter) value(v visit, key string, x pcommon.Value) (err error) {
	switch x.Type() {
	case pcommon.ValueTypeStr:
		return set(v, key, x.Str(), x.SetStr)
	case pcommon.ValueTypeInt, pcommon.ValueTypeDouble:
		return set(v, key, x.AsString(), x.SetStr)
	case pcommon.ValueTypeBytes:
		return set(v, key, string(x.Bytes().AsRaw()), x.SetStr)
	case pcommon.ValueTypeMap:
		return f.values(v, x.Map())
	case pcommon.ValueTypeSlice:
		for _, one := range x.Slice().All() {
			err = first(err, f.value(v, key, one))
		}
	}
	return err
}

// set puts in place what visit makes of a text, where it is not the same.
func set(v visit, key, text string, put func(string)) error {
	if text == "" {
		return nil
	}
	clean, err := v(key, text)
	if err == nil && clean != text {
		put(clean)
	}
	return err
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// nothing tells the Collector to send nothing where nothing is left.
func nothing(n int) error {
	if n == 0 {
		return processorhelper.ErrSkipProcessingData
	}
	return nil
}
