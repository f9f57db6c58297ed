// SPDX-License-Identifier: Apache-2.0

package scrub

// ticket looks at a word in capitals and the number joined to it: PAY-123, SR#4567.
func (w *worker) ticket(start, end int) int {
	b := w.buf
	if end-start < 2 || end-start > 10 || end+1 >= len(b) || b[end] == ' ' {
		return start
	}
	digit := false
	for i := start; i < end; i++ {
		digit = digit || class[b[i]]&isDigit != 0
		if class[b[i]]&(isUpper|isDigit) == 0 {
			return start
		}
	}
	e := run(b, end+1, end+9, isDigit)
	n := e - end - 1
	if n == 0 || at(b, e)&isIdent != 0 || ch(b, e) == '.' && at(b, e+1)&isDigit != 0 || b[end] == '#' && n < 3 {
		return start
	}
	p := ch(b, start-1)
	if p == '-' && at(b, start-2)&isAlnum != 0 || p == '.' && at(b, start-2)&isAlnum != 0 || p == '%' || p == '\\' {
		return start
	}
	if standard(b[start:end], n) || digit && n < 3 {
		return start
	}
	if ch(b, e) == '-' && at(b, e+1)&(isUpper|isDigit) != 0 { // a longer code: ABC-12-XYZ, 2026-03-04
		return start
	}
	if !w.strict && n < 2 {
		return start
	}
	w.add(start, e, "ticket")
	return e
}

// standard reports prefixes of standards, algorithms and products, whose numbers everyone knows.
func standard(v []byte, digits int) bool {
	switch string(v) {
	case "UTF", "UCS", "ISO", "IEC", "SHA", "RFC", "CVE", "CWE", "GPT", "HTTP", "TLS", "SSL", "IEEE", "ECMA", "ES", "MD", "AES", "RSA", "HMAC", "CP", "KOI", "KOI8", "BASE", "EN", "DIN",
		"ANSI", "ASCII", "PCI", "USB", "HDMI", "PEP", "BIP", "EIP", "ERC", "JSR", "JEP", "KEP", "RHEL", "LATIN", "PHP", "PY", "NODE", "WIN", "IPV", "OAUTH", "SAML", "XML", "COVID", "GB", "PSR",
		"BSD", "GPL", "LGPL", "AGPL", "MIT", "APACHE", "MPL", "EPL", "CC", "BY", "PKCS", "FIPS", "SP", "NIST", "ED", "CHACHA", "POLY", "BLAKE", "CRC", "ADLER", "SM", "EC", "ECDSA", "SECP", "PBKDF", "ARGON",
		"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC", "TOP", "STEP", "LEVEL", "PART", "PHASE", "TIER", "LAYER", "ROUND", "TEST", "CASE", "ITEM", "ROW", "COL", "LINE",
		"PAGE", "FIG", "TABLE", "GROUP", "CLASS", "TYPE", "MODE", "PORT", "PIN", "GPIO", "USER", "HOST", "CPU", "GPU", "CH", "NO", "NR", "UTC", "GMT", "EST", "PST", "CET", "ISBN", "ISSN", "DDR", "LZ", "MP", "MPEG", "JPEG",
		"WEB", "VT", "XTERM", "GB18030", "EUC", "BIG", "SHIFT", "WINDOWS", "IBM", "MS", "ARM", "ARMV", "X86", "AMD", "CORTEX", "RISC", "SOC", "SOC2", "HL", "OWASP", "WCAG", "RFP", "UN", "EU", "US", "UK", "AC", "DC",
		"GCC", "MSVC", "CLANG", "LLAMA", "LLM", "BERT", "CLAUDE", "GEMINI", "QWEN", "YOLO", "GHSA", "CIS", "STIG", "SRG", "PL", "SQL", "DB", "HTML", "CSS", "UUID", "HS", "RS", "PS", "ETH", "BTC", "XXX", "ABC", "FOO", "AWS", "SIG", "AZ", "US1", "EU1", "NULL", "ID", "SC", "TR", "NT", "BOM", "OSC", "DCS", "CSI", "CTRL", "SHIFT2", "ALT", "KEY", "OS", "TI", "GET", "PUT", "AXI", "DO", "IF", "OR", "AND", "NUM", "MAX", "MIN", "VERSION", "RC", "BETA", "ALPHA":
		return true
	}
	return false
}
