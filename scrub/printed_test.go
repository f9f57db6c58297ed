// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"strings"
	"testing"
)

func TestAnAccountIsFoundWhereALogOrAFileNamesIt(t *testing.T) {
	s := newScrubber(t, Config{})
	for _, text := range []string{
		"1.2.3.4 - xqzmor [10/Oct/2024:13:55:36 +0000] \"GET / HTTP/1.1\" 200 2326\n", "2001:db8::1 ident xqzmor [10/Oct/2024:13:55:36 +0000] \"GET /\"\n", "FJORD\\xqzmor logged on\n", "Account: FJORD\\xqzmor\n", "\"FJORD\\\\xqzmor\"", "BUILD01\\xqzmor started it\n",
		"owner: CORP\\tkim\n", "xqzmor:$apr1$abcdefgh$0123456789abcdefghijkl\n", "a\nxqzmor:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n", "xqzmor:$2y$10$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuuabcdefghijkl.\n", "db1:5432:ledger:xqzmor:dahlien\n", "*:*:*:xqzmor:dahlien\n",
		"-rw-r--r--@ 1 xqzmor  staff  4096 Nov 27 10:02 main.go\n", "USER       PID %CPU\nxqzmor  12 0.0\n", "  PID USER      PR  NI    VIRT\n 4711 xqzmor    20   0  512000\n", "COMMAND   PID  USER   FD   TYPE\nnode     4711 xqzmor   21u  IPv4\n",
		"xqzmor   pts/0        10.1.2.3         Fri Nov 27 10:02   still logged in\n", "e8a1b2c3 src/main.go (Xqzmor Brenko     2024-03-01 10:02:11 +0100  12) package main\n", "uid=501(xqzmor) gid=20(staff) groups=20(staff),12(everyone)\n", "uid=197609(FJORD+xqzmor) gid=197121\n",
		"xqzmor:x:1001:1001:Xqzmor Brenko,,,:/srv/x:/bin/bash\n", "xqzmor:*:501:20:Xqzmor Brenko:/srv/x:/bin/zsh\n", "Nov 27 10:02:11 db1 sshd[4711]: Accepted publickey for xqzmor from 10.1.2.3 port 5522 ssh2\n", "db1 sudo:   xqzmor : TTY=pts/0 ; USER=root ; COMMAND=/bin/ls\n",
		"db1 su: (to root) xqzmor on pts/0\n", "db1 CRON[4711]: (xqzmor) CMD (/bin/x)\n", "Account Name:\t\txqzmor\n",
	} {
		if out := scrubbed(t, s, text); strings.Contains(strings.ToLower(out), "xqzmor") || strings.Contains(out, "tkim") {
			t.Errorf("%q became %q", text, out)
		}
	}
}

func TestABackslashMakesNoAccount(t *testing.T) {
	unchanged(t,
		"127.0.0.1 - - [10/Oct/2024:13:55:36 +0000] \"GET / HTTP/1.1\" 200 2326\n", "import App\\Models\\Ledger;\n", "HKLM\\Software\\Microsoft\n", "NT AUTHORITY\\SYSTEM\n", "BUILTIN\\Administrators\n", "printf(\"FOO\\n\");\n", "x = \"ABC\\tdef\\nghi\"\n",
		"\\section{Intro} ABC\\label\n", "AC\\DC\n", "APP\\Http\\Controllers\n", "let re = /ABC\\d/;\n", "SRC\\main\\java\n", "\\begin{A}\\LARGE\\bf Hello\n", "AB\\nCD\n", "DOMAIN\\username\n", "IIS APPPOOL\\DefaultAppPool\n", "REGEX\\.test\n", "#define A \\\n\tMACRO\\\n\tnext\n",
		"value - min [00/01]\n", "nobody:*:-2:-2:Unprivileged User:/var/empty:/usr/bin/false\n", "root:*:0:0:System Administrator:/var/root:/bin/sh\n",
	)
}
