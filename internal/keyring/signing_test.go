// SPDX-License-Identifier: Apache-2.0

package keyring_test

import (
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
	"testing"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/keyring"
	"github.com/headrace/headrace/internal/keyring/keyringtest"
)

func sign(r *keyring.Ring, message string) ([]byte, error) {
	return r.Signing().Sign(nil, []byte(message), crypto.Hash(0))
}

// signs has a ring sign, and checks it as others do.
func signs(t *testing.T, r *keyring.Ring) {
	t.Helper()
	for _, message := range []string{"x", "a statement", string(make([]byte, 100_000))} {
		got, err := sign(r, message)
		if err != nil {
			t.Fatal(err)
		}
		if !ed25519.Verify(r.Public(), []byte(message), got) {
			t.Fatalf("the signature of %d bytes does not verify", len(message))
		}
		if again, err := sign(r, message); err != nil || string(again) != string(got) {
			t.Errorf("signing again gave another signature, %v", err)
		}
	}
}

func problemOf(err error) (p episode.Problem) {
	if found, ok := errors.AsType[*episode.Problem](err); ok {
		p = *found
	}
	return p
}

func write(t *testing.T, path string, b []byte) string {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// pair writes a key pair in PEM.
func pair(t *testing.T, dir string) (private, public string) {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	b, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, filepath.Join(dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: a})),
		write(t, filepath.Join(dir, "key.pub"), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: b}))
}

func TestAKeyInAFileOfYourOwnSigns(t *testing.T) {
	dir := t.TempDir()
	private, _ := pair(t, t.TempDir())
	r, err := keyring.OpenWith(dir, keyring.Signing{File: private})
	if err != nil {
		t.Fatal(err)
	}
	signs(t, r)
	if _, err := os.Stat(filepath.Join(dir, "signing.key")); err == nil {
		t.Error("another signing key was made beside it")
	}
}

// TestHelperDevice is the program that signs, run by the tests below. It is none of the tests itself.
func TestHelperDevice(t *testing.T) {
	key := os.Getenv("HEADRACE_TEST_DEVICE_KEY")
	if key == "" {
		return
	}
	dir, err := os.MkdirTemp("", "device")
	if err != nil {
		os.Exit(3)
	}
	defer os.RemoveAll(dir)
	switch how := os.Getenv("HEADRACE_TEST_DEVICE"); how {
	case "hangs":
		time.Sleep(time.Hour)
	case "short":
		os.Stdout.Write(make([]byte, 63))
	case "says no":
		fmt.Fprintln(os.Stderr, "several lines\nno such token")
		os.RemoveAll(dir)
		os.Exit(1)
	default:
		message, err := io.ReadAll(os.Stdin)
		if err != nil {
			os.Exit(3)
		}
		r, err := keyring.OpenWith(dir, keyring.Signing{File: key})
		if err != nil {
			os.Exit(3)
		}
		signature, err := sign(r, string(message))
		if err != nil {
			os.Exit(3)
		}
		os.Stdout.Write(signature)
	}
	os.RemoveAll(dir)
	os.Exit(0)
}

func TestAProgramSigns(t *testing.T) {
	private, public := pair(t, t.TempDir())
	t.Setenv("HEADRACE_TEST_DEVICE_KEY", private)
	r, err := keyring.OpenWith(t.TempDir(), keyring.Signing{Command: []string{os.Args[0], "-test.run=^TestHelperDevice$"}, PublicKey: public})
	if err != nil {
		t.Fatal(err)
	}
	signs(t, r)
}

func TestWhatAProgramGetsWrongIsNeverUsed(t *testing.T) {
	private, _ := pair(t, t.TempDir())
	_, other := pair(t, t.TempDir())
	t.Setenv("HEADRACE_TEST_DEVICE_KEY", private)
	for _, c := range []struct{ how, code string }{{"another key", "keys/other-key"}, {"short", "keys/other-key"}, {"says no", "keys/signer-away"}} {
		t.Setenv("HEADRACE_TEST_DEVICE", c.how)
		r, err := keyring.OpenWith(t.TempDir(), keyring.Signing{Command: []string{os.Args[0], "-test.run=^TestHelperDevice$"}, PublicKey: other})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time without asking
			signature, err := sign(r, "a statement")
			if p := problemOf(err); signature != nil || p.Code != c.code || p.Hint == "" || !errors.Is(err, keyring.ErrUnsigned) {
				t.Errorf("%s: %x, %v; want %s with a hint", c.how, signature, err, c.code)
			}
		}
	}
	r, err := keyring.OpenWith(t.TempDir(), keyring.Signing{Command: []string{"no-such-program-anywhere"}, PublicKey: other})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sign(r, "x"); problemOf(err).Code != "keys/signer-away" {
		t.Errorf("a program that is not there: %v", err)
	}
}

func TestAMistakeInTheConfigurationIsToldAtOnce(t *testing.T) {
	private, public := pair(t, t.TempDir())
	odd := write(t, filepath.Join(t.TempDir(), "odd"), []byte("no key"))
	for name, s := range map[string]keyring.Signing{
		"two keys":               {File: private, Command: []string{"x"}, PublicKey: public},
		"a command without key":  {Command: []string{"x"}},
		"a key without command":  {PublicKey: public},
		"no such file":           {File: filepath.Join(t.TempDir(), "absent")},
		"no such public key":     {Command: []string{"x"}, PublicKey: filepath.Join(t.TempDir(), "absent")},
		"not a public key":       {Command: []string{"x"}, PublicKey: odd},
		"a vault without a name": {Vault: &keyring.Vault{URL: "http://127.0.0.1", TokenFile: odd}},
		"a vault without a url":  {Vault: &keyring.Vault{URL: "127.0.0.1", Key: "k", TokenFile: odd}},
	} {
		if _, err := keyring.OpenWith(t.TempDir(), s); problemOf(err).Code != "keys/signing" || problemOf(err).Hint == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestADeviceThatSpeaksPKCS11Signs(t *testing.T) {
	const module, python = "/usr/lib/softhsm/libsofthsm2.so", "/usr/bin/python3"
	_, noHSM := os.Stat(module)
	_, noTool := exec.LookPath("pkcs11-tool")
	if noPython := exec.Command(python, "-c", "import PyKCS11").Run(); noHSM != nil || noTool != nil || noPython != nil {
		t.Skip("no device to be had: apt-get install softhsm2 opensc python3-pykcs11")
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "tokens"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOFTHSM2_CONF", write(t, filepath.Join(dir, "softhsm2.conf"), []byte("directories.tokendir = "+filepath.Join(dir, "tokens")+"\nobjectstore.backend = file\nlog.level = ERROR\n")))
	pin := fmt.Sprint(1000 + time.Now().Nanosecond()%9000)
	t.Setenv("HEADRACE_PIN", pin)
	// The commands of docs/keys.md.
	public := filepath.Join(dir, "signing.pub")
	tool := []string{"pkcs11-tool", "--module", module, "--token-label", "headrace", "--login", "--pin", "env:HEADRACE_PIN"}
	for _, args := range [][]string{
		{"softhsm2-util", "--init-token", "--free", "--label", "headrace", "--pin", pin, "--so-pin", pin},
		append(tool[:len(tool):len(tool)], "--keypairgen", "--key-type", "EC:edwards25519", "--label", "signing", "--id", "01"),
		append(tool[:len(tool):len(tool)], "--read-object", "--type", "pubkey", "--label", "signing", "--output-file", public),
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	s := keyring.Signing{Command: []string{python, "../../docs/pkcs11-sign.py", module, "headrace", "signing"}, PublicKey: public}
	r, err := keyring.OpenWith(t.TempDir(), s)
	if err != nil {
		t.Fatal(err)
	}
	signs(t, r)
	// pkcs11-tool itself is enough for what is short, such as a log's checkpoints.
	s.Command = append(tool[:len(tool):len(tool)], "--sign", "--mechanism", "EDDSA", "--label", "signing")
	short, err := keyring.OpenWith(t.TempDir(), s)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := sign(short, "a checkpoint"); err != nil || !ed25519.Verify(r.Public(), []byte("a checkpoint"), got) {
		t.Errorf("pkcs11-tool: %v", err)
	}
	// The token is taken out.
	t.Setenv("SOFTHSM2_CONF", write(t, filepath.Join(dir, "empty.conf"), []byte("directories.tokendir = "+t.TempDir()+"\nobjectstore.backend = file\n")))
	if _, err := sign(r, "x"); problemOf(err).Code != "keys/signer-away" {
		t.Errorf("without its token: %v", err)
	} else {
		t.Log(err)
	}
}

func TestAKeyInVaultSigns(t *testing.T) {
	v, s := keyringtest.New(t)
	dir := t.TempDir()
	r, err := keyring.OpenWith(dir, s)
	if err != nil {
		t.Fatal(err)
	}
	signs(t, r)
	// Vault rotates: this place stays known by the key that it was known by, also after a start while Vault is away.
	v.Rotate()
	v.Set(func(v *keyringtest.Vault) { v.Away = true })
	again, err := keyring.OpenWith(dir, s)
	if err != nil || !again.Public().Equal(r.Public()) {
		t.Fatalf("another key, or %v", err)
	}
	v.Set(func(v *keyringtest.Vault) { v.Away = false })
	signs(t, again)
	if v.Signed() == 0 {
		t.Error("Vault signed nothing")
	}
}

func TestWhatVaultGetsWrongIsNeverUsed(t *testing.T) {
	for _, c := range []struct {
		what, code string
		set        func(*keyringtest.Vault)
	}{
		{"is sealed", "keys/signer-away", func(v *keyringtest.Vault) { v.Away = true }},
		{"lets us not", "keys/signer-refused", func(v *keyringtest.Vault) { v.Denies = true }},
		{"signs with another key", "keys/other-key", func(v *keyringtest.Vault) { v.Other = true }},
		{"says nonsense", "keys/other-key", func(v *keyringtest.Vault) { v.Garbled = true }},
	} {
		v, s := keyringtest.New(t)
		r, err := keyring.OpenWith(t.TempDir(), s)
		if err != nil {
			t.Fatal(err)
		}
		v.Set(c.set)
		signature, err := sign(r, "a statement")
		if p := problemOf(err); signature != nil || p.Code != c.code || p.Hint == "" || !errors.Is(err, keyring.ErrUnsigned) {
			t.Errorf("%s: %x, %v; want %s with a hint", c.what, signature, err, c.code)
		}
	}
	// Before there is a key to be known by.
	v, s := keyringtest.New(t)
	v.Set(func(v *keyringtest.Vault) { v.Away = true })
	if _, err := keyring.OpenWith(t.TempDir(), s); !errors.Is(err, keyring.ErrUnsigned) {
		t.Errorf("opened with %v", err)
	}
	v.Set(func(v *keyringtest.Vault) { v.Away, v.Kind = false, "rsa-2048" })
	if _, err := keyring.OpenWith(t.TempDir(), s); problemOf(err).Code != "keys/signing" {
		t.Errorf("a key of another kind: %v", err)
	}
	// The key was made anew at Vault.
	_, s = keyringtest.New(t)
	dir := t.TempDir()
	if _, err := keyring.OpenWith(dir, s); err != nil {
		t.Fatal(err)
	}
	_, s = keyringtest.New(t)
	r, err := keyring.OpenWith(dir, s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sign(r, "x"); problemOf(err).Code != "keys/other-key" {
		t.Errorf("with the key of another Vault: %v", err)
	}
}
