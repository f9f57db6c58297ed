// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"
)

// print writes the report as JSON, or as a table for a person.
func (r *report) print(w io.Writer, asJSON bool) error {
	if asJSON {
		b, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			return err
		}
		_, err = w.Write(append(b, '\n'))
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "id\tours\tunit\tpeer\tnote")
	for _, x := range r.Rows {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", x.ID, shown(x.Ours), x.Unit, strings.TrimSpace(shown(x.Peer)+" "+x.PeerName), x.Note)
	}
	fmt.Fprintf(t, "\n%s\n", r.Machine)
	return t.Flush()
}

func shown(f *float64) string {
	switch {
	case f == nil:
		return "-"
	case *f >= 1000:
		return fmt.Sprintf("%.0f", *f)
	}
	return fmt.Sprintf("%.3g", *f)
}

// machine says what the figures were measured on, and when. The load tells whether it was busy with other things.
func machine() string {
	load, _, _ := strings.Cut(firstLine("/proc/loadavg", ""), " ")
	return fmt.Sprintf("%s, %d cores, %s, %s/%s, %s, load %s at the start, %s", firstLine("/proc/cpuinfo", "model name"), runtime.NumCPU(),
		firstLine("/proc/meminfo", "MemTotal"), runtime.GOOS, runtime.GOARCH, runtime.Version(), load, time.Now().UTC().Format(time.DateOnly))
}

// firstLine returns what follows the colon in the first line of a file that begins with prefix.
func firstLine(path, prefix string) string {
	f, err := os.Open(path)
	if err != nil {
		return "unknown"
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if strings.HasPrefix(s.Text(), prefix) {
			if _, after, ok := strings.Cut(s.Text(), ":"); ok {
				return strings.TrimSpace(after)
			}
			return s.Text()
		}
	}
	return "unknown"
}
