// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"bytes"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestAPlainRecordIsSeenToBeCanonical(t *testing.T) {
	for _, line := range []string{
		`{"amends":"ep_0","id":"ep_1","privacy":{"findings":{},"level":"clean"},"suggestions":[{"after":"a\n\"b\"\t\\","features":{"chars":28,"mean_logprob":-0.57,"mid_line":false},"step":-1}],"terms":{"region":"eu"}}`,
		`{"id":"é","numbers":[0,1,-1,0.5,0.000001,123456789.012345,null,true],"z":{}}`,
		`{}`, string(record(t, "ep_1")),
	} {
		if _, ok := plainHead([]byte(line)); !ok {
			t.Errorf("not seen: %s", line)
		}
	}
}

func FuzzHead(f *testing.F) {
	f.Add(record(f, "ep_1"))
	for _, s := range []string{`{"id":"a","id":"b"}`, `{"id":"a", "x":1}`, `{"b":1,"a":1}`, `{"id":"\u0061"}`, `{"id":"\/"}`, `{"a":1.0}`, `{"a":-0}`, `{"a":01}`, `{"a":1e2}`, `{"a":0.0000001}`,
		`{"a":9007199254740993}`, `{"a":0.1234567890123456}`, `{"a":[1,]}`, `{"a":{"😀":1,"` + "\ufb33" + `":2}}`, `{"id":7}`, `{"local":null}`, `{"privacy":"x","terms":[]}`, "{\"a\":\"\xff\"}", `{"a":tru}`,
		`{"a":` + strings.Repeat("[", 50) + strings.Repeat("]", 50) + `}`, `{"a":1}{}`, `{"a":1}` + "\r", `null`, ``} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		got, ok := plainHead(line)
		if !ok {
			return
		}
		form := jsontext.Value(bytes.Clone(line))
		if err := form.Canonicalize(); err != nil || !bytes.Equal(form, line) {
			t.Fatalf("%s is not canonical, %s is (%v)", line, form, err)
		}
		var want head
		if err := json.Unmarshal(line, &want); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s: %s", line, diff)
		}
	})
}

func TestARunOfPlainBytesEndsWhereTheFirstOtherStands(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOf(rapid.OneOf(rapid.ByteRange(' ', '~'), rapid.ByteRange(' ', '~'), rapid.ByteRange(' ', '~'), rapid.Byte())).Draw(t, "bytes")
		want := 0
		for want < len(b) && b[want] >= ' ' && b[want] < 0x80 && b[want] != '"' && b[want] != '\\' {
			want++
		}
		if got := plainRun(b); got != want {
			t.Fatalf("%q: %d, want %d", b, got, want)
		}
	})
}
