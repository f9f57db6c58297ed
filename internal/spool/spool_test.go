// SPDX-License-Identifier: Apache-2.0

package spool_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/spool"
)

func open(t testing.TB, dir string, done uint64) *spool.Spool {
	t.Helper()
	s, err := spool.Open(dir, done)
	ok(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// drain reads all that waits and returns it with the number of the last payload.
func drain(t testing.TB, s *spool.Spool) (list []string, last uint64, damaged int) {
	t.Helper()
	for {
		b, err := s.Next()
		ok(t, err)
		if len(b.Payloads) == 0 && b.Damaged == 0 {
			return list, last, damaged
		}
		for _, p := range b.Payloads {
			list = append(list, string(p))
		}
		last, damaged = max(last, b.Last), damaged+b.Damaged
		ok(t, s.Done(b))
	}
}

// large is a payload of a size that makes many segments of a few.
func large(i int) string { return fmt.Sprintf("%03d", i) + strings.Repeat("x", 3<<20) }

func TestPayloadsComeBackInOrderAndOnce(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, 0)
	var want []string
	for i := range 9 {
		want = append(want, large(i), "", fmt.Sprint("small ", i))
		for _, p := range want[len(want)-3:] {
			ok(t, s.Append([]byte(p)))
		}
	}
	again, err := s.Next()
	ok(t, err)
	if first, err := s.Next(); err != nil || len(first.Payloads) != len(again.Payloads) || first.Last != again.Last {
		t.Errorf("Next before Done gave %d payloads and then %d: %v", len(again.Payloads), len(first.Payloads), err)
	}
	if got := s.Len(); got != len(want) {
		t.Errorf("%d wait, want %d", got, len(want))
	}
	got, last, _ := drain(t, s)
	if !slices.Equal(got, want) || last != uint64(len(want)) {
		t.Errorf("%d payloads up to number %d came back, want %d as they went in", len(got), last, len(want))
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) > 0 || s.Len() != 0 {
		t.Errorf("%d files are left and %d wait after all is done with", len(files), s.Len())
	}
	ok(t, s.Append([]byte("more")))
	if got, last, _ := drain(t, s); !slices.Equal(got, []string{"more"}) || last != uint64(len(want))+1 {
		t.Errorf("afterwards: %q up to %d", got, last)
	}
}

func TestWhatWaitsIsThereAfterOpeningAgain(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, 0)
	for i := range 7 {
		ok(t, s.Append([]byte(large(i))))
	}
	b, err := s.Next()
	ok(t, err)
	n := len(b.Payloads)
	if n == 0 || n == 7 {
		t.Fatalf("the first segment holds %d of 7", n)
	}
	// The reader has kept the number, and dies before it says so.
	ok(t, s.Close())
	if waits, err := spool.Count(dir, b.Last); err != nil || waits != 7-n {
		t.Errorf("%d wait from outside, want %d: %v", waits, 7-n, err)
	}
	s = open(t, dir, b.Last)
	if s.Len() != 7-n {
		t.Errorf("%d wait, want %d", s.Len(), 7-n)
	}
	ok(t, s.Append([]byte("new")))
	got, last, _ := drain(t, s)
	if len(got) != 8-n || got[0] != large(n) || got[len(got)-1] != "new" || last != 8 {
		t.Errorf("%d came back, first %.3q, last %.3q, up to %d", len(got), got[0], got[len(got)-1], last)
	}
	// Numbers go on where they ended, even if nothing is left to read them from.
	ok(t, s.Close())
	s = open(t, dir, last)
	ok(t, s.Append([]byte("later")))
	if got, next, _ := drain(t, s); len(got) != 1 || next != last+1 {
		t.Errorf("%q up to %d, want one up to %d", got, next, last+1)
	}
}

func TestReadingGoesOnBesideWriting(t *testing.T) {
	s := open(t, t.TempDir(), 0)
	const writers, each = 16, 200
	var g errgroup.Group
	for w := range writers {
		g.Go(func() error {
			for i := range each {
				if err := s.Append(fmt.Appendf(nil, "%d/%d", w, i)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	finished := make(chan error, 1)
	go func() { finished <- g.Wait() }()
	seen := map[string]int{}
	var numbers []uint64
	for running := true; running; {
		select {
		case err := <-finished:
			ok(t, err)
			running = false
		default:
		}
		list, last, damaged := drain(t, s)
		if damaged > 0 {
			t.Fatalf("%d bytes could not be read", damaged)
		}
		for _, p := range list {
			seen[p]++
		}
		if len(list) > 0 {
			numbers = append(numbers, last)
		}
	}
	if len(seen) != writers*each || !slices.IsSorted(numbers) || numbers[len(numbers)-1] != writers*each {
		t.Errorf("%d payloads seen up to %d, want %d", len(seen), numbers[len(numbers)-1], writers*each)
	}
	for p, n := range seen {
		if n != 1 {
			t.Errorf("%s came %d times", p, n)
		}
	}
}

// A damaged byte anywhere costs at most the payload it is in.
func TestFlippedBitCostsOnePayload(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, 0)
	const n = 40
	for i := range n {
		ok(t, s.Append(fmt.Appendf(nil, "payload %d %s", i, strings.Repeat("x", i))))
	}
	ok(t, s.Close())
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	ok(t, err)
	whole, err := os.ReadFile(files[0])
	ok(t, err)
	for at := range whole {
		flipped := bytes.Clone(whole)
		flipped[at] ^= 1 << (at % 8)
		ok(t, os.WriteFile(files[0], flipped, 0o600))
		s, err := spool.Open(dir, 0)
		ok(t, err)
		b, err := s.Next()
		ok(t, err)
		if len(b.Payloads) != n-1 || b.Damaged == 0 {
			t.Fatalf("a bit flipped at %d of %d: %d payloads of %d left, %d bytes said to be damaged", at, len(whole), len(b.Payloads), n, b.Damaged)
		}
		ok(t, s.Close())
	}
}

func TestTornTailIsPassedOverAndNothingIsAppendedToIt(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, 0)
	ok(t, s.Append([]byte("one")))
	ok(t, s.Append([]byte("two")))
	ok(t, s.Close())
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	ok(t, err)
	whole, err := os.ReadFile(files[0])
	ok(t, err)
	for cut := len(whole) / 2; cut < len(whole); cut++ {
		ok(t, os.WriteFile(files[0], whole[:cut], 0o600))
		s, err := spool.Open(dir, 0)
		ok(t, err)
		ok(t, s.Append([]byte("three")))
		got, _, damaged := drain(t, s)
		if !slices.Equal(got, []string{"one", "three"}) || damaged != cut-len(whole)/2 {
			t.Fatalf("cut at %d of %d: %q, %d bytes passed over", cut, len(whole), got, damaged)
		}
		ok(t, s.Close())
	}
}

func TestFolderThatCannotBeUsedIsAProblem(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	ok(t, os.WriteFile(file, nil, 0o600))
	_, err := spool.Open(file, 0)
	if p, isProblem := errors.AsType[*episode.Problem](err); !isProblem || p.Code != "spool/disk" || p.Hint == "" {
		t.Errorf("got %v, want spool/disk with a hint", err)
	}
}

// A process that is killed has lost nothing that it acknowledged. The child is this test itself.
func TestKilledWriterLosesNothingItAcknowledged(t *testing.T) {
	if dir := os.Getenv("SPOOL_TEST_DIR"); dir != "" {
		s := open(t, dir, 0)
		var mu sync.Mutex
		for w := range 8 {
			go func() {
				for i := 0; ; i++ {
					p := fmt.Sprintf("%d/%d", w, i)
					if err := s.Append([]byte(p + strings.Repeat("x", rand.IntN(4000)))); err != nil {
						panic(err)
					}
					mu.Lock()
					fmt.Println("acknowledged", p)
					mu.Unlock()
				}
			}()
		}
		select {}
	}
	for round := range 5 {
		dir := t.TempDir()
		child := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
		child.Env = append(os.Environ(), "SPOOL_TEST_DIR="+dir)
		out, err := child.StdoutPipe()
		ok(t, err)
		ok(t, child.Start())
		var acknowledged []string
		lines := bufio.NewScanner(out)
		killAfter := time.Duration(30+rand.IntN(100)) * time.Millisecond
		for lines.Scan() {
			if len(acknowledged) == 0 {
				time.AfterFunc(killAfter, func() { child.Process.Kill() })
			}
			if p, is := strings.CutPrefix(lines.Text(), "acknowledged "); is {
				acknowledged = append(acknowledged, p)
			}
		}
		io.Copy(io.Discard, out)
		child.Wait()
		stored := map[string]bool{}
		got, _, _ := drain(t, open(t, dir, 0))
		for _, p := range got {
			stored[strings.TrimRight(p, "x")] = true
		}
		for _, p := range acknowledged {
			if !stored[p] {
				t.Errorf("round %d: %s was acknowledged and is not there (%d acknowledged, %d stored)", round, p, len(acknowledged), len(got))
			}
		}
		if len(acknowledged) == 0 {
			t.Errorf("round %d: nothing was acknowledged", round)
		}
	}
}

// Whatever a segment holds, opening and reading it ends, and whole frames among it are found.
func FuzzSegment(f *testing.F) {
	dir := f.TempDir()
	s := open(f, dir, 0)
	ok(f, s.Append([]byte("payload")))
	ok(f, s.Close())
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	ok(f, err)
	frame, err := os.ReadFile(files[0])
	ok(f, err)
	f.Add([]byte(nil))
	f.Add(frame)
	f.Add(frame[:len(frame)-2])
	f.Add(append(bytes.Clone(frame[:9]), frame...))
	f.Fuzz(func(t *testing.T, junk []byte) {
		dir := t.TempDir()
		ok(t, os.WriteFile(filepath.Join(dir, "0000000000000001.spool"), append(bytes.Clone(junk), frame...), 0o600))
		s := open(t, dir, 0)
		waiting := s.Len()
		got, _, damaged := drain(t, s)
		if waiting != len(got) || len(got) == 0 && damaged < len(frame) {
			t.Errorf("%d wait, %d came, %d bytes damaged", waiting, len(got), damaged)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	s := open(b, b.TempDir(), 0)
	payload := bytes.Repeat([]byte("x"), 1500)
	b.SetParallelism(8) // 16 goroutines on two cores
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := s.Append(payload); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "payloads/s")
}
