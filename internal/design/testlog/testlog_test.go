// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"strings"
	"testing"
)

const events = `{"Action":"output","Package":"x/headrace/a","Test":"TestS","Output":"=== RUN   TestS\n"}
{"Action":"output","Package":"x/headrace/a","Test":"TestS","Output":"    a_test.go:3: not installed\n"}
{"Action":"skip","Package":"x/headrace/a","Test":"TestS"}
{"Action":"output","Package":"x/headrace/a","Test":"TestF","Output":"    a_test.go:9: wrong\n"}
{"Action":"fail","Package":"x/headrace/a","Test":"TestF"}
{"Action":"output","Package":"x/headrace/a","Test":"TestP","Output":"    a_test.go:12: said in passing\n"}
{"Action":"pass","Package":"x/headrace/a","Test":"TestP"}
{"Action":"fail","Package":"x/headrace/a","Elapsed":1.5}
go: a word of the go command
`

func TestWhatFailedAndWhatWasSkippedIsSaidAndNothingElse(t *testing.T) {
	var out bytes.Buffer
	l := &log{w: &out, output: map[string][]string{}, allowed: allowed("# why\nTestOther it needs a mount\n")}
	l.read(strings.NewReader(events))
	want := "skip  a TestS: a_test.go:3: not installed\n    a_test.go:9: wrong\nfail  a                                           1.5 s\ngo: a word of the go command\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
	if l.tests != 3 || l.failed != 2 || l.skipped != 1 || l.refused != 1 {
		t.Errorf("counted %+v", l)
	}
	l = &log{w: &out, output: map[string][]string{}, allowed: allowed("TestS it is not installed\n")}
	if l.read(strings.NewReader(events)); l.refused != 0 {
		t.Error("a skip with a reason was refused")
	}
}
