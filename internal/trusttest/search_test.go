// SPDX-License-Identifier: Apache-2.0

package trusttest

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// What does not see a canary shows nothing.
func TestACanaryIsSeenInEveryForm(t *testing.T) {
	text := "turn " + canaryHead + "abcdefghijkl now"
	packed, err := pack([]byte(text), zstd.WithEncoderLevel(zstd.SpeedDefault))
	if err != nil {
		t.Fatal(err)
	}
	var wide []byte
	for _, c := range []byte(text) {
		wide = append(wide, c, 0)
	}
	shown := map[string]string{"plain": text, "capitals": strings.ToUpper(text), "hexadecimal": hex.EncodeToString([]byte(text)), "UTF-16": string(wide), "compressed": "in front " + string(packed) + " behind"}
	for shift := range 3 {
		shown[fmt.Sprint("base64, ", shift)] = base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + text))
	}
	for how, b := range shown {
		if as, _ := planted(canaryHead, []byte(b)); as == "" {
			t.Errorf("%s: not seen", how)
		}
	}
	if as, what := planted(canaryHead, []byte("turn the wheel "+canaryHead[:len(canaryHead)-1]+" "+string(packed[:4]))); as != "" {
		t.Errorf("seen where none is: %s, %q", as, what)
	}
}
