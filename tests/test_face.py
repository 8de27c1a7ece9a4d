"""Every name that is promised can be had, and nothing else is."""

import importlib
import pkgutil
import subprocess
import sys

import pytest

import landbridge

PACKAGES = ["landbridge"] + [
    f"landbridge.{m.name}" for m in pkgutil.iter_modules(landbridge.__path__) if m.ispkg and m.name != "verbs"
]


@pytest.mark.parametrize("name", PACKAGES)
def test_all_is_sorted_and_importable(name):
    package = importlib.import_module(name)
    assert len(set(package.__all__)) == len(package.__all__)
    upper = sorted(n for n in package.__all__ if n[:1].isupper())
    assert [n for n in package.__all__ if n[:1].isupper()] in (upper, sorted(upper, key=lambda n: (not n.isupper(), n)))
    for promised in package.__all__:
        assert getattr(package, promised) is not None
        assert promised in dir(package)


def test_verbs_are_functions_not_packages():
    assert callable(landbridge.measure) and callable(landbridge.transfer)
    importlib.import_module("landbridge.verbs._measure")
    assert callable(landbridge.measure)


def test_unknown_names_raise():
    with pytest.raises(AttributeError, match="no attribute 'rankk'"):
        landbridge.rankk  # noqa: B018


def _modules_after(statement):
    code = f"import sys; {statement}; print(' '.join(sorted({{m.split('.')[0] for m in sys.modules}})))"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_importing_is_light():
    ours = _modules_after("import landbridge")
    assert not ours & {"torch", "matplotlib", "ot", "duckdb", "pyarrow", "jinja2", "typer", "rich", "skops"}
    heavy = ours - _modules_after("import sklearn.base") - {"landbridge"}
    assert not {m for m in heavy if m not in sys.stdlib_module_names and not m.startswith("_")}


def test_the_core_stays_light_in_use():
    used = _modules_after(
        "import landbridge; landbridge.make_pipeline; landbridge.with_target; landbridge.Domain([[1.0]])"
    )
    # pandas, which scikit-learn loads by itself, brings pyarrow where it is installed
    used -= _modules_after("import sklearn.base")
    assert not used & {"torch", "matplotlib", "ot", "duckdb", "pyarrow"}
