// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/headrace/headrace/episode"
)

// MinDevelopers is from how many developers a figure must be to be shown, and how many a team must have to be one: a figure
// for fewer would be about persons.
const MinDevelopers = 10

// Teams says who is in which team. A nil *Teams knows none.
type Teams struct {
	of    map[string]string
	small map[string]bool // teams too small to be told apart
}

// ReadTeams reads a CSV file with the columns user and team. A user may be in it under several names: the address that one
// tool knows, the login that another does, the name of the developer's certificate. A person is in one team.
func ReadTeams(path string) (*Teams, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &episode.Problem{Code: "config/teams", Message: "read the teams", Err: err, Hint: "teams: in edge.yaml names a CSV file with the columns user,team"}
	}
	defer f.Close()
	t, err := decodeTeams(f)
	if err != nil {
		return nil, &episode.Problem{Code: "config/teams", Message: path, Err: err, Hint: "a CSV file whose first line is user,team, and then one user a line: ada@example.com,payments"}
	}
	return t, nil
}

// maxTeams bounds the file: more users than the largest enterprises have.
const maxTeams = 64 << 20

func decodeTeams(r io.Reader) (*Teams, error) {
	rows := csv.NewReader(io.LimitReader(r, maxTeams))
	rows.TrimLeadingSpace = true
	head, err := rows.Read()
	if err != nil {
		return nil, fmt.Errorf("line 1: %w", err)
	}
	user, team := -1, -1
	for i, name := range head {
		switch strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff"))) {
		case "user":
			user = i
		case "team":
			team = i
		}
	}
	if user < 0 || team < 0 {
		return nil, errors.New("line 1 does not name the columns user and team")
	}
	t := &Teams{of: map[string]string{}, small: map[string]bool{}}
	size := map[string]int{}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		line, _ := rows.FieldPos(0)
		who, in := strings.ToLower(strings.TrimSpace(row[user])), strings.TrimSpace(row[team])
		if who == "" || in == "" {
			continue // who is in no team
		}
		if len(in) > 100 || strings.ContainsFunc(in, unicode.IsControl) {
			return nil, fmt.Errorf("line %d: that is no name of a team", line)
		}
		if before, twice := t.of[who]; twice && before != in {
			return nil, fmt.Errorf("line %d: a user is in two teams", line) // whom it names is in the file, not in a log
		} else if !twice {
			t.of[who] = in
			size[in]++
		}
	}
	for name, n := range size {
		t.small[name] = n < MinDevelopers
	}
	return t, nil
}

// Of returns the team of a user; empty for none, and for one that is too small to be told apart.
func (t *Teams) Of(user string) string {
	if t == nil {
		return ""
	}
	team := t.of[strings.ToLower(strings.TrimSpace(user))]
	if t.small[team] {
		return ""
	}
	return team
}
