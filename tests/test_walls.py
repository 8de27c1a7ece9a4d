"""The walls between rooms: imports point downwards, and nobody imports a face that contains him."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import landbridge

SOURCE = Path(landbridge.__file__).parent
ROOT = SOURCE.parents[1]
FILES = sorted(SOURCE.rglob("*.py"))


def _lint(folder):
    tool = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([str(tool), "--no-cache"], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def checkout():
    pytest.importorskip("importlinter", reason="import-linter is not installed")
    if not (ROOT / "pyproject.toml").exists():
        pytest.skip("not a checkout: the contracts are in pyproject.toml")
    return ROOT


def test_contracts_hold(checkout):
    done = _lint(checkout)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("numerics/covariance.py", "import landbridge.domain"),  # upwards
        ("feature/_coral.py", "import landbridge.instance._kmm"),  # a neighbour
        ("guard/_decide.py", "def f():\n    import landbridge.verbs._plan"),  # upwards, hidden in a function
        ("feature/_coral.py", "import torch"),
        ("attic.py", ""),  # a file without a place in the order
    ],
)
def test_contracts_catch_what_they_should(checkout, tmp_path, monkeypatch, file, line):
    shutil.copy(checkout / "pyproject.toml", tmp_path)
    copy = tmp_path / "landbridge"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert _lint(tmp_path).returncode == 0
    with (copy / file).open("a", encoding="utf-8") as out:
        out.write(f"\n{line}\n")
    done = _lint(tmp_path)
    assert done.returncode != 0 and "BROKEN" in done.stdout, done.stdout + done.stderr


def _imported(file):
    """Modules that a file imports from, wherever in the file; relative ones start with a dot."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_nobody_imports_a_face_that_contains_him():
    guilty = []
    for file in FILES:
        parts = ("landbridge", *file.relative_to(SOURCE).parts[:-1])
        # A face itself is contained in those above it only.
        deepest = len(parts) - (file.name == "__init__.py")
        faces = {".".join(parts[:i]) for i in range(1, deepest + 1)}
        guilty += [f"{file.relative_to(SOURCE)} imports {name}" for name in _imported(file) if name in faces]
    assert not guilty


def test_imports_are_absolute():
    guilty = [str(f.relative_to(SOURCE)) for f in FILES if any(name.startswith(".") for name in _imported(f))]
    assert not guilty


def test_no_file_is_longer_than_can_be_read():
    sizes = {str(f.relative_to(SOURCE)): len(f.read_text(encoding="utf-8").splitlines()) for f in FILES}
    assert not {name: n for name, n in sizes.items() if n > 600}
