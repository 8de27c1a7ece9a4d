"""The page of methods is what the tags of the catalogue say."""

import importlib.util
from pathlib import Path

import pytest

import landbridge
from landbridge.catalogue import entries

DOCS = Path(landbridge.__file__).parents[2] / "docs"


@pytest.mark.skipif(not (DOCS / "methods.md").exists(), reason="not a checkout")
def test_the_page_is_up_to_date_and_lists_every_method():
    spec = importlib.util.spec_from_file_location("make_methods", DOCS / "make_methods.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    page = (DOCS / "methods.md").read_text(encoding="utf-8")
    assert page == made.page(), "run python docs/make_methods.py"
    assert all(f"| `{e.name}` |" in page for e in entries())
