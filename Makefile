# Two commands for a fresh machine: `make repro` and `make test`. Everything lives in .venv.
# Python 3.11, 3.12 or 3.13: `make test PYTHON=python3.13`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(BIN)/uv
# Without cached bytecode every stage would compile torch and open_clip anew.
unexport PYTHONDONTWRITEBYTECODE
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: asked-python setup setup-test repro test test-pages test-all rehearsal rehearsal-short lint wheel-check mutants bench \
  gpu params lock clean

setup: asked-python $(VENV)/.installed
setup-test: asked-python $(VENV)/.installed-test

# Who names a Python gets that one, or is told that .venv has another.
asked-python:
ifneq ($(origin PYTHON),file)
	@test ! -x $(BIN)/python || test "$$($(BIN)/python -V)" = "$$($(PYTHON) -V)" || { \
	  echo "$(VENV) has $$($(BIN)/python -V), PYTHON=$(PYTHON) is $$($(PYTHON) -V): remove $(VENV)" >&2; exit 1; }
endif

$(UV):
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.8

# The lock names every package with its hash; the project itself is installed in place, without touching them.
$(VENV)/.installed: requirements.lock pyproject.toml | $(UV)
	VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --require-hashes -r requirements.lock
	VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --no-deps -e .
	touch $@

$(VENV)/.installed-test: requirements-test.lock $(VENV)/.installed
	VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --require-hashes -r requirements-test.lock
	touch $@

# `dvc repro`, and before it its stages two at a time: most keep one core busy.
repro: setup
	iqa repro --jobs 2

lint: setup-test
	ruff check --no-cache .
	ruff format --check .
	lint-imports
	mypy
	deptry benchmark methods experiments qualibench

# The wheel in an empty environment, in a folder whose own modules have the names of ours: does it score a picture?
wheel-check: | $(UV)
	$(BIN)/python -m tests.wheel $(UV)

# As many tests side by side as there are cores, at most four; `make test JOBS=0` runs them in one process.
# Types are checked beside them. The tests are listed first, by which what they import is compiled once for all.
JOBS ?= auto
LINTED := $(VENV)/lint.log
test: setup-test
	@{ $(MAKE) --no-print-directory lint > $(LINTED) 2>&1; linted=$$?; cat $(LINTED); exit $$linted; } & \
	pytest --collect-only -q > /dev/null 2>&1; \
	pytest -m "not slow and not page" -n $(JOBS) --maxprocesses 4; tested=$$?; \
	wait $$! || { echo "lint failed, see $(LINTED)" >&2; exit 1; }; exit $$tested

# All pages, and what a reader does with them in Chromium (Debian: apt-get install chromium).
test-pages: setup-test
	pytest -m "page and not slow" -n $(JOBS) --maxprocesses 4

# The simulations too: coverage of intervals, size of tests. Half an hour on two cores.
test-all: lint
	pytest

# The paper profile in miniature, from an empty clone to the last page, on a mirror of this machine.
REHEARSAL ?= $(or $(TMPDIR),/tmp)/qualibench-rehearsal
rehearsal: setup-test
	python -m tests.rehearsal.rehearse $(REHEARSAL)

# The same with five of the eleven data sets, fewer types and crops.
rehearsal-short: setup-test
	python -m tests.rehearsal.rehearse $(REHEARSAL) rehearsal_short

# Small faults put into a copy of the code, 100 at random: which do the tests miss? Half an hour on two cores.
MUTANTS ?= 100
mutants: setup-test
	python -m tests.covered
	python -m tests.mutants --count $(MUTANTS)
	python -m tests.mutants --count $(MUTANTS) --wide

bench: setup-test
	pytest benchmarks --benchmark-only -o filterwarnings=default

# Everything that wants a CUDA device, in one call of at most nine minutes: tests, speed, memory.
gpu: setup-test
	python -m benchmarks.gpu $(GPU)

# params.yaml as Hydra composes it from experiments/: the demo profile.
params: setup
	python -m experiments.settings.compose

COMPILE := pip compile --universal --python-version 3.11 --generate-hashes --quiet \
  --custom-compile-command "make lock" pyproject.toml

# What the tests and the optional extras need, and of that, in the same versions, what the pipeline needs.
lock: | $(UV)
	$(UV) $(COMPILE) --extra test --extra heif --extra pyiqa --extra ray --extra torchmetrics -o requirements-test.lock
	cp requirements-test.lock requirements.lock # uv keeps the versions that it finds in its output
	$(UV) $(COMPILE) -o requirements.lock

clean:
	rm -rf $(VENV) .dvc/cache .dvc/tmp .outside data models results reports build *.egg-info .mypy_cache .ruff_cache .pytest_cache
