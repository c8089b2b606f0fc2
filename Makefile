# The two commands of the README, and what they are made of. Python >= 3.11 is all that must be there.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test soak campaigns mutations setup lint audit check clean

demo: setup ## the whole system on real books, sandboxed providers, no keys
	$(BIN)/alexandria demo --year 2023 --months 12 --exit

test: setup lint ## everything but benchmarks
	$(BIN)/python -m pytest

soak: setup ## the long crash test, which prints its numbers; some minutes on a machine with nothing else to do
	SOAK_KILLS=200 SOAK_MONTHS=60 $(BIN)/python -m pytest -s tests/crash/test_soak.py

campaigns: setup ## a thousand whole rollouts on a virtual clock; some minutes
	CAMPAIGNS=1000 $(BIN)/python -m pytest -s --timeout 1800 tests/unit/test_campaign.py -k no_gate

mutations: setup ## how many small faults in the core its tests find; an hour, fails below 85 % in any part
	$(BIN)/python benchmarks/mutations.py

setup: .venv/.ready ## leaves .venv/bin/alexandria

.venv/.ready: pyproject.toml uv.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: try make setup PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	UV_PROJECT_ENVIRONMENT=.venv $(BIN)/uv sync --quiet --frozen --inexact --all-extras --python $(BIN)/python
	touch $@

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

audit: setup ## whether what is locked has known vulnerabilities; asks a service on the network
	$(BIN)/python .ci/audit.py

clean:
	rm -rf .venv

.PHONY: docs dist

docs: setup ## a searchable site in build/docs; a warning, such as a link that leads nowhere, is an error
	$(BIN)/uv run --quiet --frozen --isolated --only-group docs --python $(BIN)/python \
		sphinx-build --quiet --fresh-env --nitpicky --fail-on-warning --keep-going -d build/doctrees docs build/docs

dist: setup ## the wheel and the source distribution in dist/, with the checks of a package index
	rm -rf dist
	$(BIN)/uv build --quiet --out-dir dist
	$(BIN)/uv tool run --quiet twine check --strict dist/*.whl dist/*.tar.gz
