"""The page of the interface lists every public class and function once."""

import importlib
import inspect
import re
from pathlib import Path

import pytest

import landbridge

PAGE = Path(landbridge.__file__).parents[2] / "docs" / "api.rst"


def _listed():
    parts = re.split(r"(?m)^\.\. currentmodule:: (\S+)$", PAGE.read_text(encoding="utf-8"))
    for module, body in zip(parts[1::2], parts[2::2], strict=True):
        if module.startswith("landbridge.neural"):
            pytest.importorskip("torch")
        yield importlib.import_module(module), re.findall(r"(?m)^   ([A-Za-z_]\w*)$", body)


@pytest.mark.skipif(not PAGE.exists(), reason="not a checkout")
def test_every_public_class_and_function_is_on_the_page():
    listed = list(_listed())
    gone = [f"{module.__name__}.{name}" for module, names in listed for name in names if not hasattr(module, name)]
    assert not gone
    there = {id(getattr(module, name)) for module, names in listed for name in names}
    missing = [
        f"{module.__name__}.{name}"
        for module, _ in listed
        for name in module.__all__
        if (inspect.isclass(thing := getattr(module, name)) or inspect.isfunction(thing)) and id(thing) not in there
    ]
    assert not missing
