# Two commands matter: `make demo` (from nothing to a finished comic run) and `make test` (everything).

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO_ARGS ?=

# Tools and protoc's plug-ins are found whether or not somebody activated the environment.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# llama.cpp is built from source: for processors like this one and not for this one alone, and without what sees pictures.
export CMAKE_ARGS ?= -DGGML_NATIVE=OFF -DLLAVA_BUILD=OFF -DMTMD_BUILD=OFF
# Two processes with spinning OpenMP threads ruin each other's time.
export OMP_WAIT_POLICY := passive

.PHONY: help demo test check format generate bench soak starter install clean

help:  ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

# torch comes first and pinned: a later dependency must not pull another build of it.
$(READY)-%: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Packages are installed into $(VENV), about 2 GB of them; the first time this takes some minutes."
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet torch==2.13.0
	$(BIN)/python -m pip install --quiet --editable '.[$*]'
	touch $@

.PRECIOUS: $(READY)-starter $(READY)-test

install: $(READY)-test  ## virtual environment with everything in it

demo: $(READY)-starter  ## install, then take the sample universe through four stages (DEMO_ARGS=--headless)
	$(BIN)/bullpen demo $(DEMO_ARGS)

test: check  ## install, checks, whole suite
	$(BIN)/python -m pytest

check: $(READY)-test  ## format, lint, types, imports, contract
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/generate.py --check
	cd proto && ../$(BIN)/buf lint

format: $(READY)-test  ## format and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

generate: $(READY)-test  ## code from proto/, after the breaking-change check
	cd proto && ../$(BIN)/buf breaking --against golden/bullpen.binpb
	$(BIN)/python tools/generate.py

bench: $(READY)-test  ## the performance table
	$(BIN)/python -m tests.bench

soak: $(READY)-test  ## ten thousand jobs, a thousand dying workers, every pair of deaths of the daemon (a long time)
	$(BIN)/python -m tests.bench --only soak --only deaths --only restart-full

starter: $(READY)-test  ## train the embedded models again (hours)
	$(BIN)/python -m bullpen_starter.train all

clean:  ## remove the virtual environment and caches, never var/
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
