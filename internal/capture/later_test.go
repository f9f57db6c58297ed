// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"strings"
	"testing"
)

const mill = "package mill\n\nfunc lift() {\n\topen(1)\n\twait()\n}\n\nfunc shut() {\n\tclose(1)\n}\n"

func TestWhatHasBecomeOfATextIsFoundInALaterStateOfItsFile(t *testing.T) {
	const lift = "\topen(1)\n\twait()\n"
	for _, c := range []struct {
		name, text, after string
		want              string
		ok                bool
	}{
		{"the same file", lift, mill, lift, true},
		{"something was put before it", lift, "// Mill.\n" + mill, lift, true},
		{"it was moved", lift, "package mill\n\nfunc shut() {\n\tclose(1)\n}\n\nfunc lift() {\n" + lift + "}\n", lift, true},
		{"a line of it was changed", lift, strings.Replace(mill, "open(1)", "open(2)", 1), "\topen(2)\n\twait()\n", true},
		{"a line was put into it", lift, strings.Replace(mill, "\twait", "\tlog()\n\twait", 1), "\topen(1)\n\tlog()\n\twait()\n", true},
		{"a line was taken out of it", lift, strings.Replace(mill, "\topen(1)\n", "", 1), "\twait()\n", true},
		{"a line was put after it, and another changed", lift, strings.Replace(strings.Replace(mill, "wait()\n", "wait()\n\tlog()\n", 1), "close(1)", "close(2)", 1), lift, true},
		{"it is gone", lift, strings.Replace(mill, lift, "", 1), "", true},
		{"all of it was replaced", lift, strings.Replace(mill, lift, "\tturn()\n", 1), "\tturn()\n", true},
		{"part of a line was changed", "open(1)", strings.Replace(mill, "open(1)", "open(1, slowly)", 1), "open(1, slowly)", true},
		{"what is around it on its line was changed", "open(1)", strings.Replace(mill, "\topen(1)", "    open(2)", 1), "", false},
		{"another like it is still there", "(1)", strings.Replace(mill, "open(1)", "open(2)", 1), "(1)", true},
		{"within a line", "open", strings.Replace(mill, "\topen(1)", "\traise(1)", 1), "raise", true},
		{"lines around it were changed with it", lift, "package mill\n\nfunc raise() {\n\topen(2)\n\twait(2)\n}\n\nfunc shut() {\n\tclose(1)\n}\n", "", false},
		{"there are several of it now", "}\n", mill + "\nfunc turn() {\n}\n", "}\n", true},
		{"it is gone, and what is around it", lift, strings.Replace(mill, "func lift() {\n"+lift, "", 1), "", true},
		{"nothing is left of the file", lift, "", "", true},
	} {
		at := strings.Index(mill, c.text)
		from, to, ok := NewLater(mill, c.after).Of(at, at+len(c.text))
		if ok != c.ok {
			t.Errorf("%s: told %v, want %v", c.name, ok, c.ok)
		} else if ok && c.after[from:to] != c.want {
			t.Errorf("%s: %q, want %q", c.name, c.after[from:to], c.want)
		}
	}
}

func TestOfAFileThatIsAnotherAltogetherNothingIsTold(t *testing.T) {
	before, after := strings.Repeat("a\n", 2000)+"turn\n", strings.Repeat("b\n", 2000)+"c\n"
	if _, _, ok := NewLater(before, after).Of(len(before)-5, len(before)); ok {
		t.Error("what became of the line is told")
	}
}

func TestDistanceIsTheShareOfWordsThatDiffer(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want float64
	}{
		{"", "", 0},
		{"open the gate", "open the gate", 0},
		{"open(x, 'y')", "open( x,\n\t\"y\" )\n", 0}, // formatted
		{"open the gate", "open the sluice gate", 0.25},
		{"open the big gate", "shut the big gate", 0.25},
		{"open", "", 1},
		{"a b c d", "e f g h", 1},
		{strings.Repeat("a b ", 3000), strings.Repeat("c d ", 3000), 1},
	} {
		if got, back := Apart(c.a, c.b), Apart(c.b, c.a); got != c.want || back != got {
			t.Errorf("%.20q, %.20q: %v and %v, want %v", c.a, c.b, got, back, c.want)
		}
	}
}

// FuzzLater: whatever the states, a place in the later one is one that it has, and where nothing changed it is the same.
func FuzzLater(f *testing.F) {
	f.Add(mill, strings.Replace(mill, "open(1)", "open(2)", 1), 20, 40)
	f.Add("a\nb\na\n", "b\na\nb\n", 1, 3)
	f.Add("x", "", 0, 1)
	f.Add("é\r\n\n", "\n\ré", 1, 2)
	f.Fuzz(func(t *testing.T, before, after string, start, end int) {
		from, to, ok := NewLater(before, after).Of(start, end)
		if ok && (from < 0 || from > to || to > len(after)) {
			t.Fatalf("[%d:%d] became [%d:%d] of %d bytes", start, end, from, to, len(after))
		}
		if before == after && 0 <= start && start < end && end <= len(before) {
			if from, to, ok := NewLater(before, before).mapped(start, end); !ok || from != start || to != end {
				t.Fatalf("[%d:%d] of the same file became [%d:%d]", start, end, from, to)
			}
			if ok && before[from:to] != before[start:end] {
				t.Fatalf("[%d:%d] of the same file became [%d:%d]", start, end, from, to)
			}
		}
		if d := Apart(before, after); d < 0 || d > 1 || d != Apart(after, before) {
			t.Fatalf("apart %v and %v", d, Apart(after, before))
		}
	})
}
