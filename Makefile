# `make` alone says what there is. Each command does its own set-up; demo, test and bench want root, because they boot
# throwaway Debian machines.
DEBIAN ?= 12
export DEBIAN
PY = .venv/bin/python
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export PYTHONPATH := $(CURDIR)/src:$(CURDIR)/tests:$(CURDIR)

.PHONY: help setup demo test lint unit machine bench clean
help:
	@echo 'make demo    the whole appliance on simulated cameras; report in build/demo (DEBIAN=13, KEEP=1, CAMERA=rtsp://...)'
	@echo 'make test    every gate and every test, the running appliance included (DEBIAN=13)'
	@echo 'make lint    the gates that need no machine; make unit: the tests that need none; make machine: those that do'
	@echo 'make bench   the figures, in build/bench (ONLY=first-picture for one)'
	@echo 'make clean   what the above left in build/, and machines whose run was killed'

setup:
	@scripts/setup

demo: setup
	@$(PY) -m demo

test: lint unit machine

lint: setup
	ruff check .
	ruff format --check .
	mypy
	yamllint .
	ansible-lint -q
	shellcheck $$(git ls-files | xargs grep -lE '^#!.*\b(ba)?sh\b')

# Four at once also where there are two processors, because many of them wait.
unit: setup
	$(PY) -m pytest -n 2 --dist loadfile tests/static tests/unit

machine: setup
	$(PY) -m pytest tests/machine

bench: setup
	@$(PY) -m benchmarks $(ONLY)

clean: setup
	$(PY) -m sandbox clean
	rm -rf build
