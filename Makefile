# One command to use it (make run), one to test it (make test); `make` lists the rest.
# Needs Python 3.11 to 3.14 and make. Everything else goes into .venv and var/, and nothing outside this folder.

.DEFAULT_GOAL := help
.PHONY: help run test check bench chaos chaos-handover chaos-figures servers sdl types fmt lock clean new-environment

PYTHON ?=
PYTHONS := $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11
BIN := .venv/bin

help: ## list what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | awk -F'|' '{ printf "  make %-14s %s\n", $$1, $$2 }'

run: .venv/installed ## set up whatever is missing and serve on http://127.0.0.1:8000
	@exec $(BIN)/daogou up $(ARGS)

test: .venv/installed-dev ## run every test on both engines; make test ARGS="-k import"
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal $(ARGS)

check: .venv/installed-dev ## lint, format, types, import contracts, migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@echo "daogou migrate --check"; \
	DAOGOU_HOME=$$(mktemp -d) && export DAOGOU_HOME && trap 'rm -rf "$$DAOGOU_HOME"' EXIT && unset DATABASE_URL && \
	$(BIN)/daogou migrate && $(BIN)/daogou migrate --check

bench: .venv/installed-dev ## measure; make bench ARGS=--help
	@$(BIN)/python -m tests.bench $(ARGS)

chaos: .venv/installed-dev ## kill servers, Redis and PostgreSQL under many phones, and compare; make chaos ARGS=--help
	@PYTHONPATH=clients/python $(BIN)/python -m tests.chaos $(ARGS)

chaos-handover: .venv/installed-dev ## the same for handovers, with a history for checkers; make chaos-handover ARGS=--help
	@PYTHONPATH=clients/python $(BIN)/python -m tests.chaos.handing $(ARGS)

chaos-figures: .venv/installed-dev ## the same for whoever counts figures; make chaos-figures ARGS=--help
	@PYTHONPATH=clients/python $(BIN)/python -m tests.chaos.figures $(ARGS)

servers: .venv/installed-dev ## start a PostgreSQL and a Redis to try the product on, until Ctrl-C
	@exec $(BIN)/python -m tests.servers

sdl: .venv/installed ## write schema/schema.graphql
	@$(BIN)/python -m schema.export

types: .venv/installed-dev ## write the TypeScript client's types, from schema/schema.graphql
	@$(BIN)/python -m tests.clients.types

fmt: .venv/installed-dev ## format the code and mend what can be mended
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

lock: .venv/made ## pin the dependencies again; make lock ARGS=--upgrade for the newest
	@tools=$$(mktemp -d) && trap 'rm -rf "$$tools"' EXIT && \
	$(BIN)/python -m venv "$$tools" && "$$tools/bin/pip" install --quiet uv && \
	pin() { "$$tools/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --custom-compile-command "make lock" $(ARGS) --group build pyproject.toml "$$@"; } && \
	pin --output-file requirements.lock && \
	pin --extra dev --constraints requirements.lock --output-file requirements-dev.lock

clean: ## remove the environment and the caches; the data in var/ stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis *.egg-info var/test-servers var/test-clients
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ----------------------------------------------------------------------------------------------------------------
# The environment. Each mark is written last, so that an interrupted step is done again, and holds what it was made
# from, so that a branch switched there and back installs nothing.

# An environment is dead when the folder was moved or its Python was removed.
ALIVE := $(shell [ -x $(BIN)/python ] && [ "$$(cat .venv/made 2>/dev/null)" = "$$(pwd -P)" ] && echo yes)
ifneq ($(ALIVE),yes)
.venv/made: new-environment
endif

.venv/made:
	@found=; bare=; \
	for python in $(PYTHONS); do \
	    "$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null || continue; \
	    if "$$python" -c 'import ensurepip, sqlite3, ssl, venv' 2>/dev/null; then found=$$python; break; fi; \
	    bare=$$python; \
	done; \
	if [ -z "$$found" ] && [ -n "$$bare" ]; then \
	    echo "$$bare lacks venv, ensurepip, sqlite3 or ssl: install them (on Debian and Ubuntu: apt install python3-venv)." >&2; exit 2; \
	elif [ -z "$$found" ]; then \
	    echo "Python 3.11 to 3.14 is needed: install one, or name it with make PYTHON=/path/to/python3." >&2; exit 2; \
	fi; \
	echo "Making .venv with $$("$$found" --version)"; \
	"$$found" -m venv --clear .venv && pwd -P > $@

INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps
FAILED := echo "The packages could not be installed: is the package index reachable?" >&2; exit 2

.venv/installed: requirements.lock pyproject.toml .venv/made
	@cat requirements.lock pyproject.toml > .venv/wanted; \
	if ! cmp -s .venv/wanted $@; then \
	    echo "Installing what the product needs (once, under a minute)"; \
	    $(INSTALL) --require-hashes -r requirements.lock && \
	    $(INSTALL) --no-build-isolation --editable . || { $(FAILED); }; \
	fi; \
	mv .venv/wanted $@

.venv/installed-dev: requirements-dev.lock .venv/installed
	@if ! cmp -s requirements-dev.lock $@; then \
	    echo "Installing what the tests need (once, under a minute)"; \
	    $(INSTALL) --require-hashes -r requirements-dev.lock || { $(FAILED); }; \
	fi; \
	cp requirements-dev.lock $@
