# Everything here needs Python 3.11 or newer and Go; the rest is fetched from the package registries and kept:
# the environment in .venv, the Pulumi engine in the user's cache.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
BACKEND ?= aws
# One more than there are cores: a test that waits for an engine or a cluster leaves its core to another.
WORKERS ?= 3
# -P: the folder we stand in is no place to import from, also for what the tests start.
RUN := $(BIN)/python -P -m

.DEFAULT_GOAL := help
.PHONY: help demo test tests long operators acceptance node images check mypy pyright bench docs engine cluster lock format clean

help: ## Say what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10

demo: engine ## Bring a whole platform up on this machine, change it, take it down, and go once round the loop; BACKEND=kubernetes for the other one, NODES=real to have it run
	@$(RUN) pulumi_mlops_sandbox.demo stacks/$(BACKEND) $(if $(NODES),--nodes $(NODES))

test: engine cluster ## All checks, and all tests that take less than a minute each
	@$(MAKE) --no-print-directory -j2 check tests

tests:
	$(RUN) pytest -n $(WORKERS) --dist worksteal

# Not the files with most tests first: those with one or two take longest, and would be left for the end.
long: engine cluster ## The tests of a minute and more: every stack and example on the real engine, a real MLflow and Feast; CI runs them too
	$(RUN) pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --durations 40 -m long

operators: engine cluster ## Have KServe itself judge what is written for it; builds it once, ten minutes
	$(RUN) pytest -m operators tests/operators

# What restarts the node is alone; everything else waits more than it works, and shares one node.
ALONE := tests/acceptance/cluster/test_restart.py
ACCEPT := $(RUN) pytest -m acceptance $(if $(CONTEXT),--context $(CONTEXT))
acceptance: engine cluster node $(if $(CONTEXT),,images) ## Bring the nouns up on a real node, with real operators (Linux, root); CONTEXT=kind-ml for a cluster of yours
	@failed=; \
	$(ACCEPT) tests/sandbox/kubernetes/nodes $(ALONE) || failed=1; \
	$(ACCEPT) -v -n 5 --dist loadfile --no-loadscope-reorder tests/acceptance/cluster --ignore $(ALONE) || failed=1; \
	[ -z "$$failed" ]

check: $(READY) ## Linter, formatter, type checkers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	@$(MAKE) --no-print-directory $(if $(findstring -j,$(MAKEFLAGS)),,-j2) mypy pyright

mypy: $(READY)
	$(BIN)/mypy

pyright: $(READY)
	$(BIN)/pyright --pythonpath $(BIN)/python

bench: engine ## Ratios against plain Pulumi
	@$(BIN)/python benchmarks/run.py

docs: $(READY) ## Write the generated pages
	@$(BIN)/python tools/generate_docs.py

engine: $(READY) ## Find or build the Pulumi engine
	@$(RUN) pulumi_mlops_sandbox.engine

cluster: $(READY) ## Build the Kubernetes sandbox and fetch MLflow and Feast, which `make test` needs
	@$(RUN) pulumi_mlops_sandbox.kubernetes.prepared
	@$(RUN) pulumi_mlops_sandbox.packages

node: $(READY) ## Build a real node for the Kubernetes sandbox (Linux), ten to twenty minutes the first time
	@$(RUN) pulumi_mlops_sandbox.kubernetes.nodes.product

images: node ## Build the operators and images of a real node: an hour the first time, outside of any test's bound
	@$(RUN) pulumi_mlops_sandbox.kubernetes.operators.running

format: $(READY) ## Format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: $(BIN)/uv ## Pin the newest versions that fit together in constraints.txt
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --all-extras --group dev pyproject.toml sandbox/pyproject.toml \
		--no-annotate --no-header --no-emit-index-url --no-emit-find-links --no-emit-package pulumi-mlops --output-file constraints.txt

clean: ## Remove the environment; the cached engine stays
	rm -rf .venv

$(BIN)/uv:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name it: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(READY): pyproject.toml sandbox/pyproject.toml constraints.txt | $(BIN)/uv
	$(BIN)/uv pip install --compile-bytecode --python $(BIN)/python -c constraints.txt -e '.[aws,azure,cli,kubernetes]' -e ./sandbox --group dev
	@touch $@
