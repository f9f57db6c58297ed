// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
)

// Language names the language of a file by its name's extension, lower case; empty where it is not known.
func Language(file string) string {
	file = strings.ReplaceAll(file, `\`, "/")
	switch base := path.Base(file); base {
	case "Dockerfile", "Makefile":
		return strings.ToLower(base)
	}
	switch strings.ToLower(strings.TrimPrefix(path.Ext(file), ".")) {
	case "go":
		return "go"
	case "py", "pyi":
		return "python"
	case "js", "mjs", "cjs", "jsx":
		return "javascript"
	case "ts", "mts", "cts", "tsx":
		return "typescript"
	case "java":
		return "java"
	case "kt", "kts":
		return "kotlin"
	case "rs":
		return "rust"
	case "c", "h":
		return "c"
	case "cc", "cpp", "cxx", "hh", "hpp", "hxx":
		return "cpp"
	case "cs":
		return "csharp"
	case "rb":
		return "ruby"
	case "php":
		return "php"
	case "swift":
		return "swift"
	case "scala":
		return "scala"
	case "sh", "bash", "zsh":
		return "shell"
	case "sql":
		return "sql"
	case "html", "htm":
		return "html"
	case "css", "scss", "less":
		return "css"
	case "vue":
		return "vue"
	case "json", "jsonl":
		return "json"
	case "yaml", "yml":
		return "yaml"
	case "toml":
		return "toml"
	case "xml":
		return "xml"
	case "md", "markdown":
		return "markdown"
	case "proto":
		return "protobuf"
	case "tf":
		return "terraform"
	}
	return ""
}

// Provider names the maker of a model by the model's name, empty where the name does not tell.
func Provider(model string) string {
	m := strings.ToLower(model)
	for _, p := range [...][2]string{
		{"claude", "anthropic"}, {"gpt", "openai"}, {"codex", "openai"}, {"gemini", "google"}, {"codestral", "mistral"},
		{"mistral", "mistral"}, {"devstral", "mistral"}, {"deepseek", "deepseek"}, {"grok", "xai"}, {"qwen", "alibaba"},
		{"llama", "meta"}, {"command-r", "cohere"},
	} {
		if strings.Contains(m, p[0]) {
			return p[1]
		}
	}
	return ""
}

// SetModel sets the model, and the origin of the suggestions with it, unless the episode has one already.
func SetModel(e *episode.Episode, provider, name string) {
	if name == "" || e.Model.Name != "" {
		return
	}
	if provider == "" {
		provider = Provider(name)
	}
	e.Model = episode.Model{Provider: provider, Name: name}
	if provider != "" {
		e.Origin = &episode.Origin{Provider: provider}
	}
}

// Languages fills the episode's languages from its suggestions, sorted, each once.
func Languages(e *episode.Episode) {
	var langs []string
	for i := range e.Suggestions {
		s := &e.Suggestions[i]
		if s.Language == "" {
			s.Language = Language(s.Path)
		}
		if s.Language != "" {
			langs = append(langs, s.Language)
		}
	}
	slices.Sort(langs)
	e.Languages = slices.Compact(langs)
}

// Clip cuts each string that is above the record's limit and reports whether any was.
func Clip(strs ...*string) (cut bool) {
	for _, s := range strs {
		var c bool
		*s, c = episode.Truncate(*s)
		cut = cut || c
	}
	return cut
}

// Artifact makes an artifact of a text, named by the digest of the whole text even where it is cut.
func Artifact(kind episode.ArtifactKind, name, text string) episode.Artifact {
	a := episode.Artifact{Digest: episode.Digest([]byte(text)), Kind: kind, Name: name, MediaType: "text/markdown", Text: text}
	a.Truncated = Clip(&a.Text)
	return a
}

// Arguments makes a tool call's input fit for the record: strings above the limit are cut, and an input that is not
// strict JSON (a name twice, an escape that is no character) is kept as one string.
func Arguments(v jsontext.Value) (args jsontext.Value, cut bool) {
	if len(v) == 0 {
		return nil, false
	}
	if !v.IsValid() {
		s, cut := episode.Truncate(strings.ToValidUTF8(string(v), "\uFFFD"))
		q, err := jsontext.AppendQuote(nil, s)
		if err != nil {
			return nil, true
		}
		return q, cut
	}
	if short, _ := episode.Truncate(string(v)); len(short) == len(v) {
		return v, false
	}
	var out bytes.Buffer
	dec, enc := jsontext.NewDecoder(bytes.NewReader(v)), jsontext.NewEncoder(&out)
	for {
		t, err := dec.ReadToken()
		if err != nil {
			break // the end: v is valid
		}
		if t.Kind() == '"' {
			s, c := episode.Truncate(t.String())
			t, cut = jsontext.String(s), cut || c
		}
		if err := enc.WriteToken(t); err != nil {
			return nil, true // two names, cut, have become the same
		}
	}
	return bytes.TrimSpace(out.Bytes()), cut
}
