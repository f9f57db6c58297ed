// SPDX-License-Identifier: Apache-2.0

package gitlog

const (
	// maxSpan is how many commits a request or a check may be about: of more, it says nothing about any one of them.
	maxSpan = 250
	// maxBlame is how many commits back a line is followed to the one that wrote it.
	maxBlame = 1000
)

// spans tells which commits a report on a commit is about: those that its branch has and the default branch did not.
type spans struct {
	order  []*Change // parents first
	at     map[string]int
	main   map[string]bool   // commits of the default branch itself
	bases  map[string]string // of a request's newest commit, where the forge said it
	pushed map[string]string // of the newest commit of a push to the default branch, the one before the push
	known  map[string]map[string]bool
}

func newSpans(h *History) *spans {
	f := &follower{h: h, byID: map[string]*Change{}}
	for i := range h.Changes {
		f.byID[h.Changes[i].ID] = &h.Changes[i]
	}
	f.sort()
	s := &spans{order: f.order, at: map[string]int{}, main: map[string]bool{}, bases: map[string]string{}, pushed: map[string]string{}, known: map[string]map[string]bool{}}
	for i, c := range f.order {
		s.at[c.ID] = i
	}
	for _, c := range f.mainline() {
		s.main[c.ID] = true
	}
	return s
}

// has reports whether a commit is known.
func (s *spans) has(id string) bool { _, known := s.at[id]; return known }

// of is the commits that a report on tip is about, none where tip is not known.
//
// On a branch they are those back to the base, or to the default branch. On the default branch they are what the push
// brought that ended with tip; where that is not known, tip alone, with what it merged.
func (s *spans) of(tip string) map[string]bool {
	if span, known := s.known[tip]; known {
		return span
	}
	var span map[string]bool
	if i, known := s.at[tip]; known {
		base := s.bases[tip]
		if c := s.order[i]; s.main[tip] {
			base = s.pushed[tip]
			if !s.has(base) && len(c.Parents) > 0 {
				base = c.Parents[0]
			}
		}
		span = s.between(base, tip)
	}
	s.known[tip] = span
	return span
}

// between is the commits that tip has and base has not, up to those of the default branch unless tip is one itself.
func (s *spans) between(base, tip string) map[string]bool {
	const (
		wanted  = 1
		outside = 2
	)
	marks := map[string]uint8{tip: wanted}
	open := 1 // commits that are wanted, not outside, and not looked at
	mark := func(id string, m uint8) {
		was := marks[id]
		if !s.has(id) || was&m == m {
			return
		}
		marks[id] = was | m
		switch {
		case was == 0 && m == wanted:
			open++
		case was == wanted:
			open--
		}
	}
	mark(base, outside)
	span := map[string]bool{}
	for i := max(s.at[tip], s.at[base]); i >= 0 && open > 0; i-- {
		c := s.order[i]
		m := marks[c.ID]
		if m == wanted {
			open--
			if s.main[c.ID] && !s.main[tip] {
				m = outside
			} else if span[c.ID] = true; len(span) > maxSpan {
				return map[string]bool{tip: true}
			}
		}
		if m&outside != 0 {
			m = outside
		}
		for _, p := range c.Parents {
			if m != 0 {
				mark(p, m)
			}
		}
	}
	return span
}

// landing is the commits of the default branch itself as which a request came in that was merged with a commit.
func (s *spans) landing(merge string) (list []string) {
	base := s.pushed[merge]
	for id := merge; s.main[id] && id != base; {
		list = append(list, id)
		c := s.order[s.at[id]]
		if !s.main[base] || len(c.Parents) == 0 {
			break
		}
		if len(list) > maxSpan {
			return list[:1]
		}
		id = c.Parents[0]
	}
	return list
}

// written is a line where a commit wrote it.
type written struct {
	commit string
	file   uint64
	line   int
}

// blame is the commit that wrote a line of a file as it is in a commit, and the line there.
func (s *spans) blame(commit string, file uint64, line int) (written, bool) {
	for range maxBlame {
		i, known := s.at[commit]
		if !known || line < 1 {
			break
		}
		c := s.order[i]
		for k := range c.Files {
			f := &c.Files[k]
			if f.New != file {
				continue
			}
			shift := 0
			for _, h := range f.Hunks {
				if line >= h.New && line < h.New+len(h.Added) {
					return written{commit, file, line}, true
				}
				if line >= h.New+len(h.Added) {
					shift += h.Removed - len(h.Added)
				}
			}
			file, line = f.Old, line+shift
			break
		}
		if file == 0 || len(c.Parents) == 0 {
			break
		}
		commit = c.Parents[0]
	}
	return written{}, false
}
