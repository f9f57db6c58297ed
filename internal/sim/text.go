// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/headrace/headrace/episode"
)

// writer writes the words and the code of one contributor's episodes.
type writer struct {
	secrets []secret
	opening [len(languages)][len(nouns)][len(verbs)]string // what stands before, by language and the names in it
	body    [len(languages)][len(nouns)]string             // one line of a suggestion
}

// secret is something that must not leave, and a line as people really write it into code.
type secret struct{ value, line string }

// Shares of episodes that hold something that must not leave, by field.
const (
	inBefore      = 0.015
	inAfter       = 0.003
	inInstruction = 0.003
	inPath        = 0.10 // a home folder
	instructed    = 0.05
)

// writer makes the contributor's secrets, from its own stream: each is there in a kind that people leave in code. The
// prefixes are put together here so that no line of this file looks like a secret.
func (w *World) writer(c int) *writer {
	rng := rand.New(rand.NewPCG(uint64(w.cfg.Seed), uint64(c)<<32|1))
	const alnum = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	random := func(n int, from string) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = from[rng.IntN(len(from))]
		}
		return string(b)
	}
	url64 := func(n int) string { return base64.RawURLEncoding.EncodeToString([]byte(random(n, alnum))) }
	host := w.enterprises[c].name + ".example"
	var out writer
	add := func(value, format string) {
		out.secrets = append(out.secrets, secret{value, fmt.Sprintf(format, value)})
	}
	for i := range 6 {
		add(random(20, alnum)+"!7", `db_password = "%s"`)
		add("AKI"+"A"+random(16, alnum[:26]), `aws_access_key_id = "%s"`)
		add("gh"+"p_"+random(36, alnum), `token = "%s"`)
		add("ey"+"J"+url64(18)+".ey"+"J"+url64(30)+"."+url64(32), `auth = "Bearer %s"`)
		add(random(18, alnum), `url = "postgres://app:%s@db.`+host+`:5432/ledger"`)
		add(fmt.Sprintf("%s.%s%d@customer-%s", firstNames[rng.IntN(len(firstNames))], lastNames[rng.IntN(len(lastNames))], i, host), `# asked for by %s`)
		add(card(rng), `card = "%s"`)
		add("hr-canary-"+hex.EncodeToString([]byte(random(12, alnum))), `api_key = "%s"`)
		key := base64.StdEncoding.EncodeToString([]byte(random(48, alnum)))
		add(key, "-----BEGIN PRIV"+"ATE KEY-----\n%s\n-----END PRIV"+"ATE KEY-----")
	}
	for l := range languages {
		for n, noun := range nouns {
			for v, verb := range verbs {
				out.opening[l][n][v] = strings.NewReplacer("NOUN", noun, "VERB", verb).Replace(openings[l])
			}
			out.body[l][n] = strings.ReplaceAll(bodies[l], "NOUN", noun)
		}
	}
	return &out
}

// card makes a test number of 16 digits that passes the Luhn check.
func card(rng *rand.Rand) string {
	digits := []byte("4")
	for len(digits) < 15 {
		digits = append(digits, byte('0'+rng.IntN(10)))
	}
	sum := 0
	for i, d := range digits {
		n := int(d - '0')
		if i%2 == 0 { // every second from the right, the check digit not yet there
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		sum += n
	}
	return string(append(digits, byte('0'+(10-sum%10)%10)))
}

// write fills in path, instruction, what stood before and what was suggested.
func (w *writer) write(e *episode.Episode, s *episode.Suggestion, d *developer, language, lines int, rng *rand.Rand) {
	nounAt, verbAt := rng.IntN(len(nouns)), rng.IntN(len(verbs))
	noun, verb := nouns[nounAt], verbs[verbAt]
	s.Path = "src/" + noun + "/" + verb + extensions[language]
	if rng.Float64() < inPath {
		s.Path = "/home/" + d.user + "/" + e.Repository + "/" + s.Path
	}
	s.Before, s.After = w.opening[language][nounAt][verbAt], strings.Repeat(w.body[language][nounAt], lines)
	if rng.Float64() < instructed {
		e.Instruction = verb + " the " + noun + " and handle the empty case"
	}
	secret := w.secrets[rng.IntN(len(w.secrets))]
	switch u := rng.Float64(); {
	case u < inBefore:
		s.Before = secret.line + "\n" + s.Before
	case u < inBefore+inAfter:
		s.After += secret.line + "\n"
	case u < inBefore+inAfter+inInstruction:
		e.Instruction = "use this: " + secret.line
	}
}

var (
	extensions   = [...]string{".py", ".ts", ".java", ".go", ".rs", ".sql"}
	repositories = [...]string{"pricing", "portal", "payments-core", "gateway", "matching", "warehouse"}
	nouns        = [...]string{"invoice", "account", "order", "shipment", "tariff", "customer", "session", "ledger", "basket", "refund", "meter", "ticket"}
	verbs        = [...]string{"load", "merge", "close", "price", "check", "export", "split", "index"}
	openings     = [...]string{
		"def VERB_NOUN(rows):\n    \"\"\"Return the NOUN rows that still need work.\"\"\"\n    done = []\n",
		"export async function VERBNOUN(rows: Row[]): Promise<Row[]> {\n  const done: Row[] = [];\n",
		"List<Row> VERBNOUN(List<Row> rows) {\n    var done = new ArrayList<Row>();\n",
		"func VERBNOUN(rows []Row) ([]Row, error) {\n\tvar done []Row\n",
		"fn VERB_NOUN(rows: &[Row]) -> Result<Vec<Row>, Error> {\n    let mut done = Vec::new();\n",
		"-- VERB every open NOUN\nWITH open AS (SELECT * FROM NOUN WHERE state = 'open')\n",
	}
	bodies = [...]string{
		"    done.extend(r for r in rows if r.NOUN)\n",
		"  done.push(...rows.filter((r) => r.NOUN));\n",
		"    done.addAll(rows.stream().filter(Row::NOUN).toList());\n",
		"\tdone = append(done, keep(rows, \"NOUN\")...)\n",
		"    done.extend(rows.iter().filter(|r| r.NOUN).cloned());\n",
		"SELECT id, NOUN_id FROM open WHERE NOUN_at IS NULL;\n",
	}
	trees = [...]string{"alder", "birch", "cedar", "dogwood", "elm", "fir", "ginkgo", "hazel", "ironwood", "juniper", "katsura", "larch", "maple", "nutmeg", "oak", "pine",
		"quince", "rowan", "spruce", "tulip", "upas", "viburnum", "willow", "yew", "zelkova"}
	industries = [...]string{"works", "logistics", "energy", "media", "foods", "motors", "health", "games", "steel", "labs"}
	firstNames = [...]string{"ada", "bela", "carla", "dirk", "edda", "fynn", "gesa", "hana", "ivo", "jonas", "kira", "leon", "mara", "nils", "olga", "paul",
		"quinn", "rosa", "sven", "tara", "ulla", "vera", "wim", "xenia", "yuki", "zoe"}
	lastNames = [...]string{"ahlers", "brandt", "carstens", "dahl", "ebert", "frost", "geiger", "hansen", "iversen", "jansen", "keller", "lindqvist",
		"meyer", "nowak", "olsen", "petrov", "quast", "richter", "sommer", "tanaka", "urban", "vogel", "weber", "young", "zander"}
)
