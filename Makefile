# make                  builds bin/receptor, bin/receptor-runner and bin/receptorctl
# make demo             three nodes, two units of work, one kill -9; leaves nothing behind
# make test             all tests; needs Go and nothing else (test/netns skips without root, iproute2, nft)
# make soak             kills daemons, runners, commands and links at random for SOAK=10m
# make test-k8s         units of work in a real Kubernetes: KUBECONFIG, or one of our own (see test/k8s/cluster.sh)
# make race fuzz bench  the same under the race detector, fuzz targets, benchmarks
# make bench-debug      what debug mode costs, in instructions; needs valgrind
# make lint             linters for Go and for the messages
# make package image    deb and rpm, a container image; test-deploy tries them
# make test-page         the page in a real browser; needs chromium, node and npm
# make proto            generates the messages again; proto-check wants no difference
# make docs             writes docs/configuration.md from the table of actions; docs-check wants no difference

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

# Packages want a version that begins with a digit and has no dash.
PACKAGE_VERSION := $(subst -,+,$(if $(findstring .,$(VERSION)),$(VERSION),0.0+$(VERSION)))
PACKAGE_ARCH    := $(shell go env GOARCH)
PODMAN          ?= podman
IMAGE           ?= localhost/receptor:latest

.PHONY: bin/package build receptor receptorctl receptor-runner demo test soak race fuzz bench lint proto proto-check docs docs-check tools \
	image image-root package test-deploy test-page clean distclean

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
	CGO_ENABLED=0 RECEPTOR_BIN=$(BIN) RECEPTOR_SOAK=$(SOAK) go test -count 1 -timeout 0 -v -run '^(TestNothingIsLostOrDoubled|TestTenThousandUnits|TestHugeOutput|TestUseLeavesNothingBehind)$$' ./test/blackbox

.PHONY: test-k8s
# In a cluster that is there, or one that lives as long as the tests do.
test-k8s: image-root
	cd test/k8s && RECEPTOR_TEST_K8S=1 RECEPTOR_BIN=$(BIN) go test -count 1 -timeout 20m $(K8SFLAGS)

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

.PHONY: bench-debug
# Each count is a round of both modes in turns.
bench-debug: $(TOOLS)/benchstat
	RECEPTOR_VALGRIND=$$(command -v valgrind) CGO_ENABLED=0 go test -run '^$$' -bench BenchmarkDebugInstructions -benchtime 1x \
		-count $(COUNT) -timeout 1h ./test/bench | tee bin/bench-debug.txt
	$(TOOLS)/benchstat bin/bench-debug.txt

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

# A container image from nothing but the programs and a default configuration.
image: image-root
	$(PODMAN) build --quiet --tag $(IMAGE) --file deploy/container/Containerfile bin/image

image-root: build
	rm -rf bin/image
	mkdir -p bin/image/usr/bin bin/image/etc/receptor bin/image/tmp bin/image/var/lib/receptor
	install -m 755 bin/receptor bin/receptor-runner bin/receptorctl bin/image/usr/bin/
	install -m 644 deploy/container/receptor.conf bin/image/etc/receptor/receptor.conf
	install -m 644 deploy/container/passwd deploy/container/group bin/image/etc/
	chmod 1777 bin/image/tmp
	chmod 0777 bin/image/var/lib/receptor

# The manual and the completions, as the programs write them.
bin/package: build
	rm -rf $@
	mkdir -p $@/man1 $@/bash $@/zsh $@/fish
	bin/receptor --man > $@/man1/receptor.1
	bin/receptorctl man $@/man1
	gzip -9n $@/man1/*
	bin/receptor --bash-completion > $@/bash/receptor
	bin/receptorctl completion bash > $@/bash/receptorctl
	bin/receptorctl completion zsh > $@/zsh/_receptorctl
	bin/receptorctl completion fish > $@/fish/receptorctl.fish

# dist/receptor_*.deb and .rpm; the same bytes from the same sources.
package: bin/package $(TOOLS)/nfpm
	rm -f dist/receptor*.deb dist/receptor*.rpm
	mkdir -p dist
	export SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct 2>/dev/null || echo 0) \
		PACKAGE_VERSION='$(PACKAGE_VERSION)' PACKAGE_ARCH='$(PACKAGE_ARCH)'; \
	for kind in deb rpm; do $(TOOLS)/nfpm package --config deploy/package/nfpm.yaml --packager $$kind --target dist/; done

# What is under deploy, for real: containers, packages, units. Parts whose tools
# are missing are skipped and say so.
test-deploy: package image-root
	RECEPTOR_DEPLOY=$(CURDIR) go test -count=1 -v ./test/deploy

docs:
	@mkdir -p docs
	go run ./cli/receptor --reference > docs/configuration.new
	mv docs/configuration.new docs/configuration.md

docs-check:
	@fresh=$$(mktemp); trap 'rm -f "$$fresh"' EXIT; \
	go run ./cli/receptor --reference > "$$fresh"; \
	diff "$$fresh" docs/configuration.md && echo "docs: the reference is current"

# The page, in a real browser: needs chromium, node and npm.
test-page: build
	npm --prefix test/page ci --silent
	RECEPTOR_BIN=$(BIN) SHOTS=$(BIN)/shots npm --prefix test/page test

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

$(TOOLS)/nfpm: deploy/tools/package/go.mod
	go build -C deploy/tools/package -trimpath -ldflags "-s -w" -o $@ github.com/goreleaser/nfpm/v2/cmd/nfpm
	@touch $@

$(TOOLS)/protoc-gen-go: go.mod
	go build -trimpath -o $@ google.golang.org/protobuf/cmd/protoc-gen-go
	@touch $@

clean:
	rm -rf bin/receptor bin/receptorctl bin/receptor-runner bin/image bin/package dist bin/bench.txt bin/bench.old.txt

# The tools, too: they take minutes to build.
distclean: clean
	rm -rf bin
