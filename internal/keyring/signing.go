// SPDX-License-Identifier: Apache-2.0

package keyring

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/headrace/headrace/episode"
)

// Signing says where the signing key is: on this disk, or in a device that signs and never gives it out. Without any of
// these it is signing.key in the key folder, made on first use.
type Signing struct {
	// File is an ed25519 private key in PKCS #8 and PEM.
	File string `yaml:"file,omitempty"`
	// Command is a program that reads what is to be signed on standard input and writes the 64 bytes of the ed25519 signature on
	// standard output, such as pkcs11-tool for a device that speaks PKCS #11.
	Command []string `yaml:"command,omitempty"`
	// PublicKey is the file with the command's public key, in PEM or DER.
	PublicKey string `yaml:"public_key,omitempty"`
	// Vault is a key in Vault's transit engine.
	Vault *Vault `yaml:"vault,omitempty"`
}

// Beside makes the paths absolute, as at says where each is meant from.
func (s Signing) Beside(at func(string) string) Signing {
	s.File, s.PublicKey = at(s.File), at(s.PublicKey)
	if s.Vault != nil {
		v := *s.Vault
		v.TokenFile = at(v.TokenFile)
		s.Vault = &v
	}
	return s
}

// ErrUnsigned is behind every error of a signing key that is elsewhere: nothing was signed, and trying again may help.
var ErrUnsigned = errors.New("not signed")

// unsigned says that nothing was signed, why, and what to do.
func unsigned(code, message, hint string, err error) error {
	cause := ErrUnsigned
	if err != nil {
		cause = fmt.Errorf("%w: %w", ErrUnsigned, err)
	}
	return &episode.Problem{Code: code, Message: message, Err: cause, Hint: hint + "; what was to be signed stays as it is and is tried again"}
}

// signer returns the signing key as s says.
func (r *Ring) signer(s Signing) (crypto.Signer, error) {
	given := 0
	for _, is := range []bool{s.File != "", len(s.Command) > 0, s.Vault != nil} {
		if is {
			given++
		}
	}
	if given > 1 || (s.PublicKey != "") != (len(s.Command) > 0) {
		return nil, &episode.Problem{Code: "keys/signing", Message: "signing does not name one key",
			Hint: "give {file: FILE}, or {command: [PROGRAM, …], public_key: FILE}, or {vault: {url: URL, key: NAME, token_file: FILE}}"}
	}
	switch {
	case s.File != "":
		b, err := os.ReadFile(s.File)
		if err != nil {
			return nil, &episode.Problem{Code: "keys/signing", Message: "read the signing key", Err: err, Hint: "make one with openssl genpkey -algorithm ed25519, or take the line out: headrace makes its own"}
		}
		return privateKey(s.File, b)
	case len(s.Command) > 0:
		b, err := os.ReadFile(s.PublicKey)
		if err != nil {
			return nil, &episode.Problem{Code: "keys/signing", Message: "read the public half of the signing key", Err: err, Hint: "have the device write it: pkcs11-tool --read-object --type pubkey"}
		}
		public, err := publicKey(s.PublicKey, b)
		return &remote{public: public, name: filepath.Base(s.Command[0]), ask: command(s.Command).sign}, err
	case s.Vault != nil:
		return r.vault(*s.Vault)
	}
	b, err := r.file("signing.key", newSigningKey)
	if err != nil {
		return nil, err
	}
	return privateKey(filepath.Join(r.Dir, "signing.key"), b)
}

func newSigningKey() ([]byte, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

func privateKey(path string, b []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, broken(path, "a PEM block")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, broken(path, "a PKCS #8 key")
	}
	signing, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, broken(path, "an ed25519 key")
	}
	return signing, nil
}

func publicKey(path string, b []byte) (ed25519.PublicKey, error) {
	if block, _ := pem.Decode(b); block != nil {
		b = block.Bytes
	}
	key, err := x509.ParsePKIXPublicKey(b)
	public, ok := key.(ed25519.PublicKey)
	if err != nil || !ok {
		return nil, &episode.Problem{Code: "keys/signing", Message: path + " does not hold an ed25519 public key", Err: err, Hint: "have the device write it again, in PEM or DER"}
	}
	return public, nil
}

const (
	signTimeout = 15 * time.Second // a device that needs longer is away
	signPause   = 2 * time.Second  // after a failure it is left alone: many tries with a wrong PIN lock a device
)

// remote is a signing key that something else holds. It is safe for concurrent use.
type remote struct {
	public ed25519.PublicKey
	name   string // of what holds it, for people
	ask    func(ctx context.Context, message []byte) ([]byte, error)

	mu     sync.Mutex // guards what follows
	failed time.Time
	why    error
}

// Public returns the key that others verify with.
func (k *remote) Public() crypto.PublicKey { return k.public }

// Sign returns a signature that verifies, or an error: what a device answers is checked before anybody uses it.
func (k *remote) Sign(_ io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	if opts != nil && opts.HashFunc() != 0 {
		return nil, errors.New("sign: ed25519 signs the message, not a hash of it")
	}
	k.mu.Lock()
	why := k.why
	if time.Since(k.failed) > signPause {
		why = nil
	}
	k.mu.Unlock()
	if why != nil {
		return nil, why
	}
	ctx, cancel := context.WithTimeout(context.Background(), signTimeout)
	defer cancel()
	signature, err := k.ask(ctx, message)
	if ctx.Err() != nil {
		err = unsigned("keys/signer-away", fmt.Sprintf("%s did not sign within %v", k.name, signTimeout), "see that the device answers", nil)
	} else if err == nil && !ed25519.Verify(k.public, message, signature) {
		err = unsigned("keys/other-key", "what "+k.name+" answered is no signature of our key", "see that it signs with the key that this place is known by", nil)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.why = err; err != nil {
		k.failed = time.Now()
		return nil, err
	}
	return signature, nil
}

// command is a program that signs.
type command []string

func (c command) sign(ctx context.Context, message []byte) ([]byte, error) {
	cmd := exec.CommandContext(ctx, c[0], c[1:]...)
	cmd.WaitDelay = time.Second // for what it started and left behind
	var said bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(message), &said
	signature, err := cmd.Output()
	if err != nil {
		if line := strings.TrimSpace(said.String()); line != "" {
			err = fmt.Errorf("%w: %.200s", err, line[strings.LastIndexByte(line, '\n')+1:])
		}
		return nil, unsigned("keys/signer-away", filepath.Base(c[0])+" did not sign", "see that the device is there, and that the command works by hand", err)
	}
	return signature, nil
}
