# SPDX-License-Identifier: Apache-2.0
# Everything a contributor needs; `make help` lists it.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := build/venv
PY := $(VENV)/bin/python
# Processes for the unit tests: one more than there are CPUs, because many tests wait.
WORKERS := $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
# The tests that need a namespace only run beside each other, the others one by one, unless pytest was interrupted (2).
E2E := tests/e2e -v --durations=10 --ignore=tests/e2e/test_store_restore.py
PHASE := source tests/kind/phase.sh; phase
export PYTHONPATH := operator
export KUBECONFIG := $(CURDIR)/build/kubeconfig
export PATH := $(CURDIR)/$(VENV)/bin:$(CURDIR)/build/bin:$(PATH)

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

.PHONY: demo
demo: ## A cluster, the operator and an app in it, every URL fetched: the main job, seen
	@tests/kind/demo.sh

.PHONY: test
test: lint unit versions e2e ## Everything that must pass: lint, unit, API servers of two versions, e2e on a real cluster, faults in their short form
	@$(MAKE) faults SHORT=1

.PHONY: lint
lint: $(VENV)/ok ## Format, style, types, import directions
	@$(PHASE) "Check format" ruff format --check .
	@$(PHASE) "Check style" ruff check .
	@$(PHASE) "Check types" mypy operator tests/unit tests/e2e tests/faults tests/matrix tests/bench tests/dashboard deploy/demo deploy/root_filesystem.py docs
	@$(PHASE) "Check import directions" lint-imports

.PHONY: unit
unit: $(VENV)/ok build/oldest-pip build/dist/ok build/bin/helm build/bin/kstatus build/bin/promtool build/bin/crdcheck build/bin/actionlint build/bin/busybox build/bin/shellcheck ## Unit tests, with coverage; generated files are up to date
	pytest tests/unit --cov --cov-report=term -n $(WORKERS) --dist loadfile

.PHONY: versions
versions: $(VENV)/ok build/bin/helm build/bin/crdcheck ## Tests on the API servers of the oldest and the newest Kubernetes
	@minors=($$(tests/matrix/build.sh --minors)); tests/matrix/build.sh etcd "$${minors[0]}" "$${minors[-1]}"
	pytest tests/matrix -n 2

.PHONY: matrix
matrix: $(VENV)/ok build/bin/helm ## The same on every Kubernetes from 1.29 on; writes docs/kubernetes-versions.md; MINORS="1.29 1.31"
	@tests/matrix/build.sh etcd $(or $(MINORS),$$(tests/matrix/build.sh --minors))
	pytest tests/matrix $(patsubst %,--kubernetes %,$(or $(MINORS),all)) --table docs/kubernetes-versions.md

.PHONY: e2e
e2e: cluster images metrics chromium build/bin/argodiff ## End-to-end tests on the cluster
	@failed=; \
	  pytest $(E2E) -m shares_cluster -n 2 --dist loadfile || { (($$? != 2)) || exit 2; failed=1; }; \
	  pytest $(E2E) -m "not shares_cluster" || failed=1; \
	  [[ -z "$$failed" ]]

.PHONY: restore
restore: cluster images ## The etcd of a one-node cluster is restored from a backup
	pytest tests/e2e/test_store_restore.py -v

.PHONY: faults
faults: cluster images ## The operator behind a proxy that interferes, and SIGKILL at each write; SHORT=1: 4 minutes
	pytest tests/faults -v $(if $(SHORT),--short)

.PHONY: soak
soak: cluster images ## Random actions and faults, checked throughout; SOAK_MINUTES=30 SOAK_SEED=7
	PYTHONPATH=operator:tests python -m faults.soak

.PHONY: bench
bench: $(VENV)/ok build/bin/helm build/bin/kwok build/bin/go-operator ## Measure the operator beside the floor and an operator in Go, on a new cluster; REPEAT=3 SCALE=large|largest
	@trap 'tests/kind/cluster.sh down bench' EXIT; tests/kind/cluster.sh down bench; tests/kind/cluster.sh up bench; \
	  PYTHONPATH=operator:tests python -m bench --save --size $(or $(SCALE),default) --repeat $(or $(REPEAT),1)

.PHONY: cluster
cluster: ## The local three-node cluster, and build/kubeconfig for it
	@tests/kind/cluster.sh up

.PHONY: image push
image: ## Build the operator's image, without a cluster: IMAGE=registry/name:tag, DEMO_IMAGE=... for the demo's
	@$(call each-image,deploy/image.sh)
push: ## The same, and push: PLATFORMS=linux/amd64,linux/arm64 for several platforms
	@$(call each-image,deploy/image.sh --push)
each-image = $(if $(IMAGE)$(DEMO_IMAGE),,echo "name the image: make $@ IMAGE=registry/name:tag" >&2; exit 2;) \
  $(if $(IMAGE),$(1) operator "$(IMAGE)";) $(if $(DEMO_IMAGE),$(1) demo "$(DEMO_IMAGE)";)

.PHONY: zipapp
zipapp: $(VENV)/ok ## Build the command line as one file in build/dist, for this machine: PLATFORMS="linux-arm64 darwin-arm64" for others
	@$(PHASE) "Build the command line as one file" deploy/zipapp.sh $(PLATFORMS)

.PHONY: images
images: cluster $(VENV)/ok ## Build the operator's and the demo's image, and load them
	@tests/kind/images.sh

.PHONY: metrics
metrics: cluster ## A metrics server in the cluster, for autoscalers and kubectl top
	@tests/kind/metrics.sh

.PHONY: chromium screenshots
chromium: ## A headless browser, for the tests of the catalog
	@tests/kind/chromium.sh
screenshots: $(VENV)/ok chromium ## Take the screenshots in docs/images
	PYTHONPATH=operator:tests python docs/take_screenshots.py

.PHONY: dashboard
dashboard: cluster images ## Draw the dashboard in docs/images: a Prometheus server runs each of its queries, over minutes of work
	@tests/kind/prometheus.sh
	PYTHONPATH=operator:tests python -m dashboard

.PHONY: docs
docs: $(VENV)/ok ## Build the manual in build/site; a broken link is an error
	@$(PHASE) "Build the manual" env NO_MKDOCS_2_WARNING=1 mkdocs build --strict

.PHONY: down
down: ## Delete the cluster; what was built stays
	@tests/kind/cluster.sh down

.PHONY: dev
dev: cluster images ## Run the operator here against the cluster, restarted at every edit
	@tests/kind/dev.sh

.PHONY: generate
generate: $(VENV)/ok build/bin/helm ## Write the generated files: CRD, plain manifests, tables and pictures
	python -m exposedapp.api.crd > deploy/chart/exposedapp/files/crd.yaml
	deploy/render.sh
	python docs/generate_headers.py
	python docs/generate_names.py
	python docs/generate_fields.py
	python docs/generate_values.py
	python docs/generate_metrics.py
	python docs/generate_architecture.py
	python docs/generate_reasons.py
	python docs/generate_causes.py
	python docs/generate_cli.py
	python docs/generate_diagrams.py

LOCK := uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --upgrade
.PHONY: lock
lock: $(VENV)/ok ## Take the newest versions of the dependencies that pyproject.toml allows
	python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["operator"], sep="\n")' | \
	  $(LOCK) - -o requirements.lock
	$(LOCK) pyproject.toml --extra operator --group dev -c requirements.lock -o requirements-dev.lock
	$(LOCK) pyproject.toml -c requirements-dev.lock -o requirements-cli.lock

$(VENV)/ok: requirements-dev.lock tests/venv.sh
	@PHASE_HINT="check that Python packages can be downloaded (python3 -m pip download pip), then run this again"; \
	  $(PHASE) "Make a Python environment" tests/venv.sh $(VENV) requirements-dev.lock
	@touch $@

build/oldest-pip: tests/oldest-pip.lock $(VENV)/ok
	@rm -rf $@
	@$(PHASE) "Fetch the oldest pip that is supported" $(PY) -m pip download --no-deps --require-hashes -r $< -d $@
	@touch $@

build/dist/ok: $(VENV)/ok deploy/zipapp.sh deploy/single_file/__main__.py deploy/single_file/build.py requirements-cli.lock $(shell find operator/exposedapp -name '*.py')
	@$(PHASE) "Build the command line as one file" deploy/zipapp.sh
	@touch $@

build/bin/helm build/bin/kstatus &:
	@tests/kind/tools.sh user

build/bin/argodiff: tests/kind/argodiff.sh tests/kind/argodiff/go.mod tests/kind/argodiff/main.go
	@tests/kind/argodiff.sh
	@touch -ch $@

build/bin/promtool: tests/kind/promtool.sh tests/kind/promtool/go.mod
	@tests/kind/promtool.sh
	@touch -ch $@

build/bin/actionlint: tests/kind/actionlint.sh tests/kind/actionlint/go.mod
	@tests/kind/actionlint.sh
	@touch -ch $@

build/bin/busybox build/bin/shellcheck &:
	@tests/kind/debian-tools.sh busybox shellcheck

build/bin/crdcheck: tests/matrix/build.sh tests/matrix/v1.29/go.mod tests/matrix/crdcheck/main.go
	@tests/matrix/build.sh crdcheck
	@touch -ch $@

build/bin/go-operator: tests/bench/go-operator.sh $(wildcard tests/bench/go-operator/*)
	@tests/bench/go-operator.sh
	@touch -ch $@

build/bin/kwok: tests/kind/kwok.sh tests/kind/kwok/go.mod
	@tests/kind/kwok.sh
	@touch -ch $@
