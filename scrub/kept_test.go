// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// some returns n letters of an alphabet.
func some(r *rand.Rand, alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

func TestNumbersInARowAreData(t *testing.T) {
	s, r := newScrubber(t, Config{}), rand.New(rand.NewPCG(1, 2))
	for range 200 {
		text := "$image = \"77"
		for range 40 {
			text += fmt.Sprint(" ", 100+r.IntN(900))
		}
		if text += "\"\n"; scrubbed(t, s, text) != text {
			t.Errorf("%q became %q", text, scrubbed(t, s, text))
		}
	}
}

// TestANumberInCodeNeedsMoreThanItsCheckDigit makes numbers of Poland's form, whose last digit checks the ten before.
func TestANumberInCodeNeedsMoreThanItsCheckDigit(t *testing.T) {
	s, r := newScrubber(t, Config{}), rand.New(rand.NewPCG(3, 4))
	for range 200 {
		d, sum := fmt.Sprintf("%02d%02d%02d%04d", r.IntN(90), 1+r.IntN(12), 1+r.IntN(28), r.IntN(10000)), 0
		for i, c := range []byte(d) {
			sum += int(c-'0') * []int{1, 3, 7, 9}[i%4]
		}
		d += fmt.Sprint((10 - sum%10) % 10)
		if text := "\tcase 17: x += " + d + "; y[3] = f(x, 4);\n"; scrubbed(t, s, text) != text {
			t.Errorf("%q became %q", text, scrubbed(t, s, text))
		}
		for _, text := range []string{d, "pesel: " + d, "<id>" + d + "</id>", `"` + d + `"`, "The number of the person who called us is " + d + " and nobody else has it."} {
			if out := scrubbed(t, s, text); strings.Contains(out, d) {
				t.Errorf("%q stayed", out)
			}
		}
	}
}

func TestADigestGoesWithoutThePathToIt(t *testing.T) {
	s, r := newScrubber(t, Config{}), rand.New(rand.NewPCG(5, 6))
	for range 100 {
		digest := some(r, "0123456789abcdef", 40)
		text := "https://api.github.com/repos/ab" + some(r, "0123456789", 4) + "/Widgets/git/commits/" + digest + "\n"
		out := scrubbed(t, s, text)
		if strings.Contains(out, digest) || !strings.HasPrefix(out, text[:len(text)-41]) {
			t.Errorf("%q became %q", text, out)
		}
	}
}

func TestALockFileKeepsTheDigestsOfArchives(t *testing.T) {
	s, r := newScrubber(t, Config{}), rand.New(rand.NewPCG(7, 8))
	for range 100 {
		digest := some(r, "0123456789abcdef", 40)
		if text := "  resolved \"https://registry.example.org/left/-/left-1.2.0.tgz#" + digest + "\"\n"; scrubbed(t, s, text) != text {
			t.Errorf("%q became %q", text, scrubbed(t, s, text))
		}
		if out := scrubbed(t, s, "see https://example.org/page#"+digest+"\n"); strings.Contains(out, digest) {
			t.Errorf("%q stayed", out)
		}
	}
}

func TestTheHostOfAStoreGoesAsAWhole(t *testing.T) {
	s := newScrubber(t, Config{})
	for _, host := range []string{
		"ledger-exports.s3.amazonaws.com", "ledger-exports.s3.eu-west-3.amazonaws.com", "ledger.exports.s3-eu-west-3.amazonaws.com",
		"ledgerexports.blob.core.windows.net", "ledger-exports.storage.googleapis.com", "ledger-exports.s3-website-eu-west-3.amazonaws.com",
	} {
		for _, text := range []string{"https://" + host + "/a.csv", "connect-src 'self' " + host + " api.github.com", "host=" + host} {
			if out := scrubbed(t, s, text); strings.Contains(out, "ledger") || strings.Contains(out, host[len(host)-12:]) {
				t.Errorf("%q became %q", text, out)
			}
		}
	}
	for _, text := range []string{"https://s3.amazonaws.com/\n", "https://ec2.eu-west-3.amazonaws.com/\n", "bucket.s3.amazonaws.com\n"} {
		if out := scrubbed(t, s, text); out != text {
			t.Errorf("%q became %q", text, out)
		}
	}
}

func TestSoftwareIsNobody(t *testing.T) {
	s := newScrubber(t, Config{})
	for _, text := range []string{
		"The driver for Cassandra is slow when many clients ask at once.\n",
		"Set this to True and the shares that Samba exports are seen by all.\n",
	} {
		if out := scrubbed(t, s, text); out != text {
			t.Errorf("%q became %q", text, out)
		}
	}
	if out := scrubbed(t, s, "The report was written by Cassandra Miller last week.\n"); strings.Contains(out, "Miller") {
		t.Errorf("%q stayed", out)
	}
}

func TestAResourceOfACloudIsNotNamed(t *testing.T) {
	s := newScrubber(t, Config{})
	for _, text := range []string{
		"arn:aws:s3:::ledgerexports", `"Resource": "arn:aws:s3:::ledger-exports/ledger/2026/*"`, "arn:aws-cn:s3:::ledger_exports",
		"arn:aws:lambda:eu-west-1:490123456789:function:ledger-pay", "arn:aws:iam::490123456789:role/ledger/LedgerAdmin",
		"arn:aws:sns:eu-west-1:490123456789:ledger-alerts", "arn:aws:sqs:eu-west-1:490123456789:ledgerQueue.fifo",
		"arn:aws:secretsmanager:us-east-1:490123456789:secret:ledger/db-a1b2c3", "arn:aws:dynamodb:us-east-1:490123456789:table/Ledger",
	} {
		if out := scrubbed(t, s, text); strings.Contains(strings.ToLower(out), "ledger") || strings.Contains(out, "490123456789") || !strings.Contains(out, "arn:aws") {
			t.Errorf("%q became %q", text, out)
		}
	}
	for _, text := range []string{"arn:aws:iam::aws:policy/AdministratorAccess", "arn:aws:s3:::*", "arn:aws:s3:::${bucket}/*", `f"arn:aws:s3:::{name}"`} {
		if out := scrubbed(t, s, text); out != text {
			t.Errorf("%q became %q", text, out)
		}
	}
	// The same name is the same pseudonym elsewhere, too.
	if out := strings.Fields(scrubbed(t, s, "bucket: ledger-exports arn:aws:s3:::ledger-exports")); !strings.HasSuffix(out[2], out[1]) {
		t.Errorf("became %q", out)
	}
}

func TestAResourceOfAzureOrGoogleIsNotNamed(t *testing.T) {
	s := newScrubber(t, Config{})
	for _, text := range []string{
		"/subscriptions/6f1b2f7e-1a52-4ed8-9a33-1d6a0a5c4f11/resourceGroups/ledger-rg/providers/Microsoft.Storage/storageAccounts/ledgerstore/blobServices/ledgerblobs",
		"projects/ledger-prod-1/secrets/db", "//pubsub.googleapis.com/projects/ledger-prod-1/topics/t", "image: gcr.io/ledger-prod-1/api:1", "eu.gcr.io/ledger-prod-1/api",
		"europe-west1-docker.pkg.dev/ledger-prod-1/repo/api", "project_id: ledger-prod-1", "ci@ledger-prod-1.iam.gserviceaccount.com",
	} {
		out := scrubbed(t, s, text)
		if strings.Contains(out, "ledger") {
			t.Errorf("%q became %q", text, out)
		}
		for _, kept := range []string{"resourceGroups", "providers", "Microsoft.Storage", "storageAccounts", "secrets", "docker.pkg.dev"} {
			if strings.Contains(text, kept) && !strings.Contains(out, kept) {
				t.Errorf("%q became %q", text, out)
			}
		}
	}
	for _, text := range []string{"gcr.io/distroless/static:nonroot", "k8s.gcr.io/pause:3.9", "cd ~/projects/ && ls", "src/projects/list/index.ts", "/resourceGroups/{name}/providers/x"} {
		if out := scrubbed(t, s, text); out != text {
			t.Errorf("%q became %q", text, out)
		}
	}
}

func TestTheMachineOfAStoreIsPrivate(t *testing.T) {
	s := newScrubber(t, Config{})
	for _, text := range []string{
		"url: jdbc:postgresql://ledger.acme.de:5432/main?user=app", "REDIS_URL=redis://ledger.acme.de:6379/0", "amqp://ledger.acme.de", "ldaps://ledger.acme.de:636",
		"spring.data.mongodb.uri=mongodb+srv://ledger.acme.de/app", "https://ledger.intern.acme.de/x",
	} {
		if out := scrubbed(t, s, text); strings.Contains(out, "ledger") || strings.Contains(out, "acme") {
			t.Errorf("%q became %q", text, out)
		}
	}
	for _, text := range []string{"redis://localhost:6379/0", "postgres://example.com/db", "https://redis.io/docs"} {
		if out := scrubbed(t, s, text); out != text {
			t.Errorf("%q became %q", text, out)
		}
	}
}
