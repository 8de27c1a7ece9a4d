# Everything a newcomer needs; each target does its own set-up and can be run again at any time.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT ?= demo
.PHONY: setup setup-test demo test lint docs ledger speed clean

$(VENV)/.base: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints.txt -e .
	touch $@

$(VENV)/.test: $(VENV)/.base
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[neural,export,test,lint]"
	touch $@

$(VENV)/.docs: $(VENV)/.base
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[docs]"
	touch $@

setup: $(VENV)/.base
setup-test: $(VENV)/.test

demo: setup
	$(BIN)/landbridge transfer builtin:printed builtin:handwritten --target-labels hide --out $(OUT)

# One thread a worker: the workers already fill the cores.
test: setup-test
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal

lint: setup-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.docs
	$(BIN)/python -m sphinx -b html -W --keep-going docs docs/_build/html

ledger: setup-test
	$(BIN)/python -m benchmarks.ledger

speed: setup-test
	$(BIN)/python -m benchmarks.speed

clean:
	rm -rf $(VENV) build dist docs/_build docs/gallery docs/api/generated .pytest_cache .mypy_cache .ruff_cache
