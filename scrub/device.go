// SPDX-License-Identifier: Apache-2.0

package scrub

import "bytes"

// devices are the rules for what people and routers have instead of passwords: numbers to type at a door, and lines of
// configuration with nothing but a blank before the secret.
func devices() []rule {
	var rs []rule
	for _, k := range []string{"pin", "puk", "otp", "passcode", "tan", "door code", "gate code", "alarm code", "access code", "entry code", "lock code",
		"unlock code", "security code", "verification code", "door_code", "gate_code", "access_code"} {
		rs = append(rs, rule{keyword: k, detect: (*worker).typedNumber})
	}
	for _, k := range []string{"snmp-server community", "snmp community", "rocommunity", "rwcommunity", "key-string", "tacacs-server key", "radius-server key",
		"isakmp key", "authentication-key", "requirepass", "masterauth", "bindpw", "rootpw", "pre-shared-key", "enable secret", "enable password",
		"wpa-psk", "authuserpass", "nickserv identify", ": eap", ": xauth"} {
		rs = append(rs, rule{keyword: k, detect: (*worker).assigned, word: word{kind: "password", strength: strong, spaced: true}})
	}
	for _, k := range []string{"{plain}", "{cleartext}", "{plaintext}", "pass oauth:"} {
		rs = append(rs, rule{keyword: k, detect: (*worker).schemed})
	}
	return append(rs, rule{keyword: "\npass ", detect: (*worker).passCommand})
}

// typedNumber looks at a number of four to eight digits after a word such as "PIN".
func (w *worker) typedNumber(r *rule, start, i int) {
	b := w.buf
	if i <= w.valueEnd || at(b, start-1)&isAlnum != 0 && (at(b, start)&isUpper == 0 || at(b, start-1)&isLower == 0) || at(b, i)&isAlnum != 0 {
		return
	}
	if r.keyword == "tan" && (b[start] != 'T' || b[start+1] != 'A') || wired(b, start) {
		return // a tangent; a pin of a board
	}
	if w.column(start, i) {
		return
	}
	loose := r.keyword != "otp" && r.keyword != "tan" && (r.keyword == "passcode" || at(b, start)&isUpper != 0) // a blank is enough
	for _, word := range [...]string{" code", "_code", " number", " no."} {
		if hasAny(b[i:], word) {
			i += len(word)
		}
	}
	if q, after := quoteAt(b, i); q != 0 {
		i = after
	}
	i = spaces(b, i, false)
	joined := true
	if value, _, ok := farther(b, i); ok && r.keyword != "tan" {
		i = value
	} else if c := ch(b, i); c == ':' || c == '=' || c == '#' {
		i = spaces(b, i+1, false)
	} else if c == '>' && ch(b, start-1) == '<' {
		i++
	} else if hasAny(b[min(i, len(b)):], "is ", "is: ", "was ", "ist ", "ist: ", "lautet ", "lautet: ", "war ", "est ", "es ") {
		i = spaces(b, i+bytes.IndexByte(b[i:], ' '), false)
	} else if joined = false; !loose {
		return
	}
	if q, after := quoteAt(b, i); q != 0 {
		i = after
	}
	e := run(b, i, i+9, isDigit)
	if next := ch(b, e); e-i < 4 || e-i > 8 || at(b, e)&isIdent != 0 || (next == '.' || next == ',' || next == '-' || next == ':' || next == '/') && at(b, e+1)&isDigit != 0 {
		return
	}
	if !counted(b, e, joined) {
		w.literal(i, e, "password")
	}
}

// wired reports whether the name that holds b[start] is of something that has pins: LED_PIN, but not USER_PIN.
func wired(b []byte, start int) bool {
	p := ch(b, start-1)
	if p == '/' { // Erlang/OTP
		return at(b, start-2)&isAlnum != 0
	}
	if p != '_' && p != '.' && p != '-' && at(b, start-1)&isAlnum == 0 {
		return false
	}
	end := start
	if at(b, start-1)&isAlnum == 0 {
		end--
	}
	word := end
	for limit := end - maxWord; word > 0 && word > limit && class[b[word-1]]&isAlpha != 0; word-- {
	}
	var buf [maxWord]byte
	switch string(small(&buf, b[word:end])) {
	case "led", "gpio", "data", "clk", "clock", "cs", "ss", "ce", "sda", "scl", "tx", "rx", "txd", "rxd", "motor", "servo", "button", "sensor", "relay", "trig", "echo", "buzzer", "pwm", "adc", "dac", "analog", "digital", "irq", "int", "interrupt",
		"reset", "rst", "dc", "spi", "mosi", "miso", "sck", "in", "out", "input", "output", "power", "pull", "mux", "row", "col", "io", "board", "chip", "signal", "enable", "dir", "step", "switch", "fan", "pump", "heater", "light", "lamp", "neopixel",
		"strip", "dht", "temp", "touch", "mic", "speaker", "battery", "backlight", "lcd", "display", "ir", "latch", "map", "drawing", "connector", "header", "package", "num", "first", "last", "max", "min", "total", "left", "right", "is", "un":
		return true
	}
	return false
}

// counted reports whether the word after the number that ends at i makes it one of a count or a code: 1024 px, 4040: not
// found. Where no sign joins the number to its name, any word does but those that join sentences.
func counted(b []byte, i int, joined bool) bool {
	if ch(b, i) == ':' && !joined {
		return true
	}
	next := spaces(b, i, false)
	v := b[min(next, len(b)):wordEnd(b, min(next, len(b)))]
	if next == i || len(v) == 0 {
		return false
	}
	var buf [maxWord]byte
	switch string(small(&buf, v)) {
	case "px", "pt", "em", "ms", "s", "sec", "seconds", "minutes", "hours", "days", "bytes", "b", "kb", "mb", "gb", "kib", "mib", "rows", "lines", "pages", "items", "times", "hz", "khz", "mhz", "mm", "cm", "m", "ohm", "mv", "v", "ma", "volts", "bits",
		"releases", "records", "entries", "requests":
		return true
	case "and", "or", "for", "und", "oder", "für", "to", "please", "is", "then", "et", "y", "pour":
		return false
	}
	return !joined
}

// schemed looks at what follows the name of a scheme that keeps passwords as they are.
func (w *worker) schemed(_ *rule, _, i int) {
	e := i
	for e < len(w.buf) && e < i+maxCell && class[w.buf[e]]&notSpace != 0 && w.buf[e] != ':' {
		e++
	}
	if e-i >= 3 {
		w.literal(i, e, "password")
	}
}

// passCommand looks at the line PASS x of a session that gave its USER in the line before.
func (w *worker) passCommand(_ *rule, start, i int) {
	b := w.buf
	line := b[max(0, start-maxGap):start]
	line = line[bytes.LastIndexByte(line, '\n')+1:]
	if string(b[start+1:i]) != "PASS " || !hasAny(line, "USER ", "AUTH ") {
		return
	}
	e := run(b, i, i+maxCell, notSpace)
	if c := ch(b, e); e > i && (c == 0 || c == '\n' || c == '\r') {
		w.literal(i, e, "password")
	}
}

// configured reports whether the name around i stands in a line of a router's configuration, where a blank joins it to
// its value.
func configured(b []byte, i int) bool {
	line := i
	for limit := i - maxGap; line > 0 && line > limit && b[line-1] != '\n'; line-- {
	}
	head := bytes.TrimLeft(b[line:i], " \t")
	n := bytes.IndexByte(head, ' ')
	if n < 0 || line > 0 && b[line-1] != '\n' {
		return false
	}
	switch string(head[:n]) {
	case "username", "neighbor", "ppp", "snmp-server", "tacacs-server", "radius-server", "standby", "aaa":
		return true
	}
	return false
}

// coded steps over what says how a value in a router's configuration is coded: 5, 7, ascii 0.
func coded(b []byte, i int) int {
	for _, word := range [...]string{"ascii-text ", "ascii ", "hex "} {
		if hasAny(b[min(i, len(b)):], word) {
			i += len(word)
		}
	}
	if e := run(b, i, i+2, isDigit); e > i && ch(b, e) == ' ' && at(b, e+1)&notSpace != 0 {
		return e + 1
	}
	return i
}
