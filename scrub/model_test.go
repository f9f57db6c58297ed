// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
)

// namer is a model that knows one name.
func namer(t *testing.T, name string, asked *[]string) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var in struct {
			Texts []string `json:"texts"`
		}
		if err := json.UnmarshalRead(r.Body, &in); err != nil {
			t.Error(err)
		}
		*asked = append(*asked, in.Texts...)
		spans := make([][]map[string]any, len(in.Texts))
		for i, text := range in.Texts {
			spans[i] = []map[string]any{}
			if at := strings.Index(text, name); at >= 0 {
				start := utf8.RuneCountInString(text[:at])
				spans[i] = append(spans[i], map[string]any{"start": start, "end": start + utf8.RuneCountInString(name), "kind": "person"})
			}
		}
		if err := json.MarshalWrite(rw, map[string]any{"spans": spans}); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(srv.Close)
	return srv
}

const proseRecord = `{"schema_version":"1.0","id":"ep_1","instruction":"é, wie quillon sagt","suggestions":[{"id":"s1","step":-1,"kind":"completion","after":"code of quillon"}]}`

func TestAModelFindsNamesInProse(t *testing.T) {
	var asked []string
	m, err := NewModel(namer(t, "quillon", &asked).URL)
	if err != nil {
		t.Fatal(err)
	}
	s := newScrubber(t, Config{Model: m})
	e := decode(t, proseRecord)
	if _, err := s.Episode(e); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(e.Instruction, "quillon") || !strings.HasPrefix(e.Instruction, "é, wie ") || !strings.HasSuffix(e.Instruction, " sagt") {
		t.Errorf("%q", e.Instruction)
	}
	if len(asked) != 1 || asked[0] != "é, wie quillon sagt" {
		t.Errorf("it was asked about %q", asked)
	}
}

func TestARecordIsUnsafeWhereTheModelFails(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"error":   func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, "no", 500) },
		"no JSON": func(rw http.ResponseWriter, _ *http.Request) { fmt.Fprint(rw, "hello") },
		"too few": func(rw http.ResponseWriter, _ *http.Request) { fmt.Fprint(rw, `{"spans":[]}`) },
		"outside": func(rw http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(rw, `{"spans":[[{"start":2,"end":900,"kind":"person"}]]}`)
		},
		"no kind": func(rw http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(rw, `{"spans":[[{"start":2,"end":3,"kind":""}]]}`)
		},
		"redirect": func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, "/elsewhere", http.StatusTemporaryRedirect)
		},
		"slow": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // only then does the server see that nobody waits
			<-r.Context().Done()
		},
	} {
		srv := httptest.NewServer(answer)
		m, err := NewModel(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		m.client.Timeout = 300 * time.Millisecond
		if _, err := newScrubber(t, Config{Model: m}).Episode(decode(t, proseRecord)); !errors.Is(err, ErrUnsafe) {
			t.Errorf("%s: %v", name, err)
		}
		srv.Close()
	}
}

func TestAModelElsewhereIsAskedOverTLSOnly(t *testing.T) {
	for _, bad := range []string{"", "http://model.example/x", "ftp://127.0.0.1/", "http://10.0.0.1/", "127.0.0.1:80"} {
		if _, err := NewModel(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	for _, good := range []string{"http://127.0.0.1:8600/spans", "http://localhost:1/", "http://[::1]:1/", "https://model.example/x"} {
		if _, err := NewModel(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
}

func FuzzModelAnswer(f *testing.F) {
	f.Add([]byte(`{"spans":[[{"start":0,"end":1,"kind":"person"}]]}`), "é a")
	f.Fuzz(func(t *testing.T, answer []byte, text string) {
		found, err := answered(answer, []string{text})
		if err != nil {
			return
		}
		for _, s := range found[text] {
			if s.start < 0 || s.start >= s.end || s.end > len(text) || s.kind == "" {
				t.Fatalf("%+v of %q", s, text)
			}
		}
	})
}
