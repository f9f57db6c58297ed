// SPDX-License-Identifier: Apache-2.0

package episode

// Lines are the canonical forms of episodes, kept in memory side by side in large pieces: one piece for each would cost more
// than to make the form. The zero Lines is empty.
type Lines struct {
	list [][]byte
	size int
	form []byte // of the last episode
	room []byte // what is left of the last piece
}

// pieceSize is how large a piece is; a form that takes a large part of one gets its own.
const pieceSize = 1 << 20

// Add adds the form of e.
func (l *Lines) Add(e *Episode) (err error) {
	if l.form, err = AppendCanonical(l.form[:0], e); err != nil {
		return err
	}
	n := len(l.form)
	if n > len(l.room) {
		if n > pieceSize/8 {
			l.list, l.size = append(l.list, append([]byte(nil), l.form...)), l.size+n+1
			return nil
		}
		l.room = make([]byte, pieceSize)
	}
	copy(l.room, l.form)
	l.list, l.size = append(l.list, l.room[:n:n]), l.size+n+1
	l.room = l.room[n:]
	return nil
}

// All returns the forms in the order in which they were added. They must not be changed.
func (l *Lines) All() [][]byte { return l.list }

// Size is how many bytes they are as lines, each with its end.
func (l *Lines) Size() int { return l.size }
