// SPDX-License-Identifier: Apache-2.0

// Package ocb is a processor for the OpenTelemetry Collector that takes secrets and personal data out of logs, traces and
// metrics: the filter of package scrub, between any receiver and any exporter.
//
// Start with [NewFactory]; builder.yaml beside this file builds a Collector with it. Every text of a record is scrubbed with
// the others of the record: attributes, bodies, names, messages, events, of the record itself, its scope and its resource. A
// record that cannot be proven clean is dropped and counted in a log line, never passed on.
package ocb

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processorhelper"
	"go.uber.org/zap"

	"github.com/headrace/headrace/scrub"
)

// Config is what the processor is told in the Collector's configuration.
type Config struct {
	// KeyFile holds the 32-byte key of the marks, raw, in hex or in base64: openssl rand -hex 32. Required.
	KeyFile string `mapstructure:"key_file"`
	// Profile is strict (default: in doubt, replace) or balanced.
	Profile string `mapstructure:"profile"`
	// Dictionary is a CSV file of kind,value with private names.
	Dictionary string `mapstructure:"dictionary"`
	// AllowedKeys are the attributes that pass, with * for any letters; all others are removed. Empty: all pass, scrubbed.
	AllowedKeys []string `mapstructure:"allowed_keys"`
}

// Validate implements xconfmap.Validator.
func (c *Config) Validate() error {
	if c.KeyFile == "" {
		return errors.New("headrace_scrub: key_file is missing: openssl rand -hex 32 > scrub.key")
	}
	for _, k := range c.AllowedKeys {
		if _, err := path.Match(k, ""); err != nil {
			return fmt.Errorf("headrace_scrub: allowed_keys: %q: %w", k, err)
		}
	}
	return nil
}

// NewFactory makes processors of type "headrace_scrub".
func NewFactory() processor.Factory {
	return processor.NewFactory(component.MustNewType("headrace_scrub"), func() component.Config { return &Config{} },
		processor.WithLogs(newLogs, component.StabilityLevelBeta), processor.WithTraces(newTraces, component.StabilityLevelBeta),
		processor.WithMetrics(newMetrics, component.StabilityLevelBeta))
}

// filter is one processor.
type filter struct {
	scrubber *scrub.Scrubber
	allowed  []string
	log      *zap.Logger
}

func newFilter(set processor.Settings, conf component.Config) (*filter, error) {
	c := conf.(*Config)
	key, err := readKey(c.KeyFile)
	if err != nil {
		return nil, err
	}
	sc := scrub.Config{Key: key, Profile: scrub.Profile(c.Profile)}
	if c.Dictionary != "" {
		f, err := os.Open(c.Dictionary)
		if err != nil {
			return nil, fmt.Errorf("open dictionary: %w", err)
		}
		defer f.Close()
		if sc.Dictionary, err = scrub.ReadDictionary(f); err != nil {
			return nil, err
		}
	}
	s, err := scrub.New(sc)
	if err != nil {
		return nil, err
	}
	return &filter{s, c.AllowedKeys, set.Logger}, nil
}

// readKey reads 32 bytes, raw, in hex or in base64.
func readKey(file string) ([]byte, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	text := strings.TrimSpace(string(b))
	if k, err := hex.DecodeString(text); err == nil && len(k) == 32 {
		return k, nil
	}
	if k, err := base64.StdEncoding.DecodeString(text); err == nil && len(k) == 32 {
		return k, nil
	}
	if len(b) == 32 {
		return b, nil
	}
	return nil, fmt.Errorf("%s does not hold a key of 32 bytes: openssl rand -hex 32 > %s", file, file)
}

func newLogs(ctx context.Context, set processor.Settings, conf component.Config, next consumer.Logs) (processor.Logs, error) {
	f, err := newFilter(set, conf)
	if err != nil {
		return nil, err
	}
	return processorhelper.NewLogs(ctx, set, conf, next, func(_ context.Context, d plog.Logs) (plog.Logs, error) { return d, f.logs(d) },
		processorhelper.WithCapabilities(consumer.Capabilities{MutatesData: true}))
}

func newTraces(ctx context.Context, set processor.Settings, conf component.Config, next consumer.Traces) (processor.Traces, error) {
	f, err := newFilter(set, conf)
	if err != nil {
		return nil, err
	}
	return processorhelper.NewTraces(ctx, set, conf, next, func(_ context.Context, d ptrace.Traces) (ptrace.Traces, error) { return d, f.traces(d) },
		processorhelper.WithCapabilities(consumer.Capabilities{MutatesData: true}))
}

func newMetrics(ctx context.Context, set processor.Settings, conf component.Config, next consumer.Metrics) (processor.Metrics, error) {
	f, err := newFilter(set, conf)
	if err != nil {
		return nil, err
	}
	return processorhelper.NewMetrics(ctx, set, conf, next, func(_ context.Context, d pmetric.Metrics) (pmetric.Metrics, error) { return d, f.metrics(d) },
		processorhelper.WithCapabilities(consumer.Capabilities{MutatesData: true}))
}
