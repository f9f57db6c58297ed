// SPDX-License-Identifier: Apache-2.0

package names

import "testing"

func TestAWordIsKnownInAnyCaseAndWithOrWithoutAccents(t *testing.T) {
	s := Load()
	for _, c := range []struct {
		words []string
		want  Class
	}{
		{[]string{"Jürgen", "jurgen", "JÜRGEN", "Ju\u0308rgen"}, Given},
		{[]string{"Nguyễn", "nguyen"}, Family},
		{[]string{"Łódź", "lodz"}, Place},
		{[]string{"Sri Lanka", "SRI LANKA"}, Country},
		{[]string{"Norwegian"}, Nation},
		{[]string{"server", "Server"}, Word},
		{[]string{"Иванов", "ИВАНОВ"}, Family},
		{[]string{"Γεώργιος", "γεωργιος"}, Given},
	} {
		for _, w := range c.words {
			if got := s.Of([]byte(w)); got&c.want == 0 {
				t.Errorf("%q is %b, without %b", w, got, c.want)
			}
		}
	}
	for _, w := range []string{"", "zzqxv", "kubectlish", "7"} {
		if got := s.Of([]byte(w)); got != 0 {
			t.Errorf("%q is %b", w, got)
		}
	}
}

func FuzzAnyBytesCanBeLookedUp(f *testing.F) {
	s := Load()
	f.Add([]byte("Jürgen"))
	f.Add([]byte{0xc3, 0x28, 0xff})
	f.Fuzz(func(_ *testing.T, word []byte) { s.Of(word) })
}
