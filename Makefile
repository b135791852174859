# Podpass. `make help` lists the targets.
SHELL := /bin/bash
GO ?= go
BUILD := $(CURDIR)/build
JS := test/conformance/js

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.PHONY: build
build: ## Build bin/podpass, one static binary
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o bin/podpass ./cmd/podpass

.PHONY: image
image: build ## Make build/image/podpass.tar, the container image of bin/podpass, with no Docker
	@mkdir -p $(BUILD)/image
	bin/podpass image save $(BUILD)/image/podpass.tar

.PHONY: run
run: build ## Show the main job on this machine: a workload gets AWS credentials through its service account
	@$(GO) run ./test/demo bin/podpass

.PHONY: test
test: $(BUILD)/cli/aws $(JS)/node_modules/.package-lock.json ## Run every test that needs no root, with the real SDKs it fetches first
	$(GO) vet ./...
	PODPASS_TEST_AWS_CLI=$(BUILD)/cli/aws $(GO) test -race -timeout 20m ./...

# Groups of test/e2e, in the order they run: processes (the binary), admission (what the guard has an API server refuse), node (the Kubernetes that the next one runs on),
# cluster (podpass on it, with real pods).
GROUP ?= processes admission node cluster
RUN ?= .
.PHONY: e2e
e2e: ## Test on a real Kubernetes with pods, as root; first builds it, for 10 minutes. Parts: make e2e GROUP=cluster RUN=TestRace
	@[ "$$(id -u)" = 0 ] || { echo "make e2e makes namespaces and mounts and so needs root: sudo make e2e"; exit 1; }
	@test/kubernetes/debian-packages.sh
	@echo "building Kubernetes $$(sed -n 's#^require k8s.io/kubernetes \([^ ]*\).*#\1#p' test/kubernetes/binaries/go.mod), unless it is there" && $(GO) run ./test/kubernetes/prepare
	@# Whatever way it ends, the mounts go with their namespace, the networks with their last process and the files with their directory.
	@tmp=$$(mktemp -d) && trap 'rm -rf "$$tmp"' EXIT && export TMPDIR=$$tmp && \
		echo "compiling the tests of: $(GROUP)" && $(GO) test -tags e2e -c -o $$tmp/ $(GROUP:%=./test/e2e/%) && \
		unshare --mount $(GO) test -p 1 -tags e2e -timeout 40m -count=1 -v -run '$(RUN)' $(GROUP:%=./test/e2e/%)

# The unmodified clients of test/conformance: Debian's AWS CLI, unpacked beside the build, and the JavaScript SDK.
$(BUILD)/cli/aws: test/conformance/debian-cli.sh
	test/conformance/debian-cli.sh $(BUILD)/cli

$(JS)/node_modules/.package-lock.json: $(JS)/package-lock.json
	cd $(JS) && npm ci --no-audit --no-fund

FUZZTIME ?= 10s
.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME (10s)
	@for package in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x $$package || exit 1; \
		done; \
	done

.PHONY: bench
bench: build ## Measure, each figure beside its limit in the same run; several minutes
	$(GO) run ./test/bench bin/podpass

.PHONY: lint
lint: ## gofumpt, go vet, staticcheck
	@unformatted=$$($(GO) tool gofumpt -l .); [ -z "$$unformatted" ] || { echo "not gofumpt-ed (run: go tool gofumpt -w .):" $$unformatted; exit 1; }
	$(GO) vet -tags e2e ./...
	$(GO) tool staticcheck -tags e2e ./...

.PHONY: clean
clean: ## Remove what the build made
	rm -rf bin $(BUILD) $(JS)/node_modules
