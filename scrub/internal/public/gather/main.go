// SPDX-License-Identifier: Apache-2.0

// Command gather makes the list of public words, and the filter made from it.
//
//	gather -filter words.txt
//		writes words.xor from words.txt.
//	gather -words words.txt [-known FILE] [-names FILE] [-english FILE] [-publishers 5] [-standard DIR]… DIR…
//		writes words.txt from the source files below the folders.
//
// Each entry of a DIR is a package; those whose names begin alike are of one publisher, so that a family of packages
// counts once. A word is public if enough publishers use it: the given number where a dictionary of English has it or a
// standard library (comments apart) uses it, and twice as many else, or more where it is short. Names of people are left
// out unless the dictionary has them in small letters (baker). What known.yaml lists is public whoever uses it.
package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/headrace/headrace/scrub/internal/public"
)

func main() {
	filter := flag.String("filter", "", "write the filter of this list of words")
	words := flag.String("words", "", "write the list of words here")
	names := flag.String("names", "", "names of people, one a line")
	english := flag.String("english", "", "English words, one a line")
	hand := flag.String("known", "gather/known.yaml", "words that are public whoever uses them")
	publishers := flag.Int("publishers", 5, "how many publishers make a word public")
	var standard []string
	flag.Func("standard", "a folder of a standard library", func(s string) error { standard = append(standard, s); return nil })
	flag.Parse()
	var err error
	if *filter != "" {
		err = writeFilter(*filter)
	} else {
		err = writeWords(*words, *names, *english, *hand, *publishers, standard, flag.Args())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gather:", err)
		os.Exit(1)
	}
}

func writeFilter(path string) error {
	list, err := lines(path)
	if err != nil {
		return err
	}
	f, err := public.Filter(list)
	if err != nil {
		return err
	}
	return os.WriteFile(strings.TrimSuffix(path, ".txt")+".xor", f, 0o644)
}

func writeWords(path, names, english, hand string, least int, standard, dirs []string) error {
	known := counts{}
	for _, dir := range standard {
		if err := known.add([]string{dir}, true); err != nil {
			return err
		}
	}
	by := map[string][]string{}
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if e.IsDir() {
				name := publisher(e.Name())
				by[name] = append(by[name], filepath.Join(dir, e.Name()))
			}
		}
	}
	c := maps.Clone(known)
	for _, packages := range by {
		if err := c.add(packages, false); err != nil {
			return err
		}
	}
	people, err := lines(names)
	if err != nil {
		return err
	}
	byHand, err := os.ReadFile(hand)
	if err != nil {
		return err
	}
	dictionary, err := lines(english)
	if err != nil {
		return err
	}
	isName, isWord := set(people, strings.ToLower), set(dictionary, func(s string) string { return s })
	var list []string
	for w, n := range c {
		need := 2*least + 8*max(0, 5-len(w)) // short words are few: chance alone finds most of them in some places
		if isWord[w] || known[w] > 0 {
			need = least
		}
		if isName[w] && !isWord[w] {
			if need = 16 * least; len(w) > 4 {
				continue
			}
		}
		if n >= need {
			list = append(list, w)
		}
	}
	always := map[string]struct{}{}
	take(always, byHand, false)
	list = slices.AppendSeq(list, maps.Keys(always))
	slices.Sort(list)
	list = slices.Compact(list)
	return os.WriteFile(path, []byte(strings.Join(list, "\n")+"\n"), 0o644)
}

// publisher returns what packages of one family have in common.
func publisher(name string) string {
	name = strings.ToLower(strings.TrimPrefix(name, "@"))
	if i := strings.IndexAny(name, "-_.@+0123456789"); i > 1 {
		name = name[:i]
	}
	return name
}

// counts is by how many publishers each word is used.
type counts map[string]int

// enough is how much of one package is read: what is common stands early on.
const enough = 16 << 20

// add counts the words of one publisher's folders.
func (c counts) add(dirs []string, standard bool) error {
	used := map[string]struct{}{}
	for _, dir := range dirs {
		left := enough
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			name := strings.ToLower(d.Name())
			if d.IsDir() {
				switch name {
				case "vendor", "node_modules", "testdata", "test", "tests", "fixtures", "locale", "locales", "i18n", "translations", "lang":
					if path != dir {
						return fs.SkipDir
					}
				}
				return nil
			}
			if !d.Type().IsRegular() || !source(name) || strings.Contains(name, "test") || strings.Contains(name, ".min.") {
				return nil
			}
			info, err := d.Info()
			if err != nil || info.Size() > 1<<20 {
				return err
			}
			if left -= int(info.Size()); left < 0 && !standard {
				return fs.SkipAll
			}
			text, err := os.ReadFile(path)
			take(used, text, standard)
			return err
		})
		if err != nil {
			return err
		}
	}
	for w := range used {
		c[w]++
	}
	return nil
}

// source reports names of files of code.
func source(name string) bool {
	switch filepath.Ext(name) {
	case ".go", ".py", ".pyi", ".js", ".mjs", ".cjs", ".ts", ".tsx", ".jsx", ".java", ".kt", ".scala", ".cs", ".c", ".h", ".cc", ".cpp", ".hpp", ".hh",
		".rs", ".rb", ".php", ".sql", ".sh", ".bash", ".yaml", ".yml", ".tf", ".proto", ".graphql", ".css", ".scss", ".vue", ".swift":
		return true
	}
	return false
}

// take takes the words of one text; of a standard library, those of its comments are left out, which name people.
func take(used map[string]struct{}, text []byte, standard bool) {
	var word [longest]byte
	for line := range bytes.Lines(text) {
		if len(line) > 400 || standard && comment(line) {
			continue
		}
		for i := 0; i < len(line); {
			if !public.Starts(line, i) {
				i++
				continue
			}
			run := i
			for run < len(line) && (line[run]-'0' < 10 || line[run]|0x20-'a' < 26) {
				run++
			}
			if random(line[i:run]) {
				i = run
				continue
			}
			end := public.Word(line, i)
			if w := lower(word[:0], line[i:end]); len(w) > 2 {
				if _, ok := used[string(w)]; !ok {
					used[string(w)] = struct{}{}
				}
			}
			i = end
		}
	}
}

func comment(line []byte) bool {
	t := bytes.TrimLeft(line, " \t")
	return len(t) > 1 && (t[0] == '#' || t[0] == '*' || t[0] == ';' || t[0] == '/' && t[1] == '/' || t[0] == '-' && t[1] == '-')
}

// longest is the length of the longest word listed.
const longest = 24

// lower appends a word in small letters, or nothing where it is too long or has others than those of ASCII.
func lower(dst, word []byte) []byte {
	if len(word) > longest {
		return nil
	}
	for _, c := range word {
		if c |= 0x20; c-'a' >= 26 {
			return nil
		}
		dst = append(dst, c|0x20)
	}
	return dst
}

// random reports runs of letters and digits that are no words: keys, digests, encoded data.
func random(run []byte) bool {
	turns := 0
	for i := 1; i < len(run); i++ {
		if (run[i]-'0' < 10) != (run[i-1]-'0' < 10) {
			turns++
		}
	}
	return turns > 3 || turns > 1 && len(run) > 24 || len(run) > 60
}

func set(list []string, form func(string) string) map[string]bool {
	s := map[string]bool{}
	for _, w := range list {
		s[form(w)] = true
	}
	return s
}

// lines returns the lines of a file, none for no file.
func lines(path string) ([]string, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var list []string
	s := bufio.NewScanner(f)
	for s.Scan() {
		list = append(list, s.Text())
	}
	return list, s.Err()
}
