// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// drawn returns a credential of a form: the least there is of each run, and short bytes less of the last.
func (f *tokenForm) drawn(r *rand.Rand, short int) string {
	var b strings.Builder
	for i, p := range f.parts {
		n := p.min
		if i == len(f.parts)-1 {
			n -= short
		}
		b.WriteString(p.literal)
		for j := range n {
			for {
				c := byte(r.IntN(128))
				if j < 2 && p.of&isDigit != 0 { // chance alone gives some without
					c = '2' + c%8
				}
				if class[c]&p.of != 0 && (class[c]&isAlnum != 0 || r.IntN(8) == 0 && j < n-1) {
					b.WriteByte(c)
					break
				}
			}
		}
	}
	return b.String()
}

func mustForms(t testing.TB) []tokenForm {
	t.Helper()
	fs, err := forms()
	if err != nil {
		t.Fatal(err)
	}
	return fs
}

func TestEveryFormOfAVendorIsFoundWholeInEveryCarrier(t *testing.T) {
	s, r := newScrubber(t, Config{}), rand.New(rand.NewPCG(1, 2))
	for _, f := range mustForms(t) {
		token := f.drawn(r, 0)
		for _, carrier := range []string{"%s", "use %s here", `x = "%s"` + "\n", "# %s\n", `{"a":{"b":"c\n%s"}}`} {
			text := fmt.Sprintf(carrier, token)
			start := strings.Index(text, token)
			_, found, err := s.Text(nil, []byte(text))
			if err != nil {
				t.Errorf("%s: %q: %v", f.kind, text, err)
			}
			if whole, _ := covered(found, [2]int{start, start + len(token)}); !whole {
				t.Errorf("%s: %q: found %v, not all of [%d,%d)", f.kind, text, found, start, start+len(token))
			}
		}
	}
}

func TestAFormNamesItsKindAndOneByteLessIsNotThatKind(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	s := newScrubber(t, Config{})
	fs := mustForms(t)
	for _, f := range fs {
		kinds := func(token string) (ks []string) {
			_, found, err := s.Text(nil, []byte("use "+token+" here"))
			if err != nil {
				t.Errorf("%s: %q: %v", f.kind, token, err)
			}
			for _, x := range found {
				ks = append(ks, x.Kind)
			}
			return ks
		}
		// Some forms are like others (test_…): any vendor's kind names it well enough.
		named := func(k string) bool { return slices.ContainsFunc(fs, func(f tokenForm) bool { return f.kind == k }) }
		if ks := kinds(f.drawn(r, 0)); len(ks) > 0 && !slices.ContainsFunc(ks, named) {
			t.Errorf("%s: found as %v", f.kind, ks)
		}
		if f.parts[len(f.parts)-1].literal != "" {
			continue
		}
		other := slices.ContainsFunc(fs, func(g tokenForm) bool {
			return g.kind == f.kind && g.parts[0].literal == f.parts[0].literal && len(g.parts) != len(f.parts)
		})
		token := f.drawn(r, 1)
		if other {
			continue
		}
		if _, ok := f.forward([]byte(token), len(f.parts[0].literal), 0); ok && f.anchor == 0 {
			t.Errorf("%s: %q is one byte short and still fits", f.kind, token)
		}
	}
}

func TestATokenLongerThanItsFormIsStillWhole(t *testing.T) {
	s, r := newScrubber(t, Config{}), rand.New(rand.NewPCG(5, 6))
	for _, prefix := range []string{"ghp_", "glpat-", "xoxb-", "sk-ant-"} {
		token := prefix
		for range 300 {
			token += string("abcdefghijkmnopqrstuvwxyz0123456789"[r.IntN(35)])
		}
		if out := scrubbed(t, s, "token "+token+"."); strings.Contains(out, token[len(token)-6:]) {
			t.Errorf("the end of a long token is left: %s", out)
		}
	}
}

func TestWordsThatBeginLikeAVendorsTokenStay(t *testing.T) {
	s := newScrubber(t, Config{})
	for _, text := range []string{
		"task-runner-with-a-long-name and risk-based-authentication-flows", "import sk-learn-contrib-utils-and-more",
		"test_that_every_function_is_called_at_least_once", "npm_config_registry_setting_of_this_project",
		"hf_hub_download_with_progress_bars", "def live_update_of_the_user_interface(): pass",
	} {
		if out := scrubbed(t, s, text); out != text {
			t.Errorf("%q became %q", text, out)
		}
	}
}
