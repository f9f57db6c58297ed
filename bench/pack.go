// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/klauspost/compress/zstd"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
)

const packRecipient = "maker"

// leaving returns n of the simulator's episodes with the head that consent gives what leaves.
func leaving(n int) (list []*episode.Episode, err error) {
	err = episodes(n, func(e *episode.Episode) error {
		e = e.Clone()
		e.Local = nil
		e.Privacy = &episode.Privacy{Level: episode.LevelClean, Scrubber: "headrace-scrub/2", Policy: "sha256:p", Findings: map[string]int{"email": 1}}
		e.Terms = &episode.Terms{Purposes: []episode.Purpose{episode.PurposeEvaluate}, Recipients: []string{packRecipient}, RetentionDays: 30}
		list = append(list, e)
		return nil
	})
	return list, err
}

func canonicalLines(list []*episode.Episode) ([][]byte, int64, error) {
	var lines episode.Lines
	for _, e := range list {
		if err := lines.Add(e); err != nil {
			return nil, 0, err
		}
	}
	return lines.All(), int64(lines.Size()), nil
}

func packKey() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{3}, ed25519.SeedSize))
}

func packOptions() bundle.Options {
	return bundle.Options{Signer: packKey(), Contributor: "alder-bank", Recipient: packRecipient}
}

// inFolder gives f the path of a bundle that is not there yet.
func inFolder(f func(dir string) error) error {
	dir, err := os.MkdirTemp("", "headrace-bench-pack-")
	if err != nil {
		return err
	}
	return errors.Join(f(filepath.Join(dir, "bundle")), os.RemoveAll(dir))
}

// packEpisodes packs n episodes that are in memory: to canonical JSON, checked, sorted, compressed, signed, on disk.
func packEpisodes(n int, w *watch) error {
	list, err := leaving(n)
	if err != nil {
		return err
	}
	return inFolder(func(dir string) error {
		return w.time(func() error {
			lines, size, err := canonicalLines(list)
			if err != nil {
				return err
			}
			w.Bytes = size
			_, _, err = bundle.Pack(dir, lines, packOptions())
			return err
		})
	})
}

// packRecords packs n records that are canonical JSON already, as an edge stores what is approved.
func packRecords(n int, w *watch) error {
	list, err := leaving(n)
	if err != nil {
		return err
	}
	lines, size, err := canonicalLines(list)
	if err != nil {
		return err
	}
	w.Bytes, list = size, nil
	return inFolder(func(dir string) error {
		return w.time(func() error {
			_, _, err := bundle.Pack(dir, lines, packOptions())
			return err
		})
	})
}

// packTar is the peer: the same records as one file in a tar, zstd by the same library at the same level and on one thread,
// its digest in a statement that is signed as DSSE, all of it on disk. It checks nothing.
func packTar(n int, w *watch) error {
	list, err := leaving(n)
	if err != nil {
		return err
	}
	lines, size, err := canonicalLines(list)
	if err != nil {
		return err
	}
	w.Bytes, list = size, nil
	return inFolder(func(dir string) error {
		return w.time(func() error {
			f, err := os.Create(dir)
			if err != nil {
				return err
			}
			z, err := zstd.NewWriter(f, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
			if err != nil {
				return err
			}
			out := tar.NewWriter(z)
			err = out.WriteHeader(&tar.Header{Name: "records.jsonl", Mode: 0o600, Size: size})
			sum := sha256.New()
			for _, l := range lines {
				l = append(l, '\n')
				sum.Write(l)
				if err == nil {
					_, err = out.Write(l)
				}
			}
			if err = errors.Join(err, out.Close(), z.Close(), f.Sync(), f.Close()); err != nil {
				return err
			}
			statement, err := json.Marshal(map[string]any{"_type": "https://in-toto.io/Statement/v1", "predicateType": "https://example.org/records/v1",
				"subject": []any{map[string]any{"name": "records.jsonl", "digest": map[string]string{"sha256": hex.EncodeToString(sum.Sum(nil))}}}})
			if err != nil {
				return err
			}
			const kind = "application/vnd.in-toto+json"
			sig := ed25519.Sign(packKey(), dsse.PAE(kind, statement))
			envelope, err := json.Marshal(dsse.Envelope{PayloadType: kind, Payload: base64.StdEncoding.EncodeToString(statement),
				Signatures: []dsse.Signature{{Sig: base64.StdEncoding.EncodeToString(sig)}}})
			if err != nil {
				return err
			}
			return os.WriteFile(dir+".dsse", envelope, 0o600)
		})
	})
}

// measurePack packs on one core: from episodes, from records as an edge has them, and from JSON Lines by the command.
func measurePack(ctx context.Context, b *bench) ([]row, error) {
	n, rounds := 40_000, 3
	if b.quick {
		n, rounds = 10_000, 1
	}
	const unit = "MB/s of processor time"
	speed := map[string][]float64{}
	var wall float64
	var size int64
	for range rounds {
		for _, name := range []string{"pack", "pack-records", "pack-tar"} {
			w, err := b.alone(ctx, name, n)
			if err != nil {
				return nil, err
			}
			speed[name] = append(speed[name], float64(w.Bytes)/1e6/w.CPU)
			if name == "pack" {
				wall, size = w.Wall, w.Bytes
			}
		}
	}
	const peer = "tar, zstd (klauspost/compress 1.20.3, same level) and a DSSE signature over its SHA-256; checks nothing"
	tar := median(speed["pack-tar"])
	note := fmt.Sprintf("%.0f MB of records, one core, on disk at the end; median of %d", float64(size)/1e6, rounds)
	rows := []row{
		{ID: "pack", Ours: figure(median(speed["pack"])), Unit: unit, Peer: figure(tar), PeerName: peer, N: n, Seed: 1,
			Note: note + fmt.Sprintf("; from episodes in memory; %.1f MB/s of wall time in the last", float64(size)/1e6/wall)},
		{ID: "pack/records", Ours: figure(median(speed["pack-records"])), Unit: unit, Peer: figure(tar), PeerName: peer, N: n, Seed: 1, Note: note + "; from canonical JSON in memory, as an edge keeps it"},
	}
	lines, err := b.packCommand(ctx, n, rounds)
	if err != nil {
		return append(rows, row{ID: "pack/jsonl", Unit: unit, Note: "not measured: " + err.Error()}), nil
	}
	return append(rows, row{ID: "pack/jsonl", Ours: figure(lines), Unit: unit, Peer: figure(tar), PeerName: peer, N: n, Seed: 1, Note: note + "; headrace pack, start of the process included; the peer reads no JSON"}), nil
}

// packCommand is how fast "headrace pack" is with JSON Lines on one core.
func (b *bench) packCommand(ctx context.Context, n, rounds int) (float64, error) {
	list, err := leaving(n)
	if err != nil {
		return 0, err
	}
	var in []byte
	for _, e := range list {
		if in, err = episode.Append(in, e); err != nil {
			return 0, err
		}
		in = append(in, '\n')
	}
	dir, err := os.MkdirTemp(b.temp, "pack-")
	if err != nil {
		return 0, err
	}
	var speed []float64
	for i := range rounds {
		cmd := exec.CommandContext(ctx, b.bin, "--dir", dir, "pack", "--contributor", "alder-bank", "--out", filepath.Join(dir, fmt.Sprint("bundle-", i)))
		if cmd.Env, err = b.bareEnv(); err != nil {
			return 0, err
		}
		cmd.Env, cmd.Stdin = append(cmd.Env, "GOMAXPROCS=1"), bytes.NewReader(in)
		c, err := start(cmd)
		if err != nil {
			return 0, err
		}
		if <-c.done; c.err != nil {
			return 0, c.failed(c.err)
		}
		speed = append(speed, float64(len(in))/1e6/(cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()).Seconds())
	}
	return median(speed), os.RemoveAll(dir)
}
