// SPDX-License-Identifier: Apache-2.0

// Command bigrams writes scrub/internal/score/bigrams.bin: how surprising each byte of a name is after the one before it. It reads
// the words and names of the source files under the folders it is given (the file in the repository was made from the
// Go standard library), each distinct one counted at most a few times, and leaves out what holds more than a digit in
// three, which is no name.
//
//	go run ./scrub/internal/score/bigrams $(go env GOROOT)/src > bigrams.bin
package main

import (
	"io/fs"
	"log"
	"math"
	"os"
	"path/filepath"

	"github.com/headrace/headrace/scrub/internal/score"
)

const most = 8 // times that one name counts

func main() {
	log.SetFlags(0)
	names := map[string]int{}
	for _, root := range os.Args[1:] {
		if err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && d.Name() == "testdata":
				return fs.SkipDir
			case d.IsDir():
				return nil
			}
			switch filepath.Ext(path) {
			case ".go", ".md", ".c", ".h", ".py", ".js":
			default:
				return nil
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			read(names, text)
			return nil
		}); err != nil {
			log.Fatal(err)
		}
	}
	if _, err := os.Stdout.Write(table(names)); err != nil {
		log.Fatal(err)
	}
}

// read counts the names in text.
func read(names map[string]int, text []byte) {
	start, digits := 0, 0
	for i := 0; i <= len(text); i++ {
		if i < len(text) && (score.Symbol[text[i]] != 0 || text[i] == '_') {
			if text[i] >= '0' && text[i] <= '9' {
				digits++
			}
			continue
		}
		if n := i - start; n >= 3 && n <= 60 && digits*3 <= n {
			names[string(text[start:i])]++
		}
		start, digits = i+1, 0
	}
}

// table returns, for each symbol after each other, its surprise in sixteenths of a bit.
func table(names map[string]int) []byte {
	const n = score.Symbols
	var count [n][n]float64
	for name, times := range names {
		last := byte(0)
		for i := range len(name) {
			s := score.Symbol[name[i]]
			count[last][s] += float64(min(times, most))
			last = s
		}
	}
	out := make([]byte, n*n)
	for a := range n {
		sum := 0.0
		for _, c := range count[a] {
			sum += c + 0.5
		}
		for b, c := range count[a] {
			out[a*n+b] = byte(min(255, math.Round(-16*math.Log2((c+0.5)/sum))))
		}
	}
	return out
}
