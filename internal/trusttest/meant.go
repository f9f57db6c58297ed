// SPDX-License-Identifier: Apache-2.0

package trusttest

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
)

// meantKinds are signed by the contributor's own key, which means every word: what only looking at the records shows.
func meantKinds() []kind {
	var list []kind
	claim := func(name, reasons string, change func(f *forger, s, m map[string]any)) {
		list = append(list, changed("claim: "+name, reasons, func(f *forger, p parts) (parts, error) {
			return p.signed(f.alder.ring.Signing(), func(s, m map[string]any) { change(f, s, m) })
		}))
	}
	const mismatch = "bundle/manifest-mismatch"
	some := func(f *forger) float64 { return float64(1 + f.rng.IntN(1000)) }
	claim("more records", mismatch, func(f *forger, _, m map[string]any) { m["records"] = m["records"].(float64) + some(f) })
	claim("other levels", mismatch, func(f *forger, _, m map[string]any) { m["levels"] = map[string]any{"clean": some(f)} })
	claim("another root", mismatch, func(f *forger, _, m map[string]any) {
		m["merkle_root"] = episode.Digest(fmt.Append(nil, f.rng.Int64()))
	})
	claim("another kind", mismatch, func(_ *forger, _, m map[string]any) { m["kind"] = string(bundle.KindAmendments) })
	claim("no findings", mismatch, func(f *forger, _, m map[string]any) { m["findings"] = map[string]any{} })
	claim("more findings", mismatch, func(f *forger, _, m map[string]any) { m["findings"] = map[string]any{"jwt": some(f)} })
	claim("another policy", mismatch, func(f *forger, _, m map[string]any) { m["policies"] = []any{fmt.Sprint("sha256:", some(f))} })
	claim("another filter", mismatch, func(f *forger, _, m map[string]any) { m["scrubbers"] = []any{fmt.Sprint("own/", some(f))} })
	claim("wider terms", mismatch, func(f *forger, _, m map[string]any) {
		m["terms"].([]any)[0].(map[string]any)["terms"].(map[string]any)["retention_days"] = 1000 + some(f)
	})
	claim("another version", mismatch, func(f *forger, _, m map[string]any) { m["version"] = fmt.Sprint(1+some(f), ".0") })
	claim("a smaller size", "bundle/malformed bundle/too-large", func(f *forger, _, m map[string]any) { m["payload_bytes"] = float64(f.rng.IntN(300)) })
	claim("a larger size", "bundle/malformed", func(f *forger, _, m map[string]any) { m["payload_bytes"] = m["payload_bytes"].(float64) + some(f) })
	claim("a size beyond all bounds", "bundle/too-large", func(f *forger, _, m map[string]any) { m["payload_bytes"] = bundle.MaxPayload + some(f) })
	claim("something unknown", "bundle/malformed", func(f *forger, _, m map[string]any) { m["more"] = some(f) })
	claim("another statement's type", "bundle/digest-mismatch", func(f *forger, s, _ map[string]any) { s["predicateType"] = fmt.Sprint("https://example.org/", some(f)) })
	claim("another file", "bundle/digest-mismatch", func(f *forger, s, _ map[string]any) {
		s["subject"].([]any)[0].(map[string]any)["name"] = fmt.Sprint("records-", some(f))
	})
	claim("another digest", "bundle/digest-mismatch", func(f *forger, s, _ map[string]any) {
		s["subject"].([]any)[0].(map[string]any)["digest"] = map[string]any{"sha256": strings.TrimPrefix(episode.Digest(fmt.Append(nil, f.rng.Int64())), "sha256:")}
	})
	claim("a log's checkpoint that is none", "intake/log", func(f *forger, _, m map[string]any) { m["checkpoint"] = fmt.Sprint("log\n", some(f), "\nroot\n") })
	return append(list, recordKinds()...)
}

// sorted is the payload of records in a bundle's order.
func sorted(lines ...[]byte) []byte {
	slices.SortFunc(lines, func(a, b []byte) int {
		x, y := sha256.Sum256(a), sha256.Sum256(b)
		return bytes.Compare(x[:], y[:])
	})
	var raw []byte
	for _, l := range lines {
		raw = append(append(raw, l...), '\n')
	}
	return raw
}

// recordKinds have other records, signed with the own key.
func recordKinds() []kind {
	var list []kind
	raw := func(name, reasons string, make func(f *forger, p parts) ([]byte, error)) {
		list = append(list, changed("meant: "+name, reasons, func(f *forger, p parts) (parts, error) {
			b, err := make(f, p)
			if err != nil {
				return p, err
			}
			return p.holding(b, f.alder.ring.Signing(), nil)
		}))
	}
	with := func(name, reasons string, change func(f *forger, e *episode.Episode)) {
		raw(name, reasons, func(f *forger, p parts) ([]byte, error) {
			f.n++
			line, err := record(fmt.Sprint("ep_", f.n), func(e *episode.Episode) { change(f, e) })
			return sorted(append(slices.Clone(p.lines), line)...), err
		})
	}
	with("a local block", "bundle/local-present", func(_ *forger, e *episode.Episode) { e.Local = &episode.Local{Team: "a"} })
	with("no terms", "bundle/terms-missing", func(_ *forger, e *episode.Episode) { e.Terms = nil })
	with("no purposes", "bundle/terms-missing", func(_ *forger, e *episode.Episode) { e.Terms.Purposes = nil })
	with("terms for another hub", "bundle/terms-missing", func(_ *forger, e *episode.Episode) { e.Terms.Recipients = []string{"elsewhere"} })
	with("no level", "bundle/level-missing", func(_ *forger, e *episode.Episode) { e.Privacy = nil })
	with("a level that does not leave", "bundle/level-missing", func(f *forger, e *episode.Episode) {
		e.Privacy.Level = []episode.Level{episode.LevelOff, episode.LevelNone, episode.LevelAggregate, "raw"}[f.rng.IntN(4)]
	})
	with("an amendment beside episodes", "bundle/mixed-kinds", func(_ *forger, e *episode.Episode) { e.Amends = "ep_0" })
	raw("out of order", "bundle/malformed", func(_ *forger, p parts) ([]byte, error) {
		lines := slices.Clone(p.lines)
		slices.Reverse(lines)
		return append(bytes.Join(lines, []byte("\n")), '\n'), nil
	})
	raw("a record twice", "bundle/malformed", func(f *forger, p parts) ([]byte, error) {
		i := f.rng.IntN(len(p.lines))
		return append(bytes.Join(slices.Insert(slices.Clone(p.lines), i, p.lines[i]), []byte("\n")), '\n'), nil
	})
	raw("a last line without an end", "bundle/malformed", func(_ *forger, p parts) ([]byte, error) { return bytes.Join(p.lines, []byte("\n")), nil })
	for _, how := range []string{"order", "space", "twice", "escape"} {
		raw("a record written otherwise, "+how, "bundle/not-canonical", func(f *forger, p parts) ([]byte, error) {
			line, err := inAnotherForm(p.lines[0], how, f.rng)
			return sorted(append(slices.Clone(p.lines[1:]), bytes.ReplaceAll(line, []byte("\n"), []byte(" ")))...), err
		})
	}
	raw("numbers written otherwise", "bundle/not-canonical", func(f *forger, p parts) ([]byte, error) {
		other := []string{"30.0", "3e1", "3E+1", "030"}[f.rng.IntN(4)]
		return sorted(append(slices.Clone(p.lines[1:]), bytes.Replace(p.lines[0], []byte(`"retention_days":30`), []byte(`"retention_days":`+other), 1))...), nil
	})
	raw("no JSON", "bundle/not-canonical", func(f *forger, p parts) ([]byte, error) {
		return sorted(append(slices.Clone(p.lines), cutShort(p.lines[0], f.rng))...), nil
	})
	list = append(list, changed("meant: no records", "bundle/too-large", func(f *forger, p parts) (parts, error) { return p.holding(nil, f.alder.ring.Signing(), nil) }),
		changed("meant: far more than it says", "bundle/malformed", func(f *forger, p parts) (_ parts, err error) {
			if p.payload, err = pack(make([]byte, 8<<20), zstd.WithEncoderLevel(zstd.SpeedFastest)); err != nil {
				return p, err
			}
			return p.signed(f.alder.ring.Signing(), nil)
		}),
		changed("meant: for another hub", "bundle/terms-missing", func(f *forger, p parts) (parts, error) {
			return p.signed(f.alder.ring.Signing(), func(_, m map[string]any) { m["recipient"] = "elsewhere" })
		}))
	return append(list, honestForms()...)
}

// honestForms are whole and signed, but of what must not come in.
func honestForms() []kind {
	whole := func(name, reasons string, to string, change func(f *forger, e *episode.Episode)) kind {
		return kind{"whole: " + name, func(f *forger) (forgery, error) {
			f.n++
			line, err := record(fmt.Sprint("ep_", f.n), func(e *episode.Episode) {
				e.Terms.Recipients = []string{to}
				change(f, e)
			})
			if err != nil {
				return forgery{}, err
			}
			p, err := packed(filepath.Join(f.dir, "pack"), [][]byte{line}, bundle.Options{Signer: f.alder.ring.Signing(), Contributor: "alder", Recipient: to})
			return forgery{parts: p}, err
		}, reasons}
	}
	return []kind{
		whole("for another hub", "intake/wrong-recipient", "elsewhere", func(*forger, *episode.Episode) {}),
		whole("terms that have run out", bundle.CodeExpired, hubName, func(f *forger, e *episode.Episode) { e.Terms.ExpiresAt = aDay().AddDate(0, 0, f.rng.IntN(300)) }),
		whole("a key that a filter let through", "intake/incident", hubName, func(f *forger, e *episode.Episode) {
			e.Privacy.Level = episode.LevelClean
			const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
			key := []byte("AKIA")
			for range 16 {
				key = append(key, letters[f.rng.IntN(len(letters))])
			}
			e.Instruction = "use " + string(key)
		}),
	}
}

// folderKinds are folders as they come by hand, for "headrace verify".
func folderKinds() []kind {
	folder := func(name, reasons string, change func(f *forger, dir string, p parts) error) kind {
		return kind{"folder: " + name, func(f *forger) (forgery, error) {
			f.n++
			dir := filepath.Join(f.dir, fmt.Sprint("folder-", f.n))
			p := f.own()
			err := f.lay(dir, p)
			if err == nil {
				err = change(f, dir, p)
			}
			return forgery{dir: dir}, err
		}, reasons}
	}
	blobs := func(dir string) (paths []string, err error) {
		return filepath.Glob(filepath.Join(dir, "blobs", "sha256", "*"))
	}
	any := func(f *forger, dir string, change func([]byte) []byte) error {
		paths, err := blobs(dir)
		if err != nil {
			return err
		}
		path := append(paths, filepath.Join(dir, "index.json"), filepath.Join(dir, "oci-layout"))[f.rng.IntN(len(paths)+2)]
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path, change(b), 0o600)
	}
	const damaged = "bundle/digest-mismatch bundle/malformed bundle/missing-file"
	return []kind{
		folder("a bit of a file", damaged, func(f *forger, dir string, _ parts) error {
			return any(f, dir, func(b []byte) []byte { return flipped(b, f.rng) })
		}),
		folder("a file cut short", damaged, func(f *forger, dir string, _ parts) error {
			return any(f, dir, func(b []byte) []byte { return cutShort(b, f.rng) })
		}),
		folder("a file longer", damaged, func(f *forger, dir string, _ parts) error {
			return any(f, dir, func(b []byte) []byte { return append(b, "\n "[f.rng.IntN(2)]) })
		}),
		folder("a file more", "bundle/extra-file", func(f *forger, dir string, _ parts) error {
			name := []string{"notes.txt", ".hidden", "blobs/sha256/" + strings.Repeat("0", 64), "blobs/extra", "blobs/sha256/index.json"}[f.rng.IntN(5)]
			return os.WriteFile(filepath.Join(dir, name), fmt.Append(nil, f.rng.Int64()), 0o600)
		}),
		folder("a folder more", "bundle/extra-file", func(f *forger, dir string, _ parts) error {
			return os.Mkdir(filepath.Join(dir, []string{"more", "blobs/sha512", "blobs/sha256/more"}[f.rng.IntN(3)]), 0o700)
		}),
		folder("a file less", "bundle/missing-file", func(f *forger, dir string, _ parts) error {
			paths, err := blobs(dir)
			if err != nil {
				return err
			}
			return os.Remove(append(paths, filepath.Join(dir, "oci-layout"))[f.rng.IntN(len(paths)+1)])
		}),
		folder("no index", "bundle/not-a-bundle", func(_ *forger, dir string, _ parts) error { return os.Remove(filepath.Join(dir, "index.json")) }),
		folder("a link to a file", "bundle/extra-file", func(f *forger, dir string, _ parts) error {
			paths, err := blobs(dir)
			if err != nil {
				return err
			}
			path := paths[f.rng.IntN(len(paths))]
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			away := filepath.Join(f.dir, "away-"+filepath.Base(path))
			if err := os.WriteFile(away, b, 0o600); err != nil {
				return err
			}
			if err := os.Remove(path); err != nil {
				return err
			}
			return os.Symlink(away, path)
		}),
		folder("an index written otherwise", "bundle/malformed", func(f *forger, dir string, _ parts) error {
			path := filepath.Join(dir, "index.json")
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if b, err = inAnotherForm(b, []string{"order", "space", "twice", "unknown", "escape"}[f.rng.IntN(5)], f.rng); err != nil {
				return err
			}
			return os.WriteFile(path, b, 0o600)
		}),
	}
}
