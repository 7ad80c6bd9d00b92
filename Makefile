# make demo    set everything up and run the main job: a window, or without a display a headless run
# make test    set everything up and run every test, the real-window ones under Xvfb
# make setup   their common part; make lint, bench, screenshots, clean complete the set

SHELL := bash
VENV := .venv
BIN := $(VENV)/bin
# The newest Python that will do; `make PYTHON=… setup` chooses another.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

.DEFAULT_GOAL := help
.PHONY: help setup system demo test lint format bench screenshots sample-data clean

help:
	@sed -n '1,/^$$/s/^# //p' Makefile

setup: system $(VENV)/.installed

system:
	@PYTHON="$(PYTHON)" bash scripts/system_libraries.sh

$(VENV)/.installed: pyproject.toml constraints.txt | system
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and was not found" >&2; exit 2; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	@echo "Installing napari, PyTorch and what they need into $(VENV): about 7 GB, two to ten minutes"
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@

demo: setup
	@if bash scripts/with_display.sh --check; then $(BIN)/inkling demo; else \
		echo "No display: the demo runs without a window and writes to demo-output/"; \
		$(BIN)/inkling demo --headless --out demo-output; fi

# In processes beside each other, see tests/conftest.py. `make test ARGS="-n 0 --pdb"` runs all in one process.
test: setup
	bash scripts/with_display.sh $(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadgroup $(ARGS)

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# One benchmark per claim in docs/benchmarks.md; each prints JSON, also to benchmarks/results.
# `make bench ONLY=journal_kill` runs one.
BENCHMARKS := $(filter-out %/common.py %/peers.py %/box_data.py,$(wildcard benchmarks/*.py))
bench: setup
	@failed=0; for file in $(if $(ONLY),benchmarks/$(ONLY).py,$(BENCHMARKS)); do \
		echo "== $$file" >&2; bash scripts/with_display.sh $(BIN)/python $$file || failed=1; done; \
	$(BIN)/python scripts/make_benchmark_tables.py && $(BIN)/python scripts/make_benchmark_pictures.py && exit $$failed

screenshots: setup
	bash scripts/with_display.sh $(BIN)/python scripts/make_screenshots.py

sample-data: setup
	$(BIN)/python scripts/make_sample_data.py

clean:
	rm -rf $(VENV) build dist demo-output .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
