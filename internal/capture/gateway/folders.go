// SPDX-License-Identifier: Apache-2.0

package gateway

import "sync"

// maxFolders bounds the sessions whose folders are remembered. The folder of one that was forgotten is not known.
const maxFolders = 4096

// Folders remembers in which folder each session works, for what a tool asks by itself without saying where. The zero Folders knows none.
// It is safe for concurrent use.
type Folders struct {
	mu sync.Mutex
	of map[string]string // under mu, by developer, tool and session
}

// known is the folder of a session: the one that a request tells, or, where it tells none, the one that was told before.
func (f *Folders) known(session, told string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if told == "" {
		return f.of[session]
	}
	if f.of == nil || len(f.of) >= maxFolders {
		f.of = map[string]string{}
	}
	f.of[session] = told
	return told
}
