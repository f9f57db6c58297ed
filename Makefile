# Two to know: make up, make test. All of it needs Go and nothing else; what more there is to test with is used when it is
# there (see CONTRIBUTING.md).

GO ?= go
export CGO_ENABLED ?= 0
export GOFLAGS += -trimpath

.PHONY: up build test test-long bench fuzz

# Start here: pages at the link it prints. For the whole loop on synthetic enterprises: make up ARGS=--demo
up: build
	@bin/headrace up $(ARGS)

# headrace carries the hook program, which "headrace connect" writes out.
build:
	@CGO_ENABLED=0 $(GO) build -ldflags '-s -w' -o cmd/headrace/hookbin/headrace-hook ./cmd/headrace-hook
	@$(GO) build -o bin/headrace ./cmd/headrace

# Everything, in under five minutes. What is not installed is skipped, with one line each.
test:
	@wrong=$$(gofmt -l .); if [ -n "$$wrong" ]; then echo "not formatted; run gofmt -w on:" $$wrong; exit 1; fi
	@$(GO) vet ./...
	@$(GO) test -json -timeout 10m ./... 2>&1 | $(GO) run ./internal/design/testlog $(TESTLOG)

# The rest: the sizes that are claimed, 100 kills, the race detector (which alone needs a C compiler), a minute of each
# fuzz target.
test-long: test
	HEADRACE_LONG=1 HEADRACE_TEST_KILLS=100 $(GO) test -timeout 90m ./...
	CGO_ENABLED=1 $(GO) test -race -timeout 60m ./...
	@$(MAKE) --no-print-directory fuzz FUZZTIME=60s

# The measures of the loop, each beside a peer. QUICK=--quick ends within a minute.
bench: build
	@bin/headrace bench loop --json $(QUICK)

# A target whose workers were slow to stop, or were killed by a busy machine, is no finding: one is, when the input that was
# kept, or any seed, fails once more by itself.
FUZZTIME ?= 10s
FUZZED ?= ./...
fuzz:
	@mkdir -p bin
	@for p in $$($(GO) list $(FUZZED)); do for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz' || true); do \
		echo "fuzz $$p $$f"; \
		$(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$p >bin/fuzz.log 2>&1 || \
			{ echo "  ended early: once more without fuzzing"; $(GO) test -count=1 -run "^$$f\$$" $$p >>bin/fuzz.log 2>&1; } || { cat bin/fuzz.log; exit 1; }; \
	done; done
