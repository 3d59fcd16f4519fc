# `make demo` and `make test` set up all they need in .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Tests of one file stay together, for they share what takes time to set up; tests/conftest.py puts the slow files first.
SPREAD := --dist loadfile --no-loadscope-reorder
# One worker more than there are processors, as tests wait for other processes.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print((os.cpu_count() or 1) + 1)')
# Each of the many processes that tests start would compile Wherry again, and each worker all tests.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test real fuzz lint types check docs site bench lock-dev clean

help:
	@echo "make demo      build the example project and invoke the written package"
	@echo "make test      run the tests (nothing but loopback is asked)"
	@echo "make real      run the slower tests against real projects from PyPI"
	@echo "make fuzz      feed every reader with changed samples (SECONDS=20 for each, SEED=0)"
	@echo "make lint      ruff: format and lint"
	@echo "make types     mypy, strict"
	@echo "make check     test, lint, types"
	@echo "make docs      write the generated pages of the reference"
	@echo "make site      the documentation as a site, in build/site"
	@echo "make bench     the benchmarks, side by side with other tools"
	@echo "make lock-dev  pin the development environment anew"

$(READY): requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "error: Python 3.11 or newer is required: make PYTHON=python3.13 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q src
	@touch $@

demo: $(READY)
	@$(BIN)/python examples/demo.py

test: $(READY)
	$(BIN)/pytest -n $(WORKERS) $(SPREAD)

real: $(READY)
	$(BIN)/pytest -n $(WORKERS) $(SPREAD) -m real

SECONDS ?= 20
SEED ?= 0
fuzz: $(READY)
	PYTHONPATH=tests $(BIN)/python -m fuzz.run --seconds $(SECONDS) --seed $(SEED)

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy src
	$(BIN)/mypy --allow-untyped-defs --allow-incomplete-defs --allow-untyped-calls tests benchmarks docs examples/demo.py

check: test lint types

docs: $(READY)
	$(BIN)/python docs/generate.py

# The generator has an environment of its own, set up at first use.
SITE := $(VENV)/site
$(SITE)/.ready: site/requirements.txt
	$(PYTHON) -m venv $(SITE)
	$(SITE)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r site/requirements.txt
	@touch $@

site: $(SITE)/.ready
	NO_MKDOCS_2_WARNING=1 $(SITE)/bin/mkdocs build --strict --config-file site/mkdocs.yml

bench: $(READY)
	$(BIN)/python benchmarks/run.py

lock-dev: $(READY)
	$(BIN)/uv pip compile pyproject.toml --group dev --group tools --universal --python-version 3.11 \
		--generate-hashes --no-header --no-annotate --no-emit-index-url --upgrade --quiet -o requirements-dev.txt

clean:
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache
