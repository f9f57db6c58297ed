// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"errors"
	"fmt"

	"github.com/headrace/headrace/episode"
)

// The codes of what can be wrong with a bundle or a signed document. They are stable.
const (
	CodeEmpty         = "bundle/empty"             // no records
	CodeRecord        = "bundle/not-canonical"     // a record is not canonical JSON
	CodeLocal         = "bundle/local-present"     // a record still has its local block
	CodeTerms         = "bundle/terms-missing"     // a record has no terms, or none for the recipient
	CodeLevel         = "bundle/level-missing"     // a record does not say at which level it left
	CodeMixed         = "bundle/mixed-kinds"       // episodes and amendments in one bundle
	CodeCanary        = "bundle/canary"            // a planted canary would have left
	CodeTooLarge      = "bundle/too-large"         // over the limits of one bundle
	CodeExists        = "bundle/exists"            // the folder holds something else
	CodeNoSigner      = "bundle/no-signer"         // no signing key
	CodeNotBundle     = "bundle/not-a-bundle"      // no OCI layout there
	CodeMalformed     = "bundle/malformed"         // not the bytes that a writer writes
	CodeDigest        = "bundle/digest-mismatch"   // a blob is not what its name says
	CodeMissing       = "bundle/missing-file"      // a file of the layout is absent
	CodeExtra         = "bundle/extra-file"        // a file that no bundle has
	CodeManifest      = "bundle/manifest-mismatch" // the signed manifest does not describe the records
	CodeSignature     = "bundle/bad-signature"     // the signature does not fit
	CodeUnknownSigner = "bundle/unknown-signer"    // signed by a key that is not trusted here
	CodeContributor   = "bundle/wrong-contributor" // signed by a trusted key under another's name
	CodeWrongType     = "bundle/wrong-type"        // another kind of signed document
	CodeTrust         = "bundle/bad-trust-file"    // the trust file cannot be read
	CodeInclusion     = "bundle/not-included"      // a proof does not lead to the root
)

var errNotCanonical = errors.New("not in canonical form (RFC 8785): keys sorted, no spaces, nothing twice")

func problem(code, hint, format string, a ...any) error {
	return &episode.Problem{Code: code, Message: fmt.Sprintf(format, a...), Hint: hint}
}

const hintFetch = "it was changed or damaged on the way: fetch it again, or ask the sender to push it again"

func malformed(format string, a ...any) error { return problem(CodeMalformed, hintFetch, format, a...) }
