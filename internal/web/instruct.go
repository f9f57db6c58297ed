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
	// TryInstruction gives one that waits to half of the developers, for a trial; seen is the digest of what the person saw.
	TryInstruction(ctx context.Context, who, id, seen string) error
	// KeepInstruction gives one that has passed its trial to all.
	KeepInstruction(ctx context.Context, who, id string) error
	// RefuseInstruction says no to one, or takes it from everybody who has it.
	RefuseInstruction(ctx context.Context, who, id string) error
}

// Instruction is a change of instructions, from the offer to what became of its trial.
type Instruction struct {
	ID    string
	At    time.Time // offered
	Title string
	// State is "offered", "trying", "passed", "kept", "dropped", "stopped" or "declined".
	State   string
	Why     string // what speaks for it
	Said    string // what was said of it last, and by whom; or empty
	Problem string // why it cannot be tried; or empty
	Seen    string // digest of what the page shows
	Hub     string // whose, where the edge knows several hubs
	Changes []Change
	// Evidence is why it was offered, in numbers. It is from watching, not from a trial.
	Evidence *Evidence
	Trial    *Trial
}

// Waits says that a person is asked.
func (i *Instruction) Waits() bool { return i.State == "offered" || i.State == "passed" }

// Has says that somebody has it now, and nobody is asked.
func (i *Instruction) Has() bool { return i.State == "trying" || i.State == "kept" }

// Standing says where it stands in a few words.
func (i *Instruction) Standing() string {
	switch i.State {
	case "offered":
		return "waits for you"
	case "trying":
		return "on trial"
	case "passed":
		return "passed, waits for you"
	case "kept":
		return "passed, all have it"
	}
	return i.State
}

// Change is a unified diff, and of what: the words that a model is told, or the files of a repository.
type Change struct {
	Where   string
	Diff    string
	Problem string // why there is none
}

// Evidence is the difference between work with the file in force and without, as far as watching can tell.
type Evidence struct {
	Difference Estimate
	Adjusted   string // for what: "developer, language and size of the suggestion"
}

// Trial compares developers, drawn at random, who have the change with those who have not.
type Trial struct {
	From  time.Time
	Until time.Time // zero while it goes on
	Share float64   // of developers who have the change
	// Due is the first day on which the gate can judge it; zero where that is not known yet.
	Due           time.Time
	Without, With *Arm   // as last told; nil before anything is
	Looks         []Look // at the difference, with the change less without: each interval holds by itself
	Judged        *Gate  // the report that judged it; nil while none has
}

// Arm is one side of a trial: how many have come into it, of how many decisions all is known that becomes of them, and the mean
// reward, in which the rest is estimated until the trial is judged.
type Arm struct {
	Developers, Decisions, Known int
	Reward                       Estimate
}

type instructionData struct {
	*Instruction
	Arms, Evident *plot
	Watch         *chart
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
		switch r.PostForm.Get("choice") {
		case "try":
			return to("instructions", id), src.TryInstruction(r.Context(), who(r), id, r.PostForm.Get("seen"))
		case "keep":
			return to("instructions", id), src.KeepInstruction(r.Context(), who(r), id)
		case "stop":
			return to("instructions", id), src.RefuseInstruction(r.Context(), who(r), id)
		}
		return "", &episode.Problem{Code: "page/choice", Message: "a change of instructions can be tried, kept, refused and stopped", Hint: "open its page again and use its buttons"}
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
	if t.With != nil && t.Without != nil {
		d.Arms = newPlot(plotOf{ID: "arms", Title: "Both arms of the trial", Say: unsigned, Rows: []plotted{{Name: "Without the change", E: t.Without.Reward}, {Name: "With the change", E: t.With.Reward, Main: true}},
			Note: "Mean reward per decision in each arm; the bars are 95 % intervals."})
	}
	c := chartOf{ID: "trial", Title: "Difference between the arms, week by week", Height: 170, Zero: true, Say: signed, At: xDay, Ticks: 4,
		Note: "Reward per decision, with the change less without. The band is the 95 % interval of each week by itself. It decides nothing: the gate looks once, at the end."}
	for _, l := range t.Looks {
		c.Points = append(c.Points, charted{X: xOf(l.At), E: l.Difference})
	}
	d.Watch = newChart(c)
	return d
}
