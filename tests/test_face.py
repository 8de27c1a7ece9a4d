"""Every name that is promised can be had, and nothing else is."""

import ast
import importlib
import pkgutil
from pathlib import Path

import pytest

import landbridge

ROOMS = [f"landbridge.{m.name}" for m in pkgutil.iter_modules(landbridge.__path__) if m.ispkg]
# The verbs are reached through the top alone, so their folder has no face of its own.
FACES = ["landbridge", *(r for r in ROOMS if r != "landbridge.verbs")]


def _order(name):
    """CONSTANTS, then Classes, then functions: the order that ruff keeps."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return kind, name


@pytest.mark.parametrize("name", FACES)
def test_all_is_sorted_without_repeats(name):
    promised = importlib.import_module(name).__all__
    assert len(set(promised)) == len(promised)
    assert list(promised) == sorted(promised, key=_order)


@pytest.mark.parametrize("name", FACES)
def test_every_promise_can_be_had(name):
    package = importlib.import_module(name)
    for promised in package.__all__:
        assert not promised.startswith("_")
        assert getattr(package, promised) is not None
        assert promised in dir(package)


@pytest.mark.parametrize("name", FACES)
def test_a_face_promises_all_it_imports_and_nothing_else(name):
    package = importlib.import_module(name)
    tree = ast.parse(Path(package.__file__).read_text(encoding="utf-8"))
    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("landbridge")
        for alias in node.names
    }
    rooms = set(package._PACKAGES) if name == "landbridge" else set()
    assert imported | rooms == set(package.__all__)


@pytest.mark.parametrize("name", FACES)
def test_what_is_promised_is_promised_where_it_is_defined(name):
    package = importlib.import_module(name)
    for promised in package.__all__:
        home = getattr(getattr(package, promised), "__module__", None)
        if home is not None and home.startswith("landbridge."):
            assert promised in importlib.import_module(home).__all__, f"{home} does not list {promised}"


def test_the_top_names_every_room():
    hidden = {"base", "binding", "cli", "domain", "measurement", "pipeline", "verbs"}
    hidden |= {"candidates", "fitted_models", "presentation", "problem", "processes", "runner", "trusted"}
    there = {m.name for m in pkgutil.iter_modules(landbridge.__path__) if not m.name.startswith("_")}
    assert set(landbridge._PACKAGES) == there - hidden
    assert landbridge._PACKAGES == tuple(sorted(landbridge._PACKAGES))


def test_the_lazy_names_of_the_top_are_those_of_their_files():
    for name, home in landbridge._NAMES.items():
        assert getattr(landbridge, name) is getattr(importlib.import_module(home), name)
    assert set(landbridge._NAMES) | set(landbridge._PACKAGES) == set(landbridge.__all__)


def test_verbs_stay_functions_whatever_is_imported_after_them():
    assert callable(landbridge.measure) and callable(landbridge.transfer)
    importlib.import_module("landbridge.verbs._measure")
    importlib.import_module("landbridge.verbs._transfer")
    assert callable(landbridge.measure) and callable(landbridge.transfer)


@pytest.mark.parametrize("package", [landbridge, landbridge.data], ids=lambda p: p.__name__)
def test_unknown_names_raise(package):
    with pytest.raises(AttributeError, match="no attribute 'rankk'"):
        package.rankk  # noqa: B018


def test_the_version_is_that_of_the_package():
    from importlib.metadata import version

    assert landbridge.__version__ == version("landbridge")
