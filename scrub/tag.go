// SPDX-License-Identifier: Apache-2.0

package scrub

// tag reports words that follow an @ in comments and in code: rules of style sheets, tags of documentation, annotations
// and decorators. Bots that are told something in a comment are nobody, too.
func tag(v []byte) bool {
	if len(v) > 40 {
		return false
	}
	v = lower(v)
	if hasAny(v, "phpstan", "psalm", "ts-", "eslint", "ng-", "ngdoc", "ngif", "ngfor", "ngrx", "vue-", "stylistic", "font-", "counter-", "starting-", "view-", "angular-", "phan-", "codecoverage", "apiparam", "apisuccess", "apidefine") {
		return true
	}
	switch string(v) {
	// CSS, and what compiles to it.
	case "media", "keyframes", "import", "supports", "layer", "charset", "container", "namespace", "page", "property", "scope", "viewport", "document", "position-try", "color-profile",
		"apply", "tailwind", "theme", "utility", "variant", "variants", "responsive", "screen", "config", "plugin", "source", "reference", "include", "mixin", "extend", "use", "forward", "function", "return", "if", "else", "each",
		"for", "while", "debug", "warn", "error", "at-root", "content", "custom-media", "custom-selector", "nest", "slot":
		return true
	// JSDoc, TSDoc, Javadoc, PHPDoc, YARD.
	case "param", "params", "returns", "throws", "throw", "deprecated", "override", "overrides", "inheritdoc", "jsx", "jsximportsource", "jsxruntime", "memberof", "typedef", "async", "abstract", "access", "alias", "augments", "author", "borrows", "callback",
		"class", "classdesc", "constant", "const", "constructor", "constructs", "copyright", "default", "defaultvalue", "description", "desc", "enum", "event", "example", "exports", "external", "file", "fileoverview", "overview",
		"fires", "emits", "generator", "global", "hideconstructor", "ignore", "implements", "inner", "instance", "interface", "internal", "kind", "lends", "license", "link", "linkcode", "linkplain", "listens", "module", "name",
		"package", "private", "protected", "public", "readonly", "requires", "see", "since", "static", "summary", "template", "this", "todo", "tutorial", "type", "types", "variation", "version", "yields", "yield", "satisfies",
		"alpha", "beta", "experimental", "eventproperty", "packagedocumentation", "privateremarks", "remarks", "sealed", "typeparam", "virtual", "decorator", "preserve", "swagger", "openapi", "serial", "serialdata", "serialfield", "value",
		"category", "method", "mixes", "subpackage", "uses", "used-by", "var", "noinspection", "exception", "option", "overload", "raise", "private_constant", "hidden", "group", "notimplemented", "nocollapse", "suppress", "final", "record", "define":
		return true
	// Doxygen, LDoc, ngdoc, PlantUML.
	case "brief", "retval", "ingroup", "defgroup", "addtogroup", "weakgroup", "endcode", "endlink", "code", "endverbatim", "verbatim", "endcond", "cond", "endif", "ifnot", "elseif", "details", "note", "warning", "attention", "bug", "date", "fn",
		"def", "struct", "union", "mainpage", "subpage", "section", "subsection", "anchor", "ref", "image", "dot", "enddot", "msc", "endmsc", "par", "parblock", "pre", "post", "invariant", "remark", "result", "sa", "short", "test",
		"tparam", "throwable", "xrefitem", "snippet", "dontinclude", "htmlonly", "latexonly", "copydoc", "copybrief", "copydetails", "endinternal", "relates", "startuml", "enduml":
		return true
	// Decorators of Python and TypeScript.
	case "dataclass", "dataclasses", "classmethod", "staticmethod", "abstractmethod", "cached_property", "contextmanager", "asynccontextmanager", "functools", "lru_cache", "cache", "wraps", "singledispatch", "total_ordering", "pytest", "fixture", "mock", "patch", "unittest",
		"app", "router", "blueprint", "login_required", "click", "task", "shared_task", "celery", "receiver", "register", "validator", "root_validator", "hypothesis", "given", "settings", "typing", "runtime_checkable", "jit", "njit", "numba", "torch", "tf", "nn",
		"component", "injectable", "input", "output", "directive", "pipe", "viewchild", "viewchildren", "contentchild", "contentchildren", "hostbinding", "hostlistener", "inject", "optional", "self", "skipself", "host", "attribute",
		"controller", "get", "put", "delete", "head", "options", "all", "body", "query", "headers", "req", "res", "entity", "column", "observable", "action", "computed", "state", "prop", "watch", "observer":
		return true
	// Annotations of Java, Kotlin, Swift, Rust's and Dart's tools.
	case "preauthorize", "postauthorize", "secured", "rolesallowed", "permitall", "autowired", "nullable", "nonnull", "notnull", "notblank", "notempty", "valid", "bean", "configuration", "service", "repository", "restcontroller", "requestmapping", "getmapping",
		"postmapping", "putmapping", "deletemapping", "requestbody", "pathvariable", "requestparam", "responsebody", "transactional", "springbootapplication", "springboottest", "qualifier", "profile", "conditional", "scheduled", "enablescheduling", "lombok", "data",
		"getter", "setter", "builder", "slf4j", "allargsconstructor", "noargsconstructor", "requiredargsconstructor", "before", "after", "beforeeach", "aftereach", "beforeall", "afterall", "beforeclass", "afterclass", "disabled", "functionalinterface",
		"safevarargs", "suppresswarnings", "retention", "target", "documented", "inherited", "repeatable", "id", "table", "generatedvalue", "onetomany", "manytoone", "manytomany", "onetoone", "joincolumn", "jsonproperty", "jsonignore", "jvmstatic",
		"jvmoverloads", "jvmfield", "jvmname", "throwsexception", "optin", "requiresoptin", "composable", "preview", "parcelize", "serializable", "volatile", "synchronized", "visiblefortesting", "keep", "dao", "database", "insert", "provides", "singleton", "binds",
		"objc", "objcmembers", "escaping", "autoclosure", "available", "discardableresult", "main", "mainactor", "sendable", "published", "observedobject", "stateobject", "environmentobject", "environment", "binding", "appstorage", "ibaction", "iboutlet", "ibinspectable",
		"ibdesignable", "nsmanaged", "testable", "frozen", "inlinable", "usablefrominline", "propertywrapper", "resultbuilder", "viewbuilder", "unknown", "convention", "selector", "synthesize", "dynamic", "implementation", "end", "protocol", "autoreleasepool",
		"required", "immutable", "mustcallsuper", "noop", "pragma":
		return true
	// Tools that a comment speaks to.
	case "babel", "noqa", "dependabot", "renovate", "copilot", "claude", "codex", "cursor", "coderabbitai", "github-actions", "here", "channel", "flow", "format", "generated", "nolint", "prettier", "jest-environment", "vitest-environment", "vite-ignore", "webpack", "license-header":
		return true
	}
	return false
}

// ofSoftware reports words that programs, and what they do, are called by: Spring Boot, Meeting Room.
func ofSoftware(v []byte) bool {
	var buf [maxWord]byte
	switch string(small(&buf, v)) {
	case "spring", "boot", "rails", "ruby", "server", "client", "service", "worker", "build", "builder", "pipeline", "job", "runner", "agent", "node", "cluster", "room", "period", "meeting", "hashing", "hash", "cache", "queue", "broker",
		"database", "gateway", "proxy", "scheduler", "daemon", "engine", "monitor", "manager", "controller", "handler", "listener", "watcher", "logger", "system", "kernel", "driver", "framework", "bot", "start", "stop", "end", "time", "phase",
		"step", "stage", "test", "tests", "suite", "docker", "kubernetes", "tomcat", "jetty", "gradle", "cargo", "redis", "postgres", "elastic", "spark", "flink", "airflow", "celery", "gunicorn", "nginx", "node.js", "vite", "webpack", "shift", "window":
		return true
	}
	return false
}

// calendar reports days and months that stand where an account may. Those that people are called stay names unless they are cut to
// three letters.
func calendar(v []byte) bool {
	switch string(v) {
	case "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
		"Jan", "Feb", "Mar", "Apr", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "January", "February", "March", "July", "September", "October", "November", "December":
		return true
	}
	return false
}
