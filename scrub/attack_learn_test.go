// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// model is a small language model: counts of letters after the five before them, backing off to fewer (Witten and
// Bell's weights). It learns by heart what stands in its text, which is what these attacks look for.
type model struct {
	next map[string]*counts
}

type counts struct {
	n    int
	seen map[byte]int
}

const order = 6

func newModel(texts []string) *model {
	m := &model{next: map[string]*counts{}}
	for _, t := range texts {
		t = "\x02" + t + "\x03"
		for i := range t {
			for k := 0; k <= order && k <= i; k++ {
				c := m.next[t[i-k:i]]
				if c == nil {
					c = &counts{seen: map[byte]int{}}
					m.next[t[i-k:i]] = c
				}
				c.n++
				c.seen[t[i]]++
			}
		}
	}
	return m
}

func (m *model) p(context string, next byte) float64 {
	p := 1.0 / 256
	for k := 0; k <= order && k <= len(context); k++ {
		c := m.next[context[len(context)-k:]]
		if c == nil {
			break
		}
		kinds := float64(len(c.seen))
		p = (float64(c.seen[next]) + kinds*p) / (float64(c.n) + kinds)
	}
	return p
}

// loss is how surprised the model is by text after context, in bits a letter.
func (m *model) loss(context, text string) float64 {
	all, bits := "\x02"+context+text, 0.0
	for i := len(all) - len(text); i < len(all); i++ {
		bits -= math.Log2(m.p(all[:i], all[i]))
	}
	return bits / float64(max(1, len(text)))
}

// lines are plain ones, to learn from beside what is planted.
func plainLines(r *rand.Rand, n int) (lines []string) {
	words := strings.Fields("the server loads its settings from a file and starts to listen then each request is read checked and answered while errors are logged with their time")
	for range n {
		var l []string
		for range 6 + r.IntN(8) {
			l = append(l, words[r.IntN(len(words))])
		}
		lines = append(lines, strings.Join(l, " "))
	}
	return lines
}

func scrubAll(t testing.TB, s *Scrubber, texts []string) (out []string) {
	for _, x := range texts {
		out = append(out, scrubbed(t, s, x))
	}
	return out
}

// exposure (Carlini and others 2019) is how many bits of a canary the model gives away: how far before others of its
// kind it ranks.
func exposure(m *model, context, canary string, others []string) float64 {
	rank, own := 1, m.loss(context, canary)
	for _, o := range others {
		if m.loss(context, o) < own {
			rank++
		}
	}
	return math.Log2(float64(len(others)+1)) - math.Log2(float64(rank))
}

func TestAModelTrainedOnWhatLeavesExposesNoCanary(t *testing.T) {
	s, r := newScrubber(t, Config{}), rand.New(rand.NewPCG(31, 32))
	texts := plainLines(r, 2000)
	draw := of(alnum, 16)
	contexts := []string{"the deploy password is ", "api_key = \"", "export DB_PASSWORD=", "https://svc:"}
	type planted struct {
		context, canary string
		times           int
	}
	var all []planted
	for _, c := range contexts {
		for _, times := range []int{0, 1, 10, 100} {
			for range 4 {
				p := planted{c, draw(r), times}
				all = append(all, p)
				for range times {
					end := "\n"
					if strings.HasSuffix(c, "\"") {
						end = "\"\n"
					} else if strings.HasPrefix(c, "https") {
						end = "@db.example.com/app\n"
					}
					texts = append(texts, c+p.canary+end)
				}
			}
		}
	}
	var others []string
	for range 1023 {
		others = append(others, draw(r))
	}
	raw, clean := newModel(texts), newModel(scrubAll(t, s, texts))
	mean := func(m *model, times int) float64 {
		sum, n := 0.0, 0
		for _, p := range all {
			if p.times == times {
				sum, n = sum+exposure(m, p.context, p.canary, others), n+1
			}
		}
		return sum / float64(n)
	}
	for _, times := range []int{0, 1, 10, 100} {
		t.Logf("planted %3d times: exposure %4.1f bits raw, %4.1f scrubbed (of 10)", times, mean(raw, times), mean(clean, times))
	}
	if mean(raw, 10) < 8 {
		t.Errorf("the attack does not work on raw text: %.1f bits", mean(raw, 10))
	}
	// Never planted, a canary's exposure is 1.44 bits on average; the mean of 16 strays by 0.36 (one standard deviation).
	for _, times := range []int{1, 10, 100} {
		if e := mean(clean, times); e > 1.44+4*0.36 {
			t.Errorf("planted %d times, scrubbed text exposes %.1f bits", times, e)
		}
	}
}

// A record is made of a person, a host, a secret and some words; the words stay.
func records(r *rand.Rand, n int) (texts []string) {
	for i, l := range plainLines(r, n) {
		texts = append(texts, fmt.Sprintf("%s\npassword = %q\nnotify %s.%s@%s.com on db%d\n", l, of(alnum, 14)(r), of("bcdfghjklm", 6)(r),
			of("npqrstvwxz", 8)(r), of("bcdfghjklmn", 7)(r), i))
	}
	return texts
}

// TestMembershipIsReported: the attacker asks whether a record that they hold was trained on. What was scrubbed holds
// less of a record, but its words are still there: this is reported, and only the raw figure and the order are asserted.
func TestMembershipIsReported(t *testing.T) {
	s, r := newScrubber(t, Config{}), rand.New(rand.NewPCG(33, 34))
	const n = 1000
	in, out, reference := records(r, n), records(r, n), newModel(records(r, n))
	attack := func(m *model, calibrated bool) (tpr float64) {
		score := func(x string) float64 {
			if calibrated {
				return m.loss("", x) - reference.loss("", x)
			}
			return m.loss("", x)
		}
		var outside []float64
		for _, x := range out {
			outside = append(outside, score(x))
		}
		slices.Sort(outside)
		limit, hit := outside[n/1000], 0
		for _, x := range in {
			if score(x) < limit {
				hit++
			}
		}
		return float64(hit) / n
	}
	raw, clean := newModel(in), newModel(scrubAll(t, s, in))
	for _, calibrated := range []bool{false, true} {
		a, b := attack(raw, calibrated), attack(clean, calibrated)
		t.Logf("reference model %v: true positives at 0.1 %% false ones: %.3f raw, %.3f scrubbed", calibrated, a, b)
		if a < 0.5 || b > a/2 {
			t.Errorf("raw %.3f, scrubbed %.3f", a, b)
		}
	}
}

// TestGamesForPersonalData plays the three games of Lukas and others (2023): does the model write an address of its
// text by itself; does it rank the right one first in its place, of all or of twenty.
func TestGamesForPersonalData(t *testing.T) {
	s, r := newScrubber(t, Config{}), rand.New(rand.NewPCG(35, 36))
	var texts, people []string
	for i, l := range plainLines(r, 400) {
		who := of("bcdfghjklm", 6)(r) + "." + of("npqrstvwxz", 8)(r) + "@" + of("bcdfghjklmn", 7)(r) + ".com"
		people = append(people, who)
		texts = append(texts, fmt.Sprintf("%s #%d: %s now", l, i, who))
	}
	play := func(m *model) (extracted, first, ofTwenty float64) {
		var wrote strings.Builder
		for range 80 {
			x := "\x02"
			for len(x) < 240 && !strings.HasSuffix(x, "\x03") {
				best, sum := byte(3), r.Float64()
				for c := range 128 {
					if sum -= m.p(x, byte(c)); sum <= 0 {
						best = byte(c)
						break
					}
				}
				x += string(best)
			}
			wrote.WriteString(x)
		}
		for _, p := range people {
			if strings.Contains(wrote.String(), p) {
				extracted++
			}
		}
		const asked = 40
		for i := range asked {
			context := texts[i][:strings.Index(texts[i], people[i])]
			context = context[max(0, len(context)-40):]
			own, better, betterOf20 := m.loss(context, people[i]), 0, 0
			for k := 1; k < 200; k++ {
				if m.loss(context, people[(i+k)%len(people)]) < own {
					if better++; k < 20 {
						betterOf20++
					}
				}
			}
			if better == 0 {
				first++
			}
			if betterOf20 == 0 {
				ofTwenty++
			}
		}
		return extracted / float64(len(people)), first / asked, ofTwenty / asked
	}
	e, f, o := play(newModel(texts))
	t.Logf("raw:      extracted %.3f, reconstructed of 200 %.3f, inferred of 20 %.3f", e, f, o)
	e2, f2, o2 := play(newModel(scrubAll(t, s, texts)))
	t.Logf("scrubbed: extracted %.3f, reconstructed of 200 %.3f, inferred of 20 %.3f (chance 0.005, 0.05)", e2, f2, o2)
	if e == 0 || f < 0.9 || e2 > 0 || f2 > 0.05 || o2 > 0.2 {
		t.Error("scrubbed text gives people away, or raw text does not")
	}
}
