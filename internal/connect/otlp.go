// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// setting is one member of a settings file.
type setting struct {
	path  []string
	value any
}

// together sets all of the settings, or none where one of them, or of the others that mean the same, is set to something
// else: half of a destination would send to a stranger, and perhaps our token with it.
func (d *draft) together(code, hint string, settings []setting, others ...[]string) bool {
	for _, s := range settings {
		if have := d.get(s.path...); have != nil && !same(have, value(s.value)) {
			d.p.clash(code, fmt.Sprintf("%s sets %s to %s", d.path, strings.Join(s.path, "."), short(have)), hint)
			return false
		}
	}
	for _, o := range others {
		if have := d.get(o...); have != nil {
			d.p.clash(code, fmt.Sprintf("%s sets %s to %s", d.path, strings.Join(o, "."), short(have)), hint)
			return false
		}
	}
	for _, s := range settings {
		d.member(s.value, s.path...)
	}
	return d.err == nil
}

// short is a value as a message may show it; what bears a token is not shown.
func short(v jsontext.Value) string {
	s := string(v)
	if strings.Contains(strings.ToLower(s), "authorization") || strings.Contains(strings.ToLower(s), "key") {
		return "something else"
	}
	if len(s) > 80 {
		return s[:80] + "…"
	}
	return s
}

// environment is the OpenTelemetry environment that sends logs to the agent.
func (o *Options) environment() [][2]string {
	env := [][2]string{{"OTEL_LOGS_EXPORTER", "otlp"}, {"OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"}, {"OTEL_EXPORTER_OTLP_ENDPOINT", o.Endpoint}}
	if o.Token != "" {
		env = append(env, [2]string{"OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer " + o.Token})
	}
	return env
}

// exports is an environment as a person can put it into their shell's start-up file. The token is read where it lies: a
// start-up file is often shared.
func (o *Options) exports(env [][2]string) string {
	var b strings.Builder
	for _, kv := range env {
		word := shellWord(kv[1])
		if o.Token != "" && o.TokenFile != "" && strings.Contains(kv[1], o.Token) {
			word = `"` + strings.ReplaceAll(kv[1], o.Token, "$(cat "+shellWord(o.TokenFile)+")") + `"`
		}
		fmt.Fprintf(&b, "\n    export %s=%s", kv[0], word)
	}
	return b.String()
}
