# Two commands: `make run` opens the chat page, `make test` runs lint, types and tests. Both set up what they need.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# CPU-only machines outside of China: TORCH_INDEX=https://download.pytorch.org/whl/cpu make run
TORCH_INDEX ?=
PIP_ARGS := -q -c constraints.txt $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))

.PHONY: run test install lint types unit long clean
run: $(VENV)/.installed
	$(BIN)/casebook index
	$(BIN)/casebook web

test: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/casebook check-incidents
	$(BIN)/python -m pytest -q

long: $(VENV)/.installed-test
	$(BIN)/python -m pytest -q -m long

install: $(VENV)/.installed

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed (PYTHON=python3.x make ...)")'
	$(PYTHON) -m venv $(VENV)

# The stamp is written last, so that an interrupted install is taken up again.
$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install $(PIP_ARGS) -e .
	touch $@

$(VENV)/.installed-test: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install $(PIP_ARGS) -e '.[test]'
	touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
