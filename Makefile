# The commands of the README, and what they are made of. Python >= 3.11 is all that must be there.
PYTHON ?= python3
BIN := .venv/bin
# Two worker processes a core, as many tests wait half of their time for processes; at most four.
WORKERS ?= $(shell $(BIN)/python -c 'import os; print(min(2 * len(os.sched_getaffinity(0)), 4))')
# Each has a PostgreSQL of its own; the longest files come first (tests/conftest.py), the rest balances.
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder
# The cheap way to measure coverage needs Python 3.12; the other one makes Python code half as fast.
COVERAGE_CORE = $(shell $(BIN)/python -c 'import sys; print("sysmon" if sys.version_info >= (3, 12) else "ctrace")')

.PHONY: demo check test quick test-all whole unit soak chaos campaigns fuzz bench mutations setup lint style types imports audit clean

demo: setup ## the whole system on real books, sandboxed providers, no keys
	$(BIN)/alexandria demo --year 2023 --months 12 --exit

check: setup ## what takes about a minute: lint and unit tests, side by side
	$(MAKE) -j2 MYPY_FILES='src tests/unit' lint unit

test: setup ## lint, and every test but the long ones, crashes and set-ups of PostgreSQL; some minutes
	$(MAKE) -j2 lint quick

quick: setup .venv/.compiled
	$(PYTEST) -m "not long" --ignore tests/crash --ignore tests/setups

test-all: setup ## lint, and everything, with a short form of soak, and the coverage
	$(MAKE) -j2 lint whole

whole: setup .venv/.compiled
	SOAK_KILLS=40 SOAK_MONTHS=12 COVERAGE_CORE=$(COVERAGE_CORE) $(PYTEST) --cov --cov-report=term

unit: WORKERS = $(shell $(BIN)/python -c 'import os; print(min(len(os.sched_getaffinity(0)), 4))')
unit: setup .venv/.compiled-unit
	$(PYTEST) -m "not long" tests/unit

soak: setup ## the crash test for half an hour, which prints its numbers, on a machine with nothing else to do
	SOAK_KILLS=200 SOAK_MONTHS=60 $(BIN)/python -m pytest -s tests/crash/test_soak.py

chaos: setup campaigns ## crash tests and interleavings with new random choices, and a thousand rollouts; an hour
	HYPOTHESIS_PROFILE=random SOAK_SEED=$$(date +%s) CHAOS_SECONDS=1800 CHAOS_SEED=$$(date +%s) $(BIN)/python -m pytest -s tests/crash tests/property

campaigns: setup ## a thousand simulated rollouts, and a thousand through the real controller, with whatever people do; an hour
	CAMPAIGNS=1000 $(BIN)/python -m pytest -s --timeout 1800 tests/unit/test_simulation.py tests/unit/test_cluster_bound.py -k "no_gate or gates"
	CAMPAIGNS=1000 $(BIN)/python -m pytest -s tests/campaigns

mutations: setup ## how many small faults in the core its tests find; an hour, fails below 85 % in any part
	$(BIN)/python benchmarks/mutations.py

EVERY_KIND_TESTS = $(addprefix tests/property/test_,every_parser.py regular_expressions.py hostile_input.py parameters.py) \
	tests/contract/test_schemathesis.py tests/contract/test_sandbox_faults.py \
	tests/integration/test_same_answer.py
fuzz: setup ## readers of other people's data under Atheris and with texts of every kind, twenty minutes; for platforms that it has a wheel for
	UV_PROJECT_ENVIRONMENT=.venv $(BIN)/uv sync --quiet --frozen --inexact --all-extras --group fuzz --python $(BIN)/python
	$(BIN)/python benchmarks/fuzz.py
	EVERY_KIND=1 $(PYTEST) $(EVERY_KIND_TESTS)

bench: setup ## the benchmarks that need no data from elsewhere; each prints its numbers
	$(BIN)/python benchmarks/page.py
	$(BIN)/python benchmarks/pacing.py --kill-holder
	$(BIN)/python benchmarks/idle.py
	$(BIN)/python benchmarks/overhead.py
	$(BIN)/python benchmarks/scale.py
	$(BIN)/python benchmarks/campaign.py --months 3 --times 10
	$(BIN)/python benchmarks/recognise.py
	$(BIN)/python benchmarks/policies.py
	$(BIN)/python benchmarks/evidence_curve.py
	$(BIN)/python benchmarks/bibliography_demo.py
	$(BIN)/python benchmarks/same_answer.py
	$(BIN)/python benchmarks/forecast.py
	$(BIN)/python benchmarks/gates.py
	PLAN_WORKS=1000000 $(BIN)/python -m pytest --timeout 3600 tests/integration/test_query_plans.py

setup: .venv/.ready ## leaves .venv/bin/alexandria
ifeq ($(origin PYTHON),command line)
	@test "$$($(PYTHON) -V)" = "$$($(BIN)/python -V)" || { echo ".venv has $$($(BIN)/python -V): make clean first"; exit 1; }
endif

.venv/.ready: pyproject.toml uv.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: try make setup PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	UV_PROJECT_ENVIRONMENT=.venv $(BIN)/uv sync --quiet --frozen --inexact --all-extras --compile-bytecode --python $(BIN)/python
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m compileall -q src
	touch $@

# Once: else each of the worker processes, which start at the same moment, compiles every module for itself.
.venv/.compiled-unit: TESTS = tests/unit
.venv/.compiled .venv/.compiled-unit: .venv/.ready
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest --collect-only --quiet $(TESTS) > /dev/null || true # the run itself reports what is wrong
	touch $@

lint: style types imports

style: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy $(MYPY_FILES)

imports: setup
	$(BIN)/lint-imports

audit: setup ## whether what is locked has known vulnerabilities; asks a service on the network
	$(BIN)/python .ci/audit.py

clean:
	rm -rf .venv

.PHONY: docs dist
PAGES := docs
SITE := build/docs
DIST := dist

docs: setup ## a searchable site in build/docs; a warning, such as a link that leads nowhere, is an error
	$(BIN)/uv run --quiet --frozen --isolated --only-group docs --python $(BIN)/python \
		sphinx-build --quiet --fresh-env --nitpicky --fail-on-warning --keep-going -d $(SITE).cache $(PAGES) $(SITE)

dist: setup ## the wheel and the source distribution in dist/, with the checks of a package index
	rm -rf $(DIST)
	$(BIN)/uv build --quiet --out-dir $(DIST)
	$(BIN)/uv tool run --quiet twine check --strict $(DIST)/*.whl $(DIST)/*.tar.gz
