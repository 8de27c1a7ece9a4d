# Everything a newcomer needs; each target does its own set-up and can be run again at any time.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT ?= demo
.PHONY: setup setup-test demo test test-kernels test-oldest test-wheel lint docs ledger speed fuzz guard-audit clean

$(VENV)/.base: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints.txt -e .
	touch $@

$(VENV)/.test: $(VENV)/.base
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[neural,export,test,lint]"
	touch $@

$(VENV)/.docs: $(VENV)/.base
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[neural,docs]"
	touch $@

setup: $(VENV)/.base
setup-test: $(VENV)/.test

demo: setup
	$(BIN)/landbridge transfer builtin:printed builtin:handwritten --target-labels hide --out $(OUT)

# One thread a worker: the workers already fill the cores.
test: setup-test
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal

# Runs of the tests with one thread per worker, on a part of the suite.
PARTS = OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
# Tests of the mathematics, whose last digits depend on the kernels of the linear algebra library.
NUMERICAL = tests/numerics tests/transferability tests/instance/test_kmm.py

# The numerical tests with other kernels of OpenBLAS than the one chosen for this processor.
test-kernels: setup-test
	@kernels=$$($(BIN)/python .ci/kernels.py) || exit 1; for kernel in $$kernels; do \
		echo "OpenBLAS kernels: $$kernel"; \
		$(PARTS) OPENBLAS_CORETYPE=$$kernel $(BIN)/python -m pytest -q -n auto $(NUMERICAL) || exit 1; \
	done

# One method per family and per kind of learner: enough for the contract with scikit-learn, in minutes.
CORE = tests/test_base.py tests/test_binding.py tests/test_catalogue.py tests/test_domain.py tests/test_import.py \
	tests/test_measurement.py tests/test_pipeline.py tests/numerics tests/discrepancy/test_mmd.py tests/transferability
METHODS = CORAL or SubspaceAlignment or JDA or FeatureAugmentation or KMM or BBSE or TrAdaBoostR2 or TransEMDT or \
	GradualSelfTraining or Shift
KIT = tests/test_conformance.py -k "not test_conformance and not thousands or test_conformance and not TwoStage and ($(METHODS))"

# The oldest releases that pyproject.toml allows, without torch.
.venv-oldest/.test: pyproject.toml .ci/oldest.txt
	test -x .venv-oldest/bin/python || $(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/python -m pip install --quiet -c .ci/oldest.txt -e . $(TOOLS)
	touch $@

TOOLS = "pytest>=8" "pytest-xdist>=3.6" "pytest-timeout>=2.3" "hypothesis>=6.100" "threadpoolctl>=3.5" \
	"numpydoc>=1.8" "mpmath>=1.3"

test-oldest: .venv-oldest/.test
	! .venv-oldest/bin/python -c "import torch" 2>/dev/null
	$(PARTS) .venv-oldest/bin/python -m pytest -q -n auto $(CORE) $(KIT)

# The built wheel, installed in an environment of its own and tested from outside the source tree.
test-wheel:
	rm -rf .venv-wheel build/wheel
	$(PYTHON) -m venv .venv-wheel
	.venv-wheel/bin/python -m pip wheel --quiet --no-deps --wheel-dir build/wheel .
	.venv-wheel/bin/python -m pip install --quiet -c constraints.txt build/wheel/*.whl $(TOOLS)
	mkdir build/wheel/checks
	cp -r tests pyproject.toml build/wheel/checks
	cd build/wheel/checks && ../../../.venv-wheel/bin/python -c "import landbridge, sys; \
		sys.exit('.venv-wheel' not in landbridge.__file__)"
	cd build/wheel/checks && $(PARTS) ../../../.venv-wheel/bin/python -m pytest -q -n auto $(CORE) $(KIT)

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

fuzz: setup-test
	$(PARTS) $(BIN)/python -m benchmarks.fuzz

guard-audit: setup-test
	$(PARTS) $(BIN)/python -m benchmarks.guard_audit --peers
	$(PARTS) $(BIN)/python -m benchmarks.guard_audit.sources

clean:
	rm -rf $(VENV) .venv-oldest .venv-wheel build dist docs/_build docs/gallery docs/api/generated .pytest_cache .mypy_cache .ruff_cache
