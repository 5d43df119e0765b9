# Two commands matter: `make up` (see it work) and `make test` (prove it works).
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
TOOLS  := $(VENV)/.tools
MUTANTS := $(subst /,.,$(basename $(or $(ONLY),stack/*.py)))
# Errors only: what pip warns of (its own age, root, an empty index) is nothing to act on here.
PIP    := $(BIN)/python -m pip install -qq --disable-pip-version-check

.PHONY: help up down test unit thorough chaos page browser lint format render golden reference bench mutants images clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

up: $(RUNTIME) ## start the demo stack, verify it, print where to look
	@$(BIN)/stack up
	@$(BIN)/python -m docs.demo_links
	@echo
	@echo "  what answers  $(BIN)/stack status"
	@echo "  stop it       make down"

down: $(RUNTIME) ## stop the demo stack (volumes stay)
	@$(BIN)/stack down

images: $(RUNTIME) ## fetch or build the images
	@$(BIN)/stack images

test: $(TOOLS) images browser unit ## install what the tests need and run them all
	$(BIN)/pytest -m "integration and not alone" --numprocesses 2 --dist loadfile
	$(BIN)/pytest -m "integration and alone"

unit: $(TOOLS) ## only the tests that need no Docker Engine; most of them wait, so four at once
	$(BIN)/pytest -m "not integration" --numprocesses 4 --dist loadfile

thorough: $(TOOLS) ## the tests with generated examples, with twenty times as many of them
	STACK_THOROUGH=20 $(BIN)/pytest --timeout 3600 -m "not integration" --numprocesses 4 --dist loadfile \
	  $$(grep -rlE '@given|StateMachine' tests --include='test_*.py')

chaos: $(TOOLS) images ## check deliveries while everything is killed, for SECONDS=600
	CHAOS_SECONDS=$(or $(SECONDS),600) $(BIN)/pytest -s tests/chaos

lint: $(TOOLS) ## ruff and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(TOOLS) ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

render: $(RUNTIME) ## write compose.yaml and nginx-dev.conf from stack.yaml
	$(BIN)/stack render

golden: $(TOOLS) ## rewrite the golden folders; read the diff
	STACK_REWRITE_GOLDEN=1 $(BIN)/pytest tests/render/test_golden.py

page: browser ## bundle the demo page from services/web/src
	cd services/web && npm ci --no-audit --no-fund --ignore-scripts && npm run build

browser: ## what the tests of the page need: Chromium, Node and npm (installed on Debian as root)
	@command -v chromium >/dev/null && command -v npm >/dev/null || [ "$$(id -u)" != 0 ] || { \
	  echo "  installing Chromium and Node"; \
	  said=$$({ apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
	    $$(command -v chromium >/dev/null || echo chromium) \
	    $$(command -v npm >/dev/null || echo nodejs npm); } 2>&1) || { echo "$$said"; exit 1; }; }

reference: $(RUNTIME) ## write docs/reference.md and docs/findings.md from the code
	$(BIN)/python -m docs.make_reference
	$(BIN)/python -m docs.make_findings

bench: $(TOOLS) images ## measure beside Docker Compose, gixy and other servers, in one run
	$(BIN)/python -m bench.up
	$(BIN)/python -m bench.diagnose
	PYTHONPATH=services/ws $(BIN)/python -m bench.outbox
	PYTHONPATH=services/ws $(BIN)/python -m bench.fanout
	PYTHONPATH=services/ws $(BIN)/python -m bench.floods

mutants: $(TOOLS) ## change one thing at a time and list what no test notices, ONLY=<file.py>
	@$(PIP) --group mutants
	@said=$$(nice $(BIN)/mutmut run --max-children 2 "$(MUTANTS)*" 2>&1) || { echo "$$said" | tail -n 30; exit 1; }
	@$(BIN)/mutmut results --all true | awk -F': ' '$$1 ~ /^ *$(MUTANTS)/ { n[$$2]++; n["tried"]++; \
	  if ($$2 != "killed" && $$2 != "timeout") print } \
	  END { printf "  %d tried: %d killed, %d killed by time, %d left\n", \
	    n["tried"], n["killed"], n["timeout"], n["tried"] - n["killed"] - n["timeout"] }'

clean: ## remove what make made here (not your stack's volumes)
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis mutants

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: $(PYTHON) is older than 3.11; run: make PYTHON=python3.11"; exit 1; }
	@echo "  making $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(RUNTIME): pyproject.toml | $(VENV)/bin/python
	@echo "  installing stack into $(VENV) (half a minute, once)"
	@$(PIP) --editable .
	@touch $@

$(TOOLS): $(RUNTIME)
	@echo "  installing what tests and linters need into $(VENV)"
	@$(PIP) --upgrade "pip>=25.1"
	@$(PIP) --group test --group lint
	@touch $@
