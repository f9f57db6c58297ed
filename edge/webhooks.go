// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/capture/forge"
	"github.com/headrace/headrace/internal/capture/gitlog"
)

// Webhooks are the secrets by which code forges prove themselves. Of a forge that has none, nothing is taken. Several are
// good at the same time: while one takes the place of another, and where each project has its own.
type Webhooks struct {
	GitHub []string // each delivery is signed with one
	GitLab []string // each delivery has one in its header
}

// MaxWebhook is the largest delivery that is taken in, in bytes: GitHub sends none that is larger.
const MaxWebhook = 25 << 20

// WebhookHandler serves code forges: POST /v1/webhooks/github and /v1/webhooks/gitlab. They prove themselves by a secret of
// their own, so that it needs no token before it.
func (e *Edge) WebhookHandler() http.Handler {
	mux := access.NewMux(access.Forbidden())
	mux.HandleFunc("POST /v1/webhooks/github", func(w http.ResponseWriter, r *http.Request) {
		e.serveWebhook(w, r, "github", e.cfg.Webhooks.GitHub, signedBy, func(body []byte) ([]gitlog.Report, error) {
			event := r.Header.Get("X-GitHub-Event")
			if event == "" {
				return nil, &episode.Problem{Code: "webhook/event", Message: "the header X-GitHub-Event is missing", Hint: "let GitHub deliver, and its headers through"}
			}
			return forge.GitHub(event, body)
		})
	})
	mux.HandleFunc("POST /v1/webhooks/gitlab", func(w http.ResponseWriter, r *http.Request) {
		e.serveWebhook(w, r, "gitlab", e.cfg.Webhooks.GitLab, bears, forge.GitLab)
	})
	return mux
}

// serveWebhook answers once all that a delivery says of use is durable, be it nothing.
func (e *Edge) serveWebhook(w http.ResponseWriter, r *http.Request, name string, secrets []string, proves func(r *http.Request, body []byte, secret string) bool, decode func([]byte) ([]gitlog.Report, error)) {
	if len(secrets) == 0 {
		refuse(w, http.StatusNotFound, &episode.Problem{Code: "webhook/no-secret", Message: "this edge takes nothing from " + name + ": it shares no secret with it",
			Hint: "put the secret into a file and name that under webhooks in edge.yaml"})
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, MaxWebhook)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, &episode.Problem{Code: "intake/too-large", Message: fmt.Sprintf("the delivery is cut off, or larger than %d bytes", MaxWebhook), Err: err})
		return
	}
	proven := false
	for _, s := range secrets {
		proven = proves(r, body, s) || proven
	}
	if !proven {
		refuse(w, http.StatusUnauthorized, &episode.Problem{Code: "webhook/proof", Message: "the delivery does not prove that it is from " + name, Hint: "give the hook the secret that the edge has"})
		return
	}
	list, err := decode(jsonOf(r, body))
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	if err := e.ReceiveReports(r.Context(), Principal{Authenticated: true}, list); err != nil {
		e.unavailable(w, err)
		return
	}
	answer(w, http.StatusOK, Answer{Accepted: len(list)})
}

// signedBy reports whether GitHub signed a delivery with a secret. The comparison takes as long, whatever differs.
func signedBy(r *http.Request, body []byte, secret string) bool {
	sum, err := hex.DecodeString(strings.TrimPrefix(r.Header.Get("X-Hub-Signature-256"), "sha256="))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return err == nil && hmac.Equal(sum, mac.Sum(nil))
}

// bears reports whether a delivery has a secret in GitLab's header.
func bears(r *http.Request, _ []byte, secret string) bool {
	given, want := sha256.Sum256([]byte(r.Header.Get("X-Gitlab-Token"))), sha256.Sum256([]byte(secret))
	return hmac.Equal(given[:], want[:])
}

// jsonOf is the JSON of a delivery, which GitHub may send as the one field of a form.
func jsonOf(r *http.Request, body []byte) []byte {
	if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media == "application/x-www-form-urlencoded" {
		if form, err := url.ParseQuery(string(body)); err == nil {
			return []byte(form.Get("payload"))
		}
	}
	return body
}

// Environment variables that may hold a forge's secret.
const (
	GitHubSecretEnv = "HEADRACE_GITHUB_SECRET"
	GitLabTokenEnv  = "HEADRACE_GITLAB_TOKEN"
)

// WebhookFiles are files with forges' secrets, one a line. Several are good at the same time: a new one and the old one, or
// one for each project.
type WebhookFiles struct {
	GitHub string `yaml:"github_secret_file"`
	GitLab string `yaml:"gitlab_token_file"`
}

func (f WebhookFiles) read() (w Webhooks, err error) {
	if w.GitHub, err = readSecrets("github_secret_file", GitHubSecretEnv, f.GitHub); err == nil {
		w.GitLab, err = readSecrets("gitlab_token_file", GitLabTokenEnv, f.GitLab)
	}
	return w, err
}

// readSecrets are the lines of an environment variable, else of a file.
func readSecrets(key, env, path string) ([]string, error) {
	text := os.Getenv(env)
	if text == "" && path != "" {
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, &episode.Problem{Code: "config/read", Message: "read webhooks: " + key, Err: err, Hint: "it holds the secret that the forge was given, in a line"}
		}
		if text = string(b); strings.TrimSpace(text) == "" {
			return nil, &episode.Problem{Code: "config/secret", Message: path + " is empty", Hint: "put the secret that the forge was given into it, in a line"}
		}
	}
	var secrets []string
	for line := range strings.Lines(text) {
		if s := strings.TrimSpace(line); s != "" {
			secrets = append(secrets, s)
		}
	}
	return secrets, nil
}
