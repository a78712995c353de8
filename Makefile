.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
PYTHON_IN_VENV := .venv/bin/python
SOURCES := backend miniprogram_api merchant_qr tests deploy wsgi.py
LOCKS := requirements.txt backend/devstack/requirements.txt tests/requirements.txt
COMPILE := uv pip compile pyproject.toml --generate-hashes --no-header --python-version 3.11
ARGS ?=

.PHONY: help run dev code reset migrate test sure bench drills pictures lint format typecheck bootstrap lock

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1 /p' Makefile | while read -r name text; do printf '  make %-10s %s\n' "$$name" "$$text"; done

run: ## set up, start everything, play one journey, serve until Ctrl-C (ARGS=--no-journey)
	@deploy/venv.sh backend/devstack/requirements.txt
	@deploy/assets.sh
	@exec $(PYTHON_IN_VENV) -m backend.devstack $(ARGS)

dev: ## like run, but without the journey, and the server follows code changes
	@deploy/venv.sh backend/devstack/requirements.txt
	@deploy/assets.sh
	@exec $(PYTHON_IN_VENV) -m backend.devstack --no-journey --reload

code: ## the code that the sample's staff type at the console, while run runs
	@$(PYTHON_IN_VENV) -m backend.devstack code

reset: ## remove the data that run keeps; refuses while it runs
	@deploy/venv.sh backend/devstack/requirements.txt
	@$(PYTHON_IN_VENV) -m backend.devstack reset

migrate: ## bring the database of run to the newest schema
	@deploy/venv.sh backend/devstack/requirements.txt
	@$(PYTHON_IN_VENV) -m backend.devstack flask db upgrade

test: bootstrap ## all that CI runs: ruff, mypy, pytest with everything (ARGS go to pytest)
	@.ci/browser.sh
	@.ci/nginx.sh
	@$(MAKE) lint typecheck
	$(PYTHON_IN_VENV) -m pytest $(ARGS)

sure: test ## the same, before a commit

bench: bootstrap ## figures of the opening second beside its rivals (ARGS="--only sqlite,holders --rounds 3")
	@command -v wrk >/dev/null || { echo 'wrk is missing: apt-get install -y wrk'; exit 1; }
	@$(PYTHON_IN_VENV) -m tests.bench $(ARGS)

drills: bootstrap ## kill and starve real processes, count what was promised (ARGS="million --attempts 100000")
	@command -v wrk >/dev/null || { echo 'wrk is missing: apt-get install -y wrk'; exit 1; }
	@$(PYTHON_IN_VENV) -m tests.drills $(ARGS)

pictures: bootstrap ## photograph pages for docs/pictures/, and every page into .state/pictures/ (ARGS="-k home")
	@.ci/browser.sh
	@$(PYTHON_IN_VENV) -m pytest -q -n0 tests/browser/take_pictures.py tests/proof/take_pictures.py $(ARGS)

lint: bootstrap ## ruff: rules and format
	$(PYTHON_IN_VENV) -m ruff check $(SOURCES)
	$(PYTHON_IN_VENV) -m ruff format --check $(SOURCES)

format: bootstrap ## let ruff rewrite what it can
	$(PYTHON_IN_VENV) -m ruff check --fix $(SOURCES)
	$(PYTHON_IN_VENV) -m ruff format $(SOURCES)

typecheck: bootstrap ## mypy
	$(PYTHON_IN_VENV) -m mypy

bootstrap: ## make .venv, and fetch what pages load, with everything that work on the project needs
	@deploy/venv.sh tests/requirements.txt
	@deploy/assets.sh tests

lock: bootstrap ## compile the three locks from pyproject.toml (ARGS=--upgrade: newest versions)
	@$(PYTHON_IN_VENV) -m pip install --disable-pip-version-check -q uv
	$(PYTHON_IN_VENV) -m $(COMPILE) $(ARGS) -o requirements.txt
	$(PYTHON_IN_VENV) -m $(COMPILE) $(ARGS) --extra devstack -c requirements.txt -o backend/devstack/requirements.txt
	$(PYTHON_IN_VENV) -m $(COMPILE) $(ARGS) --extra devstack --extra test -c backend/devstack/requirements.txt -o tests/requirements.txt
	@! grep -nE '^--|https?://|file://' $(LOCKS) || { echo 'a lock names where packages came from: remove it'; exit 1; }
