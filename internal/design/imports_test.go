// SPDX-License-Identifier: Apache-2.0

package design

import (
	"path"
	"slices"
	"strings"
	"testing"
)

// rule is what a package may import of ours. A name ending in /... stands for the package and all below it.
type rule struct {
	pkg     string
	imports string
	why     string
}

// rules is the one way that imports run: cmd → agent, edge, hub → stages → episode, scrub, bundle. A new package adds its
// line; a new arrow between stages needs a better reason than that it is handy.
var rules = []rule{
	{"episode", "", "the record: everything may import it, so it imports nothing of ours"},
	{"scrub", "episode scrub/internal/names scrub/internal/public scrub/internal/score", "a public library, of use without the rest"},
	{"scrub/internal/names", "", "a list of words"},
	{"scrub/internal/score", "", "two tables, and what reads them"},
	{"scrub/internal/score/bigrams", "scrub/internal/score", "makes a table of the filter"},
	{"scrub/internal/score/train", "scrub scrub/internal/score", "makes a table of the filter"},
	{"scrub/internal/public", "", "a list of words"},
	{"scrub/internal/public/gather", "scrub/internal/public", "makes the list"},
	{"bundle", "episode", "a public library: whoever checks a bundle needs nothing else"},
	{"spec", "episode", "the open standard is made from the record's types"},

	{"internal/canary", "episode", "knows only bytes and those who write them"},
	{"internal/keyring", "episode", "keys know nothing of what they are for"},
	{"internal/keyring/keyringtest", "internal/keyring", "for tests only"},
	{"internal/statedir", "episode", "a lock on a folder"},
	{"internal/directory", "", "reads other programs' exports, knows nothing of the filter"},
	{"internal/config", "episode", "a configuration file is read the same way for each role"},
	{"internal/blob", "episode internal/statedir", "bytes by digest"},
	{"internal/spool", "episode internal/statedir", "keeps payloads, knows nothing of what they mean"},
	{"internal/hookprog", "internal/seal", "the hook program: the standard library, and what seals"},
	{"internal/instruct", "episode internal/draw internal/lever internal/ope internal/patch", "what a release of instructions says; who has said yes to it the edge knows"},
	{"internal/propose", "episode internal/dataset internal/ope internal/reward", "what is worth a trial; the gate judges the trial"},
	{"internal/patch", "", "texts and diffs, knows nothing of whose they are"},
	{"internal/connect", "episode internal/patch internal/statedir", "writes other programs' settings, knows nothing of what they send"},
	{"internal/lever", "", "a table, held against what others do by its tests"},
	{"internal/seal", "", "the hook program links it: the standard library alone"},
	{"internal/device", "", "certificates know nothing of what they are for"},
	{"internal/login", "episode", "tells who a person is; certificates are for whom it tells"},
	{"internal/login/logintest", "", "for tests only"},
	{"internal/capture/lax", "", "a tolerant JSON reader"},
	{"internal/capture/...", "episode internal/capture/...", "readers know each other's shared parts, and none of the stages after them"},
	{"internal/poll", "episode internal/capture/jules internal/capture/lax", "asks tools' servers, knows nothing of what was captured"},
	{"internal/rights", "episode spec", "a table of the standard, asked by all who let records leave or use them"},
	{"internal/gateway", "episode internal/capture/gateway", "passes bytes on and copies them; what becomes of the copy the edge says"},
	{"internal/consent", "episode internal/rights scrub spec", "levels are a table of the standard"},
	{"internal/risk", "episode scrub", "scores records that leave; what leaves consent decides"},
	{"internal/aggregate", "bundle episode internal/statedir", "counts what it is given; whose may be counted consent decides"},
	{"internal/audit", "episode", "draws lines and adds up what people write beside them"},
	{"internal/curate", "episode internal/dataset internal/rights", ""},
	{"internal/dataset/export", "episode internal/dataset internal/rights", ""},
	{"internal/dataset", "episode internal/blob internal/rights", "a snapshot rests in blobs"},
	{"internal/draw", "", "who falls into which share, by hash"},
	{"internal/reward", "episode internal/config internal/dataset internal/learn/hazard internal/learn/portable internal/ope", "one number of a decision, by a versioned rule; what is not known yet is estimated"},
	{"internal/ope", "", "estimates and intervals on plain numbers"},
	{"internal/learn", "episode internal/dataset internal/draw internal/learn/... internal/ope internal/reward", ""},
	{"internal/learn/portable", "", "a few functions: what evaluates a model needs nothing else"},
	{"internal/learn/bandit", "episode internal/dataset internal/learn/hashed", "package learn reads its files"},
	{"internal/learn/rank", "episode internal/learn/linear internal/learn/portable", "learns from pairs, knows nothing of where they come from"},
	{"internal/learn/linear", "internal/learn/portable", "learns from named numbers, knows nothing of where they come from"},
	{"internal/learn/boost", "episode internal/learn/portable", "learns from columns, knows nothing of where they come from"},
	{"internal/learn/hazard", "episode internal/learn/portable", "learns from numbers, knows nothing of where they come from"},
	{"internal/learn/hashed", "episode internal/learn/portable", "learns from numbers, knows nothing of where they come from"},
	{"internal/gate", "episode internal/dataset internal/draw internal/learn internal/ope internal/reward", ""},
	{"internal/release", "episode internal/draw internal/gate internal/learn internal/reward", "what got through the gate is watched by what the gate allows"},
	{"internal/release/releasetest", "internal/draw internal/release", "for tests and measurements only"},
	{"internal/value", "episode internal/dataset internal/learn internal/ope internal/reward", ""},
	{"internal/sim", "episode", "what it makes goes in at the front, like a tool's own history"},
	{"internal/sim/simtest", "episode internal/dataset internal/sim", "for tests only"},
	{"internal/exchange", "episode internal/statedir", "carries signed things, knows nothing of what they say"},
	{"internal/link", "bundle episode internal/device internal/exchange internal/gate internal/instruct internal/instruct internal/keyring internal/release internal/statedir internal/tlog/proof internal/tlog/seen internal/tlog/tiles", "speaks to a hub in a contributor's name; what is to be sent the roles say"},
	{"internal/registry", "episode internal/blob", "serves artifacts, knows nothing of what they mean"},
	{"internal/registry/registrytest", "internal/registry", "for tests only"},
	{"internal/intake", "", "a second opinion on what the filter let through must not share its code"},
	{"internal/tlog/proof", "episode", "the log's verifier must not need its writer"},
	{"internal/tlog/tiles", "episode internal/tlog/proof", "an edge reads a log's files without its writer's code"},
	{"internal/tlog/seen", "internal/statedir internal/tlog/proof", "only compares and keeps; whoever calls fetches and proves"},
	{"internal/tlog/audit", "episode internal/tlog/proof internal/tlog/tiles", "a second opinion must not share the writer's code"},
	{"internal/tlog/witness", "episode internal/tlog/proof internal/tlog/seen", "must not share the code of the logs that it watches"},
	{"internal/tlog", "episode internal/tlog/proof", ""},
	{"internal/sharedtest", "", "for tests only"},
	{"internal/trail", "bundle episode internal/access internal/statedir", "rows and their hashes; the store keeps them, the roles say what goes in"},
	{"internal/sqlstore", "bundle episode internal/access internal/registry internal/trail", "implements registry.Index; a stage declares its own row types"},
	{"internal/access", "episode", "who a person is and what is theirs: asked by all that serve, knows none of them"},
	{"internal/web", "episode internal/access internal/login internal/trail", "pages declare what they show; the roles' views fill it in"},
	{"internal/published", "episode internal/gate internal/instruct internal/ope internal/release internal/reward internal/value internal/web", "what a hub signed, as pages show it"},
	{"internal/killtest", "episode internal/blob internal/consent internal/dataset internal/keyring internal/sim internal/spool internal/sqlstore", "for tests: looks into stores from outside"},
	{"internal/trusttest", "bundle edge episode internal/blob internal/exchange internal/keyring internal/killtest internal/link internal/release internal/spool internal/sqlstore internal/tlog/...", "for tests: speaks to roles as others do, looks into stores from outside"},
	{"internal/design/...", "", "tests, and what prints their results"},

	{"agent", "episode internal/capture/... internal/device internal/login internal/seal internal/spool internal/statedir", "holds no key but its own certificate's, and no policy"},
	{"edge", "bundle episode internal/access internal/aggregate internal/canary internal/capture/... internal/config internal/consent internal/device internal/draw internal/exchange internal/gate internal/gateway internal/instruct internal/keyring internal/learn internal/link internal/login internal/patch internal/poll internal/published internal/release internal/risk internal/seal internal/spool internal/sqlstore internal/statedir internal/tlog/proof internal/tlog/seen internal/tlog/tiles internal/trail internal/value internal/web scrub",
		"knows a hub as a registry with a key: not its code, its log's writer, its datasets"},
	{"hub", "bundle episode internal/access internal/aggregate internal/blob internal/config internal/curate internal/dataset/... internal/device internal/exchange internal/gate internal/instruct internal/intake internal/keyring internal/learn internal/link internal/login internal/propose internal/published internal/registry internal/release internal/reward internal/rights internal/sqlstore internal/statedir internal/tlog/... internal/trail internal/value internal/web",
		"never sees raw text: no reader, no filter, no policy"},
	{"cmd/...", "agent edge hub bundle scrub episode spec internal/...", "commands may use all of it, and should hold little"},
}

func matches(pattern, pkg string) bool {
	base, below := strings.CutSuffix(pattern, "/...")
	return pkg == pattern || below && (pkg == base || strings.HasPrefix(pkg, base+"/"))
}

func TestImportsRunOneWay(t *testing.T) {
	for _, p := range packages(t) {
		i := slices.IndexFunc(rules, func(r rule) bool { return matches(r.pkg, p.name) })
		if i < 0 {
			t.Errorf("%s has no rule: say in internal/design/imports_test.go what it may import, and why", p.name)
			continue
		}
		for _, of := range p.imports {
			if !slices.ContainsFunc(strings.Fields(rules[i].imports), func(a string) bool { return matches(a, of) }) {
				t.Errorf("%s imports %s, and may import only: %s (%s)", p.name, of, rules[i].imports, rules[i].why)
			}
		}
	}
}

// TestTestHelpersStayInTests: what exists for tests is linked into no program.
func TestTestHelpersStayInTests(t *testing.T) {
	for _, p := range list(t, "-deps", "./cmd/...") {
		name, ours := strings.CutPrefix(p.ImportPath, module+"/")
		if ours && (path.Base(name) == "sharedtest" || strings.HasSuffix(name, "test")) || p.ImportPath == "testing" {
			t.Errorf("cmd links %s", p.ImportPath)
		}
	}
}

// TestEdgeLinksNothingOfTheHub keeps the edge small and without a C compiler. The same holds for all that it imports.
func TestEdgeLinksNothingOfTheHub(t *testing.T) {
	forbidden := map[string]string{
		module + "/hub":                       "the roles meet on the wire only",
		module + "/internal/tlog":             "the log's writer; an edge has its verifier, tlog/proof",
		module + "/internal/sim":              "nothing synthetic in an enterprise's edge",
		"github.com/transparency-dev/tessera": "writes logs; an edge verifies them",
		"github.com/marcboeker/go-duckdb":     "needs C",
		"github.com/mattn/go-sqlite3":         "needs C",
	}
	for _, p := range list(t, "-deps", "./edge") {
		for name, why := range forbidden {
			if p.ImportPath == name || !strings.HasPrefix(name, module) && strings.HasPrefix(p.ImportPath, name+"/") {
				t.Errorf("edge links %s: %s", p.ImportPath, why)
			}
		}
	}
}

func TestNothingNeedsC(t *testing.T) {
	for _, p := range list(t, "-deps", "./...") {
		if !p.Standard && len(p.CgoFiles) > 0 {
			t.Errorf("%s needs C: %v", p.ImportPath, p.CgoFiles)
		}
	}
}
