# make app · lab · test · test-ray · train · bench · coverage · screenshots · lock · clean
# Settings: PYTHON, VENV, HOST, PORT; LOCK= (empty) takes the newest dependencies instead of the locked ones.
PYTHON ?= python3
VENV ?= .venv
HOST ?= 127.0.0.1
PORT ?= 8000
LOCK ?= requirements.lock

ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif

export TF_CPP_MIN_LOG_LEVEL ?= 3
.PHONY: app lab train test test-ray coverage bench screenshots lock clean

app: $(VENV)/.installed-base
	$(BIN)/python -m digitvision.app --host $(HOST) --port $(PORT)

lab: $(VENV)/.installed-lab
	$(BIN)/jupyter lab notebooks

train: $(VENV)/.installed-train
	$(BIN)/digitvision train

# One run for tests and notebooks, on all cores; those of a file stay together and in order.
test: $(VENV)/.installed-dev
	$(BIN)/python tests/support/browser.py
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest --nbval -n logical tests notebooks

# Failures on a Ray cluster: a node, a worker or the driver is killed in the middle of a sweep
test-ray: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m ray_slow tests

coverage: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n logical --cov=digitvision --cov=app --cov-report=term-missing tests

bench: $(VENV)/.installed-dev
	PYTHONPATH=tests $(BIN)/python -m benchmarks.serving

# The pictures of the page and the pad in docs/
screenshots: $(VENV)/.installed-dev
	$(BIN)/python tests/support/browser.py
	$(BIN)/python tests/support/screenshots.py

# After a change of dependencies in pyproject.toml
lock: $(VENV)/.installed-dev
	$(BIN)/pip install uv
	$(BIN)/uv pip compile --universal --python-version 3.11 --all-extras --no-emit-index-url \
		--no-annotate --no-header --upgrade pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) runs build dist *.egg-info .pytest_cache .ruff_cache .hypothesis

# The environment, made once and again when the dependencies change. "base" has no TensorFlow.
$(VENV)/.python:
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'DigitVision needs Python 3.11 or newer. Name it: make PYTHON=python3.12 ...')"
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed-%: $(VENV)/.python pyproject.toml $(wildcard $(LOCK))
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(if $(LOCK),--constraint $(LOCK)) \
		--editable $(if $(filter base,$*),.,.[$*])
	@touch $@
