// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"slices"
	"strings"
	"testing"
)

func TestWhatProgramsPrintNamesNobody(t *testing.T) {
	s := newScrubber(t, Config{})
	for text, want := range map[string]string{
		"-rw-r--r--  1 tkim staff   4096 Nov 27 10:02 main.go\n":                                                         "user tkim",
		"drwxrwxr-x 14 xqzmor xqzmor 4096 2026-11-20 09:13 build\n":                                                      "user xqzmor",
		"-rw-r--r-- xqzmor/users 12 2026-11-20 09:13 a.txt\n":                                                            "user xqzmor",
		"uid=1001(xqzmor) gid=1001(xqzmor) groups=1001(xqzmor),27(sudo),1007(brenda)\n":                                  "user brenda",
		"Access: (0644/-rw-r--r--)  Uid: ( 1000/  xqzmor)   Gid: ( 1000/  xqzmor)\n":                                     "user xqzmor",
		"root:x:0:0:root:/root:/bin/bash\nxqzmor:x:1001:1001::/srv/x:/bin/sh\n":                                          "user xqzmor",
		"ledger:x:1005:tkim,xqzmor\n":                                                                                    "user xqzmor",
		"xqzmor:!:19000:0:99999:7:::\n":                                                                                  "user xqzmor",
		"xqzmor    4711  0.3  1.2 512000 10240 pts/0    Sl+  10:02   0:01 node\n":                                        "user xqzmor",
		"UID          PID    PPID  C STIME TTY          TIME CMD\nxqzmor      2113       1  0 10:02 ?        00:00:01 x": "user xqzmor",
		"xqzmor   tty2         2026-11-27 08:11 (tty2)\n":                                                                "user xqzmor",
		"$ whoami\nxqzmor\n$ ls\n":                                                                                       "user xqzmor",
		"sudo chown -R xqzmor:xqzmor /opt/ledger\n":                                                                      "user xqzmor",
		"$ su xqzmor -c 'make'\n":                                                                                        "user xqzmor",
		"sudo -iu xqzmor\n":                                                                                              "user xqzmor",
		"RUN useradd -m -s /bin/bash xqzmor\n":                                                                           "user xqzmor",
		"usermod -aG docker xqzmor\n":                                                                                    "user xqzmor",
		"ssh -l xqzmor 10.1.2.3\n":                                                                                       "user xqzmor",
		"ssh xqzmor@build\n":                                                                                             "user xqzmor",
		"xqzmor@build:~/src$ make\n":                                                                                     "user xqzmor",
		"[xqzmor@build src]$ make\n":                                                                                     "user xqzmor",
		"git checkout -b feature/tkim/login\n":                                                                           "user tkim",
		"On branch users/xqzmor/payments\n":                                                                              "user xqzmor",
		"  remotes/origin/tkim/cache\n":                                                                                  "user tkim",
		"Merge pull request #12 from tkim/fix-login\n":                                                                   "user tkim",
		"e8a1b2c3 (xqzmor            2024-03-01 10:02:11 +0100  1) package main\n":                                       "user xqzmor",
		"e8a1b2c3 (Xqzmor Brenko     2024-03-01 10:02:11 +0100  1) package main\n":                                       "person Xqzmor Brenko",
		"r1234 | xqzmor | 2024-03-01 10:02:11 +0100 (Fri, 01 Mar 2024) | 2 lines\n":                                      "user xqzmor",
		"*.go @xqzmor @fjord/payments\n":                                                                                 "user fjord/payments",
	} {
		if got := kindsAt(t, s, text); !slices.Contains(got, want) {
			t.Errorf("%q: found %q, not %q", text, got, want)
		}
		out := scrubbed(t, s, text)
		if _, account, _ := strings.Cut(want, " "); strings.Contains(out, account) || scrubbed(t, s, out) != out {
			t.Errorf("%q became %q", text, out)
		}
	}
}

func TestWhoSaidSomethingIsNotTold(t *testing.T) {
	s := newScrubber(t, Config{})
	for text, want := range map[string]string{
		"cc @xqzmor please have a look\n":                                  "user xqzmor",
		"@tkim can you review this?\n":                                     "user tkim",
		"Looks good to me, but let us see what @xqzmor thinks about it.\n": "user xqzmor",
		"Reviewed-by: bob\n":                                               "user bob",
		"Co-authored-by: xqzmor\n":                                         "user xqzmor",
		"Signed-off-by: bob <bob@fjord.io>\n":                              "user bob",
		"Tested-by: ana souza <ana@fjord.io>\n":                            "person ana souza",
		"author bob <bob@fjord.io> 1594539282 -0700\n":                     "user bob",
		"Author: rose\n":                                                   "user rose",
		`{"assignee": "bob"}`:                                              "user bob",
		"// TODO(bob): fix\n":                                              "user bob",
		"# FIXME bob: this is broken\n":                                    "user bob",
		"// changed by tkim on 2021-05-12\n":                               "user tkim",
		"// xq 2024-03-01: changed the limit\n":                            "user xq",
		"# 2024-03-01 tkim: raised the limit\n":                            "user tkim",
		"[10:32] Bob Miller: can you restart it?\n":                        "person Bob Miller",
		"[10:32:11] tkim: pushed\n":                                        "user tkim",
		"10:35 <tkim> it works now\n":                                      "user tkim",
		"Piet Havenaar  10:34 AM\nit works now\n":                          "person Piet Havenaar",
		"It works now.\n\nBest regards,\nXqzmor\n":                         "person Xqzmor",
		"Es geht wieder.\n\nMit freundlichen Grüßen\ni.A. Xqzmor Brenko\n": "person Xqzmor Brenko",
		"assigned to tkim, who is on leave\n":                              "user tkim",
	} {
		if got := kindsAt(t, s, text); !slices.Contains(got, want) {
			t.Errorf("%q: found %q, not %q", text, got, want)
		}
	}
}

func TestWhatEverySystemHasStays(t *testing.T) {
	s := newScrubber(t, Config{})
	for _, text := range []string{
		"-rw-r--r-- 1 root root 4096 Nov 27 10:02 main.go\ndrwxr-xr-x 2 www-data www-data 4096 Nov 27 10:02 build\n",
		"uid=0(root) gid=0(root) groups=0(root),27(sudo)\n",
		"root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\nsudo:x:27:\n",
		"root         1  0.0  0.1 168000 11000 ?        Ss   10:02   0:02 /sbin/init\n",
		"sudo chown -R root:root /opt\nRUN useradd nginx\nsudo -u postgres psql\n",
		"import { x } from '@angular/core'\n@dataclass\nclass Range:\n\t@property\n\tdef low(self): ...\n",
		"/**\n * @param name the name\n * @inheritDoc\n * @psalm-return int\n */\n",
		"git checkout -b feature/login/form\ngit checkout main\ngit push origin HEAD:refs/heads/release/2.4\n",
		"created by webpack, triggered by the scheduler, closed by kubelet\n",
		"[10:32:11] INFO: started\n[10:32:12] Building: done\n10:35 ERROR failed\n",
		"var (\n\tfirst,\n\tbest,\n\tworst int\n)\n",
		"//go:cgo_import_dynamic libc_getlogin login \"libc.so\"\n",
	} {
		if out := scrubbed(t, s, text); out != text {
			t.Errorf("%q became %q", text, out)
		}
	}
}
