// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// levelArgs are the levels of text, and how scrub is asked for them.
func levelArgs() []struct {
	name string
	args []string
} {
	return []struct {
		name string
		args []string
	}{{"clean", nil}, {"masked", []string{"--level", "masked"}}}
}

// measureUtility says what is lost to those who learn from what leaves: how well acceptance is foretold from text, and how
// well a language model that was trained on it knows code that nobody touched.
func measureUtility(ctx context.Context, b *bench) ([]row, error) {
	rows, err := b.measureLift(ctx)
	if err != nil {
		rows = append(rows, row{ID: "utility/lift", Note: "not measured: " + err.Error()})
	}
	loss, err := b.measureLoss(ctx)
	return append(rows, loss...), err
}

// choice is a recorded suggestion that somebody took or not.
type choice struct {
	User       int     `json:"user"`
	Accepted   float64 `json:"accepted"`
	Prompt     string  `json:"prompt"`
	Suggestion string  `json:"suggestion"`
}

func (b *bench) choices() (all []choice, err error) {
	path, err := b.shared("learn-data/coderec/decisions.jsonl")
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for in := json.NewDecoder(bufio.NewReader(f)); ; {
		var c choice
		if err := in.Decode(&c); err == io.EOF {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
}

// lowerTexts scrubs texts to a level. One that was set aside comes out empty.
func (b *bench) lowerTexts(ctx context.Context, docs []document, args []string) (texts []string, dropped int, err error) {
	s, texts, err := b.scrubbedText(ctx, docs, args...)
	if err != nil {
		return nil, 0, err
	}
	for _, d := range s.dropped {
		dropped += index01(d)
	}
	return texts, dropped, nil
}

// measureLift trains on the recorded choices of all developers but a fifth, and foretells those of the fifth: from the text
// as it was, and as it leaves.
func (b *bench) measureLift(ctx context.Context) ([]row, error) {
	all, err := b.choices()
	if err != nil {
		return nil, err
	}
	draws := 5000
	if b.quick {
		draws = 500
	}
	docs := make([]document, 0, 2*len(all))
	for _, c := range all {
		docs = append(docs, document{Text: c.Prompt, Path: "prompt.py"}, document{Text: c.Suggestion, Path: "suggestion.py"})
	}
	raw := make([]vector, len(all))
	for i := range all {
		raw[i] = textFeatures(docs[2*i].Text, docs[2*i+1].Text)
	}
	before := foretell(all, raw, raw)
	rawAUC := auc(all, before, nil)
	var rows []row
	for _, level := range levelArgs() {
		id := "utility/lift/" + level.name
		texts, dropped, err := b.lowerTexts(ctx, docs, level.args)
		if err != nil {
			rows = append(rows, row{ID: id, Unit: "AUC difference, lower 95 %", Note: "not measured: " + err.Error()})
			continue
		}
		left, changed := make([]vector, len(all)), 0
		for i := range all {
			left[i] = textFeatures(texts[2*i], texts[2*i+1])
			changed += index01(texts[2*i] != docs[2*i].Text || texts[2*i+1] != docs[2*i+1].Text)
		}
		for _, ask := range []struct {
			id, note string
			of       []vector
		}{{id, "trained and asked on text as it leaves", left}, {id + "/asked-raw", "trained on text as it leaves, asked on text as it was", raw}} {
			after := foretell(all, left, ask.of)
			low, mid := pairedByUser(all, before, after, draws)
			rows = append(rows, row{ID: ask.id, Ours: figure(low), Unit: "AUC difference, lower 95 %", N: len(all), Seed: liftSeed,
				Note: fmt.Sprintf("%s; AUC %.4f, from raw text %.4f, difference %+.4f (median %+.4f) over %d draws of %d developers; %d choices changed by the filter, %d texts set aside", ask.note, auc(all, after, nil), rawAUC, auc(all, after, nil)-rawAUC, mid, draws, users(all), changed, dropped)})
		}
	}
	return rows, nil
}

func users(all []choice) int {
	seen := map[int]bool{}
	for _, c := range all {
		seen[c.User] = true
	}
	return len(seen)
}

// measureLoss trains a language model of bytes (kneserney.go) on code as it was and as it leaves, and asks both how many bits a byte
// of code that was held out, as it was, costs them. Held out are whole repositories, and half of the sessions and developers.
func (b *bench) measureLoss(ctx context.Context) ([]row, error) {
	most, order := 12<<20, 6
	if b.quick {
		most, order = 1<<20, 5
	}
	train, heldFiles, err := b.code(most)
	if err != nil {
		return nil, err
	}
	keptTrain, heldKept, err := b.keptCode(ctx)
	if err != nil {
		return nil, err
	}
	train = append(train, keptTrain...)
	model := newKneserNey(order)
	for _, d := range train {
		model.learn(d.Text)
	}
	rawKept, rawFiles := model.bits(heldKept), model.bits(heldFiles)
	var rows []row
	for _, level := range levelArgs() {
		id := "utility/loss/" + level.name
		texts, dropped, err := b.lowerTexts(ctx, train, level.args)
		if err != nil {
			rows = append(rows, row{ID: id, Unit: "% more loss", Note: "not measured: " + err.Error()})
			continue
		}
		model := newKneserNey(order)
		for _, text := range texts {
			model.learn(text)
		}
		for _, on := range []struct {
			id, note string
			held     []document
			raw      float64
		}{{id, "code that was kept in recorded sessions and by recorded developers", heldKept, rawKept}, {id + "/files", "files of other repositories", heldFiles, rawFiles}} {
			loss := model.bits(on.held)
			rows = append(rows, row{ID: on.id, Ours: figure(100 * (loss/on.raw - 1)), Unit: "% more loss", N: len(on.held),
				Note: fmt.Sprintf("%.4f bits a byte of raw held-out code beside %.4f when trained on raw: %.2f MB of %s; interpolated Kneser–Ney over bytes, order %d, trained on %.1f MB; %d texts set aside", loss, on.raw, megabytes(on.held), on.note, order, megabytes(train), dropped)})
		}
	}
	return rows, nil
}

// code are real source files, of repositories to train on and of repositories that are held out.
func (b *bench) code(most int) (train, held []document, err error) {
	files, _, err := b.credFiles()
	if err != nil {
		return nil, nil, err
	}
	exts := strings.Fields(".go .py .js .ts .tsx .java .cs .c .h .cc .cpp .rs .rb .php .sql .sh .kt .swift .scala")
	files = slices.DeleteFunc(files, func(f credFile) bool {
		return !slices.Contains(exts, filepath.Ext(f.Path)) || len(f.Text) > 100<<10
	})
	total := megabytes(documents(files)) * 1e6
	if part := float64(most) / total; part < 1 {
		files = some(files, int(part*float64(len(files))))
	}
	for _, f := range files {
		if heldOut(f.repo, 5) {
			held = append(held, f.document)
		} else {
			train = append(train, f.document)
		}
	}
	if len(train) == 0 || len(held) == 0 {
		return nil, nil, errNothing
	}
	return train, held, nil
}

// heldOut says whether what has this name is in the part, one of so many, that is held out.
func heldOut(name string, of uint32) bool {
	h := fnv.New32a()
	io.WriteString(h, name)
	return h.Sum32()%of == 0
}

// keptCode are suggestions that somebody took: of the recorded sessions of Claude Code, and of recorded developers.
func (b *bench) keptCode(ctx context.Context) (train, held []document, err error) {
	add := func(whose, path, text string) {
		if d := (document{Text: text, Path: path}); heldOut(whose, 2) {
			held = append(held, d)
		} else {
			train = append(train, d)
		}
	}
	dir, err := b.shared("corpus/claude-code")
	if err != nil {
		return nil, nil, err
	}
	out := filepath.Join(b.temp, "kept.jsonl")
	if err := b.pipe(ctx, "kept", nil, out, "read", dir); err != nil {
		return nil, nil, err
	}
	raw, err := os.ReadFile(out)
	if err != nil {
		return nil, nil, err
	}
	for line := range bytes.Lines(raw) {
		var e struct {
			Session     string
			Suggestions []struct{ ID, Path, After string }
			Decisions   []struct{ Suggestion, Verdict string }
		}
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, nil, err
		}
		taken := map[string]bool{}
		for _, d := range e.Decisions {
			taken[d.Suggestion] = d.Verdict == "accepted" || d.Verdict == "modified"
		}
		for _, s := range e.Suggestions {
			if taken[s.ID] && s.After != "" {
				add(e.Session, s.Path, s.After)
			}
		}
	}
	choices, err := b.choices()
	for _, c := range choices {
		if c.Accepted > 0 {
			add(fmt.Sprintf("developer %d", c.User), "suggestion.py", c.Suggestion)
		}
	}
	if len(held) == 0 {
		err = errors.Join(err, errNothing)
	}
	return train, held, err
}
