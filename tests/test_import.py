"""Importing the package costs little: nothing heavy is loaded before it is used."""

import subprocess
import sys

import pytest

HEAVY = {"torch", "matplotlib", "ot", "duckdb", "pyarrow", "jinja2", "typer", "rich", "skops", "dask", "PIL"}


def _modules_after(statement):
    code = f"import sys\n{statement}\nprint(' '.join(sorted({{m.split('.')[0] for m in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.fixture(scope="module")
def ground():
    """What scikit-learn's own base loads; its pandas brings pyarrow along where that is installed."""
    return _modules_after("import sklearn.base")


@pytest.fixture(scope="module")
def learners():
    """What scikit-learn's own learners drag in (through pandas, say) is not ours to mend."""
    return _modules_after("import sklearn.linear_model, sklearn.pipeline")


def _third_party(modules):
    return {m for m in modules if m not in sys.stdlib_module_names and not m.startswith("_")} - {"landbridge"}


def test_importing_loads_nothing_that_scikit_learn_has_not(ground):
    ours = _modules_after("import landbridge")
    assert not _third_party(ours - ground)
    assert not ours & (HEAVY - ground)


def test_the_import_loads_no_room():
    code = "import sys, landbridge; print(*sorted(m for m in sys.modules if m.startswith('landbridge')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["landbridge"]


@pytest.mark.parametrize(
    "statement",
    [
        "import landbridge; landbridge.make_pipeline; landbridge.with_target; landbridge.Domain([[1.0]])",
        "from landbridge import measure, transfer",
        "from landbridge.catalogue import methods; methods()",
    ],
)
def test_heavy_libraries_wait_until_they_are_needed(statement, learners):
    assert not _modules_after(statement) & (HEAVY - learners)
