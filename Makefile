# make                  builds bin/receptor, bin/receptor-runner and bin/receptorctl
# make demo             three nodes, two units of work, one kill -9; leaves nothing behind
# make test             all tests; needs Go and nothing else (test/netns skips without root, iproute2, nft)
# make soak             kills daemons, runners, commands and links at random for SOAK=10m
# make race fuzz bench  the same under the race detector, fuzz targets, benchmarks
# make lint             linters for Go and for the messages
# make proto            generates the messages again; proto-check wants no difference

SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := build
.DELETE_ON_ERROR:

# The release number of a tag has no v before it; without git there is none.
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null | sed 's/^v\([0-9]\)/\1/')
VERSION := $(or $(VERSION),unknown)
LDFLAGS := -s -w -X main.version=$(VERSION)
GOBUILD := CGO_ENABLED=0 go build -trimpath -ldflags "$(LDFLAGS)"

TOOLS    := $(CURDIR)/bin/tools
BIN      := $(CURDIR)/bin
FUZZTIME ?= 10s
SOAK     ?= 10m
BENCH    ?= .
COUNT    ?= 6

.PHONY: build receptor receptorctl receptor-runner demo test soak race fuzz bench lint proto proto-check tools clean distclean

build: receptor receptorctl

receptor receptorctl receptor-runner:
	$(GOBUILD) -o bin/$@ ./cli/$@

# The daemon starts commands with it. It does without, more slowly.
receptor: receptor-runner

demo: build
	@go run ./test/demo -bin $(BIN)

# The black-box tests run the programs built here.
test: build
	CGO_ENABLED=0 RECEPTOR_BIN=$(BIN) go test ./...

# What make test does for seconds, for SOAK, and with many more units. A failure
# prints the seed of its round: RECEPTOR_SOAK_SEED=N begins with that one.
soak: build
	CGO_ENABLED=0 RECEPTOR_BIN=$(BIN) RECEPTOR_SOAK=$(SOAK) go test -count 1 -timeout 0 -v -run '^(TestNothingIsLostOrDoubled|TestTenThousandUnits)$$' ./test/blackbox

# The black-box tests drive other processes, which the race detector can't see.
race:
	CGO_ENABLED=1 go test -race $$(go list ./... | grep -v -e /test/blackbox -e /test/arch -e '/test/netns$$')

# Each target runs for FUZZTIME.
fuzz:
	@grep -rHoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | sed 's/:func / /' | sort | \
	while read -r file name; do \
		echo "== $$name in $$(dirname $$file)"; \
		go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "$$(dirname $$file)"; \
	done

# A second run is compared with the one before it.
bench: $(TOOLS)/benchstat
	@if [ -f bin/bench.txt ]; then mv bin/bench.txt bin/bench.old.txt; fi
	go test -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) $$(grep -rlE --include='*_test.go' '^func Benchmark' . \
		| xargs -r -n1 dirname | sort -u) | tee bin/bench.txt
	@if [ -f bin/bench.old.txt ]; then $(TOOLS)/benchstat bin/bench.old.txt bin/bench.txt; else $(TOOLS)/benchstat bin/bench.txt; fi

lint: $(TOOLS)/golangci-lint $(TOOLS)/buf
	$(TOOLS)/golangci-lint run ./...
	$(TOOLS)/buf lint
	$(TOOLS)/buf format --diff --exit-code

proto: $(TOOLS)/buf $(TOOLS)/protoc-gen-go
	$(TOOLS)/buf format --write
	PATH="$(TOOLS):$$PATH" buf generate

proto-check: $(TOOLS)/buf $(TOOLS)/protoc-gen-go
	@fresh=$$(mktemp -d); trap 'rm -rf "$$fresh"' EXIT; \
	PATH="$(TOOLS):$$PATH" buf generate -o "$$fresh"; \
	diff -r --exclude='*.proto' "$$fresh/proto" proto && echo "proto: the generated code is current"

# Tools are built once; their versions are pinned in modules of their own, but
# for protoc-gen-go, which is as old as the product's protobuf library.
tools: $(TOOLS)/buf $(TOOLS)/protoc-gen-go $(TOOLS)/golangci-lint $(TOOLS)/benchstat

$(TOOLS)/buf: deploy/tools/go.mod
	go build -C deploy/tools -trimpath -o $@ github.com/bufbuild/buf/cmd/buf
	@touch $@

$(TOOLS)/golangci-lint: deploy/tools/lint/go.mod
	go build -C deploy/tools/lint -trimpath -ldflags "-s -w" -o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	@touch $@

$(TOOLS)/benchstat: deploy/tools/lint/go.mod
	go build -C deploy/tools/lint -trimpath -o $@ golang.org/x/perf/cmd/benchstat
	@touch $@

$(TOOLS)/protoc-gen-go: go.mod
	go build -trimpath -o $@ google.golang.org/protobuf/cmd/protoc-gen-go
	@touch $@

clean:
	rm -rf bin/receptor bin/receptorctl bin/receptor-runner bin/bench.txt bin/bench.old.txt

# The tools, too: they take minutes to build.
distclean: clean
	rm -rf bin
