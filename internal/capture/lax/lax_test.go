// SPDX-License-Identifier: Apache-2.0

package lax

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type thing struct {
	S String      `json:"s"`
	B Bool        `json:"b"`
	N Number      `json:"n"`
	T Time        `json:"t"`
	O Object[sub] `json:"o"`
	L List[sub]   `json:"l"`
}

type sub struct {
	X String `json:"x"`
}

func TestAFieldOfAnotherTypeCostsNoRecord(t *testing.T) {
	at := time.Date(2025, 3, 28, 5, 33, 26, 0, time.UTC)
	for in, want := range map[string]thing{
		`{"s":"a","b":true,"n":2,"t":"2025-03-28T05:33:26Z","o":{"x":"y"},"l":[{"x":"z"}]}`: {"a", true, 2, Time{at}, Object[sub]{sub{"y"}, true}, List[sub]{[]sub{{"z"}}, true}},
		`{"s":"a","b":"true","n":"2","t":1743140006,"l":["no",{"x":1},[]]}`:                 {"a", true, 2, Time{at}, Object[sub]{}, List[sub]{[]sub{{}}, true}},
		`{"s":1,"b":1,"n":[],"t":1743140006000,"o":"no","l":{}}`:                            {T: Time{at}},
		`{"s":{},"b":"no","n":"no","t":"yesterday","o":null,"l":null}`:                      {},
		`{"s":"a","s":"b","t":"2025-03-28 05:33:26","u":"\ud800"}`:                          {S: "b", T: Time{at}},
		`{"t":-1,"n":-1}`: {N: -1},
		`{"t":1e300}`:     {},
	} {
		var got thing
		if ok := Decode([]byte(in), &got); !ok {
			t.Errorf("%s: not decoded", in)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", in, d)
		}
	}
}

func TestWhatIsNoObjectIsNotDecoded(t *testing.T) {
	for _, in := range []string{"", "42", `"massive error"`, "[1]", "{", `{"a":}`, "{\"a\":\"\xff\"}", `{} {}`} {
		if Decode([]byte(in), &thing{}) {
			t.Errorf("%q is decoded", in)
		}
	}
}

func TestKeysReadsTheHeadOfAnObjectThatBreaksOff(t *testing.T) {
	got := Keys([]byte(`{"type":"user","uuid":5,"message":{"role":"user","content":"and then the fi`))
	if d := cmp.Diff(map[string]string{"type": "user", "uuid": "", "message": ""}, got); d != "" {
		t.Error(d)
	}
	if got := Keys([]byte(`["type"]`)); got != nil {
		t.Errorf("%v of an array", got)
	}
}
