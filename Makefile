# The stable names. Each brings what it needs, from a fresh clone on a bare machine with Python 3.11 or newer.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

PYTHON ?= python3
export PYTHON
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg

COLLECTION := collections/ansible_collections/localdev/recovery
EXAMPLE := examples/residency-scheduler
# Everything that make test runs, in two lanes side by side, what fails fastest first: most tests wait half of the time.
STAGES := lint unit modules faults + cli ways molecule

# Each worker has stacks of its own.
FAULT_WORKERS ?= 2

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: prepare ## Bring the reference stack up by way of full_rebuild.yml, verified
	ansible-playbook playbooks/full_rebuild.yml
	@python tools/demo_summary.py

.PHONY: test
test: venv prepare ## Run every test
	@tools/stages $(STAGES)

.PHONY: lint
lint: venv ## Check style, types and documentation
	@tools/lint

.PHONY: docs
docs: venv ## Build the documentation site into build/docs
	@tools/docs

.PHONY: unit
unit: venv ## Test the pure logic, without Docker
	pytest -m "not docker" $(COLLECTION)/tests/unit tests/cli

.PHONY: modules
modules: venv engine ## Test each module against a real engine and PostgreSQL
	pytest $(COLLECTION)/tests/integration

.PHONY: cli
cli: venv prepare ## Test the command localdev on a real stack
	pytest -m docker tests/cli

.PHONY: ways
ways: venv prepare ## Prove every way of running: checkout, wheel, Galaxy artifact, AWX, supported versions
	pytest tests/ways

.PHONY: molecule
molecule: venv prepare ## Run the Molecule scenarios, one per procedure
# Its memory of the test hosts lies in the home folder, by the name of this one, and outlives them.
	molecule destroy
	molecule test --all

.PHONY: faults
faults: venv prepare ## Kill and break procedures on purpose: a table of fault, promise, outcome, seconds
	pytest --numprocesses $(FAULT_WORKERS) tests/faults

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

.PHONY: clean
clean: ## Delete what building and testing left in the checkout; no container, volume or data
	rm -rf .venv .cache .ansible .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
