# Everything runs from virtual environments in .venv and .venv-quixstreams and from node_modules in local/azurite; nothing
# else is touched.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A Kafka client that is tested needs an older pydantic than the function app: tests give it an environment of its own.
QUIXSTREAMS := .venv-quixstreams
QUIXSTREAMS_PINS := tests/integration/quixstreams/requirements.txt
AZURITE := local/azurite/node_modules/.package-lock.json
AZURE_CLI := .venv-azure-cli
INSTALLED := $(VENV)/.installed $(AZURITE)

# Services start often, and where bytecode is not kept, compiling them takes a third of each start.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help setup test demo up bench lint check-az check-clients clean

help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(INSTALLED) $(QUIXSTREAMS)/.installed ## install what everything else needs (each target does it by itself)

$(VENV)/.installed: requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Headrace needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(QUIXSTREAMS)/.installed: $(QUIXSTREAMS_PINS)
	$(PYTHON) -m venv $(QUIXSTREAMS)
	$(QUIXSTREAMS)/bin/python -m pip install --quiet --disable-pip-version-check -r $(QUIXSTREAMS_PINS)
	@touch $@

$(AZURITE): local/azurite/package-lock.json
	@command -v npm >/dev/null || { echo "Headrace needs Node.js 20 or newer, with npm, for Azurite (https://nodejs.org)"; exit 1; }
	npm ci --prefix local/azurite --silent --no-audit --no-fund
	@touch $@

test: setup ## run every test
	$(BIN)/python -m pytest -n $${PYTEST_WORKERS:-4} --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

demo: $(INSTALLED) ## run the main job whole: 3,000 events over AMQP and Kafka to Cosmos DB and the Data Lake
	$(BIN)/python -m local demo

up: $(INSTALLED) ## run Azure on this machine, with the function app, until Ctrl-C
	$(BIN)/python -m local up

bench: $(INSTALLED) ## measure what it costs
	$(BIN)/python -m bench

lint: $(INSTALLED) ## ruff, mypy --strict, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

$(AZURE_CLI)/.installed: tests/azure_cli/requirements.txt
	$(PYTHON) -m venv $(AZURE_CLI)
	$(AZURE_CLI)/bin/python -m pip install --quiet --disable-pip-version-check -r tests/azure_cli/requirements.txt
	@touch $@

check-az: $(AZURE_CLI)/.installed ## check the commands of infra/az with azure-cli's own parser (installs 700 MB)
	$(AZURE_CLI)/bin/python tests/azure_cli/check.py

check-clients: $(INSTALLED) ## check the local services with SDKs of other languages: JavaScript, Java, Go (installs them)
	$(BIN)/python -m tests.clients.check

clean: ## remove what setup installed and what the stack stored
	rm -rf $(VENV) $(QUIXSTREAMS) $(AZURE_CLI) .pytest_cache local/azurite/node_modules .local \
		tests/clients/javascript/node_modules tests/clients/java/target tests/clients/go/build
