// SPDX-License-Identifier: Apache-2.0

// Command redaction runs the OpenTelemetry Collector's redaction processor over JSON Lines: each line of standard input
// has a text, which becomes the body of a log record. The values that it blocks are regular expressions, one JSON string a
// line of the file that the argument names. It writes what the program gitleaks beside it writes, and is a peer of "headrace
// bench scrub" too.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"syscall"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/redactionprocessor"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"
)

func main() {
	rules, err := os.Open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	cfg := redactionprocessor.NewFactory().CreateDefaultConfig().(*redactionprocessor.Config)
	cfg.AllowAllKeys = true
	for in := json.NewDecoder(bufio.NewReader(rules)); ; {
		var s string
		if err := in.Decode(&s); err == io.EOF {
			break
		} else if err != nil {
			log.Fatal(err)
		}
		cfg.BlockedValues = append(cfg.BlockedValues, s)
	}
	var texts []string
	for in := json.NewDecoder(bufio.NewReader(os.Stdin)); ; {
		var doc struct{ Text string }
		if err := in.Decode(&doc); err == io.EOF {
			break
		} else if err != nil {
			log.Fatal(err)
		}
		texts = append(texts, doc.Text)
	}
	var masked []string
	next, err := consumer.NewLogs(func(_ context.Context, l plog.Logs) error {
		masked = append(masked, l.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Body().Str())
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	set := processor.Settings{ID: component.NewID(redactionprocessor.NewFactory().Type()), TelemetrySettings: componenttest.NewNopTelemetrySettings()}
	p, err := redactionprocessor.NewFactory().CreateLogs(ctx, set, cfg, next)
	if err != nil {
		log.Fatal(err)
	}
	begin := cpu()
	for _, text := range texts {
		logs := plog.NewLogs()
		logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body().SetStr(text)
		if err := p.ConsumeLogs(ctx, logs); err != nil {
			log.Fatal(err)
		}
	}
	took := cpu() - begin
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for i, text := range texts {
		for _, g := range gaps(text, masked[i]) {
			fmt.Fprintf(out, "{\"record\":%d,\"start\":%d,\"end\":%d,\"kind\":\"masked\"}\n", i+1, g[0], g[1])
		}
	}
	fmt.Fprintf(out, "{\"cpu_s\":%.3f}\n", took)
}

// mask is what the processor puts in place of every match.
const mask = "****"

// gaps are the parts of text that masked has mask in place of.
func gaps(text, masked string) (all [][2]int) {
	at, parts := 0, strings.Split(masked, mask)
	for i, part := range parts {
		if part == "" && i < len(parts)-1 {
			continue // the text begins with a match, or two matches touch
		}
		next := len(text) // it ends with one
		if part != "" {
			n := strings.Index(text[at:], part)
			if n < 0 {
				return append(all, [2]int{at, len(text)}) // it cannot be said where: all the rest counts for it
			}
			next = at + n
		}
		if i > 0 && next > at && text[at:next] != mask {
			all = append(all, [2]int{at, next})
		}
		at = next + len(part)
	}
	return all
}

// cpu is the processor time that this program has used, in seconds.
func cpu() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		log.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
