// SPDX-License-Identifier: Apache-2.0

package junit

import (
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/headrace/headrace/episode"
)

func read(t testing.TB, text string) *Result {
	t.Helper()
	r, err := Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What runners write, by the dialect: the counts are of the test cases, each once, however suites nest and sum.
func TestTestsAreCountedInEachDialect(t *testing.T) {
	for name, want := range map[string]Result{
		"surefire.xml": {Suites: []Suite{{Name: "com.example.mill.WheelTest", Tests: 4, Failed: 2, Skipped: 1}}, Failures: 1, Errors: 1, FailedIn: []string{"com.example.mill.WheelTest"}},
		"pytest.xml":   {Suites: []Suite{{Name: "pytest", Tests: 3, Failed: 1}}, Failures: 1, FailedIn: []string{"tests.test_gate"}},
		"nested.xml": {Suites: []Suite{{Name: "raise", Tests: 2}, {Name: "lower", Tests: 1, Failed: 1}, {Name: "gate", Tests: 1}}, Failures: 1,
			FailedIn: []string{"spec/gate.spec.ts"}},
		"googletest.xml": {Suites: []Suite{{Name: "Sluice", Tests: 3, Failed: 1, Skipped: 1}}, Failures: 1, FailedIn: []string{"Sluice"}},
		"sums.xml":       {Suites: []Suite{{Name: "only sums", Tests: 10, Failed: 3, Skipped: 2}}, Failures: 2, Errors: 1},
		"latin1.xml":     {Suites: []Suite{{Name: "Mühle", Tests: 1}}},
	} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, *read(t, string(b)), cmpopts.IgnoreUnexported(Result{}), cmpopts.IgnoreFields(Suite{}, "Of")); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
}

func TestARunAgainIsToldFromTheNextShard(t *testing.T) {
	run := func(tests ...string) string {
		s := `<testsuite name="pytest">`
		for _, n := range tests {
			s += n
		}
		return s + `</testsuite>`
	}
	const a, b, c = `<testcase classname="gate" name="raise"/>`, `<testcase classname="gate" name="lower"/>`, `<testcase classname="wheel" name="turn"/>`
	const failed = `<testcase classname="gate" name="raise"><failure/></testcase>`
	name := func(text string) string {
		return read(t, text).Report("git.example.com/mill", "c0ffee", time.Time{}).Suites[0].Name
	}
	if name(run(failed, b)) != name(run(b, a)) {
		t.Error("the same tests, run again, are another suite")
	}
	if name(run(a, b)) == name(run(a, c)) {
		t.Error("other tests under the same name are the same suite")
	}
	if x, y := read(t, run(a)), read(t, run(a)+"\n"); x.digest == y.digest || x.digest != read(t, run(a)).digest {
		t.Error("a file is not known by its bytes")
	}
}

func TestHostileTestResultsAreRefused(t *testing.T) {
	deep := strings.Repeat("<testsuite>", 100_000)
	for name, text := range map[string]string{
		"empty":        "",
		"no tests":     "<html><body/></html>",
		"cut off":      `<testsuites><testsuite name="a"><testcase`,
		"deep":         deep,
		"entity bomb":  `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><testsuite name="x"><testcase name="&b;"/></testsuite>`,
		"outside file": `<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><testsuite><system-out>&f;</system-out></testsuite>`,
		"encoding":     `<?xml version="1.0" encoding="UTF-7"?><testsuite/>`,
		"many":         "<testsuites>" + strings.Repeat("<testsuite/>", maxSuites+1) + "</testsuites>",
		"not XML":      "\x00\x01\x02{}",
		"two ends":     "<testsuite></testsuite></testsuite>",
	} {
		_, err := Read(strings.NewReader(text))
		if !errors.Is(err, &episode.Problem{Code: "junit/unreadable"}) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var syntax *xml.SyntaxError
	if _, err := Read(strings.NewReader("<testsuite>\n\n<b></c></testsuite>")); !errors.As(err, &syntax) || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("the line is not named: %v", err)
	}
}

func TestNumbersThatCannotBeAreNotBelieved(t *testing.T) {
	for text, want := range map[string]Suite{
		`<testsuite tests="5" failures="9" errors="9" skipped="2"/>`:                  {Tests: 5, Failed: 3, Skipped: 2},
		`<testsuite tests="5" failures="-1" errors="x" skipped="99"/>`:                {Tests: 5, Skipped: 5},
		`<testsuite tests="99999999999999999999"/>`:                                   {},
		`<testsuite tests="5"><testcase/></testsuite>`:                                {Tests: 1},
		`<testsuite><testcase><skipped/><failure/><error/></testcase></testsuite>`:    {Tests: 1, Failed: 1},
		`<testsuite><testcase><testcase><failure/></testcase></testcase></testsuite>`: {Tests: 1, Failed: 1},
	} {
		if got := read(t, text).Total(); got != want {
			t.Errorf("%s: %+v, want %+v", text, got, want)
		}
	}
	var many strings.Builder
	many.WriteString("<testsuite>")
	for i := range 3 * maxFailed {
		fmt.Fprintf(&many, `<testcase classname="%d%s"><failure/></testcase>`, i, strings.Repeat("x", 2*maxName))
	}
	many.WriteString("</testsuite>")
	if got := read(t, many.String()); len(got.FailedIn) != maxFailed || len(got.FailedIn[0]) > maxName || got.Failures != 3*maxFailed {
		t.Errorf("%d names, %d failures", len(got.FailedIn), got.Failures)
	}
}

// FuzzRead: whatever the bytes, the counts are ones that can be.
func FuzzRead(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.xml"))
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`<!DOCTYPE x [<!ENTITY a "b">]><testsuite name="&a;"/>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Read(strings.NewReader(string(b)))
		if err != nil {
			return
		}
		all := 0
		for _, s := range r.Suites {
			if s.Tests <= 0 || s.Failed < 0 || s.Skipped < 0 || s.Failed+s.Skipped > s.Tests || len(s.Name) > maxName {
				t.Errorf("%+v", s)
			}
			all += s.Failed
		}
		if all != r.Failures+r.Errors || len(r.FailedIn) > maxFailed {
			t.Errorf("%+v", r)
		}
	})
}
