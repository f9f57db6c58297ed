// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// verb binds one verb of levels.tsv to a Go type. A verb that does not suit the type is an error: "keep" in particular is
// for numbers and yes or no, never for words.
func (t *tables) verb(verb string, typ reflect.Type) (action, error) {
	name, arg, _ := strings.Cut(verb, ":")
	suits := false
	var do action
	switch name {
	case "drop", "set":
		return nil, nil
	case "keep":
		suits, do = isPlain(typ), func(_ *Lowerer, dst, src reflect.Value) { dst.Set(src) }
	case "unset":
		suits, do = typ.Kind() == reflect.Int, func(_ *Lowerer, dst, _ reflect.Value) { dst.SetInt(-1) }
	case "text", "json", "mask", "prose":
		suits, do = textField(name, typ)
	case "day", "hour":
		unit := map[string]time.Duration{"day": 24 * time.Hour, "hour": time.Hour}[name]
		suits, do = typ == reflect.TypeFor[time.Time](), func(_ *Lowerer, dst, src reflect.Value) {
			if at := src.Addr().Interface().(*time.Time); !at.IsZero() {
				*dst.Addr().Interface().(*time.Time) = at.UTC().Truncate(unit)
			}
		}
	case "bucket":
		suits, do = isInt(typ), func(_ *Lowerer, dst, src reflect.Value) { dst.SetInt(bucket(src.Int())) }
		if typ.Kind() == reflect.Float64 {
			suits, do = true, func(_ *Lowerer, dst, src reflect.Value) { dst.SetFloat(bucketFloat(src.Float())) }
		}
	case "round":
		suits, do = isFloat(typ), roundField
	case "key", "pseudonym":
		k, known := kindOf(arg)
		suits = typ.Kind() == reflect.String && known && k.epoch == (name == "pseudonym")
		do = func(l *Lowerer, dst, src reflect.Value) { dst.SetString(l.id(k, src.String())) }
	case "enum":
		list := t.lists[arg]
		suits, do = list != nil && isWords(typ), enumField(list, typ)
	case "family":
		list := t.lists[arg]
		suits, do = list != nil && typ.Kind() == reflect.String, func(_ *Lowerer, dst, src reflect.Value) { dst.SetString(family(list, src.String())) }
	case "form":
		form := formOf(arg)
		suits, do = form != nil && typ.Kind() == reflect.String, func(_ *Lowerer, dst, src reflect.Value) { dst.SetString(form(src.String())) }
	case "features":
		suits, do = typ == reflect.TypeFor[map[string]any](), t.featuresField
	case "counts":
		list := t.lists[arg]
		suits, do = list != nil && typ == reflect.TypeFor[map[string]int](), countsField(list)
	}
	if !suits {
		return nil, fmt.Errorf("verb %q does not suit a %s", verb, typ)
	}
	return do, nil
}

func isInt(t reflect.Type) bool {
	return t.Kind() == reflect.Int || t.Kind() == reflect.Int32 || t.Kind() == reflect.Int64
}
func isFloat(t reflect.Type) bool {
	return t.Kind() == reflect.Float64 || t.Kind() == reflect.Pointer && isFloat(t.Elem())
}
func isPlain(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	return isInt(t) || isFloat(t) || t.Kind() == reflect.Bool
}
func isWords(t reflect.Type) bool {
	return t.Kind() == reflect.String || t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.String
}

func enumField(list map[string]bool, typ reflect.Type) action {
	if typ.Kind() == reflect.String {
		return func(_ *Lowerer, dst, src reflect.Value) {
			if s := src.String(); list[s] {
				dst.SetString(s)
			}
		}
	}
	return func(_ *Lowerer, dst, src reflect.Value) {
		var kept []string
		for i := range src.Len() {
			if s := src.Index(i).String(); list[s] {
				kept = append(kept, s)
			}
		}
		dst.Set(reflect.ValueOf(kept))
	}
}

// family returns the longest listed value that s begins with, so that "claude-sonnet-4-5" leaves as "claude-sonnet".
func family(list map[string]bool, s string) string {
	s = strings.ToLower(s)
	for end := len(s); end > 0; end-- {
		if list[s[:end]] {
			return s[:end]
		}
	}
	return ""
}

func roundField(_ *Lowerer, dst, src reflect.Value) {
	if src.Kind() == reflect.Pointer {
		if !src.IsNil() {
			v := round(src.Elem().Float())
			dst.Set(reflect.ValueOf(&v))
		}
		return
	}
	dst.SetFloat(round(src.Float()))
}

// round keeps two significant digits.
func round(v float64) float64 {
	if v == math.Trunc(v) && math.Abs(v) < 100 {
		return v + 0 // also makes -0 plain
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	var b [32]byte
	r, err := strconv.ParseFloat(string(strconv.AppendFloat(b[:0], v, 'e', 1, 64)), 64)
	if err != nil {
		return 0 // rounded up beyond the largest number
	}
	return r
}

// bucket cuts a number down to 1, 2 or 5 times a power of ten: 0, 1, 2, 5, 10, 20, 50, …
func bucket(n int64) int64 {
	if n < 0 {
		if n == math.MinInt64 {
			n++
		}
		return -bucket(-n)
	}
	unit := int64(1)
	for n/unit >= 10 {
		unit *= 10
	}
	switch lead := n / unit; {
	case lead >= 5:
		return 5 * unit
	case lead >= 2:
		return 2 * unit
	default:
		return lead * unit
	}
}

// bucketFloat does the same with a fraction: 0.0231 leaves as 0.02.
func bucketFloat(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	var b [32]byte
	digits := strconv.AppendFloat(b[:0], math.Abs(v), 'e', -1, 64)
	lead := bucket(int64(digits[0] - '0'))
	_, exponent, _ := strings.Cut(string(digits), "e")
	r, err := strconv.ParseFloat(strconv.FormatInt(lead, 10)+"e"+exponent, 64)
	if err != nil {
		return 0
	}
	return math.Copysign(r, v)
}

func (t *tables) featuresField(_ *Lowerer, dst, src reflect.Value) {
	in := src.Interface().(map[string]any)
	if in == nil {
		return
	}
	out := make(map[string]any, len(in))
	for name, v := range in {
		if v, ok := t.feature(name, v); ok {
			out[name] = v
		}
	}
	dst.Set(reflect.ValueOf(out)) // none at all says that a decision was made on none
}

// feature returns one feature as it may leave; ok is false where it may not.
func (t *tables) feature(name string, boxed any) (leaves any, ok bool) {
	typ := t.features[name]
	switch v := boxed.(type) {
	case bool:
		return boxed, typ == "bool"
	case float64:
		if r := round(v); math.Float64bits(r) != math.Float64bits(v) {
			return r, typ == "number"
		}
		return boxed, typ == "number"
	case int:
		return round(float64(v)), typ == "number"
	case int64:
		return round(float64(v)), typ == "number"
	case string:
		list, isEnum := strings.CutPrefix(typ, "enum:")
		return boxed, isEnum && t.lists[list][v]
	}
	return nil, false
}

func countsField(list map[string]bool) action {
	return func(_ *Lowerer, dst, src reflect.Value) {
		in := src.Interface().(map[string]int)
		if len(in) == 0 {
			return
		}
		out := make(map[string]int, len(in))
		for kind, n := range in {
			if !list[kind] {
				kind = "other"
			}
			out[kind] += n
		}
		dst.Set(reflect.ValueOf(out))
	}
}

// formOf returns the form of that name, or nil. A form returns a string as far as it has the form, else "".
func formOf(name string) func(string) string {
	switch name {
	case "version":
		return versionForm
	case "window":
		return windowForm
	case "release":
		return releaseForm
	case "scrubber":
		return scrubberForm
	case "media_type":
		return mediaTypeForm
	}
	return nil
}

// versionForm keeps up to four numbers: "1.2.3-beta+sha" leaves as "1.2.3".
func versionForm(s string) string {
	end, parts, digits := 0, 0, 0
	for i := 0; i <= len(s); i++ {
		if i < len(s) && s[i] >= '0' && s[i] <= '9' {
			digits++
			continue
		}
		if digits == 0 || digits > 5 || parts == 4 {
			break
		}
		end, parts, digits = i, parts+1, 0
		if i < len(s) && s[i] != '.' {
			break
		}
	}
	return s[:end]
}

// windowForm keeps up to four digits and a unit: 10m, 24h, 30d.
func windowForm(s string) string {
	n := len(s) - 1
	if n < 1 || n > 4 || strings.Trim(s[:n], "0123456789") != "" || !strings.Contains("smhdw", s[n:]) {
		return ""
	}
	return s
}

// releaseForm keeps the names that a hub gives: "baseline", or "rel_" and 8 to 64 hex digits.
func releaseForm(s string) string {
	digits, ok := strings.CutPrefix(s, "rel_")
	if s == "baseline" || ok && len(digits) >= 8 && len(digits) <= 64 && strings.Trim(digits, "0123456789abcdef") == "" {
		return s
	}
	return ""
}

// scrubberForm keeps "headrace-scrub/2.2".
func scrubberForm(s string) string {
	if v, ok := strings.CutPrefix(s, "headrace-scrub/"); ok && v != "" && versionForm(v) == v {
		return s
	}
	return ""
}

func mediaTypeForm(s string) string {
	switch s {
	case "text/plain", "text/markdown", "text/x-diff", "application/json", "application/yaml":
		return s
	}
	return ""
}
