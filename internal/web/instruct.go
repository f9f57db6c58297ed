// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"net/http"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/access"
)

// InstructionSource is a source of releases that change instruction files. None is tried before a person has approved its diff.
type InstructionSource interface {
	Instructions(ctx context.Context) ([]Instruction, error)
	Instruction(ctx context.Context, id string) (*Instruction, error)
	// DecideInstruction approves or refuses one that waits; StopInstruction ends its trial.
	DecideInstruction(ctx context.Context, who, id string, choice Choice) error
	StopInstruction(ctx context.Context, who, id string) error
}

// Instruction is a change of instruction files, from the proposal to what became of its trial.
type Instruction struct {
	ID      string
	At      time.Time // proposed
	Title   string    // "Add CLAUDE.md"
	State   string    // "waiting", "on trial", "kept", "dropped", "refused", "stopped"
	Why     string    // why it is in that state, one sentence
	Decided string    // by whom it was approved or refused
	Gate    string    // id of the report that judged the trial
	Release string    // id of the release, where there is one
	Changes []Change
	// Evidence is why it was proposed. It is from watching, not from a trial.
	Evidence *Evidence
	Trial    *Trial
}

// Change is one file before and after. A file that is new has no Before.
type Change struct{ File, Before, After string }

// Evidence is the difference between work with the file in force and without, as far as watching can tell.
type Evidence struct {
	Difference   Estimate
	Adjusted     string // for what: "developer, language, size of the task"
	Repositories int
}

// Trial compares developers, drawn at random, who have the change with those who have not.
type Trial struct {
	From    time.Time
	By      string // "developer" or "repository"
	Outcome string // what counts: "reward balanced", …
	With    Arm
	Without Arm
	Looks   []Look
	Needs   int // more developers in each arm before anything is said; 0: enough
}

// Arm is one side of a trial.
type Arm struct {
	Developers int
	Decisions  int
	Mean       Estimate
}

type instructionData struct {
	*Instruction
	Arms, Evident *plot
	Watch         *chart
	Last          *Look
}

func (s *Site) instructionPages(m *access.Mux, src InstructionSource) {
	m.Handle("GET /instructions", s.page("instructions", func(r *http.Request) (view, error) {
		l, err := src.Instructions(r.Context())
		return view{Title: "Instructions", Data: l}, err
	}))
	m.Handle("GET /instructions/{id}", s.page("instruction", func(r *http.Request) (view, error) {
		i, err := src.Instruction(r.Context(), r.PathValue("id"))
		if err != nil {
			return view{}, err
		}
		return view{Title: i.Title, Data: instructionDataOf(i)}, nil
	}))
	m.Handle("POST /instructions/{id}", s.act(func(r *http.Request) (string, error) {
		if err := r.ParseForm(); err != nil {
			return "", badForm(err)
		}
		id := r.PathValue("id")
		switch c := r.PostForm.Get("choice"); c {
		case string(Approve), string(Refuse):
			return to("instructions", id), src.DecideInstruction(r.Context(), who(r), id, Choice(c))
		case "stop":
			return to("instructions", id), src.StopInstruction(r.Context(), who(r), id)
		}
		return "", &episode.Problem{Code: "page/choice", Message: "a change of instructions can be approved, refused, or stopped", Hint: "open its page again and use its buttons"}
	}))
}

func instructionDataOf(i *Instruction) instructionData {
	d := instructionData{Instruction: i}
	if e := i.Evidence; e != nil {
		d.Evident = newPlot(plotOf{ID: "evident", Title: "Difference with the file in force, from watching", Say: signed, Rows: []plotted{{Name: "With the file, less without", E: e.Difference, Main: true}},
			Note: "Reward per decision, with the file less without it. Right of the line at 0 work with the file fared better; that alone is no proof that the file is why."})
	}
	t := i.Trial
	if t == nil {
		return d
	}
	d.Arms = newPlot(plotOf{ID: "arms", Title: "Both arms of the trial", Say: unsigned, Rows: []plotted{{Name: "Without the change", E: t.Without.Mean}, {Name: "With the change", E: t.With.Mean, Main: true}},
		Note: "Mean reward per decision in each arm; the bars are 95 % intervals."})
	c := chartOf{ID: "trial", Title: "Difference between the arms over time", Height: 170, Zero: true, Say: signed, At: xDay, Ticks: 4,
		Note: "Reward per decision, with the change less without, over the days of the trial. The band holds at all looks together. Wholly above 0: kept. Wholly below: dropped."}
	for _, l := range t.Looks {
		c.Points = append(c.Points, charted{X: xOf(l.At), E: l.Difference})
	}
	d.Watch = newChart(c)
	if n := len(t.Looks); n > 0 {
		d.Last = &t.Looks[n-1]
	}
	return d
}
