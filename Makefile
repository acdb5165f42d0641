# The commands of this repository. `make demo` and `make test` set up all they need.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

# The first Python 3.11 on PATH that is not the one we are about to make.
PYTHON ?= $(shell type -ap python3.11 python3 | grep -v '^$(CURDIR)/.venv/' | head -n 1)
# Outside the tree, so that a fresh clone need not build the engines again.
HELD := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/mlops-init
ACT := $(HELD)/tools/act-0.2.89/act
ACTIONLINT := $(HELD)/tools/actionlint-1.7.12/actionlint
GITLAB_CI_LOCAL := $(HELD)/tools/gitlab-ci-local-4.73.0
MERMAID := $(HELD)/tools/mermaid-11.17.2
export PATH := $(CURDIR)/.venv/bin:$(dir $(ACT)):$(dir $(ACTIONLINT)):$(GITLAB_CI_LOCAL)/node_modules/.bin:$(PATH)

YAMLLINT := {extends: default, rules: {line-length: {max: 140}, truthy: {check-keys: false}}}

ENGINE ?= native
DEMO ?= good

.PHONY: help
help:  ## Show the targets
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):[^#]*## /\1|/' | awk -F'|' '{printf "  make %-10s %s\n", $$1, $$2}'

.PHONY: demo
demo: .venv/.ready $(if $(filter act,$(ENGINE)),$(ACT)) $(if $(filter gitlab,$(ENGINE)),$(GITLAB_CI_LOCAL)/.ready)  ## Walk a generated project: ENGINE=native|act|gitlab, DEMO=good|bad-data|bad-model|bad-canary|drift
	@python scripts/demo.py --engine $(ENGINE) --variant $(DEMO)

.PHONY: test
test: .venv/.ready engines system  ## Set up everything and run all tests but the long ones
	@python -m pytest -q -n 2 -m "not all" $(ARGS)

.PHONY: test-all
test-all: .venv/.ready engines system  ## The long tests: frameworks, refusals on every engine; whole_run.txt keeps the commit
	@python -m pytest -q -n 2 -m all $(ARGS)
	@$(if $(ARGS),,git rev-parse HEAD > tests/whole_run.txt)

.PHONY: bench
bench: .venv/.ready engines  ## Measure beside peers: B=startup|engines|validate|drift, or all
	@python -m benchmarks $(B)

.PHONY: lint
lint: .venv/.ready $(ACTIONLINT)  ## Linters and types
	ruff check .
	ruff format --check .
	mypy
	zizmor --persona auditor --offline --no-config --quiet .
	actionlint -shellcheck shellcheck
	git ls-files '*.yml' '*.yaml' | grep -v cookiecutter | xargs yamllint --strict -d "$(YAMLLINT)"

.PHONY: generate
generate: .venv/.ready  ## Write the doors, the schema, the reference and the examples
	@python scripts/generate.py
	@python scripts/examples.py

.PHONY: locks
locks: .venv/.ready  ## Pin all dependencies by hash; ARGS=--upgrade takes newer ones
	@python scripts/locks.py $(ARGS)

.PHONY: engines
engines: go-engines $(GITLAB_CI_LOCAL)/.ready $(MERMAID)/.ready  ## Build act, actionlint, gitlab-ci-local and mermaid

.PHONY: go-engines
go-engines: $(ACT) $(ACTIONLINT)

.PHONY: system
system:  ## What the tests need of the system: rsync, docker-registry, chromium, openssl, postgresql, prometheus
	@bash scripts/system.sh

.PHONY: clean
clean:  ## Remove what was made in this folder
	rm -rf .venv build dist

.venv/.ready: requirements/dev.txt pyproject.toml actions/mlops_steps/locks/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "Python 3.11 is needed; this is $$($(PYTHON) --version). Name one: make PYTHON=..." >&2; exit 2; }
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r actions/mlops_steps/locks/uv.txt
	.venv/bin/uv pip sync --quiet --python .venv/bin/python --require-hashes requirements/dev.txt
	.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation -e .
	@touch $@

$(ACT):
	GOFLAGS= GOBIN=$(@D) go install -tags WITHOUT_DOCKER github.com/nektos/act@v0.2.89

$(ACTIONLINT):
	GOFLAGS= GOBIN=$(@D) go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12

$(GITLAB_CI_LOCAL)/.ready: tools/package-lock.json
	mkdir -p $(@D)
	cp tools/package.json tools/package-lock.json tools/.npmrc $(@D)/
	cd $(@D) && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(MERMAID)/.ready: tools/mermaid/package-lock.json tools/mermaid/parse.mjs
	mkdir -p $(@D)
	cp tools/mermaid/package.json tools/mermaid/package-lock.json tools/mermaid/parse.mjs tools/mermaid/.npmrc $(@D)/
	cd $(@D) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
