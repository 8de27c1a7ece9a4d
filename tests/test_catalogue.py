import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import landbridge
from landbridge.base import TransferEstimator
from landbridge.catalogue import FAMILIES, Method, entries, find, methods
from landbridge.exceptions import InputError

ROOT = Path(landbridge.__file__).parent


def test_it_finds_every_estimator_that_a_face_promises():
    promised = set()
    for family in FAMILIES:
        if not (ROOT / family / "__init__.py").exists():
            continue
        package = importlib.import_module(f"landbridge.{family}")
        promised |= {
            n for n in package.__all__ if inspect.isclass(c := getattr(package, n)) and issubclass(c, TransferEstimator)
        }
    assert {m.name for m in methods()} == promised


def test_names_are_unique_and_sorted_within_a_family():
    names = [m.name for m in methods()]
    assert len(set(names)) == len(names)
    order = [(FAMILIES.index(m.family), m.name) for m in methods()]
    assert order == sorted(order)


def test_the_families_together_are_everything():
    assert [m for f in FAMILIES for m in methods(f)] == methods()


def test_filters_agree_with_the_tags():
    every = methods()
    assert methods(task="regression") == [m for m in every if "regression" in m.tags.tasks]
    assert methods("instance", shift="label") == [
        m for m in every if m.family == "instance" and "label" in m.tags.shifts
    ]
    assert 0 < len(methods(task="regression")) < len(every)


def test_an_unknown_family_names_those_there_are():
    with pytest.raises(InputError, match=r"family must be one of instance, feature.*'features'"):
        methods("features")


@pytest.mark.parametrize("name", ["CORAL", "coral", "tr-ada-boost", "subspace_alignment", "Subspace Alignment"])
def test_find_does_not_mind_case_or_hyphens(name):
    assert isinstance(found := find(name), Method)
    assert found.name.lower() == "".join(c for c in name.lower() if c.isalnum())


def test_find_names_the_nearest():
    with pytest.raises(InputError, match=r"no method 'corall'; did you mean CORAL"):
        find("corall")


def test_a_method_is_available_when_its_libraries_are(monkeypatch):
    method = next(m for m in methods() if m.tags.requires)
    assert method.available
    monkeypatch.setattr("landbridge.catalogue.importlib.util.find_spec", lambda name: None)
    assert not method.available
    assert find("DomainScaler").available  # requires nothing


def test_summaries_are_one_sentence():
    for method in methods():
        assert method.summary.endswith(".") and len(method.summary) < 120, method.name


def test_entries_are_every_method_with_its_tags():
    found = entries()
    assert {m.name for m in methods()} <= {e.name for e in found}
    assert len({e.name for e in found}) == len(found) > 110
    families = list(dict.fromkeys(e.family for e in found))
    assert families[: len(FAMILIES)] == list(FAMILIES)
    others = {"few-shot", "multitask", "progressive", "self-taught", "zero-shot"}
    assert others | {"network feature", "network instance", "network parameter"} == {*families[len(FAMILIES) :]}
    for entry in found:
        assert entry.summary.endswith("."), entry.name
        assert entry.tags.tasks and entry.tags.needs <= entry.tags.reads, entry.name
        if entry.available:
            assert entry.cls.__name__ == entry.name and entry.cls.__module__ == entry.module
            tags = getattr(entry.cls, "method_tags", None) or entry.cls.transfer_tags
            assert tags == entry.tags, entry.name
    assert entries("zero-shot") == [e for e in found if e.family == "zero-shot"]


def test_entries_are_listed_and_explained_without_importing_torch():
    code = (
        "import sys\n"
        "from landbridge.catalogue import entries\n"
        "from landbridge.cli._method_pages import find_page\n"
        "print(len(entries()), find_page('dann').parameters[0].name, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(len(entries())), "strength", "False"]


def test_listing_needs_no_optional_library():
    code = (
        "import sys\n"
        "for name in ('ot', 'duckdb', 'matplotlib'): sys.modules[name] = None\n"
        "from landbridge.catalogue import methods; print(len(methods()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == len(methods())
