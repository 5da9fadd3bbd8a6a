# The two commands of the README are `make demo` and `make test`; both set up everything they need.
PYTHON ?= python3
VENV := .venv
DEV := .venv-dev
RUN := $(VENV)/bin/counterfoil
PYTEST := $(DEV)/bin/python -m pytest
WORKERS ?= 3
TESTS ?= tests

.PHONY: help demo test check setup bench lock packages fuzz crash simulate clean

help:  ## what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

demo: setup  ## set everything up, and run the main job and the drill once, start to end
	$(VENV)/bin/python examples/demo.py --drill

test: $(DEV)/.ready packages  ## set everything up and pass the tests
	$(PYTEST) -n $(WORKERS) --dist loadgroup $(ARGS) $(TESTS)

check: $(DEV)/.ready  ## what CI runs besides the tests: style, types, import rules, docs, the built wheel
	$(DEV)/bin/ruff format --check .
	$(DEV)/bin/ruff check .
	$(DEV)/bin/mypy
	$(DEV)/bin/lint-imports --no-cache
	$(DEV)/bin/python tools/check_docs.py
	$(DEV)/bin/python tools/check_wheel.py

setup: $(VENV)/.ready  ## build .venv alone

bench: $(DEV)/.ready  ## measure, side by side in one run; writes to standard output
	$(DEV)/bin/python -m bench $(ARGS)

crash: $(DEV)/.ready  ## every kill point of gateway, ledger, signer and rotation (long)
	$(PYTEST) -m long -k crash $(ARGS) tests

simulate: $(DEV)/.ready  ## the long simulations by seed (long)
	$(PYTEST) -m long -k simulation $(ARGS) tests

fuzz: $(DEV)/.ready  ## fuzz the parsers for longer than the tests do
	$(PYTEST) -m long -k fuzz $(ARGS) tests

packages:  ## Debian packages the tests talk to; as root they are installed, else their tests say what they miss
	@sh tools/debian_packages.sh tests/debian-packages.txt

lock:  ## renew the lock files (needs uv)
	uv pip compile pyproject.toml --extra pkcs11 --group run --generate-hashes --no-emit-index-url --no-header \
	    --no-annotate --python-version 3.11 -q -o requirements/run.lock
	uv pip compile pyproject.toml --extra pkcs11 --group dev --generate-hashes --no-emit-index-url --no-header \
	    --no-annotate --python-version 3.11 -q -c requirements/run.lock -o requirements/dev.lock

$(VENV)/.ready: requirements/run.lock pyproject.toml
	$(PYTHON) -m venv --clear $(VENV)
	$(VENV)/bin/pip install -q --disable-pip-version-check --require-hashes --no-deps -r requirements/run.lock
	$(VENV)/bin/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(DEV)/.ready: requirements/dev.lock pyproject.toml
	$(PYTHON) -m venv --clear $(DEV)
	$(DEV)/bin/pip install -q --disable-pip-version-check --require-hashes --no-deps -r requirements/dev.lock
	$(DEV)/bin/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

clean:  ## remove what the other commands made
	rm -rf $(VENV) $(DEV) dist build .pytest_cache .mypy_cache .ruff_cache counterfoil-data counterfoil-demo
