# `make help` lists what there is. Python 3.11 or newer, its pip and make are all it needs.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
LOCK   := UV_CUSTOM_COMPILE_COMMAND="make lock" $(VENV)/uv/bin/uv pip compile --quiet --universal \
          --python-version 3.11 --generate-hashes

# One more than the two cores of CI: tests often wait, for a process, a deadline or a slow target.
WORKERS ?= 3

.DEFAULT_GOAL := help
# The last one says which page none of the others has looked at.
BROWSER := $(addprefix tests/browser/,first_flow.py looks.py crons.py work.py overview.py settings.py live.py \
           single_sign_on.py journey.py teams.py firefox/short_form.py attacks.py other_sites.py weight.py \
           refusals.py keyboard.py faults.py all_pages.py)

.PHONY: help dev test browser attacks looks check fix cov bench faults fuzz mutants soak answers servers clients idle hosts ci openapi examples lock release

help: ## Say what there is
	@sed -n 's/^\([a-z]*\):.* ## /\1\t/p' $(MAKEFILE_LIST) | expand -t 9

dev: $(VENV)/.run.ok ## Run Redis and every service here until Ctrl-C
	@$(BIN)/recuro dev

test: $(VENV)/.dev.ok ## Run the whole test suite on a Redis of its own
	@$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

browser: $(VENV)/.dev.ok ## Go through the pages with Chromium, which has to be installed, and with Firefox if it is
	@$(BIN)/python -m pytest $(BROWSER) $(ARGS)

attacks: $(VENV)/.dev.ok ## Attack the pages with Chromium: each hostile text on each page; `make browser` tries a few
	@RECURO_TEST_ATTACKS=all $(BIN)/python -m pytest tests/browser/attacks.py tests/browser/other_sites.py $(ARGS)

looks: $(VENV)/.dev.ok ## Look at each state of each page in all widths, colours and sizes of text (some 20 minutes)
	@RECURO_TEST_LOOKS=whole $(BIN)/python -m pytest $(BROWSER) $(ARGS)

examples: $(VENV)/.dev.ok ## Renew what is generated: the examples of docs/openapi.json, and the list of the bridge
	@RECURO_RENEW_EXAMPLES=1 $(BIN)/python -m pytest -q tests/api/protocol/test_examples.py
	@$(BIN)/python -m scripts.openapi
	@$(BIN)/python -m scripts.bridge

check: $(VENV)/.dev.ok ## Check format, lint, types, import contracts, the Lua, the shape and what deploy/ says
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m scripts.check_lua
	@$(BIN)/python -m scripts.check_shape
	@$(BIN)/python scripts/check_deploy.py

fix: $(VENV)/.dev.ok ## Format the code, and mend what ruff can mend
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

cov: $(VENV)/.dev.ok ## Run the test suite and say which lines it left out (ARGS=tests/api for a part)
	@$(BIN)/python -m pytest -n $(WORKERS) --cov --cov-report=term-missing:skip-covered $(ARGS)

bench: $(VENV)/.dev.ok ## Measure this machine
	@$(BIN)/python -m tests.bench $(ARGS)
	@$(if $(filter-out --large,$(ARGS)),,$(BIN)/python -m tests.bench.street)
	@$(if $(filter-out --large,$(ARGS)),,$(BIN)/python -m tests.bench.boundary)

faults: $(VENV)/.dev.ok ## Hurt real processes, Redis, clocks and data, and see what holds (ARGS='--seed 7 --bounded')
	@$(BIN)/python -m tests.faults $(ARGS)

fuzz: $(VENV)/.dev.ok ## Send the API what its OpenAPI document allows and forbids (ARGS='--bounded --seed 7')
	@$(BIN)/python -m tests.fuzz $(ARGS)

mutants: $(VENV)/.dev.ok ## Break the Lua in one place at a time, and see that a test fails (ARGS=--bounded for a few)
	@$(BIN)/python -m tests.engine.mutants $(ARGS)

soak: $(VENV)/.dev.ok ## Hurt a busy installation at random for ten minutes (ARGS='--seed 8 --minutes 2 --faults 30')
	@$(BIN)/python -m tests.faults.soak $(ARGS)

answers: $(VENV)/.dev.ok ## Hold odd answers beside curl, httpx, aiohttp and node, and write docs/answers.md
	@$(BIN)/python -m tests.answers $(ARGS)

servers: $(VENV)/.dev.ok ## Call real servers beside curl; as root it installs those of Debian that are missing
	@$(BIN)/python -m tests.answers.servers $(ARGS)

clients: $(VENV)/.dev.ok ## Generate clients of docs/openapi.json (Python, and TypeScript by npm), and use them
	@$(BIN)/python -m tests.generated

idle: $(VENV)/.dev.ok ## Call servers just when they close a kept connection (ARGS='--seconds 20' for a short run)
	@$(BIN)/python -m tests.answers.idle $(ARGS)

hosts: $(VENV)/.dev.ok ## Let outside MCP clients call every tool; installs them by npm and uv (ARGS=--bounded: few)
	@$(BIN)/python -m tests.hosts $(ARGS)

ci: ## Do all that CI does, on a bare Debian as root: packages, checks, both servers, mutants, faults
	@.ci/run

openapi: $(VENV)/.dev.ok ## Renew docs/openapi.json; fails where that breaks clients (ARGS=--breaking writes it all the same)
	@$(BIN)/python -m scripts.openapi $(ARGS)

lock: $(VENV)/.dev.ok ## Renew the locks after a change of pyproject.toml (ARGS=--upgrade for newer versions)
	@$(LOCK) $(ARGS) --group build pyproject.toml -o requirements.lock
	@$(LOCK) $(ARGS) --group build --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	@echo 'uv' | $(LOCK) $(ARGS) --no-annotate - -o requirements-uv.lock

release: check ## Set the version, date the changelog, commit and tag (VERSION=0.2.0)
	@$(BIN)/python -m scripts.release $(VERSION)

# A stamp is younger than the lock it was made from; a changed lock installs again.
$(VENV)/.run.ok: requirements.lock requirements-uv.lock pyproject.toml scripts/bootstrap.py
	@$(PYTHON) scripts/bootstrap.py $(VENV) requirements.lock
	@touch $@

$(VENV)/.dev.ok: requirements-dev.lock $(VENV)/.run.ok
	@$(PYTHON) scripts/bootstrap.py $(VENV) requirements-dev.lock
	@touch $@
