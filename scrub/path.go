// SPDX-License-Identifier: Apache-2.0

package scrub

import "bytes"

// pathEnd returns where the path ends of which i is a part: at white space or a sign that no path holds. A blank inside
// a folder of Windows ends it only where no backslash follows in the same word.
func pathEnd(b []byte, i int) int {
	for limit := min(len(b), i+512); i < limit; i++ {
		c := b[i]
		if c >= 0x80 || class[c]&notSpace != 0 && bytes.IndexByte([]byte(":;,<>|()[]{}*?$%=&#!"), c) < 0 {
			continue
		}
		break
	}
	for b[i-1] == '.' || b[i-1] == '-' {
		i--
	}
	return i
}

// share looks at two backslashes, maybe each escaped: a UNC path, \\server\share\file.
func (w *worker) share(_ *rule, start, end int) {
	b := w.buf
	if ch(b, start-1) == '\\' || at(b, start-1)&isIdent != 0 || ch(b, start-1) == ']' {
		return
	}
	for end < start+4 && ch(b, end) == '\\' {
		end++
	}
	if n := end - start; n != 2 && n != 4 {
		return
	}
	server := end
	for server < len(b) && server < end+64 && isHostByte(b[server]) {
		server++
	}
	name := server
	for ch(b, name) == '\\' && name < server+2 {
		name++
	}
	rest := run(b, name, name+64, isIdent)
	if server-end < 2 || name == server || (name-server)*2 != end-start || rest-name < 2 || class[b[end]]&isAlpha == 0 && ch(b, end) < 0x80 || w.ownAt(b, end, server) {
		return
	}
	if at(b, end)&isAlpha != 0 && server-end <= 2 { // \\n\\tab: escapes
		return
	}
	stop := pathEnd(b, name)
	w.add(start, stop, "path")
	w.valueEnd = max(w.valueEnd, stop)
}
