# The stable names. Each brings what it needs, from a fresh clone on a bare machine with Python 3.11 or newer.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

export PATH := $(CURDIR)/.venv/bin:$(PATH)
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg

COLLECTION := collections/ansible_collections/localdev/recovery
EXAMPLE := examples/residency-scheduler
# The stages of make test, in two lanes in parallel: most tests wait half of the time. The fastest failures come first.
STAGES := lint site unit ways faults + cli molecule modules
# The stages of make soak, and the tests that they select. make STAGE SOAK=1 runs the soak tests of one stage.
SOAK_STAGES := faults + cli modules ways molecule
SELECTED := $(if $(SOAK),soak,not soak)

# Each worker has its own stacks.
FAULT_WORKERS ?= 2

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: prepare ## Bring the reference stack up by way of full_rebuild.yml, verified
	ansible-playbook playbooks/full_rebuild.yml
	@python tools/demo_summary.py

.PHONY: test
test: venv prepare ## Run every test but those of make soak
	@tools/stages $(STAGES)

.PHONY: soak
soak: venv prepare ## Run the long tests whose result a shorter test of make test shows too: a table as of faults
	@SOAK=1 tools/stages --results $(SOAK_STAGES)

.PHONY: lint
lint: venv ## Check style, types and documentation
	@tools/lint

.PHONY: docs
docs: venv ## Build the documentation site into build/docs
	@tools/docs

.PHONY: site
site: docs ## Look at the documentation site in headless Chromium, which is installed if it is missing
	@tools/browser
	pytest tests/site

.PHONY: pictures
pictures: venv prepare ## Draw the README's pictures of a terminal from real runs
	@PYTHONPATH=src:collections python tools/picture.py

.PHONY: unit
unit: venv ## Test the pure logic, without Docker
	pytest -m "not docker" $(COLLECTION)/tests/unit tests/cli

.PHONY: golden
golden: venv ## Write the golden files of rendered texts again; read their diff
	UPDATE_GOLDEN=1 pytest -q -m "not docker" $(COLLECTION)/tests/unit tests/cli

.PHONY: modules
modules: venv engine ## Test each module against a real engine and PostgreSQL
	pytest -m "$(SELECTED)" $(COLLECTION)/tests/integration tests/strangers

.PHONY: cli
cli: venv prepare ## Test the command localdev on a real stack
	pytest -m "docker and $(SELECTED)" tests/cli

.PHONY: ways
ways: venv prepare ## Test every way of running: checkout, wheel, Galaxy artifact, AWX, supported versions
	pytest -m "$(SELECTED)" tests/ways

.PHONY: molecule
molecule: venv prepare ## Run the Molecule scenarios, one per procedure
	tools/scenarios $(if $(SOAK),--soak)

.PHONY: faults
faults: venv prepare ## Kill and break procedures on purpose: a table of test, promise, outcome, seconds
	pytest --numprocesses $(FAULT_WORKERS) -m "$(SELECTED)" tests/faults

.PHONY: bench
bench: venv prepare ## Measure against the procedure done by hand; writes benchmarks/results.json
	python -m benchmarks.run

.PHONY: venv
venv: ## Build .venv; quick when nothing has changed
	@tools/venv

.PHONY: engine
engine: venv ## Provide Docker Engine and Compose where they are missing
	@tools/engine

.PHONY: prepare
prepare: venv engine ## Provide the reference stack's base images and its .env
	@python $(EXAMPLE)/prepare

.PHONY: dist
dist: venv ## Build the wheel and the collection's archive into dist, the same bytes each time
	@tools/dist.py

.PHONY: clean
clean: ## Delete what building and testing left in the checkout; no container, volume or data
	rm -rf .venv .cache .ansible .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
