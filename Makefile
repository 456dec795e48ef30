# One environment, .venv, serves every target. An install is repeated only when pyproject.toml changed:
# .venv/.with-EXTRAS says that the project is in there, editable, with those extras.

PYTHON ?= python3
VENV ?= .venv
THREADS ?= 1
ARGS ?=

python := $(VENV)/bin/python

.PHONY: help digits test test-deep check lint bench clean
.NOTPARALLEL: # two installs into one environment would fight

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "PYTHON=python3.12 names the interpreter of a new .venv; ARGS=... goes to the program or to pytest."

digits: $(VENV)/.with-examples,draw ## set up and train the network that reads handwritten digits
	$(python) examples/digits.py $(ARGS)

test: $(VENV)/.with-test ## set up and run the whole test suite, the docstrings' examples too
	$(python) -m pytest --numprocesses auto --dist worksteal $(ARGS)

test-deep: $(VENV)/.with-test ## the same with many more examples, newly drawn: an hour, for the night
	HYPOTHESIS_PROFILE=deep $(python) -m pytest --numprocesses auto --dist worksteal $(ARGS)

check: test lint ## everything: the tests, then lint

lint: $(VENV)/.with-dev ## lint, format and types alone
	$(python) -m ruff check
	$(python) -m ruff format --check
	$(python) -m mypy --strict

# A BLAS kernel forced by the environment would not be NumPy's own choice for this processor.
bench: $(VENV)/.with-test ## time a training step beside hand-written NumPy; THREADS=1 of the BLAS
	env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE OPENBLAS_NUM_THREADS=$(THREADS) \
		$(python) benchmarks/digits_step.py $(ARGS)

clean: ## remove .venv, caches and build artefacts; out/ stays
	rm -rf $(VENV) .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || { \
		echo "autograd_mini needs Python 3.10 or newer; $(PYTHON) says:" \
			"$$($(PYTHON) --version 2>&1 | head -n 1). Name another: make PYTHON=python3.12" >&2; \
		exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.with-%: $(VENV)/.created pyproject.toml
	$(python) -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@
